"""YAML text to plain trees of dict, list, str, int, bool and None.

Built from the parser's events, not with PyYAML's own constructors, for four reasons. A nesting of
some ten thousand brackets overflows the C stack in its composer and ends the process. Aliases that
expand exponentially are counted and refused. A key given twice is an error, where PyYAML keeps the
last. And of YAML 1.1's numbers only plain decimal integers are numbers here: ``1:30``, ``010``,
``1_000`` and ``2.50`` stay the text that was written, which is what a label or a quantity means.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from scheduler.domain.errors import InputError

MAX_DEPTH = 100
"""Kubernetes' deepest schemas nest a few dozen levels."""

MAX_ALIASED = 1_000_000
"""Values that aliases may stand for in one text."""

_MEANINGS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_CORE = "tag:yaml.org,2002:"
_RESOLVED_TAGS = frozenset({f"{_CORE}{name}" for name in ("null", "bool", "int", "float")})
_COLLECTION_TAGS = frozenset({None, "!", f"{_CORE}map", f"{_CORE}seq"})


def read_documents(text: str, where: str) -> list[object]:
    """Return the documents of a YAML text; an empty document is None.

    Parameters
    ----------
    text
        YAML, or JSON, which is nearly a subset.
    where
        Origin, for errors.

    Raises
    ------
    InputError
        If the text is not YAML, gives a key twice, nests deeper than `MAX_DEPTH`, refers to itself,
        or uses tags that manifests have no use for. The error names the line.
    """
    builder = _Builder(where)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 0
        what = " ".join(part for part in (error.context, error.problem) if part)
        at = f"{where}:{line}" if line else where
        if _is_indented_by_tab(text, line):
            raise InputError(
                at, "is not YAML (a tab before the first word)", "indent with spaces"
            ) from None
        raise InputError(at, f"is not YAML ({what})", "correct this line") from None
    except (yaml.YAMLError, UnicodeError) as error:
        what = str(error).splitlines()[0]
        raise InputError(where, f"is not YAML ({what})", "give text in UTF-8") from None
    return builder.documents


def _is_indented_by_tab(text: str, line: int) -> bool:
    """Whether a line (from 1) has a tab before its first word, where YAML wants spaces."""
    lines = text.split("\n", line)
    found = lines[line - 1] if 0 < line <= len(lines) else ""
    return "\t" in found[: len(found) - len(found.lstrip())]


@dataclass(slots=True)
class _Frame:
    """A collection that is still open. `size` counts the values in it, aliases expanded."""

    value: dict[str, object] | list[object]
    anchor: str | None
    size: int = 1
    key: str | None = None
    merged: list[dict[str, object]] = field(default_factory=list)


@dataclass(slots=True)
class _Builder:
    """Takes events, one after the other, and makes trees of them."""

    where: str
    documents: list[object] = field(default_factory=list)
    _stack: list[_Frame] = field(default_factory=list)
    _anchors: dict[str, tuple[object, int]] = field(default_factory=dict)
    _aliased: int = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._anchors.clear()
            case _:
                pass

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._refused(event, f"nests deeper than {MAX_DEPTH} levels", "write it flatter")
        if event.tag not in _COLLECTION_TAGS:
            raise self._refused(event, f"has the tag {event.tag}", "leave the tag out")
        if self._expects_key():
            raise self._refused(event, "has a collection as a key", "write a plain text as key")
        value: dict[str, object] | list[object] = (
            {} if isinstance(event, yaml.MappingStartEvent) else []
        )
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._stack.append(_Frame(value, event.anchor))

    def _close(self, event: yaml.Event) -> None:
        frame = self._stack.pop()
        if isinstance(frame.value, dict):
            for merged in frame.merged:
                for key, value in merged.items():
                    frame.value.setdefault(key, value)
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.value, frame.size)
        self._add(event, frame.value, frame.size)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise self._refused(
                event,
                f"uses the alias *{event.anchor} before its anchor is complete",
                "define the anchor first, outside of itself",
            )
        value, size = self._anchors[event.anchor]
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            raise self._refused(
                event,
                f"has aliases that stand for more than {MAX_ALIASED} values",
                "write the values out",
            )
        if self._expects_key():
            raise self._refused(event, "has an alias as a key", "write the key out")
        self._add(event, value, size)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._expects_key():
            self._key(event)
            return
        value = self._resolved(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._add(event, value, 1)

    def _key(self, event: yaml.ScalarEvent) -> None:
        frame = self._stack[-1]
        if event.value in frame.value:
            raise self._refused(event, f'gives the key "{_short(event.value)}" twice', "keep one")
        frame.key = event.value

    def _resolved(self, event: yaml.ScalarEvent) -> object:
        text: str = event.value
        if event.tag is None or event.tag == "!":
            if event.tag == "!" or not event.implicit[0]:
                return text
        elif event.tag == f"{_CORE}str":
            return text
        elif event.tag not in _RESOLVED_TAGS:
            raise self._refused(event, f"has the tag {event.tag}", "leave the tag out")
        return _plain(text)

    def _add(self, event: yaml.Event, value: object, size: int) -> None:
        if not self._stack:
            self.documents.append(value)
            return
        frame = self._stack[-1]
        frame.size += size
        if isinstance(frame.value, list):
            frame.value.append(value)
            return
        key, frame.key = frame.key, None
        if key == "<<":
            frame.merged.extend(self._merged(event, value))
        elif key is not None:
            frame.value[key] = value

    def _merged(self, event: yaml.Event, value: object) -> Iterator[dict[str, object]]:
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, dict):
                raise self._refused(event, "merges (<<) what is not a mapping", "merge mappings")
            yield part

    def _expects_key(self) -> bool:
        if not self._stack:
            return False
        frame = self._stack[-1]
        return isinstance(frame.value, dict) and frame.key is None

    def _refused(self, event: yaml.Event, what: str, fix: str) -> InputError:
        mark = event.start_mark
        at = self.where if mark is None else f"{self.where}:{mark.line + 1}"
        return InputError(at, what, fix)


def _plain(text: str) -> object:
    """Return what a plain scalar means."""
    if text in _MEANINGS:
        return _MEANINGS[text]
    return int(text) if _INTEGER.fullmatch(text) else text


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - one line on a screen
