"""Settings of where round-trip times come from."""

from typing import Annotated

import msgspec

from scheduler.service.agent_settings import AgentSettings
from scheduler.service.exporter_settings import Fault, GoldpingerSettings, PrometheusSettings
from scheduler.service.verify_settings import VerifySettings

_DAY_S = 86_400


class MatrixSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A matrix on disk."""

    path: str = ""
    """Whitespace text in ms, .csv, .json or .npz, each also as .gz or .xz; empty for none. It may
    come to be later, and is read again when it changes."""

    metadata_path: str = ""
    """Names of the matrix's rows, JSON {node: row}, where it does not name them itself."""

    reread_seconds: Annotated[float, msgspec.Meta(gt=0, le=_DAY_S)] = 5.0
    """How often to look whether the files changed. A ConfigMap takes up to a minute to arrive."""

    max_age_seconds: Annotated[float, msgspec.Meta(ge=0, le=366 * _DAY_S)] = 0.0
    """For how long a matrix is believed after it was read; 0: for ever."""


class TelemetrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Where round-trip times come from. Without a source, pods that ask for a delay wait.

    Any mix; of each pair the best source's word counts: agents', then Prometheus', Goldpinger's,
    the matrix's.
    """

    matrix: MatrixSettings = MatrixSettings()
    agents: AgentSettings = AgentSettings()
    goldpinger: GoldpingerSettings = GoldpingerSettings()
    prometheus: tuple[PrometheusSettings, ...] = ()
    verify: VerifySettings = VerifySettings()

    confirmations: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3
    """A running pod's budget counts as broken after so many bursts above it, one after the other:
    most jumps are gone by the next. Needs agents or exporters; a file is believed at once."""

    dense_nodes: Annotated[int, msgspec.Meta(ge=0, le=20_000)] = 5_000
    """Up to so many nodes every pair is kept (8 bytes each: 200 MB); above, only what is measured
    from nodes that delays name."""

    @property
    def is_live(self) -> bool:
        """Whether anything measures, besides what a file says."""
        return self.agents.enabled or self.goldpinger.enabled or bool(self.prometheus)

    def fault(self) -> Fault | None:
        """Return a key, what is wrong and the fix where values are legal alone and not together."""
        if self.matrix.metadata_path and not self.matrix.path:
            return "matrix.metadataPath", "names no matrix", "give telemetry.matrix.path too"
        for name, found in (
            ("agents", self.agents.fault()),
            ("goldpinger", self.goldpinger.fault()),
        ):
            if found is not None:
                return f"{name}.{found[0]}", *found[1:]
        for k, one in enumerate(self.prometheus):
            found = one.fault()
            if found is not None:
                return f"prometheus[{k}].{found[0]}", *found[1:]
        return None
