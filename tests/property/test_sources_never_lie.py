"""Whatever a source answers: readings or a `SourceError`, and a failure is never a number."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from telemetry.errors import SourceError
from telemetry.model import MAX_RTT_US, UNKNOWN_US
from telemetry.readings import HTTP_FLOOR_US, Outcome, PairReading, Timed
from telemetry.sources.goldpinger import read_check, read_check_all
from telemetry.sources.goldpingermetrics import mean_readings, read_page
from telemetry.sources.pinging import Pinging, halved
from telemetry.sources.presets import LabelRule, Preset
from telemetry.sources.prometheus import read_vector

NODE_OF = {"192.0.2.11": "a", "192.0.2.12": "b", "a": "a", "b": "b"}
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


TIMES = st.sampled_from(
    ["2026-11-22T12:34:13.565Z", "2026-11-22T12:30:00+14:00", "0001-01-01T00:00:00Z", "soon", ""]
)
PINGS = st.fixed_dictionaries(
    {},
    optional={
        "HostIP": st.sampled_from(["192.0.2.11", "192.0.2.12", "192.0.2.99", ""]),
        "OK": st.booleans(),
        "PingTime": TIMES,
        "response-time-ms": st.integers(-1, 700_000) | LEAVES,
    },
)
CHECKS = st.fixed_dictionaries(
    {"podResults": st.dictionaries(st.text(max_size=3), PINGS, max_size=4)}
)
ANSWERS = st.fixed_dictionaries(
    {"HostIP": st.sampled_from(["192.0.2.11", "192.0.2.99"]), "OK": st.booleans()},
    optional={"response": CHECKS},
)
CHECKS_OF_ALL = st.fixed_dictionaries(
    {"responses": st.dictionaries(st.text(max_size=3), ANSWERS, max_size=3)}
)
BODIES = (
    st.binary(max_size=60)
    | (JSON | CHECKS | CHECKS_OF_ALL).map(lambda tree: json.dumps(tree).encode())
    | CHECKS.map(lambda tree: json.dumps(tree).encode()[:-3])
)
PINGINGS = st.builds(
    Pinging, st.none() | st.floats(0.1, 1e6), st.floats(0, 9), st.integers(1, MAX_RTT_US)
)


def is_honest(pair: PairReading) -> bool:
    """Tell whether a reading has a number exactly when it was measured, within its kind's reach."""
    floor_us = 1 if pair.timed is Timed.ROUND_TRIP else HTTP_FLOOR_US
    if pair.outcome is Outcome.MEASURED:
        return floor_us <= pair.rtt_us <= MAX_RTT_US
    is_bound = pair.outcome is Outcome.BELOW_RESOLUTION
    return pair.rtt_us == UNKNOWN_US and (not is_bound or pair.resolution_us >= floor_us)


@given(body=BODIES, pinging=PINGINGS)
def test_any_answer_of_goldpinger_is_read_or_refused(body: bytes, pinging: Pinging) -> None:
    pairs: list[PairReading] = []
    with suppress(SourceError):
        checked = read_check(body, measured_from="a", node_of_address=NODE_OF, pinging=pinging)
        pairs.extend(checked.readings.pairs)
    with suppress(SourceError):
        said, _ = read_check_all(body, node_of_address=NODE_OF, pinging_of=lambda _: pinging)
        pairs.extend(pair for checked in said for pair in checked.readings.pairs)

    assert all(is_honest(pair) and is_honest(halved(pair)) for pair in pairs)


@given(
    is_ok=st.booleans(),
    whole_ms=st.none() | st.integers(min_value=0, max_value=599_999),
    other=JSON,
)
def test_a_ping_of_goldpinger_has_a_number_exactly_when_it_went_well_and_took_5_ms(
    *, is_ok: bool, whole_ms: int | None, other: object
) -> None:
    result = {"HostIP": "192.0.2.12", "OK": is_ok, "response-time-ms": whole_ms, "more": other}
    body = json.dumps({"podResults": {"x": result}}).encode()

    (reading,) = read_check(body, measured_from="a", node_of_address=NODE_OF).readings.pairs

    assert (reading.outcome is Outcome.MEASURED) == (is_ok and (whole_ms or 0) >= 4)
    assert reading.outcome is not Outcome.MEASURED or reading.rtt_us > 1000 * (whole_ms or 0)


