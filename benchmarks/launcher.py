"""Run a command and print its wall and CPU seconds, peak memory and exit status as JSON.

A process of its own, and a small one: Linux counts the parent's peak as the child's until the child
executes its program, so that a large parent would measure itself.
"""

import json
import os
import subprocess
import sys
from time import perf_counter


def main(command: list[str]) -> None:
    """Run `command`, its standard output thrown away."""
    start = perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - the benchmarks' own commands
    _, status, usage = os.wait4(child.pid, 0)
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    figures = {
        "wall_s": perf_counter() - start,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * unit,
        "status": os.waitstatus_to_exitcode(status),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
