"""Certificates for loopback, made by openssl."""

import subprocess
from pathlib import Path


def make_certificate(
    folder: Path, name: str, *, password: str = "", address: str = "127.0.0.1"
) -> tuple[Path, Path]:
    """Make a certificate of an address that vouches for itself; return its file and its key's.

    Parameters
    ----------
    folder
        For the files.
    name
        Of the certificate, and of the files.
    password
        Of the key; none unless given.
    address
        Whose; also that of ``localhost``.
    """
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(  # noqa: S603 - a fixed command
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *(("-passout", f"pass:{password}") if password else ("-nodes",)),
            *("-days", "2", "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName=IP:{address},DNS:localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return certificate, key
