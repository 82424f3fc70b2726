"""The kubeconfig of the REST door, for kubectl and for the scheduler."""

import json
import os
import tempfile
from pathlib import Path

_NAME = "isochrone"


def write_kubeconfig(path: Path, server: str) -> None:
    """Write a kubeconfig, whole or not at all; JSON, which is YAML too.

    Parameters
    ----------
    server
        ``http://127.0.0.1:PORT``.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": _NAME,
        "clusters": [{"name": _NAME, "cluster": {"server": server}}],
        "users": [{"name": _NAME, "user": {}}],
        "contexts": [
            {"name": _NAME, "context": {"cluster": _NAME, "user": _NAME, "namespace": "default"}}
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=2)
            stream.write("\n")
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
