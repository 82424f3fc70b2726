"""The harness's own way to the API server: objects are dictionaries; many go out at once.

It shares no code with `scheduler/kube`, which would hide a shared mistake.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import requests
import yaml
from requests.adapters import HTTPAdapter

Object: TypeAlias = dict[str, Any]

WORKERS = 16
_TIMEOUT_S = 60.0
_FIELD_MANAGER = "e2e"


class Refused(Exception):
    """The API server did not carry a request out.

    Parameters
    ----------
    request
        Method and path.
    status
        HTTP status.
    said
        The message of its Status.
    """

    def __init__(self, request: str, status: int, said: str) -> None:
        super().__init__(f"{request}: {status}, {said}")
        self.status, self.said = status, said


class Api:
    """Requests under one account. Its owner closes it.

    Parameters
    ----------
    server
        Address of the API server.
    token
        Bearer token.
    authority
        PEM file with the certificates that vouch for the server.
    """

    def __init__(self, server: str, token: str, authority: Path) -> None:
        self.server = server
        self._session = requests.Session()
        self._session.trust_env = False  # a ~/.netrc or a proxy must not get in between
        self._session.verify = str(authority)
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.mount(server, HTTPAdapter(pool_maxsize=WORKERS))
        self._resources = cache(self._read_resources)

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def ask(self, method: str, path: str, body: object = None, **options: str) -> Object:
        """Send a request and return the object that is answered.

        Parameters
        ----------
        method, path
            As in HTTP.
        body
            Sent as JSON, unless it is None. Text is sent as it is.
        options
            The query; ``content_type`` is the body's.

        Raises
        ------
        Refused
            If the answer is not a 2xx.
        requests.RequestException
            If there is none.
        """
        found: Object = self._answer(method, path, body, options).json()
        return found

    def text(self, path: str) -> str:
        """Return what is answered as it is: metrics, logs."""
        return self._answer("GET", path, None, {}).text

    def get(self, path: str, **query: str) -> Object:
        """Return one object, or one list."""
        return self.ask("GET", path, **query)

    def items(self, path: str, **query: str) -> list[Object]:
        """Return the objects of a list."""
        found: list[Object] = self.get(path, **query)["items"]
        return found

    def create(self, path: str, made: Object, **query: str) -> Object:
        """Create an object in the collection at `path`."""
        return self.ask("POST", path, made, **query)

    def create_all(self, path: str, made: Sequence[Object]) -> None:
        """Create objects in the collection at `path`, several at once.

        Raises
        ------
        Refused
            If any is refused; the others may have been created.
        """
        with ThreadPoolExecutor(WORKERS) as pool:
            for _ in pool.map(lambda one: self.create(path, one), made):
                pass

    def patch(self, path: str, change: Object) -> Object:
        """Merge a change into the object at `path`; null removes (JSON merge patch)."""
        return self.ask("PATCH", path, change, content_type="application/merge-patch+json")

    def delete(self, path: str, **query: str) -> None:
        """Delete an object or a whole collection; one that is gone already is fine."""
        try:
            self.ask("DELETE", path, **query)
        except Refused as error:
            if error.status != requests.codes.not_found:
                raise

    def is_there(self, path: str) -> bool:
        """Tell whether there is an object at `path`."""
        try:
            self.get(path)
        except Refused as error:
            if error.status == requests.codes.not_found:
                return False
            raise
        return True

    def apply(self, manifests: Iterable[Object]) -> None:
        """Apply objects as ``kubectl apply --server-side`` does."""
        for manifest in manifests:
            self.ask(
                "PATCH",
                self.path_of(manifest),
                yaml.safe_dump(manifest),
                content_type="application/apply-patch+yaml",
                fieldManager=_FIELD_MANAGER,
                force="true",
            )

    def path_of(self, manifest: Object) -> str:
        """Return the path of an object, as the server's discovery has it."""
        version, kind, metadata = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        plural, is_namespaced = self._resources(root)[kind]
        folder = f"/namespaces/{metadata.get('namespace', 'default')}" if is_namespaced else ""
        return f"{root}{folder}/{plural}/{metadata['name']}"

    def _answer(
        self, method: str, path: str, body: object, options: dict[str, str]
    ) -> requests.Response:
        content_type = options.pop("content_type", "application/json")
        answer = self._session.request(
            method,
            f"{self.server}{path}",
            params=options,
            data=body if isinstance(body, str) else None,
            json=None if isinstance(body, str) else body,
            headers={"Content-Type": content_type},
            timeout=_TIMEOUT_S,
        )
        if not answer.ok:
            raise Refused(f"{method} {path}", answer.status_code, _message(answer))
        return answer

    def _read_resources(self, root: str) -> dict[str, tuple[str, bool]]:
        found = self.get(root)["resources"]
        return {r["kind"]: (r["name"], r["namespaced"]) for r in found if "/" not in r["name"]}


def read_manifests(path: Path) -> list[Object]:
    """Return the objects of a YAML file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text
