"""Settings of where round-trip times come from."""

from typing import Annotated

import msgspec

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


class TelemetrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Where round-trip times come from. Without a source, pods that ask for a delay wait."""

    matrix: MatrixSettings = MatrixSettings()
