"""Claims and volumes as told and as chosen, against the plainest account of both."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from scheduler.domain.object_events import StorageChanged, StorageDeleted
from scheduler.domain.plan import AssignedVolumes
from scheduler.domain.storage import PersistentVolumeClaim, Storage
from scheduler.service.storage_table import StorageTable
from tests.stored import claim

NAMES = st.sampled_from(["a", "b"])
NODES = st.sampled_from(["n-1", "n-2"])
PODS = st.sampled_from(["p", "q", "r"])


class ClaimsAsChosen(RuleBasedStateMachine):
    """Events, choices, writes and their ends, in any order; `chosen` are the choices that stand."""

    def __init__(self) -> None:
        super().__init__()
        self.table = StorageTable()
        self.told: dict[str, PersistentVolumeClaim] = {}
        self.chosen: dict[str, str] = {}
        self.owners: dict[str, set[str]] = {}
        self.written: set[str] = set()
        self.version = 0
        self.frozen: list[tuple[Storage, dict[str, PersistentVolumeClaim]]] = []

    def let_go(self, key: str) -> None:
        self.chosen.pop(key, None)
        self.owners.pop(key, None)
        self.written.discard(key)

    @rule(name=NAMES, volume=st.sampled_from(["", "v"]), node=st.sampled_from([None, "n-1"]))
    def tell(self, name: str, volume: str, node: str | None) -> None:
        self.version += 1
        fields = {"volume_name": volume, "selected_node": node}
        new = claim(name, version=str(self.version), **fields)
        if self.told.get(new.key) != new or new.key in self.written:
            self.let_go(new.key)
        self.told[new.key] = new
        self.table.put(StorageChanged(new))

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        key = f"default/{name}"
        self.told.pop(key, None)
        self.let_go(key)
        self.table.drop(StorageDeleted("PersistentVolumeClaim", key))

    @rule(name=NAMES, node=NODES, pod=PODS)
    def choose(self, name: str, node: str, pod: str) -> None:
        key = f"default/{name}"
        known = self.told.get(key)
        selected = self.chosen.get(key) or (known.selected_node if known else None)
        may = known is not None and selected in (None, node)

        assert self.table.assume(AssignedVolumes(provisions=(key,)), node, pod) == may

        if may and known is not None and known.selected_node is None:
            self.chosen[key] = node
            self.owners.setdefault(key, set()).add(pod)

    @precondition(lambda self: self.chosen)
    @rule(name=NAMES)
    def write(self, name: str) -> None:
        key = f"default/{name}"
        if key in self.chosen:
            self.written.add(key)
        self.table.claims.note_written(key, str(self.version + 1))

    @rule(name=NAMES, pod=PODS)
    def release(self, name: str, pod: str) -> None:
        key = f"default/{name}"
        self.table.release(AssignedVolumes(provisions=(key,)), pod)
        owners = self.owners.get(key, set())
        owners.discard(pod)
        if not owners and key not in self.written:
            self.let_go(key)

    @rule()
    def freeze(self) -> None:
        self.frozen.append((self.table.freeze(), self.shown()))

    def shown(self) -> dict[str, PersistentVolumeClaim]:
        return {
            key: replace(known, selected_node=self.chosen.get(key, known.selected_node))
            for key, known in self.told.items()
        }

    @invariant()
    def decisions_see_what_was_chosen(self) -> None:
        assert dict(self.table.freeze().claims) == self.shown()

    @invariant()
    def writes_rest_on_what_was_told_last(self) -> None:
        for key, known in self.told.items():
            told = self.table.claims.told(key)
            assert told is not None
            assert (told, told.version) == (known, known.version)

    @invariant()
    def snapshots_stay_as_they_were_taken(self) -> None:
        for storage, shown in self.frozen:
            assert dict(storage.claims) == shown


TestClaimsAsChosen = ClaimsAsChosen.TestCase
