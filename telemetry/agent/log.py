"""What an agent tells people: single lines on standard error, one for each change.

An agent that cannot reach its scheduler tries for ever; told once a try, its log would be nothing
else. So whoever has a lasting condition holds a `Condition`, and only its changes are said.
"""

import sys
from collections.abc import Callable

Say = Callable[[str], None]

_LONGEST = 500
"""Characters of a line; what comes from the network may be longer."""


def say(line: str) -> None:
    """Write one line to standard error.

    What is no printable character becomes a space: an answer from the network must not be able to
    forge lines, or to colour a terminal. A log that nobody takes any more stops nothing.
    """
    clean = "".join(letter if letter.isprintable() else " " for letter in line[:_LONGEST])
    try:
        sys.stderr.write(f"isochrone-agent: {clean}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


class Condition:
    """What a thing is like now, said when it changes.

    Parameters
    ----------
    subject
        Begins each line.
    to
        Where lines go.
    """

    __slots__ = ("_kind", "_say", "_subject")

    def __init__(self, subject: str, to: Say = say) -> None:
        self._subject, self._say = subject, to
        self._kind = ""

    def now(self, kind: str, text: str) -> None:
        """Say `text`, unless the last condition was of the same kind.

        Details within a kind may change with every try (timed out, refused, no route); they are
        told with the first.
        """
        if kind != self._kind:
            self._kind = kind
            self._say(f"{self._subject}: {text}")
