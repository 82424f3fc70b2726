"""Which proxy is on the way to the API server: as Go's httpproxy, and so kubectl, reads it."""

import pytest

from scheduler.domain.errors import InputError
from scheduler.kube.proxy import environment_proxy

PROXY = "http://proxy.example:3128"


def proxy(server: str, no_proxy: str = "") -> str | None:
    return environment_proxy(server, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy})


@pytest.mark.parametrize(
    ("server", "no_proxy"),
    [
        ("https://10.96.0.1", "10.0.0.0/8"),
        ("https://10.96.0.1:6443", "192.168.0.0/16, 10.96.0.0/12"),
        ("https://[fd00::7]:6443", "fd00::/8"),
        ("https://10.96.0.1", "10.96.0.1"),
        ("https://10.96.0.1:6443", "10.96.0.1:6443"),
        ("https://[fd00::7]:6443", "[fd00::7]:6443"),
        ("https://[fd00::7]:6443", "fd00:0::7"),
        ("https://api.example.com", "example.com"),
        ("https://example.com", "example.com"),
        ("https://API.Example.com", "EXAMPLE.COM"),
        ("https://api.example.com", ".example.com"),
        ("https://api.example.com", "*.example.com"),
        ("https://api.example.com", "api.example.com:443"),
        ("https://api.example.com", "*"),
    ],
)
def test_a_server_that_no_proxy_means_is_asked_directly(server: str, no_proxy: str) -> None:
    assert proxy(server) == PROXY
    assert proxy(server, no_proxy) is None


@pytest.mark.parametrize(
    ("server", "no_proxy"),
    [
        ("https://11.0.0.1", "10.0.0.0/8"),
        ("https://10.96.0.1:6443", "10.96.0.1:443"),
        ("https://example.com", ".example.com"),
        ("https://example.com", "*.example.com"),
        ("https://notexample.com", "example.com"),
        ("https://api.example.com:6443", "api.example.com:443"),
        ("https://api.example.com", "10.0.0.0/8"),
        ("https://10.96.0.1", "0.1"),
        ("https://10.96.0.1", "no/cidr, :80, ,"),
    ],
)
def test_a_server_that_no_proxy_does_not_mean_is_asked_through_it(
    server: str, no_proxy: str
) -> None:
    assert proxy(server, no_proxy) == PROXY


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "[::1]"])
def test_this_machine_is_never_asked_through_a_proxy(host: str) -> None:
    assert proxy(f"https://{host}:6443") is None


def test_each_scheme_has_its_own_proxy_and_small_letters_do() -> None:
    environment = {"http_proxy": "plain.example:8080", "https_proxy": PROXY}

    assert environment_proxy("http://far.example", environment) == "http://plain.example:8080"
    assert environment_proxy("https://far.example", environment) == PROXY


@pytest.mark.parametrize("bad", ["socks5://proxy.example:1080", "http://", "http://a:99999"])
def test_a_proxy_that_cannot_be_used_is_refused_with_what_would_do(bad: str) -> None:
    with pytest.raises(InputError, match=r"HTTPS_PROXY: .*http://HOST:PORT"):
        environment_proxy("https://far.example", {"HTTPS_PROXY": bad})
