"""Which name and which address is which node."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """All nodes that can be told apart.

    Parameters
    ----------
    nodes
        Their names, sorted.
    node_of
        The node by its name and by each of its addresses.
    problems
        Sentences about nodes that cannot be told apart.
    """

    nodes: tuple[str, ...] = ()
    node_of: Mapping[str, str] = field(default_factory=dict)
    problems: frozenset[str] = frozenset()


def places(addresses: Mapping[str, tuple[str, ...]], key_of: Callable[[str], int]) -> Places:
    """Return who is where.

    Nodes of one key are left out, all of them: what is reported of one could be of the other. An
    address that two nodes claim is nobody's. A name is its node's own, whoever else claims it.

    Parameters
    ----------
    addresses
        By node.
    key_of
        What stands for a node in reports.
    """
    by_key: dict[int, list[str]] = {}
    for name in sorted(addresses):
        by_key.setdefault(key_of(name), []).append(name)
    problems = {
        f"nodes {' and '.join(names)} cannot be told apart in reports, and are not measured; "
        "give one of them another name"
        for names in by_key.values()
        if len(names) > 1
    }
    nodes = tuple(sorted(names[0] for names in by_key.values() if len(names) == 1))
    claimants: dict[str, list[str]] = {}
    for name in nodes:
        for address in dict.fromkeys(addresses[name]):
            if address not in addresses:
                claimants.setdefault(address, []).append(name)
    problems |= {
        f"nodes {' and '.join(names)} all have the address {address}: it counts as nobody's"
        for address, names in claimants.items()
        if len(names) > 1
    }
    node_of = {address: names[0] for address, names in claimants.items() if len(names) == 1}
    node_of.update((name, name) for name in nodes)
    return Places(nodes, node_of, frozenset(problems))
