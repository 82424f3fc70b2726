"""Settings of exporters that others run: Goldpinger, and what a Prometheus knows."""

import re
from typing import Annotated, Literal

import msgspec

from telemetry.sources.presets import LOOKBACK_S, PRESETS

_DAY_S = 86_400
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=_DAY_S)]
_WholeSeconds = Annotated[int, msgspec.Meta(ge=1, le=_DAY_S)]
_URL = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[^/\s?#@\[\]:]+)(:[0-9]{1,5})?(/[^\s?#]*)?")
_LABEL = re.compile(r"[A-Za-z0-9./_-]+=[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
Fault = tuple[str, str, str]
"""A key, what is wrong with it, and the fix."""


class GoldpingerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Goldpinger's pods, which time HTTP requests to each other."""

    enabled: bool = False

    read: Literal["check", "checkAll", "metrics"] = "check"
    """``check``: the latest ping to each peer, of every pod. ``checkAll``: the same of one pod,
    which asks all others; partial where pods ping a choice of peers (PING_NUMBER). ``metrics``:
    the mean between two polls, of every pod; it cannot tell whose pings failed."""

    url: str = ""
    """Root of the one instance that ``checkAll`` asks; empty: each poll asks a pod that runs."""

    label_selector: str = "app=goldpinger"
    """Which pods are Goldpinger's: ``key=value``, several with commas."""

    namespace: str = ""
    """Where they run; empty for every namespace."""

    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 8080
    """Where each of them listens."""

    poll_seconds: _Seconds = 30.0
    """How often to ask. Goldpinger itself pings every 30 s by default."""

    refresh_seconds: Annotated[float, msgspec.Meta(ge=0, le=_DAY_S)] = 0.0
    """How often it pings (its REFRESH_INTERVAL); 0: as the environment of its pods says."""

    two_round_trips: Literal["flag", "halve"] = "flag"
    """What to do with pings that are two round trips, which they are at intervals above 10 s
    unless something keeps connections open. ``flag``: taken as the upper bound they are.
    ``halve``: you vouch that nothing does (no proxy, no --cleanup-timeout, nobody who asks for
    /check_all); agents' measurements overrule you where they show otherwise."""

    max_age_seconds: _Seconds = 300.0
    """For how long a reading is believed."""

    @property
    def labels(self) -> dict[str, str]:
        """The labels that a pod of Goldpinger's has, all of them."""
        return dict(part.split("=", 1) for part in self.label_selector.split(","))

    def fault(self) -> Fault | None:
        """Return a key, what is wrong and the fix where values are legal alone and not together."""
        if not all(_LABEL.fullmatch(part) for part in self.label_selector.split(",")):
            fix = "write key=value, several with commas: app=goldpinger,tier=edge"
            return "labelSelector", f"is {self.label_selector!r}", fix
        if self.url and not _URL.fullmatch(self.url):
            return "url", f"is {self.url!r}", "give http://host:port"
        if self.url and self.read != "checkAll":
            return "url", f"is not used with read: {self.read}", "set read: checkAll, or leave it"
        if self.enabled and self.max_age_seconds < self.poll_seconds:
            return (
                "maxAgeSeconds",
                f"is {self.max_age_seconds:g}, below pollSeconds",
                f"give at least {self.poll_seconds:g}, better a few times as much",
            )
        return None


class PrometheusSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One question to one Prometheus: a preset, or a query with its mapping of labels to nodes."""

    url: str
    """Root, ``http://prometheus.monitoring:9090``."""

    preset: str = ""
    """Which exporter it scrapes; or give a query."""

    query: str = ""
    """PromQL that gives an instant vector; ``{window}`` stands for windowSeconds."""

    from_label: str = ""
    """The label that tells who measured: a node's name, one of its addresses, or the name or
    address of a pod that measures. Beside a preset: in place of its own."""

    to_label: str = ""
    """The label that tells who was measured."""

    from_pattern: str = ""
    """Regular expression whose first group is the node's part of the label; empty: all of it,
    an address with or without its port."""

    to_pattern: str = ""
    """As fromPattern, of toLabel."""

    kind: Literal["", "icmp", "http"] = ""
    """What the query's values are the time of; a request is never taken for less than 5 ms."""

    unit: Literal["", "seconds", "milliseconds"] = ""
    """Of the query's values."""

    poll_seconds: _Seconds = 60.0
    """How often to ask."""

    window_seconds: _WholeSeconds = 300
    """Over what a mean is taken: at least four of the exporter's intervals."""

    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=300)] = 10.0
    """For a whole answer."""

    token_path: str = ""
    """A file with a bearer token, read anew for each poll."""

    username: str = ""
    """For basic authentication."""

    password_path: str = ""
    """A file with the password, read anew for each poll."""

    ca_path: str = ""
    """Certificates to believe the server by; empty for the usual ones."""

    insecure: bool = False
    """Send a token or password over plain http, readable for everybody on the way."""

    max_age_seconds: _Seconds = 600.0
    """For how long a reading is believed; counted from the start of the window."""

    def fault(self) -> Fault | None:
        """Return a key, what is wrong and the fix where values are legal alone and not together."""
        if not _URL.fullmatch(self.url):
            return "url", f"is {self.url!r}", "give http://host:port; a password belongs in a file"
        return self._asked_fault() or self._account_fault() or self._age_fault()

    def _asked_fault(self) -> Fault | None:
        known = ", ".join(sorted(PRESETS))
        own = {"query": self.query, "kind": self.kind, "unit": self.unit}
        labels = {"fromLabel": self.from_label, "toLabel": self.to_label}
        patterns = {"fromPattern": self.from_pattern, "toPattern": self.to_pattern}
        if self.preset:
            if self.preset not in PRESETS:
                return "preset", f"is {self.preset!r}", f"known: {known}"
            extra = next((key for key, value in own.items() if value), None)
            if extra:
                return extra, "is given beside a preset", "give one or the other"
            return _pattern_fault(patterns)
        if not self.query:
            return "preset", "is not given, nor a query", f"give one of {known}, or a query"
        needed = {**own, **labels}
        for key, value in needed.items():
            if not value:
                return key, "is not given", f"a query of your own needs {', '.join(needed)}"
        return _pattern_fault(patterns)

    def _account_fault(self) -> Fault | None:
        if self.token_path and self.username:
            return "username", "is given beside tokenPath", "give one or the other"
        if bool(self.username) != bool(self.password_path):
            lacking = "passwordPath" if self.username else "username"
            return lacking, "is not given", "basic authentication needs username and passwordPath"
        if self.ca_path and self.url.startswith("http://"):
            return "caPath", "is not used with http", "give an https url, or leave it out"
        is_secret = bool(self.token_path or self.username)
        if is_secret and self.url.startswith("http://") and not self.insecure:
            key = "tokenPath" if self.token_path else "username"
            return key, "would be sent readable for all", "give an https url, or insecure: true"
        return None

    def _age_fault(self) -> Fault | None:
        query = PRESETS[self.preset].query if self.preset else self.query
        has_window = "{window}" in query
        # A gauge is shown for so long after it was last scraped.
        reach_s = self.window_seconds if has_window else LOOKBACK_S
        least_s = reach_s + self.poll_seconds
        if self.max_age_seconds < least_s:
            what = "windowSeconds" if has_window else f"the {LOOKBACK_S} s a value is shown for"
            return (
                "maxAgeSeconds",
                f"is {self.max_age_seconds:g}, below {what} and pollSeconds together",
                f"give at least {least_s:g}",
            )
        return None


def _pattern_fault(patterns: dict[str, str]) -> Fault | None:
    for key, pattern in patterns.items():
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            return key, f"is no regular expression ({error})", "correct it"
        if pattern and not groups:
            return key, "has no group", "put the node's part in parentheses: ([^:]+):.*"
    return None
