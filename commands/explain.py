"""`explain`: why a pod is where it is, or why it waits."""

import difflib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from http.client import HTTPException
from pathlib import Path
from typing import Any

import typer

from commands.inputs import InputFiles, Inputs, read_inputs
from commands.saved import GATED, PlanDocument, read_document, restored
from scheduler.domain.errors import InputError
from scheduler.domain.workload import Pod
from scheduler.placement.explain import explain
from scheduler.planning.plan import plan

_TIMEOUT_S = 30.0
_NOT_FOUND = 404
_MOST_NAMES = 100_000
_FEW = 3


def run_explain(name: str, files: InputFiles | None, saved: Path | None, port: int) -> int:
    """Print the explanation of a pod; return the exit status.

    Parameters
    ----------
    name
        ``name`` or ``namespace/name``; a workload's name will do where it has one pod.
    files
        The files to plan; None to ask dev mode, or to read `saved` alone.
    saved
        A saved plan to explain in place of a new one.
    port
        Of dev mode.

    Raises
    ------
    InputError
        If a file cannot be read, dev mode does not answer, or there is no such pod.
    """
    if files is not None:
        lines = _from_files(name, files, saved)
    elif saved is not None:
        lines = _from_document(name, read_document(saved), saved)
    else:
        lines = _from_dev_mode(name, port)
    for line in lines:
        typer.echo(line)
    return 0


def _from_files(name: str, files: InputFiles, saved: Path | None) -> Iterable[str]:
    inputs = read_inputs(files)
    snapshot, settings = inputs.snapshot, inputs.settings.placement
    pod = _find(name, inputs, files.pods)
    if pod in snapshot.held:
        return [f"{pod.display_name} waits: {GATED}"]
    if pod.key not in {one.key for one in snapshot.pending}:
        at = next(k for k, one in enumerate(snapshot.placed.pods) if one.key == pod.key)
        node = int(snapshot.placed.node_of[at])
        where = snapshot.nodes.nodes[node].name if node >= 0 else "a node that is not in the files"
        return [f"{pod.display_name} runs on {where} already; it was not decided here."]
    document = None if saved is None else read_document(saved)
    decided = plan(snapshot, settings)
    if document is not None and saved is not None:
        decided = restored(document, snapshot, decided, saved)
    return explain(snapshot, decided, pod.key, settings).lines()


def _find(name: str, inputs: Inputs, path: Path) -> Pod:
    by_key = {pod.key: pod for pod in inputs.pods}
    found = by_key.get(name) or by_key.get(f"default/{name}")
    if found is None:
        named = [pod for pod in inputs.pods if pod.name == name]
        named = named or [pod for pod in inputs.pods if _is_of(pod.display_name, name)]
        found = named[0] if len(named) == 1 else None
    if found is None:
        raise _unknown(name, (pod.display_name for pod in inputs.pods), str(path))
    return found


def _from_document(name: str, document: PlanDocument, path: Path) -> Iterable[str]:
    """Say what the plan itself says, where the files it was made of are not given."""
    short = name.removeprefix("default/")
    if short in document["placement"]:
        yield f"{short} goes to {document['placement'][short]}."
    elif short in document["unplaced"]:
        yield f"{short} waits: {document['unplaced'][short]}"
    else:
        raise _unknown(name, (*document["placement"], *document["unplaced"]), str(path))
    yield "Give --nodes, --pods, --delay-matrix and --metadata to hear why."


def _is_of(pod: str, workload: str) -> bool:
    """Whether a pod's name is that of a workload and what a controller adds to it."""
    return pod.startswith(f"{workload}-")


def _from_dev_mode(name: str, port: int) -> Iterable[str]:
    namespace, slash, pod = name.partition("/")
    if not slash:
        namespace, pod = "default", name
    path = "/".join(urllib.parse.quote(part, safe="") for part in (namespace, pod))
    try:
        return [str(line) for line in _asked(port, f"explain/{path}")["lines"]]
    except urllib.error.HTTPError as error:
        if error.code == _NOT_FOUND:
            names = _names(port)
            only = [one for one in names if _is_of(one, name)]
            if len(only) == 1:
                return _from_dev_mode(only[0], port)
            raise _unknown(name, names, "dev mode") from None
        what = f"answered {error.code} about {namespace}/{pod}"
        raise InputError("dev mode", what, "look at .isochrone/dev.log") from None
    except (OSError, HTTPException):
        raise InputError(
            f"127.0.0.1:{port}",
            "no dev mode answers",
            "start it with python3 main.py, or give --nodes and --pods",
        ) from None
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"127.0.0.1:{port}", "is not dev mode", "give --port of a running dev mode"
        ) from None


def _asked(port: int, path: str) -> dict[str, Any]:
    # Never through a proxy: dev mode listens on this machine alone.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/api/{path}", timeout=_TIMEOUT_S) as answer:
        body: dict[str, Any] = json.load(answer)
        return body


def _names(port: int) -> list[str]:
    """Return the names of dev mode's pods as they are given here; none where it does not say."""
    try:
        found = [
            *_asked(port, f"pods?limit={_MOST_NAMES}")["pods"],
            *_asked(port, f"pending?limit={_MOST_NAMES}")["pending"],
        ]
    except (OSError, HTTPException, ValueError, KeyError):
        return []
    return [f"{one['namespace']}/{one['name']}".removeprefix("default/") for one in found]


def _unknown(name: str, known: Iterable[str], where: str) -> InputError:
    names = sorted(known)
    # A Deployment's name is what one remembers of its pods' names.
    near = [one for one in names if one.startswith(name)][:_FEW]
    near = near or difflib.get_close_matches(name, names, n=_FEW) or names[:_FEW]
    fix = f"there are, among others, {', '.join(near)}" if near else "it has no pods"
    return InputError(where, f'has no pod "{name[:60]}"', fix)
