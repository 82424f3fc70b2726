"""A real control plane on loopback: etcd, API server and controllers, without kubelets.

RBAC is on, and so is the ServiceAccount admission of a real cluster. Off is what needs kubelets:
the taint of nodes whose Ready condition nobody renews, and the controller that evicts from them,
but where a test has them run (`running`, with heartbeats).
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import requests

from tests.real.api import Api, Refused
from tests.real.controllers import USUAL, Controllers
from tests.real.etcd import Etcd
from tests.real.kubeconfig import write_kubeconfig
from tests.real.ports import free_port
from tests.real.program import NotReady, Program
from tests.real.programs import folder

_START_TRIES = 3
_ISSUER = "https://kubernetes.default.svc"


class ControlPlane:
    """Runs while inside ``with``.

    Parameters
    ----------
    place
        An empty folder for its data, certificates and logs.
    controllers
        Whether kube-controller-manager runs: Deployments, ServiceAccounts, the end of namespaces.
    api_server_flags
        More flags of kube-apiserver; a repeated one overrules ours.
    """

    def __init__(
        self, place: Path, *, controllers: bool = True, api_server_flags: Iterable[str] = ()
    ) -> None:
        self.place = place
        self._wants_controllers, self._controllers = controllers, USUAL
        self._more_flags = tuple(api_server_flags)
        self.token = secrets.token_hex(16)
        """The administrator's."""
        self.port = free_port()
        self.etcd = Etcd(place)
        """The store."""
        self._programs: dict[str, Program] = {}

    def __enter__(self) -> Self:
        try:
            self.etcd.start()
            tokens = self.place / "tokens.csv"
            tokens.touch(mode=0o600)
            tokens.write_text(f"{self.token},admin,admin,system:masters\n")
            self._start_first_api_server()
            if self._wants_controllers:
                self._start_controllers()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.admin.close()
        self._end()

    @property
    def url(self) -> str:
        """Address of the API server."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def authority(self) -> Path:
        """PEM file with the API server's certificate and the one that signed it."""
        return self.place / "certificates" / "apiserver.crt"

    @property
    def key(self) -> Path:
        """PEM file with the key of the API server's certificate."""
        return self.place / "certificates" / "apiserver.key"

    @property
    def api_server(self) -> Program:
        """The API server's process."""
        return self._programs["kube-apiserver"]

    def account(self, token: str) -> Api:
        """Return a way to the API server under a token. Close it."""
        return Api(self.url, token, self.authority)

    def service_account_token(self, namespace: str, name: str) -> str:
        """Return a fresh token of a ServiceAccount, as its pods get it (TokenRequest)."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        return str(self.admin.create(path, asked)["status"]["token"])

    def kubeconfig(self, name: str, *, token: str = "", server: str = "") -> Path:
        """Write a kubeconfig, and return its path.

        Parameters
        ----------
        name
            Of the file.
        token
            Whose; the administrator's unless given.
        server
            Address of a relay in between; the API server's unless given.
        """
        path = self.place / f"{name}.kubeconfig"
        write_kubeconfig(path, server or self.url, token or self.token, self.authority)
        return path

    def start_api_server(self) -> None:
        """Start the API server on the port it had, and the controllers anew; wait for both."""
        self.start_api_server_alone()
        if "kube-controller-manager" in self._programs:
            # One that lost its server waits longer each time, up to 30 s, before it looks again.
            self.restart_controllers()

    def start_api_server_alone(self) -> None:
        """Start the API server on the port it had, and wait until it is ready."""
        self._programs["kube-apiserver"] = Program(
            [str(folder() / "kube-apiserver"), *self._api_server_flags()],
            self.place / "kube-apiserver.log",
        )
        self.api_server.wait_until(self._is_ready, "the API server is ready")

    def restart_controllers(self) -> None:
        """End the controllers at once, start them, and wait until they are at work."""
        self._programs["kube-controller-manager"].kill()
        self._start_controllers()

    @contextmanager
    def running(self, controllers: Controllers) -> Iterator[None]:
        """Have other controllers run while inside ``with``, or with other flags."""
        before, self._controllers = self._controllers, controllers
        self.restart_controllers()
        try:
            yield
        finally:
            self._controllers = before
            self.ensure_api_server()
            self.restart_controllers()

    def stop_api_server(self) -> None:
        """End the API server in peace: it finishes what it is asked."""
        self.api_server.stop()

    def kill_api_server(self) -> None:
        """End the API server at once: requests in flight get no answer."""
        self.api_server.kill()

    def ensure_api_server(self) -> None:
        """Start the API server if it does not run."""
        if self.api_server.exit_status is not None:
            self.start_api_server()

    def restart_api_server(self) -> None:
        """End the API server in peace, and start it again.

        No watch can go on from a version before that (410): the server knows the changes since its
        own start. A compacted store alone brings no 410, since the server keeps its own history.
        """
        self.stop_api_server()
        self.start_api_server()

    def expire_versions(self) -> None:
        """Let all that was read before expire: watches and continued lists are refused (410)."""
        self.etcd.compact()
        self.restart_api_server()

    def _start_first_api_server(self) -> None:
        for left in reversed(range(_START_TRIES)):
            try:
                self.start_api_server()
            except NotReady:
                if not left or "address already in use" not in self.api_server.log:
                    raise
                self.port = free_port()
            else:
                break
        self.admin = self.account(self.token)

    def _api_server_flags(self) -> list[str]:
        key = str(self.etcd.key)
        flags = {
            "etcd-servers": self.etcd.url,
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": str(self.port),
            "endpoint-reconciler-type": "none",  # it would refuse a loopback address
            "cert-dir": str(self.authority.parent),
            "service-cluster-ip-range": "10.96.0.0/16",
            "service-account-key-file": key,
            "service-account-signing-key-file": key,
            "service-account-issuer": _ISSUER,
            "token-auth-file": str(self.place / "tokens.csv"),
            "authorization-mode": "RBAC",
            "disable-admission-plugins": "TaintNodesByCondition",
            "delete-collection-workers": "16",
            # Without it, a server that is asked to end waits a minute for its watches to end first.
            "shutdown-watch-termination-grace-period": "2s",
        }
        return [*_flags(flags), *self._more_flags]

    def _start_controllers(self) -> None:
        flags = {
            "kubeconfig": str(self.kubeconfig("kube-controller-manager")),
            "service-account-private-key-file": str(self.etcd.key),
            "root-ca-file": str(self.authority),
            "leader-elect": "false",
            "secure-port": "0",
            # Its default of 20 requests a second is slower than what it makes pods for.
            "kube-api-qps": "500",
            "kube-api-burst": "500",
            **self._controllers.as_flags(),
        }
        # They give up after ten seconds without health; on a busy machine it takes longer to come.
        self.api_server.wait_until(self._is_healthy, "the API server is healthy")
        self._programs["kube-controller-manager"] = controllers = Program(
            [str(folder() / "kube-controller-manager"), *_flags(flags)],
            self.place / "kube-controller-manager.log",
        )
        account = "/api/v1/namespaces/kube-system/serviceaccounts/default"
        controllers.wait_until(
            lambda: self.admin.is_there(account), "the controllers make ServiceAccounts"
        )

    def _is_ready(self) -> bool:
        if not self.authority.is_file():
            return False
        account = self.account(self.token)
        try:
            # Ready comes before the objects that every cluster has.
            return account.is_there("/api/v1/namespaces/kube-system") and account.is_there(
                "/apis/scheduling.k8s.io/v1/priorityclasses/system-cluster-critical"
            )
        except (requests.RequestException, OSError, Refused):
            return False
        finally:
            account.close()

    def _is_healthy(self) -> bool:
        account = self.account(self.token)
        try:
            return account.text("/healthz") == "ok"
        except (requests.RequestException, Refused):
            return False
        finally:
            account.close()

    def _end(self) -> None:
        for name in ("kube-controller-manager", "kube-apiserver"):
            if name in self._programs:
                self._programs[name].kill()
        self.etcd.kill()


def _flags(values: dict[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in values.items()]
