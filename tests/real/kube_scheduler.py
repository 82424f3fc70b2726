"""The stock scheduler beside a test."""

from pathlib import Path
from typing import Self

from benchmarks.live.contenders import stock

STOCK = "default-scheduler"


class KubeScheduler:
    """kube-scheduler with its defaults, at work while inside ``with``.

    Parameters
    ----------
    kubeconfig
        Whose account.
    place
        Folder for its settings and log.
    """

    def __init__(self, kubeconfig: Path, place: Path) -> None:
        self._kubeconfig, self._place = kubeconfig, place

    def __enter__(self) -> Self:
        started = stock().start(self._kubeconfig, self._place)
        self.program = started.program
        try:
            self.program.wait_until(started.is_ready, "kube-scheduler is ready")
        except BaseException:
            self.program.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop()
