"""What is known of round-trip times, by what measured them, as plain JSON values."""

from collections.abc import Mapping

from scheduler.service.state import ServiceState

Json = Mapping[str, object]


def measuring(state: ServiceState) -> Json:
    """Return each source and what is wrong with it, and how many pairs are known and how old.

    ``pairs`` is null where nothing measures live: a file's pairs have one age, that of the table.
    """
    at_s = state.metrics.rtt_updated_s.at_s
    found = state.census
    return {
        "nodes": len(state.cache.rtt.nodes),
        "tableAgeS": None if at_s is None else round(state.clock.wall_s() - at_s, 1),
        "sources": [
            {"name": name, "problem": problem or state.rtt.lacks.get(name, "")}
            for name, problem in sorted(state.rtt.problems.items())
        ],
        "pairs": None
        if found is None
        else {
            "all": found.pairs,
            "stale": found.stale,
            "unknown": found.unknown,
            "believed": [
                {"source": origin.name.lower(), "pairs": count, "medianAgeS": round(age_s, 1)}
                for origin, (count, age_s) in sorted(found.believed.items())
            ],
        },
    }
