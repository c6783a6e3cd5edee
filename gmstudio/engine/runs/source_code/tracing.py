"""Record of what a model runs through: functions, the lines of them, and the arguments that never differ.

A tracer of the interpreter (``sys.settrace``) sees every call into the packages that are traced. So the record has the
methods that objects really have, however they came by them, and no list of anything is kept by hand.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import msgspec

MAX_CALLS = 100
"""Calls of one function that are recorded; later ones, of a long chain, take the same ways."""
PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class Place:
    """A function or method of a module.

    Args:
        module: full name.
        name: qualified name, for example ``VAE.decode``.
    """

    module: str
    name: str


class _Varied:
    """Mark of an argument that differs between calls, or is no plain value."""


VARIED = _Varied()


@dataclass
class Record:
    """Observations of one function.

    Args:
        arguments: parameter → value in all calls, or ``VARIED``.
        lines: numbers of lines that ran.
        owners: objects of which it was called, for methods, by identity.
        calls: number of calls, and of times that a generator went on.
    """

    arguments: dict[str, Any] = field(default_factory=dict)
    lines: set[int] = field(default_factory=set)
    owners: dict[int, Any] = field(default_factory=dict)
    calls: int = 0


class Tracer:
    """Context in which calls into some packages are recorded.

    Args:
        packages: names of top-level packages or modules.

    Attributes:
        packages: see above.
        records: by the outermost function; what happens in functions inside counts as theirs.
    """

    def __init__(self, packages: tuple[str, ...]) -> None:
        self.records: dict[Place, Record] = {}
        self.packages = packages
        self._modules: dict[str, str | None] = {}
        self._before: Any = None

    def __enter__(self) -> "Tracer":
        self._before = sys.gettrace()
        sys.settrace(self._on_call)
        return self

    def __exit__(self, *error: object) -> None:
        sys.settrace(self._before)

    def _on_call(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        module = self._module_of(frame)
        if module is None:
            return None
        qualified = frame.f_code.co_qualname
        outer = qualified.partition(".<locals>")[0]
        if outer.startswith("<") or outer.rpartition(".")[2].startswith("<"):
            return None  # the body of a module, or a lambda outside functions
        record = self.records.setdefault(Place(module, outer), Record())
        if record.calls > MAX_CALLS:
            return None
        if outer == qualified and not _is_class_body(frame):
            self._note_call(record, frame)
        record.lines.add(frame.f_lineno)

        def on_line(inner: FrameType, event: str, argument: object) -> Any:
            record.lines.add(inner.f_lineno)
            return on_line

        return on_line

    def _module_of(self, frame: FrameType) -> str | None:
        """Name of the frame's module where it is traced."""
        name = frame.f_globals.get("__name__", "")
        if name not in self._modules:
            inside = any(name == package or name.startswith(f"{package}.") for package in self.packages)
            self._modules[name] = name if inside else None
        generated = frame.f_code.co_filename.startswith("<")  # such as the constructor of a dataclass
        return None if generated else self._modules[name]

    @staticmethod
    def _note_call(record: Record, frame: FrameType) -> None:
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if names[:1] in (("self",), ("cls",)):
            owner = frame.f_locals.get(names[0])
            record.owners.setdefault(id(owner), owner)
            names = names[1:]
        for name in names:
            value = frame.f_locals.get(name, VARIED)
            if not isinstance(value, (*PLAIN, msgspec.Struct)):
                value = VARIED
            known = record.arguments.setdefault(name, value)
            if known is not VARIED and not same(known, value):
                record.arguments[name] = VARIED
        record.calls += 1


def same(one: object, other: object) -> bool:
    """Return whether two plain values are equal and of one type."""
    return type(one) is type(other) and one == other


def _is_class_body(frame: FrameType) -> bool:
    return not frame.f_code.co_flags & 0x2  # without CO_NEWLOCALS
