"""What dev mode writes, in the folder `.isochrone`: one dev mode at a time has the plain names."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

FOLDER = Path(".isochrone")
_LOCK = "lock"
_KUBECONFIG = "kubeconfig"
_LOG = "dev.log"


@dataclass(frozen=True, slots=True)
class DevFiles:
    """What one dev mode writes.

    Parameters
    ----------
    kubeconfig
        Where the embedded cluster's is written.
    log
        Open for writing; None where the folder cannot be written into.
    is_second
        Whether another dev mode runs in this folder, so that the names are not the plain ones.
    """

    kubeconfig: Path
    log: TextIO | None
    is_second: bool = False


@contextmanager
def dev_files() -> Iterator[DevFiles]:
    """Give a dev mode its files.

    The plain names go to who holds the folder's lock, which ends with its process however that
    ends; so the files of a dead one are written anew. Another one's names end in its process id:
    its kubeconfig goes with it, its log with the next one that has the lock.
    """
    with ExitStack() as stack:
        try:
            FOLDER.mkdir(exist_ok=True)
            lock = stack.enter_context((FOLDER / _LOCK).open("w", encoding="utf-8"))
        except OSError:  # read-only: the table says what the log would
            place = stack.enter_context(tempfile.TemporaryDirectory(prefix="isochrone-"))
            yield DevFiles(Path(place) / _KUBECONFIG, None)
            return
        is_second = not _is_taken(lock)
        if is_second:
            kubeconfig, log = (FOLDER / f"{name}.{os.getpid()}" for name in (_KUBECONFIG, _LOG))
            stack.callback(kubeconfig.unlink, missing_ok=True)
        else:
            kubeconfig, log = FOLDER / _KUBECONFIG, FOLDER / _LOG
            _remove_left()
        stream = stack.enter_context(log.open("w", encoding="utf-8"))
        yield DevFiles(kubeconfig, stream, is_second)


def _is_taken(lock: TextIO) -> bool:
    """Take a lock; return whether we have it. Where there are no locks, everyone has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _remove_left() -> None:
    """Remove what dev modes that are no more have left under their own names."""
    for name in (_KUBECONFIG, _LOG):
        for path in FOLDER.glob(f"{name}.*"):
            number = path.name.rpartition(".")[2]
            if number.isdecimal() and not _is_alive(int(number)):
                path.unlink(missing_ok=True)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is somebody else's
        pass
    return True
