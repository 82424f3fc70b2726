"""Made pods as texts: YAML documents, JSON lines, or a folder with one file an app."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer
import yaml

from scheduler.domain.errors import InputError
from simulator.change import JsonObject
from simulator.podgen.draw import App
from simulator.podgen.mix import Mix
from simulator.podgen.objects import objects, priority_classes

STANDARD_OUTPUT = Path("-")
_YAML = (".yaml", ".yml")
_JSON_LINES = (".jsonl", ".ndjson")
_MANIFESTS = (*_YAML, *_JSON_LINES, ".json")
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_PRIORITIES = "priorities.yaml"


def write_pods(mix: Mix, apps: Iterable[App], output: Path) -> None:
    """Write all objects. The same apps are the same bytes.

    Parameters
    ----------
    mix
        What the apps were drawn from.
    apps
        In the order of their arrival.
    output
        ``-``, a file, whose extension says the form, or a folder: one YAML file an app.

    Raises
    ------
    InputError
        If it cannot be written, or the folder holds other manifests, which would be read with them.
    """
    if output == STANDARD_OUTPUT:
        for text in _texts(mix, apps, is_yaml=True):
            typer.echo(text, nl=False)
        return
    is_yaml, is_lines = output.suffix in _YAML, output.suffix in _JSON_LINES
    try:
        if output.is_dir() or not output.suffix:
            _write_folder(mix, tuple(apps), output)
        elif is_yaml or is_lines:
            with output.open("w", encoding="utf-8") as file:
                file.writelines(_texts(mix, apps, is_yaml=is_yaml))
        else:
            fix = f"give a name that ends in {', '.join(_YAML + _JSON_LINES)}, a folder, or -"
            raise InputError(f"--output {output}", "is of no form known here", fix)
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise InputError(f"--output {output}", what, "name a file or folder of yours") from None


def _texts(mix: Mix, apps: Iterable[App], *, is_yaml: bool) -> Iterator[str]:
    """Yield a text for each app, so that a million pods are never held at once."""
    written = _yaml if is_yaml else _json_lines
    classes = priority_classes(mix)
    if classes:
        yield written(classes)
    for app in apps:
        yield written(_objects(mix, app))


def _write_folder(mix: Mix, apps: tuple[App, ...], folder: Path) -> None:
    files = {f"{app.name}.yaml" for app in apps}
    folder.mkdir(exist_ok=True)
    classes = priority_classes(mix)
    if classes:
        files.add(_PRIORITIES)
    others = {file.name for file in folder.iterdir() if file.suffix in _MANIFESTS} - files
    if others:
        what = f"holds other manifests ({min(others)})"
        fix = "give an empty folder: what is there would count as part of these pods"
        raise InputError(f"--output {folder}", what, fix)
    if classes:
        (folder / _PRIORITIES).write_text(_yaml(classes), encoding="utf-8")
    for app in apps:
        (folder / f"{app.name}.yaml").write_text(_yaml(_objects(mix, app)), encoding="utf-8")


def _objects(mix: Mix, app: App) -> list[JsonObject]:
    return [made.obj for made in objects(mix, app, tells_arrival=True)]


def _yaml(found: Iterable[JsonObject]) -> str:
    return "".join(
        f"---\n{yaml.dump(obj, Dumper=_Dumper, sort_keys=False, width=1000)}" for obj in found
    )


def _json_lines(found: Iterable[JsonObject]) -> str:
    return "".join(f"{json.dumps(obj)}\n" for obj in found)
