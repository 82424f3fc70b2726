"""What one family of rules says of all nodes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.reasons import Cause, NodeReason

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """Nodes that pass, shape ``(n,)``, and why the others do not.

    `texts` maps a reason in words to the nodes it holds for; one node may appear under several.
    """

    cause: Cause
    passes: Mask
    texts: Sequence[tuple[str, Mask]] = ()

    def reasons(self, among: Mask) -> tuple[NodeReason, ...]:
        """Return the reasons with their counts over the nodes in `among`."""
        counted = [(text, int((mask & among).sum())) for text, mask in self.texts]
        return tuple(NodeReason(self.cause, text, count) for text, count in counted if count)