LINES = st.builds(
    'goldpinger_peers_response_time_s{}{{call_type="ping",host_ip="{}",le="{}"}} {}'.format,
    st.sampled_from(["_sum", "_count", "_bucket", ""]),
    st.sampled_from(["192.0.2.12", "192.0.2.99", "\\"]),
    st.sampled_from(["0.005", "0.25", "0.5", "+Inf", "x"]),
    st.floats(0, 1e12) | st.floats() | st.integers() | st.sampled_from(["x", "1 2", ""]),
)
ERRORS = st.integers(0, 9).map('goldpinger_errors_total{{type="ping"}} {}'.format)
PAGES = st.lists(LINES | ERRORS, max_size=9).map(lambda lines: "\n".join(lines).encode())


@given(before=PAGES, now=PAGES | st.binary(max_size=40), pinging=PINGINGS)
def test_any_page_of_goldpinger_is_read_or_refused(
    before: bytes, now: bytes, pinging: Pinging
) -> None:
    try:
        takes = read_page(now), read_page(before)
    except SourceError:
        return
    readings = mean_readings(*takes, measured_from="a", node_of_address=NODE_OF, pinging=pinging)
    assert all(is_honest(pair) for pair in readings.pairs)


PINGED_S = st.lists(st.floats(0.0051, 0.299), min_size=1, max_size=9)


@given(good_s=PINGED_S, refused_s=st.lists(st.floats(0.0001, 0.004), max_size=9), pings=st.data())
def test_refused_pings_never_bring_a_mean_below_those_that_went_well(
    good_s: list[float], refused_s: list[float], pings: st.DataObject
) -> None:
    added = pings.draw(st.permutations([*good_s, *refused_s]))
    takes = [read_page(page_of(k)) for k in ([], added)]

    (pair,) = mean_readings(
        takes[1], takes[0], measured_from="a", node_of_address=NODE_OF, pinging=Pinging(3)
    ).pairs

    mean_us = sum(good_s) / len(good_s) * 1e6
    assert pair.outcome is not Outcome.MEASURED or pair.rtt_us >= mean_us * (1 - 1e-9)


def page_of(pings_s: list[float]) -> bytes:
    """Return a page after `pings_s`, of which those below 5 ms have failed."""
    labels = 'call_type="ping",host_ip="192.0.2.12"'
    family = "goldpinger_peers_response_time_s"
    lines = [
        f"{family}_sum{{{labels}}} {sum(pings_s)!r}",
        f"{family}_count{{{labels}}} {len(pings_s)}",
    ]
    for le in ("0.005", "0.25", "+Inf"):
        count = sum(ping <= float(le) for ping in pings_s)
        lines.append(f'{family}_bucket{{{labels},le="{le}"}} {count}')
    failed = sum(ping < 0.005 for ping in pings_s)
    return "\n".join([*lines, f'goldpinger_errors_total{{type="ping"}} {failed}']).encode()


SAMPLES = st.fixed_dictionaries(
    {
        "metric": st.fixed_dictionaries(
            {"from": st.sampled_from(["a", "b", "c"]), "to": st.sampled_from(["a", "b", "c"])}
        ),
        "value": st.tuples(st.floats(), st.floats().map(repr) | st.text(max_size=3) | LEAVES),
    }
)
ASKED = st.builds(
    Preset,
    st.just("rtt"),
    st.just(LabelRule("from")),
    st.just(LabelRule("to")),
    kind=st.sampled_from(["icmp", "http"]),
    unit_us=st.sampled_from([1_000, 1_000_000]),
)


@given(rows=JSON | st.lists(SAMPLES, max_size=6), preset=ASKED)
def test_any_answer_of_prometheus_is_read_or_refused(rows: object, preset: Preset) -> None:
    try:
        readings = read_vector(rows, preset, node_of=NODE_OF)
    except SourceError:
        return
    assert all(is_honest(pair) for pair in readings.pairs)


@given(value=st.floats(), preset=ASKED)
def test_a_value_of_prometheus_is_never_read_as_less(value: float, preset: Preset) -> None:
    row = {"metric": {"from": "a", "to": "b"}, "value": [1.0, repr(value)]}

    (pair,) = read_vector([row], preset, node_of=NODE_OF).pairs

    is_distance = 0 < value <= MAX_RTT_US / preset.unit_us
    is_near = preset.kind == "http" and value * preset.unit_us <= HTTP_FLOOR_US - 1
    assert (pair.outcome in (Outcome.MEASURED, Outcome.BELOW_RESOLUTION)) == is_distance
    assert (pair.outcome is Outcome.MEASURED) == (is_distance and not is_near)
    bound_us = pair.rtt_us if pair.outcome is Outcome.MEASURED else pair.resolution_us
    assert not is_distance or bound_us >= value * preset.unit_us * (1 - 1e-12)
