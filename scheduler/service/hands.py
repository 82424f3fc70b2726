"""Who carries a decision out, one after the other, for a pod that stands assumed.

What it rests on is measured; its volumes are bound where they are not yet; that may take minutes,
so what it rests on is measured again; then it is bound. What has nothing to do is passed over.
"""

from dataclasses import dataclass, field

from scheduler.domain.node import Node
from scheduler.domain.plan import Assignment
from scheduler.service.binding import Binder
from scheduler.service.state import ServiceState
from scheduler.service.verifier import Verifier
from scheduler.service.volume_binding import VolumeBinder


@dataclass(slots=True)
class Hands:
    """The stations. Each is made with the method that takes what it hands on."""

    state: ServiceState
    binder: Binder
    volumes: VolumeBinder = field(init=False)
    verifier: Verifier | None = None

    def put(self, assignment: Assignment, decision: str, node: Node | None) -> None:
        """Take an assumed pod; `node` is its node as the decision saw it."""
        if self.verifier is not None and self.verifier.concerns(assignment):
            self.verifier.put(assignment, decision, node)
        else:
            self.verified(assignment, decision)

    def verified(self, assignment: Assignment, decision: str) -> None:
        """Take a pod from the verifier."""
        if assignment.volumes:
            self.volumes.put(assignment, decision)
        else:
            self.binder.put(assignment, decision)

    def stored(self, assignment: Assignment, decision: str) -> None:
        """Take a pod whose volumes are bound, and left out of the assignment."""
        self.put(assignment, decision, self.state.cache.node(assignment.node))
