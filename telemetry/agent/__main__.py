"""`python3 -m telemetry.agent`: the agent of a node, or one measurement by hand."""

import sys

from telemetry.agent import flags
from telemetry.agent.once import OnceConfig, measure_once


def main() -> int:
    """Return the exit status."""
    asked = flags.read(sys.argv[1:])
    if isinstance(asked, OnceConfig):
        return measure_once(asked)
    # What a measurement by hand does not need is loaded where it is needed.
    from telemetry.agent import daemon  # noqa: PLC0415

    daemon.run(asked.measuring, asked.reporting)
    return 0


if __name__ == "__main__":
    sys.exit(main())
