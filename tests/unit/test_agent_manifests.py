"""The node agents' manifest agrees with the scheduler's, with the settings and with the agent."""

import base64
import os
import re
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from scheduler.service.settings import SchedulerConfiguration, parse_settings
from telemetry.agent import flags, wire
from tests.unit.test_manifests import MANIFESTS, manifest, mounts

SCRIPT = MANIFESTS / "make-agent-tls.sh"
DEFAULTS = SchedulerConfiguration().telemetry.agents


@pytest.fixture
def spec() -> dict[str, Any]:
    found: dict[str, Any] = manifest("agent.yaml", "DaemonSet")["spec"]["template"]["spec"]
    return found


@pytest.fixture
def switched_on() -> SchedulerConfiguration:
    """Give the shipped settings, the lines about agents no longer comments."""
    text = manifest("configmap.yaml", "ConfigMap")["data"]["config.yaml"]
    lines = re.sub(r"(?m)^( *)# ((?:agents|  (?:enabled|tls\w+)):.*)$", r"\1\2", text)
    # The comment stands deeper than what it comments on.
    lines = re.sub(r"(?m)^  +# .*\n", "", lines)
    return parse_settings(lines, "configmap.yaml")


def container(spec: dict[str, Any]) -> dict[str, Any]:
    (found,) = spec["containers"]
    return dict(found)


def volume(spec: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(one) for one in spec["volumes"] if one["name"] == name)


def arguments(spec: dict[str, Any], name: str) -> str:
    (found,) = [
        one.partition("=")[2] for one in container(spec)["args"] if one.startswith(f"--{name}=")
    ]
    return str(found)


def test_agents_are_who_the_scheduler_takes_reports_from(spec: dict[str, Any]) -> None:
    account = manifest("agent.yaml", "ServiceAccount")["metadata"]
    template = manifest("agent.yaml", "DaemonSet")["spec"]["template"]
    (source,) = volume(spec, "token")["projected"]["sources"]

    assert f"{account['namespace']}/{account['name']}" == DEFAULTS.service_account
    assert spec["serviceAccountName"] == account["name"]
    assert DEFAULTS.labels.items() <= template["metadata"]["labels"].items()
    assert source["serviceAccountToken"]["audience"] == DEFAULTS.audience


def test_the_token_and_the_authority_are_where_the_agent_looks_for_them(
    spec: dict[str, Any],
) -> None:
    (source,) = volume(spec, "token")["projected"]["sources"]
    folders = {one["name"]: one["mountPath"] for one in container(spec)["volumeMounts"]}

    token = f"{folders['token']}/{source['serviceAccountToken']['path']}"
    assert arguments(spec, "token-file") == token
    assert str(PurePosixPath(arguments(spec, "ca-file")).parent) == folders["ca"]


def test_no_other_token_is_mounted(spec: dict[str, Any]) -> None:
    assert spec["automountServiceAccountToken"] is False
    assert manifest("agent.yaml", "ServiceAccount")["automountServiceAccountToken"] is False


def test_the_service_leads_to_the_port_of_every_replica(spec: dict[str, Any]) -> None:
    service = manifest("agent.yaml", "Service")
    template = manifest("deployment.yaml", "Deployment")["spec"]["template"]
    (scheduler,) = template["spec"]["containers"]
    (port,) = service["spec"]["ports"]
    ports = {one["name"]: one["containerPort"] for one in scheduler["ports"]}
    name = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"

    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["selector"] == template["metadata"]["labels"]
    assert ports[port["targetPort"]] == port["port"] == DEFAULTS.port == wire.PORT
    assert arguments(spec, "scheduler") == f"https://{name}:{port['port']}"


