"""Which answer belongs to which packet, and what a burst says in the end."""

import pytest

from telemetry.agent.addresses import Address, parse
from telemetry.agent.burst import Burst
from telemetry.agent.open_burst import NUMBERS, Echo, Echoes, OpenBurst
from telemetry.agent.wire import LOST_US
from tests.hand_loop import HandLoop, PaperNetwork

HERE = parse("10.0.0.7")


def _burst(address: Address = HERE, count: int = 3) -> OpenBurst:
    loop = HandLoop()
    prober = PaperNetwork(loop, {}).open(loop, 1, address.family, 0)
    loop.close()
    return OpenBurst(99, address, prober, 5.0, count)


def _result(*rtts_us: int, sent: int = 3) -> Burst:
    burst = _burst(count=sent)
    for _ in range(sent):
        burst.send()
    for rtt_us in rtts_us:
        burst.answer(rtt_us)
    return burst.result()


def _add(echoes: Echoes, burst: OpenBurst, place: int = 0) -> int:
    number = echoes.number()
    assert number is not None
    echoes.add(number, burst, place)
    return number


def _take(echoes: Echoes, number: int, burst: OpenBurst, place: int = 0) -> Echo | None:
    return echoes.take(number, burst.nonce, place, burst.address.host)


def test_a_burst_says_median_and_least_of_what_was_answered() -> None:
    assert _result(300, 100, 200) == Burst(99, 200, 100, 3, 0, 1, 5.0)


def test_of_two_answers_the_larger_is_the_median_never_a_shorter_distance() -> None:
    assert _result(100, 250)[:5] == (99, 250, 100, 3, 1)


def test_a_burst_lost_whole_is_lost_and_no_distance() -> None:
    assert _result()[:5] == (99, LOST_US, LOST_US, 3, 3)


def test_an_answer_later_than_a_second_is_a_loss_and_no_value() -> None:
    assert _result(1_000_001, 400)[:5] == (99, 400, 400, 3, 2)


def test_a_distance_is_never_nothing() -> None:
    assert _result(0, 0, 0).rtt_us == 1


def test_a_burst_tells_when_all_is_answered() -> None:
    burst = _burst()
    ended: list[OpenBurst] = []
    burst.ended = ended.append
    for _ in range(3):
        burst.send()

    burst.answer(5)
    burst.answer(5)
    assert ended == []
    burst.answer(5)

    assert ended == [burst]


def test_an_answer_is_taken_once() -> None:
    echoes, burst = Echoes(), _burst()
    number = _add(echoes, burst)

    assert _take(echoes, number, burst) is not None
    assert _take(echoes, number, burst) is None


def test_an_answer_to_a_burst_that_is_over_is_not_taken() -> None:
    echoes, burst = Echoes(), _burst()
    number = _add(echoes, burst)

    echoes.forget(burst)

    assert _take(echoes, number, burst) is None


@pytest.mark.parametrize("strange", ["nonce", "place", "number", "host"])
def test_an_answer_with_anything_wrong_is_not_taken_and_the_right_one_still_is(
    strange: str,
) -> None:
    echoes, burst = Echoes(), _burst()
    number = _add(echoes, burst)

    wrong = echoes.take(
        number + (strange == "number"),
        bytes(8) if strange == "nonce" else burst.nonce,
        1 if strange == "place" else 0,
        "10.0.0.8" if strange == "host" else burst.address.host,
    )

    assert wrong is None
    assert _take(echoes, number, burst) is not None


def test_numbers_wrap_and_pass_over_those_still_out() -> None:
    echoes, waiting, others = Echoes(), _burst(), _burst()
    kept = [_add(echoes, waiting, place) for place in range(3)]

    seen = []
    for _ in range(2 * NUMBERS):
        number = _add(echoes, others)
        seen.append(number)
        assert _take(echoes, number, others) is not None

    assert kept == [0, 1, 2]
    assert seen[:NUMBERS] == [*range(3, NUMBERS), 3, 4, 5]
    assert not set(seen) & set(kept)
    assert _take(echoes, 1, waiting, 1) is not None


def test_a_late_answer_does_not_pass_for_the_packet_that_has_its_number_now() -> None:
    echoes, late, new = Echoes(), _burst(), _burst()
    number = _add(echoes, late)
    echoes.forget(late)
    for _ in range(NUMBERS - 1):
        other = _burst()
        _take(echoes, _add(echoes, other), other)

    assert _add(echoes, new) == number

    assert _take(echoes, number, late) is None
    assert _take(echoes, number, new) is not None


def test_with_all_numbers_out_there_is_none_to_be_had() -> None:
    echoes, burst = Echoes(), _burst()
    for _ in range(NUMBERS):
        _add(echoes, burst)

    assert echoes.number() is None
    echoes.forget(burst)
    assert echoes.number() is not None


def test_an_answer_of_an_address_of_a_link_is_told_with_its_link() -> None:
    echoes, burst = Echoes(), _burst(parse("fe80::1"))
    number = _add(echoes, burst)

    assert echoes.take(number, burst.nonce, 0, "fe80::1%eth0") is not None
