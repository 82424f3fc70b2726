"""The store of a control plane: one etcd, whose data outlives its process."""

from pathlib import Path

import requests

from tests.real.api import Object
from tests.real.ports import free_port
from tests.real.program import NotReady, Program
from tests.real.programs import folder

_START_TRIES = 3


class Etcd:
    """Started, killed and started again by its owner.

    ``--unsafe-no-fsync`` loses nothing here: etcd hands each change to the kernel before it
    answers, and what the kernel has does not go with a process that is killed. Only a machine that
    dies takes it along, and none does.

    Parameters
    ----------
    place
        Folder for its data and log.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._ports = (0, 0)
        self._process: Program | None = None

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def key(self) -> Path:
        """PEM file with the key that it made for its peers. None will ever come."""
        return self._place / "etcd" / "fixtures" / "peer" / "key.pem"

    @property
    def process(self) -> Program:
        """The process, the last there was."""
        if self._process is None:
            raise ValueError("etcd was never started")
        return self._process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def start(self) -> None:
        """Start it without data; where another process was faster to take a port, on others."""
        for left in reversed(range(_START_TRIES)):
            self._ports = (free_port(), free_port())
            try:
                self._run()
            except NotReady:
                if not left or "address already in use" not in self.process.log:
                    raise
            else:
                return

    def kill(self) -> None:
        """End it at once: requests in flight get no answer. That it never ran is fine."""
        if self._process is not None:
            self._process.kill()

    def start_again(self) -> None:
        """Start it on the data and ports it had, and wait until it answers."""
        self._run()

    def compact(self) -> None:
        """Forget all versions of objects but the present ones."""
        status = self.ask("maintenance/status", {})
        revision = str(status["header"]["revision"])
        self.ask("kv/compaction", {"revision": revision, "physical": True})

    def ask(self, path: str, body: object) -> Object:
        """Send a request to its JSON gateway and return what is answered."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(f"{self.url}/v3/{path}", json=body, timeout=30)
        answer.raise_for_status()
        found: Object = answer.json()
        return found

    def _run(self) -> None:
        peers = f"https://127.0.0.1:{self._ports[1]}"
        flags = {
            "data-dir": str(self._place / "etcd"),
            "listen-client-urls": self.url,
            "advertise-client-urls": self.url,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"default={peers}",
            "quota-backend-bytes": str(8 << 30),
            "log-level": "warn",
        }
        self._process = Program(
            [
                str(folder() / "etcd"),
                # What is wanted is the key: the API server signs tokens of ServiceAccounts with it.
                "--peer-auto-tls",
                "--unsafe-no-fsync",
                *(f"--{name}={value}" for name, value in flags.items()),
            ],
            self._place / "etcd.log",
        )
        self._process.wait_until(self._is_healthy, "etcd is healthy")

    def _is_healthy(self) -> bool:
        try:
            return bool(self.ask("maintenance/status", {}))
        except requests.RequestException:
            return False
