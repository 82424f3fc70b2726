"""The agent's command line."""

import pytest

from telemetry.agent import flags
from telemetry.agent.config import ConfigError
from telemetry.agent.flags import DaemonConfig, parse
from telemetry.agent.once import OnceConfig
from telemetry.agent.wire import ECHO_PORT, METHODS, node_key

RIGHT = ["--node", "edge-1", "--scheduler", "http://isochrone:10252"]


def _daemon(*arguments: str, **environment: str) -> DaemonConfig:
    parsed = parse(arguments, environment)
    assert isinstance(parsed, DaemonConfig)
    return parsed


def test_node_and_scheduler_are_enough() -> None:
    measuring, reporting = _daemon(*RIGHT)

    assert measuring.key == node_key("edge-1")
    assert (measuring.pps, measuring.urgent_pps) == (10.0, 1000.0)
    assert (measuring.listen_port, measuring.echo_port) == (ECHO_PORT, ECHO_PORT)
    assert reporting.node == "edge-1"
    assert [url.text for url in reporting.schedulers] == ["http://isochrone:10252"]


def test_the_nodes_name_comes_from_the_environment_unless_it_is_given() -> None:
    assert _daemon(*RIGHT[2:], NODE_NAME="edge-2").reporting.node == "edge-2"
    assert _daemon(*RIGHT, NODE_NAME="edge-2").reporting.node == "edge-1"


def test_values_may_stand_behind_an_equals_sign_and_schedulers_may_be_many() -> None:
    _, reporting = _daemon("--node=edge-1", "--scheduler=http://a", "--scheduler", "http://b:1")

    assert [url.text for url in reporting.schedulers] == ["http://a:10252", "http://b:1"]


def test_everything_given_arrives() -> None:
    measuring, reporting = _daemon(
        *("--node", "n", "--scheduler", "https://a", "--ca-file", "ca", "--token-file", "t"),
        *("--pps", "2.5", "--max-pps", "50", "--listen-port", "7000"),
    )

    assert (measuring.pps, measuring.urgent_pps) == (2.5, 50.0)
    assert (measuring.listen_port, measuring.echo_port) == (7000, 7000)
    assert (reporting.ca_path, reporting.token_path, reporting.max_pps) == ("ca", "t", 50.0)


def test_an_agent_that_listens_anywhere_expects_others_where_they_listen_by_default() -> None:
    measuring, _ = _daemon(*RIGHT, "--listen-port", "0")

    assert (measuring.listen_port, measuring.echo_port) == (0, ECHO_PORT)


def test_a_measurement_by_hand() -> None:
    plain = parse(["--once", "--target", "10.0.0.1"], {})
    full = parse(["--target=x", "--once", "--count=3", "--method=udp", "--port=9"], {})

    assert plain == OnceConfig("10.0.0.1", 10, "", ECHO_PORT)
    assert full == OnceConfig("x", 3, "udp", 9)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "no name; give --node"),
        (["--node", "a"], "no scheduler to report to; give --scheduler"),
        (["--node"], "--node needs a value: --node NAME"),
        (["--node", "--scheduler"], "--node needs a value"),
        (["--node="], "--node needs a value"),
        (["stray"], "there is no flag 'stray'"),
        (["--verbose"], "there is no flag '--verbose'"),
        ([*RIGHT, "--once=yes"], "--once takes no value"),
        (["--node", "a", "--scheduler", "ftp://b"], "'ftp://b' is not a scheduler's URL"),
        (["--node", "a", "--scheduler", "https://b"], "give --ca-file"),
        ([*RIGHT, "--pps", "nan"], "--pps 'nan' is not a number of packets a second"),
        ([*RIGHT, "--pps", "0"], "--pps '0' is not a number of packets a second, 0.1 to 100000"),
        ([*RIGHT, "--pps", "20", "--max-pps", "10"], "--pps 20 is more than --max-pps 10"),
        ([*RIGHT, "--listen-port", "65536"], "'65536' is not a number from 0 to 65535"),
        ([*RIGHT, "--target", "x"], "--target is for --once"),
        (["--once"], "give --target ADDRESS"),
        (["--once", "--target", "x", "--pps", "3"], "--pps has no meaning with --once"),
        (["--once", "--target", "x", "--count", "0"], "'0' is not a number from 1 to 10000"),
        (["--once", "--target", "x", "--count", "1" * 5000], "is not a number from 1 to"),
        (["--once", "--target", "x", "--count", "\u0663"], "is not a number from 1 to"),
        (["--once", "--target", "x", "--method", "arp"], "'arp' is none of icmp, udp, tcp"),
    ],
)
def test_a_mistake_is_said_in_a_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(arguments, {})

    assert sentence in str(raised.value)


def test_help_names_every_flag_and_mistakes_end_with_status_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as helped:
        flags.read(["--help"])
    assert helped.value.code == 0
    said = capsys.readouterr().out
    for name in ("--node", "--scheduler", "--once", "--target", "--pps", *METHODS):
        assert name in said

    with pytest.raises(SystemExit) as refused:
        flags.read(["--nodes"])
    assert refused.value.code == 2
    assert capsys.readouterr().err == "there is no flag '--nodes'; see --help\n"
