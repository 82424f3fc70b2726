"""What a running process has used, as Linux tells it in /proc."""

import os
from pathlib import Path

PROC = Path("/proc")
_UTIME = 11  # fields 14 and 15 of proc(5), counted from the third: the name before may hold spaces
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(stat: str, ticks_per_s: int = _TICKS_PER_S) -> float:
    """Return user and system seconds of all threads, from the text of /proc/PID/stat."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_UTIME + 1])) / ticks_per_s


def peak_bytes(status: str) -> int:
    """Return the most memory that was resident at once, from the text of /proc/PID/status."""
    line = next(x for x in status.splitlines() if x.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def busy_s(stat: str, ticks_per_s: int = _TICKS_PER_S) -> float:
    """Return the seconds that all CPUs together were not idle, from the text of /proc/stat.

    What the host took away (steal) counts: nobody here had it.
    """
    user, nice, system, _idle, _iowait, *interrupts = map(int, stat.split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) / ticks_per_s


def machine_busy_s() -> float:
    """Return the seconds that all CPUs of this machine were not idle so far."""
    return busy_s((PROC / "stat").read_text())


def cpu_s_of(pid: int) -> float:
    """Return the CPU seconds of a process so far."""
    return cpu_s((PROC / str(pid) / "stat").read_text())


def peak_bytes_of(pid: int) -> int:
    """Return the peak memory of a process so far."""
    return peak_bytes((PROC / str(pid) / "status").read_text())
