"""Network namespaces without names: they live as long as something holds them open."""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
from pathlib import Path

_NEW_NETWORK = 0x40000000
_ETHTOOL = 0x8946
_SET_TX_CHECKSUM = 0x17
_SET_TIMER_SLACK = 29

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def current_space() -> int:
    """Return a file descriptor of the namespace this process is in."""
    return os.open("/proc/self/ns/net", os.O_RDONLY)


def new_space() -> int:
    """Move this process into a new namespace; return its file descriptor."""
    _checked(_libc.unshare(_NEW_NETWORK), "no new network namespace")
    return current_space()


def enter(space: int) -> None:
    """Move this process (of a single thread) into a namespace."""
    _checked(_libc.setns(space, _NEW_NETWORK), "the network namespace cannot be entered")


def configure(space: int, *lines: str) -> None:
    """Carry out lines of `ip -batch` in a namespace."""
    enter_it = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{space}"]
    done = subprocess.run(  # noqa: S603 - the system's own tools
        [*enter_it, "ip", "-batch", "-"],
        input="\n".join(lines) + "\n",
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"ip refused {list(lines)}: {done.stderr.strip()}")


def write_setting(name: str, value: str) -> None:
    """Write a sysctl of the namespace this process is in, ``net/ipv4/…``."""
    Path("/proc/sys", name).write_text(value, encoding="ascii")


def finish_checksums(device: str) -> None:
    """Have packets leave `device` with their checksums, as they would leave a machine.

    Otherwise the sums are left to a network card, and there is none on the way.
    """
    order = bytearray(struct.pack("II", _SET_TX_CHECKSUM, 0))
    held = (ctypes.c_char * len(order)).from_buffer(order)
    request = struct.pack("16sP", device.encode(), ctypes.addressof(held))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        fcntl.ioctl(door, _ETHTOOL, request.ljust(40, b"\0"))


def sharpen_timers() -> None:
    """Wake this process when it asks to be woken, not up to 50 us later."""
    _checked(_libc.prctl(_SET_TIMER_SLACK, 1, 0, 0, 0), "timers stay blunt")


def end_processes(spaces: list[int]) -> None:
    """Kill every process that is inside one of these namespaces, and nothing else."""
    inside = {(status.st_dev, status.st_ino) for status in map(os.fstat, spaces)}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            status = (folder / "ns" / "net").stat()
            if (status.st_dev, status.st_ino) in inside:
                os.kill(int(folder.name), signal.SIGKILL)
        except OSError:
            continue  # it ended in the meantime, or is the kernel's
