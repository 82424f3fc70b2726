"""The terminal that is written to."""

import os
import sys

from rich.console import Console
from typing_extensions import override


class Terminal(Console):
    """A console whose reader may have seen enough, as in ``… | head``."""

    @override
    def on_broken_pipe(self) -> None:
        """Write nothing more, and leave it to the caller to end.

        Raises
        ------
        BrokenPipeError
            Always; rich's own way, to leave the process at once, tears running loops apart.
        """
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the flush at the end
        raise BrokenPipeError
