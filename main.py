"""Isochrone: hands over to commands/, or says which command installs what is missing."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said in words, not by a traceback, on an older Python
    sys.exit("Isochrone needs Python 3.11 or newer; run: make run  (it finds one, or says how)")

from commands.missing import run

if __name__ == "__main__":
    run()
