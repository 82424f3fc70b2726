"""Whether the service is ready, check by check, in the form of the API server's own endpoints."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scheduler.service.state import ServiceState


@dataclass(frozen=True, slots=True)
class Check:
    """One line. A check that `is_needed` makes the service not ready while it does not hold."""

    name: str
    holds: bool
    said: str = ""
    is_needed: bool = True

    def line(self) -> str:
        """Return the line as ``/readyz?verbose`` of Kubernetes has it."""
        said = f": {self.said}" if self.said else ""
        if self.holds:
            return f"[+]{self.name} ok{said}"
        return f"[-]{self.name} {'failed' if self.is_needed else 'missing, not needed'}{said}"


Checks = Callable[[], Sequence[Check]]
"""More to be told of readiness than the service's own state says."""


def rtt_sentence(state: ServiceState) -> str:
    """Return how things stand with the round-trip times in use."""
    at_s = state.metrics.rtt_updated_s.at_s
    age_s = None if at_s is None else state.clock.wall_s() - at_s
    return state.rtt.sentence(len(state.cache.rtt.nodes), age_s)


def checks(state: ServiceState, *, is_ready: bool, more: Sequence[Check] = ()) -> list[Check]:
    """Return all checks.

    Parameters
    ----------
    state
        Of the service.
    is_ready
        Whether its cache is complete and it is not on its way out.
    more
        What is to be told besides.
    """
    is_synced = state.cache.is_synced
    nodes, placed = len(state.cache.nodes), state.cache.pods.placed_count
    counts = f"{nodes} nodes, {placed} placed pods; the watches are alive"
    lost = "not all is listed yet, or a watch broke off"
    return [
        Check("caches", is_synced, counts if is_synced else lost),
        Check("running", is_ready or not is_synced, "" if is_ready else "on its way out"),
        *more,
        Check(
            "rtt",
            bool(state.cache.rtt.nodes) and state.rtt.is_whole,
            rtt_sentence(state),
            is_needed=False,
        ),
    ]


def notices(state: ServiceState, more: Sequence[Check] = ()) -> list[str]:
    """Return what a person should know before reading any figures."""
    is_known = bool(state.cache.rtt.nodes) and state.rtt.is_whole
    others = [check.said for check in more if not check.holds and check.said]
    return [*others, *([] if is_known else [rtt_sentence(state)])]


def report(all_checks: Sequence[Check], *, is_verbose: bool) -> tuple[bool, str]:
    """Return whether the service is ready, and the text that says so.

    A short answer still names what is missing: a probe's failure is read in an event.
    """
    is_ready = all(check.holds or not check.is_needed for check in all_checks)
    missing = [check for check in all_checks if not check.holds]
    if is_ready and not is_verbose:
        return True, "; ".join(["ok", *(check.said for check in missing)])
    lines = [check.line() for check in all_checks]
    lines.append(f"readyz check {'passed' if is_ready else 'failed'}")
    return is_ready, "\n".join(lines) + "\n"
