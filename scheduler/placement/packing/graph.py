"""A stage as a min-cost flow: class -> (groups it spreads over) -> node -> sink, or -> waiting.

Supply stands at the class, not at the pod: the same optimum with a tenth of the arcs. Convex prices
are parallel arcs. Room is a relaxation here: a node offers as many slots as its smallest candidate
needs. Where the flow respects the true rooms it is the optimum; where not, the node is contested
and the integer program decides (`scheduler.placement.packing.rounding`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.flow.network import Network, NetworkBuilder
from scheduler.flow.solver import LARGEST_COST, FlowSolution, solve
from scheduler.placement.packing.problem import Ints, Packing, Problem, SpreadLevel

UNIT_ARCS = 16
"""Replicas of a class in one group that get an arc each, or twice the group's even share where that
is more; the rest share arcs that double, which price them only roughly."""

NO_ROOM = 1 << 40


@dataclass(frozen=True, slots=True, eq=False)
class FlowAnswer:
    """The relaxation's optimum.

    `class_price` and `node_price` are potentials: what one more pod of the class, one more slot of
    the node is worth. `waiting` are the prices of leaving a pod out, by rank. `is_exact` unless so
    many replicas share a group that their prices were only rough.
    """

    packing: Packing
    cost: int
    class_price: Ints
    node_price: Ints
    waiting: tuple[int, ...]
    arcs: int
    is_exact: bool


def slots(problem: Problem) -> tuple[Ints, NDArray[np.int32]]:
    """Return how many pods fit, optimistically: by node ``(n,)``, by class and node ``(g, n)``."""
    room = np.maximum(problem.free, 0)
    most = int(problem.count.max(initial=0))
    fit = np.full(problem.feasible.shape, most, dtype=np.int32)
    for r in range(problem.demand.shape[1]):
        asked = problem.demand[:, r]
        some = np.flatnonzero(asked > 0)
        sizes, which = np.unique(asked[some], return_inverse=True)
        per_size = np.minimum(room[None, :, r] // sizes[:, None], most).astype(np.int32)
        fit[some] = np.minimum(fit[some], per_size[which])
    smallest = _smallest(problem)
    each = np.where(smallest > 0, room // np.maximum(smallest, 1), NO_ROOM)
    return np.asarray(each.min(axis=1)), fit


def _smallest(problem: Problem) -> Ints:
    """Return the least any candidate of a node takes of each resource, shape ``(n, r)``."""
    out = np.zeros_like(problem.free)
    for r in range(problem.demand.shape[1]):
        asked = problem.demand[:, r]
        least = np.where(problem.feasible, asked[:, None], NO_ROOM).min(axis=0)
        out[:, r] = np.where(least == NO_ROOM, 0, least)
    return out


def waiting_prices(problem: Problem) -> tuple[int, ...]:
    """Return the price of leaving a pod out, by rank, lowest rank last.

    A pod of one rank outweighs all that its place can cost others, pods of lower ranks included. To
    house one pod more, units are moved along one path of the residual network; it leaves each
    vertex once, so it costs less than the dearest arcs of all of them and leaves out at most one
    pod of a lower rank. Every feasible column counts, offered or not: one left out because it is
    dear must still be cheaper than waiting.
    """
    cost = np.where(problem.feasible, problem.cost, 0)
    price = 1 + int(problem.load_cost.max(initial=0))
    for g, dearest in enumerate(cost.max(axis=1, initial=0).tolist()):
        levels, count = problem.spread[g], int(problem.count[g])
        rise = sum(lv.weight * (int(lv.existing.max(initial=0)) + count) for lv in levels)
        vertices = 1 + sum(len(lv.existing) + 1 for lv in levels[:-1])
        price += min(vertices, count) * (dearest + rise)
    return tuple(price * (problem.ranks - rank) for rank in range(problem.ranks))


def fits_exact_integers(problem: Problem) -> bool:
    """Whether the prices of all ranks fit into the solver's integers together."""
    highest = max(waiting_prices(problem), default=0)
    largest = max(int(problem.count.sum()), len(problem.count) + len(problem.free) + 1)
    return highest * largest <= LARGEST_COST


