"""Server-side tables: what ``kubectl get`` prints is made here, as in the real API server."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from simulator.change import JsonObject, Refused
from simulator.rest.answers import bad_request
from simulator.rest.columns import COLUMNS
from simulator.rest.reading import shown
from simulator.rest.resources import Resource, Target

_META = "meta.k8s.io"
_VERSIONS = ("v1", "v1beta1")
_PLAIN = ("application/json", "application/*", "*/*", "")


@dataclass(frozen=True, slots=True)
class TableForm:
    """A table of one resource, as a request wants it.

    Parameters
    ----------
    version
        Of ``meta.k8s.io``.
    included
        How much of each object its row carries: None, Metadata or Object.
    """

    resource: Resource
    version: str
    included: str

    def table(
        self, objects: Sequence[JsonObject], metadata: JsonObject, now: datetime
    ) -> JsonObject:
        """Return stored objects as a Table."""
        columns = COLUMNS[self.resource.kind.name]
        rows = [self._row(obj, now) for obj in objects]
        return self._empty(metadata) | {
            "columnDefinitions": [column.definition() for column in columns],
            "rows": rows,
        }

    def row_by_row(self, clock: Callable[[], datetime]) -> Callable[[JsonObject], JsonObject]:
        """Return what makes a Table of each object of a watch; only the first one has columns."""
        is_first = True

        def show(obj: JsonObject) -> JsonObject:
            nonlocal is_first
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            out = self.table([obj], metadata, clock())
            if not is_first:
                out["columnDefinitions"] = None
            is_first = False
            return out

        return show

    def _empty(self, metadata: JsonObject) -> JsonObject:
        return {"kind": "Table", "apiVersion": f"{_META}/{self.version}", "metadata": metadata}

    def _row(self, obj: JsonObject, now: datetime) -> JsonObject:
        cells = [column.cell(obj, now) for column in COLUMNS[self.resource.kind.name]]
        return {"cells": cells, "object": self._object(obj)}

    def _object(self, obj: JsonObject) -> JsonObject | None:
        if self.included == "None":
            return None
        if self.included == "Object":
            return shown(self.resource, obj)
        return {
            "kind": "PartialObjectMetadata",
            "apiVersion": f"{_META}/{self.version}",
            "metadata": obj["metadata"],
        }


def table_form(accept: str, target: Target, query: Mapping[str, str]) -> TableForm | None:
    """Return the table a request prefers; None where it prefers plain objects.

    Raises
    ------
    Refused
        406 if it accepts nothing that is served, 400 for an unknown ``includeObject``.
    """
    for offer in accept.split(","):
        media, *parameters = (part.strip() for part in offer.split(";"))
        said = dict(p.split("=", 1) for p in parameters if "=" in p)
        if media in _PLAIN and "as" not in said:
            return None
        is_table = said.get("as") == "Table" and said.get("g") == _META
        if media == "application/json" and is_table and said.get("v") in _VERSIONS:
            included = query.get("includeObject") or "Metadata"
            if included not in ("None", "Metadata", "Object"):
                raise bad_request(f"includeObject: {included!r} must be None, Metadata or Object")
            return TableForm(target.resource, said["v"], included)
    message = "only the following media types are accepted: application/json"
    raise Refused(406, "NotAcceptable", message)
