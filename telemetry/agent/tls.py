"""TLS on the agent's loop. Loaded only where it is used: `ssl` costs 5 MB."""

import socket
import ssl

from telemetry.agent.stream import Wanting


class TlsStream:
    """A connected socket behind TLS, for reading and writing without waiting.

    Parameters
    ----------
    sock
        Connected and non-blocking; it is this stream's from now on.
    ca_path
        Certificates to trust, and no others. Read now, so that a renewed file counts from the next
        connection on.
    name
        Whom the certificate must name: the host as it stands in the URL, whichever of its
        addresses was taken.

    Raises
    ------
    OSError
        If there is no such file, or it holds no certificates.
    """

    def __init__(self, sock: socket.socket, ca_path: str, name: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_verify_locations(cafile=ca_path)
        except OSError as error:
            why = error.strerror or "holds no certificates"
            raise OSError(f"certificates of {ca_path} cannot be used: {why}") from None
        self._sock = context.wrap_socket(
            sock, server_hostname=name, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._sock.fileno()

    def handshake(self) -> None:
        """Go on with the handshake.

        Raises
        ------
        Wanting
            If it has to wait.
        OSError
            If it fails; the text says why.
        """
        try:
            self._sock.do_handshake()
        except ssl.SSLCertVerificationError as error:
            raise OSError(f"its certificate is not trusted: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise _waiting(error) from None

    def send(self, sent: memoryview) -> int:
        """Send what can be sent now, as `handshake` raises."""
        try:
            return self._sock.send(sent)
        except ssl.SSLError as error:
            raise _waiting(error) from None

    def receive(self, count: int) -> bytes:
        """Return what has come, empty at the end, as `handshake` raises."""
        try:
            return self._sock.recv(count)
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLError as error:
            raise _waiting(error) from None

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()


def _waiting(error: ssl.SSLError) -> OSError:
    if isinstance(error, ssl.SSLWantReadError):
        return Wanting(is_write=False)
    if isinstance(error, ssl.SSLWantWriteError):
        return Wanting(is_write=True)
    return OSError(f"TLS failed: {error.reason or error}")