def solve_flow(
    problem: Problem, offered: NDArray[np.bool_], limits: tuple[Ints, NDArray[np.int32]]
) -> FlowAnswer:
    """Return the optimum of the relaxation over the offered columns; `limits` are its `slots`.

    Raises
    ------
    SolverError
        If the prices would not fit into exact integers (very many ranks): place fewer at once.
    """
    builder = NetworkBuilder()
    room, fit = limits
    at = _vertices(builder, problem, offered)
    waiting = waiting_prices(problem)
    builder.arcs(
        at.classes + np.arange(len(problem.count)),
        at.sink,
        problem.count,
        np.array(waiting, dtype=np.int64)[problem.rank],
    )
    _add_load(builder, problem, at, room)
    g, n = np.nonzero(offered)
    limit = np.minimum(problem.count[g], fit[g, n])
    is_spread = np.array([bool(levels) for levels in problem.spread], dtype=np.bool_)
    plain = np.flatnonzero(~is_spread[g])
    where = builder.arcs(
        at.classes + g[plain], at.node[n[plain]], limit[plain], problem.cost[g[plain], n[plain]]
    )
    blocks = [(g[plain], n[plain], where)]
    rough: list[Ints] = []
    for number in np.flatnonzero(is_spread).tolist():
        mine = np.flatnonzero(g == number)
        if len(mine):
            columns = (n[mine], limit[mine])
            blocks.extend(_add_spread(builder, problem, number, columns, (at, rough)))
    network = builder.network()
    answer = solve(network)
    price = _tightened(network, answer, at)
    return FlowAnswer(
        _packing(problem, blocks, answer),
        answer.cost,
        price[at.classes : at.classes + len(problem.count)],
        _node_prices(problem, price, at, room),
        waiting,
        builder.n_arcs,
        not any(answer.flow[arcs].any() for arcs in rough),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Vertices:
    """Where the network has what: its first class, its first node, its sink.

    `used` are the nodes that some class is offered, in order; only they are in the network. `node`
    is the vertex of each, and -1 elsewhere.
    """

    classes: int
    nodes: int
    sink: int
    used: Ints
    node: Ints


def _vertices(builder: NetworkBuilder, problem: Problem, offered: NDArray[np.bool_]) -> _Vertices:
    classes = builder.vertices(problem.count)
    used = np.flatnonzero(offered.any(axis=0))
    nodes = builder.vertices(np.zeros(len(used), dtype=np.int64))
    sink = builder.vertices(np.array([-int(problem.count.sum())]))
    node = np.full(len(problem.free), -1, dtype=np.int64)
    node[used] = nodes + np.arange(len(used))
    return _Vertices(classes, nodes, sink, used, node)


def _node_prices(problem: Problem, price: Ints, at: _Vertices, room: Ints) -> Ints:
    """Return what a slot of each node is worth; where nobody was offered one, its first slot's."""
    first = np.where(room > 0, problem.load_cost[:, 0], LARGEST_COST)
    out = price[at.sink] - first
    out[at.used] = price[at.nodes : at.nodes + len(at.used)]
    return np.asarray(out)


def _tightened(network: Network, answer: FlowSolution, at: _Vertices) -> Ints:
    """Return potentials that are as good a certificate and make as few columns look useful.

    The simplex leaves slack where the optimum is degenerate. Nodes are priced as low, and classes
    then as high, as the arcs with flow and the arcs with room allow.
    """
    price = answer.potential.copy()
    tail, head, cost = network.tail, network.head, network.cost
    is_node = np.zeros(network.n_vertices, dtype=np.bool_)
    is_node[at.nodes : at.nodes + len(at.used)] = True
    out = is_node[tail] & (answer.flow < network.capacity)
    into = is_node[head] & (answer.flow > 0)
    least = np.full(network.n_vertices, -LARGEST_COST, dtype=np.int64)
    np.maximum.at(least, tail[out], price[head[out]] - cost[out])
    np.maximum.at(least, head[into], price[tail[into]] + cost[into])
    lowered = is_node & (least > -LARGEST_COST)
    price[lowered] = least[lowered]
    out = (tail < at.nodes) & (answer.flow > 0)
    most = np.full(network.n_vertices, LARGEST_COST, dtype=np.int64)
    np.minimum.at(most, tail[out], price[head[out]] - cost[out])
    raised = most < LARGEST_COST
    price[raised] = most[raised]
    return price


_Block = tuple[Ints, Ints, slice]


def _packing(problem: Problem, blocks: list[_Block], answer: FlowSolution) -> Packing:
    pods = np.zeros(problem.feasible.shape, dtype=np.int32)
    for g, n, where in blocks:
        np.add.at(pods, (g, n), answer.flow[where].astype(np.int32))
    return Packing(pods)


def _add_load(builder: NetworkBuilder, problem: Problem, at: _Vertices, room: Ints) -> None:
    """Node -> sink: one arc a step of the load cost, together no more than the slots."""
    start, widths = problem.load_starts, problem.load_widths
    width = np.clip(room[at.used, None] - start[None, :], 0, widths[None, :])
    row, step = np.nonzero(width)
    builder.arcs(at.nodes + row, at.sink, width[row, step], problem.load_cost[at.used[row], step])


def _steps(count: int, groups: int, existing: Ints) -> tuple[Ints, Ints, int]:
    """Return capacity and first index of the parallel arcs for up to `count` replicas.

    The third value is the first of the steps whose price, or the next one's, is rough.
    """
    even = -(-(count + int(existing.sum())) // max(1, groups))
    widths = [1] * min(count, max(UNIT_ARCS, 2 * even))
    rough = len(widths) - 1 if len(widths) < count else len(widths)
    while sum(widths) < count:
        widths.append(min(widths[-1] * 2, count - sum(widths)))
    width = np.array(widths, dtype=np.int64)
    return width, np.cumsum(width) - width, rough


def _add_spread(
    builder: NetworkBuilder,
    problem: Problem,
    number: int,
    columns: tuple[Ints, Ints],
    base: tuple[_Vertices, list[Ints]],
) -> list[_Block]:
    """Class -> outer group -> … -> node, with rising parallel arcs at every level.

    `base` holds where the vertices are, and takes the arcs whose prices are rough.
    """
    n, limit = columns
    at, rough = base
    count = int(problem.count[number])
    parent = np.full(len(n), at.classes + number, dtype=np.int64)
    *outer, last = problem.spread[number]
    for level in outer:
        parent = _add_level(builder, level, (count, rough), parent, n)
    existing = np.where(last.group[n] >= 0, last.existing[np.maximum(last.group[n], 0)], 0)
    width, first, blunt = _steps(count, len(n), existing)
    # The mean of the steps an arc stands for: exact for single replicas.
    rise = last.weight * (2 * first + width - 1) // 2
    weight = np.where(last.group[n] >= 0, 1, 0)
    cost = problem.cost[number, n][:, None] + weight[:, None] * (
        rise[None, :] + last.weight * existing[:, None]
    )
    capacity = np.clip(limit[:, None] - first[None, :], 0, width[None, :])
    row, step = np.nonzero(capacity)
    where = builder.arcs(parent[row], at.node[n[row]], capacity[row, step], cost[row, step])
    rough.append(where.start + np.flatnonzero(step >= blunt))
    return [(np.full(len(row), number), n[row], where)]


def _add_level(
    builder: NetworkBuilder,
    level: SpreadLevel,
    limit: tuple[int, list[Ints]],
    parent: Ints,
    n: Ints,
) -> Ints:
    """Add a vertex per group (under each parent) and return each column's vertex."""
    count, rough = limit
    keys = np.stack([parent, level.group[n]])
    groups, of = np.unique(keys, axis=1, return_inverse=True)
    vertex = builder.vertices(np.zeros(groups.shape[1], dtype=np.int64))
    is_counted = groups[1] >= 0
    existing = np.where(is_counted, level.existing[np.maximum(groups[1], 0)], 0)
    width, first, blunt = _steps(count, groups.shape[1], existing)
    rise = level.weight * (2 * first + width - 1) // 2
    cost = is_counted[:, None] * (rise[None, :] + level.weight * existing[:, None])
    k, step = np.nonzero(np.ones_like(cost, dtype=np.bool_))
    where = builder.arcs(groups[0][k], vertex + k, width[step], cost[k, step])
    rough.append(where.start + np.flatnonzero((step >= blunt) & is_counted[k]))
    return np.asarray(vertex + of.ravel())
