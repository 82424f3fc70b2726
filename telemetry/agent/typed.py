"""What the agent takes of `typing`, without `typing`: that is 0.6 MB of its 14.

Type checkers see the originals. At run time `NamedTuple` makes a named tuple of a class's
annotated fields and defaults, and the rest says nothing.
"""

from collections import namedtuple

TYPE_CHECKING = False  # so called, type checkers take it for true

if TYPE_CHECKING:
    from typing import NamedTuple, NoReturn, Protocol, cast
else:

    class _Maker(type):
        def __new__(cls, name, bases, body):  # noqa: ANN001, ANN204, ARG004 - seen by no type checker
            """Make the named tuple, and a class of the body's methods upon it."""
            fields = list(body.get("__annotations__", {}))
            values = [body.pop(field) for field in fields if field in body]
            made = namedtuple(name, fields, defaults=values, module=body["__module__"])  # noqa: PYI024 - the other kind is what this is for
            return type(name, (made,), {"__slots__": (), **body})

    class _Mark:
        def __mro_entries__(self, bases):  # noqa: ANN001, ANN204 - seen by no type checker
            """Have a class statement call `_Maker`."""
            return (_Made,)

    _Made = type.__new__(_Maker, "_Made", (), {})
    NamedTuple = _Mark()

    NoReturn = None

    class Protocol:
        """Says what a thing can do."""

    def cast(_, value):  # noqa: ANN001, ANN201 - seen by no type checker
        """Return what is said to be of another type."""
        return value


__all__ = ["NamedTuple", "NoReturn", "Protocol", "cast"]
