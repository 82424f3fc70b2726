"""Settings of the node agents, and every way to get them wrong."""

import pytest

from scheduler.domain.errors import SettingsError
from scheduler.service.agent_settings import AgentSettings
from scheduler.service.settings import parse_settings

HEAD = "apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\n"
TLS = "tlsCertificatePath: /a.crt, tlsKeyPath: /a.key"


def agents(text: str) -> AgentSettings:
    return parse_settings(f"{HEAD}telemetry: {{agents: {{{text}}}}}\n", "s.yaml").telemetry.agents


def test_agents_are_off_unless_wanted() -> None:
    assert agents("") == AgentSettings()
    assert not agents("").enabled


def test_a_name_of_an_account_is_the_user_the_api_server_names() -> None:
    found = agents("serviceAccount: edge/probe.v2, podLabel: example.net/app=probe-2")

    assert found.account == "system:serviceaccount:edge:probe.v2"
    assert found.namespace == "edge"
    assert found.labels == {"example.net/app": "probe-2"}


@pytest.mark.parametrize("text", [TLS, "insecure: true"])
def test_reports_are_taken_over_tls_or_where_it_is_said_without(text: str) -> None:
    assert agents(f"enabled: true, {text}").enabled


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("enabled: true", ["tlsCertificatePath", "in the clear", "insecure: true", "make-agent"]),
        ("tlsKeyPath: /a.key", ["tlsCertificatePath", "is empty, and tlsKeyPath is not"]),
        ("tlsCertificatePath: /a", ["tlsKeyPath", "give both"]),
        (f"insecure: true, {TLS}", ["insecure", "leave one of them out"]),
        ("port: 70000", ["port"]),
        ("port: -1", ["port"]),
        ("audience: ''", ["audience"]),
        ("serviceAccount: agent", ["serviceAccount"]),
        ("serviceAccount: a/b/c", ["serviceAccount"]),
        ("serviceAccount: 'kube-system/Agent'", ["serviceAccount"]),
        ("podLabel: agent", ["podLabel"]),
        ("podLabel: 'app='", ["podLabel"]),
        ("podLabel: 'app=a,b=c'", ["podLabel"]),
        ('podLabel: "app=a\\n"', ["podLabel"]),
        ("reportSeconds: 0", ["reportSeconds"]),
        ("probesPerSecond: 0", ["probesPerSecond"]),
        ("urgentProbesPerSecond: .inf", ["urgentProbesPerSecond"]),
        ("maxAgeSeconds: -1", ["maxAgeSeconds"]),
        ("maxAge: 1", ["did you mean maxAgeSeconds?"]),
    ],
    ids=range(19),
)
def test_what_cannot_be_is_refused_by_its_key(text: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        agents(text)

    for word in ("s.yaml: telemetry.agents", *words):
        assert word in str(caught.value)
