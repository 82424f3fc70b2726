"""Asking a scheduler that runs: dev mode, or one in a cluster through `kubectl port-forward`."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from typing import Any

from scheduler.domain.errors import InputError

DEFAULT_PORTS = (8080, 10251)
"""Of dev mode, and of `run`."""

_TIMEOUT_S = 30.0
_NOT_FOUND = 404


class RunningScheduler:
    """One that answers on a port of this machine. Made by `running_scheduler`."""

    def __init__(self, port: int, summary: dict[str, Any]) -> None:
        self.port = port
        self.summary = summary

    @property
    def address(self) -> str:
        """What is asked."""
        return f"127.0.0.1:{self.port}"

    def asked(self, path: str) -> dict[str, Any] | None:
        """Return a JSON object; None where the scheduler knows no such thing.

        Raises
        ------
        InputError
            If it does not answer, or not in its own form.
        """
        try:
            return _asked(self.port, path)
        except urllib.error.HTTPError as error:
            if error.code == _NOT_FOUND:
                return None
            what = f"answered {error.code} to /api/{path}"
            raise InputError(self.address, what, "look at its log") from None
        except (OSError, HTTPException) as error:
            what = f"gave no answer to /api/{path} ({error})"
            raise InputError(self.address, what, "try again") from None
        except ValueError:
            raise InputError(self.address, "is not Isochrone", "give another --port") from None

    def text(self, path: str) -> str | None:
        """Return a text, as `asked` returns JSON.

        Raises
        ------
        InputError
            As `asked`.
        """
        try:
            with _opened(self.port, path) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            if error.code == _NOT_FOUND:
                return None
            what = f"answered {error.code} to /api/{path}"
            raise InputError(self.address, what, "look at its log") from None
        except (OSError, HTTPException, UnicodeDecodeError) as error:
            what = f"gave no answer to /api/{path} ({error})"
            raise InputError(self.address, what, "try again") from None


def running_scheduler(port: int | None) -> RunningScheduler:
    """Return the scheduler on a port; without one, the first of the usual ports that answers.

    Raises
    ------
    InputError
        If none does.
    """
    ports = DEFAULT_PORTS if port is None else (port,)
    found_other = False
    for one in ports:
        try:
            summary = _asked(one, "summary")
        except (ValueError, urllib.error.HTTPError):
            found_other = True
            continue
        except (OSError, HTTPException):
            continue
        if "podsPlaced" in summary:
            return RunningScheduler(one, summary)
        found_other = True
    where = " and ".join(f"127.0.0.1:{one}" for one in ports)
    if found_other:
        raise InputError(where, "is not dev mode nor a scheduler of ours", "give another --port")
    raise InputError(
        where,
        "no dev mode answers",
        "start it with python3 main.py; or reach the scheduler of a cluster with kubectl "
        "port-forward -n kube-system deploy/isochrone 10251; or give --kubeconfig, or files",
    )


def _asked(port: int, path: str) -> dict[str, Any]:
    with _opened(port, path) as answer:
        body = json.load(answer)
    if not isinstance(body, dict):
        raise ValueError("not an object")  # noqa: TRY004 - as json's own
    return body


def _opened(port: int, path: str) -> HTTPResponse:
    # Never through a proxy: what is asked listens on this machine alone.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    address = f"http://127.0.0.1:{port}/api/{path}"
    answer: HTTPResponse = opener.open(address, timeout=_TIMEOUT_S)
    return answer
