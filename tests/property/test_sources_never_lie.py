"""Whatever a source answers: readings or a `SourceError`, and a failure is never a number."""

import json
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from telemetry.errors import SourceError
from telemetry.model import MAX_RTT_US
from telemetry.readings import Outcome
from telemetry.sources.goldpinger import read_check, read_check_all
from telemetry.sources.presets import LabelRule, Preset
from telemetry.sources.prometheus import read_vector

NODE_OF = {"192.0.2.11": "a", "192.0.2.12": "b", "a": "a", "b": "b"}
PRESET = Preset("rtt", LabelRule("from"), LabelRule("to"))
KEYS = st.sampled_from(
    ["podResults", "responses", "response", "HostIP", "OK", "response-time-ms", "metric", "value"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(
    LEAVES | st.sampled_from(sorted(NODE_OF)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(body=st.binary(max_size=60) | JSON.map(lambda tree: json.dumps(tree).encode()))
def test_any_answer_of_goldpinger_is_read_or_refused(body: bytes) -> None:
    for read in (partial(read_check, measured_from="a"), read_check_all):
        try:
            readings = read(body, node_of_address=NODE_OF)
        except SourceError:
            continue
        assert all(pair.rtt_us <= MAX_RTT_US for pair in readings.pairs)


@given(
    is_ok=st.booleans(),
    whole_ms=st.none() | st.integers(min_value=0, max_value=599_999),
    other=JSON,
)
def test_a_ping_of_goldpinger_has_a_number_exactly_when_it_went_well_and_took_a_millisecond(
    *, is_ok: bool, whole_ms: int | None, other: object
) -> None:
    result = {"HostIP": "192.0.2.12", "OK": is_ok, "response-time-ms": whole_ms, "more": other}
    body = json.dumps({"podResults": {"x": result}}).encode()

    (reading,) = read_check(body, measured_from="a", node_of_address=NODE_OF).pairs

    assert (reading.outcome is Outcome.MEASURED) == (is_ok and bool(whole_ms))


@given(rows=JSON)
def test_any_answer_of_prometheus_is_read_or_refused(rows: object) -> None:
    try:
        readings = read_vector(rows, PRESET, node_of=NODE_OF)
    except SourceError:
        return
    assert all(pair.rtt_us <= MAX_RTT_US for pair in readings.pairs)


@given(seconds=st.floats())
def test_a_value_of_prometheus_is_never_read_as_less(seconds: float) -> None:
    row = {"metric": {"from": "a", "to": "b"}, "value": [1.0, repr(seconds)]}

    (reading,) = read_vector([row], PRESET, node_of=NODE_OF).pairs

    is_distance = 0 < seconds <= MAX_RTT_US / 1e6
    assert (reading.outcome is Outcome.MEASURED) == is_distance
    assert not is_distance or reading.rtt_us >= seconds * 1e6 * (1 - 1e-12)
