"""Manifests to submit: YAML or JSON files and folders of them, as plain objects."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scheduler.domain.errors import InputError
from scheduler.objects.document import read_documents
from simulator.change import JsonObject
from simulator.kinds import KINDS
from telemetry.errors import MatrixError
from telemetry.sources.text import read_text

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object and where it was written."""

    object: JsonObject
    where: str


def read_manifests(path: Path) -> tuple[Manifest, ...]:
    """Read a file, or all YAML and JSON files of a folder in the order of their names.

    Raises
    ------
    InputError
        If nothing is there, a file is not YAML, or an object is not one this cluster keeps.
    """
    return tuple(manifest for file in _files(path) for manifest in _read(file))


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise InputError(str(path), "does not exist", "name a manifest or a folder of manifests")
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES)
    if not found:
        raise InputError(str(path), "holds no manifest", "put .yaml, .yml or .json files into it")
    return found


def _read(file: Path) -> Iterator[Manifest]:
    try:
        text = read_text(file, "give a text file in UTF-8")
    except MatrixError as error:
        raise InputError(error.where, error.what, error.fix) from None
    for number, document in enumerate(read_documents(text, str(file)), 1):
        if document is not None:
            yield from _objects(document, f"{file}: document {number}")


def _objects(document: object, where: str) -> Iterator[Manifest]:
    if not isinstance(document, dict):
        raise InputError(where, "is not an object", "write apiVersion, kind, metadata and spec")
    if document.get("kind") == "List" and isinstance(document.get("items"), list):
        for k, item in enumerate(document["items"]):
            yield from _objects(item, f"{where}, item {k + 1}")
        return
    kind, meta = document.get("kind"), document.get("metadata")
    if kind not in KINDS:
        raise InputError(where, f"kind {kind!r} is not kept here", f"use one of {', '.join(KINDS)}")
    if not isinstance(meta, dict) or not isinstance(meta.get("name"), str):
        raise InputError(where, f"the {kind} has no name", "give it metadata.name")
    yield Manifest(document, where)
