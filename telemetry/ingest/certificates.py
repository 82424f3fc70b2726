"""The certificate of the ingest endpoint, renewed while it serves."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

_LOOK_S = 5.0
"""Between two looks at the files. A Secret takes up to a minute to arrive in a pod anyway."""

_Stamp = tuple[tuple[int, int, int], ...]


class CertificateUnusable(Exception):
    """A certificate, or its key, cannot be read, or the two do not belong together."""


class Certificates:
    """A certificate and its key on disk, and the TLS that serves them.

    Parameters
    ----------
    certificate
        PEM file with the certificate, and those that vouch for it behind.
    key
        PEM file with its key.
    told
        Takes what is wrong with files that changed and cannot be used, once a change, and nothing
        when new ones are used.
    look_s
        Between two looks at the files, seconds.

    Raises
    ------
    CertificateUnusable
        If the files cannot be used.
    """

    def __init__(
        self,
        certificate: Path,
        key: Path,
        told: Callable[[str], None] = lambda _what: None,
        *,
        look_s: float = _LOOK_S,
    ) -> None:
        self._certificate, self._key, self._told = certificate, key, told
        self._look_s = look_s
        self._stamp = self._stamped()
        self._newest = self._loaded()
        # What connections begin with. OpenSSL asks before it looks for a certificate, and a context
        # that was replaced goes on serving the connections that it has.
        self.context = self._newest
        self.context.sni_callback = self._give_newest

    async def follow(self) -> None:
        """Use what the files hold whenever they change, until cancelled."""
        while True:
            await asyncio.sleep(self._look_s)
            self._tell(await asyncio.to_thread(self._renewed))

    def look(self) -> None:
        """Use what the files hold, if they changed; the last certificate where that is unusable.

        The two files may change one after the other: what does not fit yet is looked at again.
        """
        self._tell(self._renewed())

    def _tell(self, what: str | None) -> None:
        if what is not None:
            self._told(what)

    def _renewed(self) -> str | None:
        """Return what is wrong with files that changed, or nothing; None if they did not."""
        stamp = self._stamped()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        try:
            self._newest = self._loaded()
        except CertificateUnusable as error:
            return f"{error}; the last certificate is kept"
        return ""

    def _give_newest(
        self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _: ssl.SSLContext
    ) -> None:
        connection.context = self._newest

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        files = f"{self._certificate} with {self._key}"
        try:
            context.load_cert_chain(self._certificate, self._key, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            why = getattr(error, "reason", None) or str(error)
            said = f"{files} cannot be used ({why}); give a certificate and its key as PEM"
            raise CertificateUnusable(said) from None
        except OSError as error:
            said = f"{files} cannot be read ({error.strerror}); give files that can be"
            raise CertificateUnusable(said) from None
        return context

    def _stamped(self) -> _Stamp:
        found = []
        for path in (self._certificate, self._key):
            try:
                status = path.stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((status.st_ino, status.st_mtime_ns, status.st_size))
        return tuple(found)


def _no_password() -> str:
    """Keep OpenSSL from asking the terminal."""
    raise ValueError("the key is encrypted")