def test_the_agent_understands_its_arguments(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (variable,) = container(spec)["env"]
    monkeypatch.setenv(variable["name"], "edge-1")

    found = flags.read(container(spec)["args"])

    assert isinstance(found, flags.DaemonConfig)
    assert found.reporting.node == "edge-1"
    assert variable["valueFrom"]["fieldRef"]["fieldPath"] == "spec.nodeName"
    assert [url.is_tls for url in found.reporting.schedulers] == [True]


def test_agents_answer_each_other_where_they_ask(spec: dict[str, Any]) -> None:
    found = {(one["containerPort"], one["protocol"]) for one in container(spec)["ports"]}

    assert found == {(wire.ECHO_PORT, "UDP"), (wire.ECHO_PORT, "TCP")}


def test_echo_is_allowed_to_the_agents_own_group_and_nothing_else_is(spec: dict[str, Any]) -> None:
    context = spec["securityContext"]

    group = context["runAsGroup"]
    assert context["sysctls"] == [
        {"name": "net.ipv4.ping_group_range", "value": f"{group} {group}"}
    ]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert container(spec)["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container(spec)["securityContext"]["readOnlyRootFilesystem"] is True


def test_an_agent_runs_on_every_node(spec: dict[str, Any]) -> None:
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert not {"nodeSelector", "affinity"} & spec.keys()


def test_the_shipped_settings_have_agents_off_and_tell_how_they_are_switched_on(
    switched_on: SchedulerConfiguration,
) -> None:
    text = manifest("configmap.yaml", "ConfigMap")["data"]["config.yaml"]
    scheduler = manifest("deployment.yaml", "Deployment")["spec"]["template"]["spec"]
    agents = switched_on.telemetry.agents

    assert not parse_settings(text, "configmap.yaml").telemetry.agents.enabled
    assert agents.enabled
    folder = mounts(scheduler)["isochrone-telemetry-tls"]
    assert agents.tls_certificate_path == f"{folder}/tls.crt"
    assert agents.tls_key_path == f"{folder}/tls.key"
    assert switched_on.telemetry.matrix.path  # what else was set is as it was


def test_the_scheduler_starts_without_the_certificate_where_no_agents_are_wanted() -> None:
    scheduler = manifest("deployment.yaml", "Deployment")["spec"]["template"]["spec"]
    (secret,) = [one["secret"] for one in scheduler["volumes"] if "secret" in one]

    assert secret == {"secretName": "isochrone-telemetry-tls", "optional": True}


def made(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own script
        [str(SCRIPT), str(folder), *more],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )


def verified(folder: Path, *more: str) -> bool:
    """Tell whether the authority vouches for the certificate, as a client looks at it."""
    command = ["openssl", "verify", "-CAfile", str(folder / "ca.crt"), "-purpose", "sslserver"]
    ended = subprocess.run(  # noqa: S603 - a fixed command
        [*command, *more, str(folder / "tls.crt")], capture_output=True, check=False, timeout=60
    )
    return ended.returncode == 0


def test_the_script_makes_what_the_manifests_mount(spec: dict[str, Any], tmp_path: Path) -> None:
    ended = made(tmp_path / "tls")
    assert ended.returncode == 0, ended.stderr

    secret, authority = yaml.safe_load_all(ended.stdout)

    scheduler = manifest("deployment.yaml", "Deployment")["spec"]["template"]["spec"]
    assert secret["metadata"]["name"] in mounts(scheduler)
    assert authority["metadata"]["name"] == volume(spec, "ca")["configMap"]["name"]
    assert PurePosixPath(arguments(spec, "ca-file")).name in authority["data"]
    for key in ("tls.crt", "tls.key"):
        assert base64.b64decode(secret["data"][key]) == (tmp_path / "tls" / key).read_bytes()
    assert authority["data"]["ca.crt"] == (tmp_path / "tls" / "ca.crt").read_text()
    assert {"--force-conflicts"} <= set(SCRIPT.read_text().split())


def test_the_certificate_is_of_the_name_that_agents_ask_for(
    spec: dict[str, Any], tmp_path: Path
) -> None:
    made(tmp_path)
    host = arguments(spec, "scheduler").removeprefix("https://").partition(":")[0]

    assert verified(tmp_path, "-verify_hostname", host)
    assert not verified(tmp_path, "-verify_hostname", "elsewhere.example.net")


def test_run_again_it_renews_the_certificate_and_keeps_the_authority(tmp_path: Path) -> None:
    made(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made(tmp_path).returncode == 0
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert sorted(after) == ["ca.crt", "ca.key", "tls.crt", "tls.key"]
    assert {name for name in after if after[name] != before[name]} == {"tls.crt", "tls.key"}
    assert verified(tmp_path)


def test_keys_are_nobody_elses(tmp_path: Path) -> None:
    made(tmp_path / "tls")

    for name in ("ca.key", "tls.key"):
        assert (tmp_path / "tls" / name).stat().st_mode & 0o077 == 0


def test_an_authority_that_does_not_fit_its_key_is_refused_and_nothing_replaced(
    tmp_path: Path,
) -> None:
    made(tmp_path / "a")
    made(tmp_path / "b")
    (tmp_path / "a" / "ca.crt").write_bytes((tmp_path / "b" / "ca.crt").read_bytes())
    before = (tmp_path / "a" / "tls.crt").read_bytes()

    ended = made(tmp_path / "a")

    assert ended.returncode == 2
    assert "make-agent-tls.sh: " in ended.stderr
    assert (tmp_path / "a" / "tls.crt").read_bytes() == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--colour"], "there is no option --colour"),
        (["b"], "give one folder"),
        (["--namespace"], "--namespace needs a value"),
    ],
    ids=range(3),
)
def test_a_wrong_option_is_one_sentence(tmp_path: Path, given: list[str], said: str) -> None:
    ended = made(tmp_path, *given)

    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert said in line
