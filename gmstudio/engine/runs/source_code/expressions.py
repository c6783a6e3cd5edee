"""Tests and values of expressions in the sources of a model."""

import ast
from collections.abc import Iterator
from typing import Any

import msgspec

from gmstudio.engine.runs.source_code.tracing import PLAIN, VARIED

SETTINGS = "__settings__"
"""Name that stands for a whole object of settings, which nothing of the file needs."""


class UnknownError(Exception):
    """The value of an expression is not decided by the settings."""


def attribute_of(owner: Any, name: str) -> Any:
    """Return an attribute that costs nothing: an object's own, a module's part, or a plain one of its class.

    Raises:
        UnknownError: when there is none.
    """
    if isinstance(owner, msgspec.Struct):
        return getattr(owner, name)
    own = getattr(owner, "__dict__", {})
    for found in (own, *(own.get(table) or {} for table in ("_modules", "_parameters", "_buffers"))):
        if name in found:
            return found[name]
    found = getattr(type(owner), name, VARIED)
    if found is None or isinstance(found, (*PLAIN, msgspec.Struct)):
        return found
    raise UnknownError


def compares_with_none(node: ast.Compare) -> bool:
    """Return whether a comparison is ``is None`` or ``is not None``."""
    other = node.comparators[0]
    by_identity = len(node.ops) == 1 and isinstance(node.ops[0], ast.Is | ast.IsNot)
    return by_identity and isinstance(other, ast.Constant) and other.value is None


def agreed(answers: Iterator[bool]) -> bool:
    """Return the one answer of all.

    Raises:
        UnknownError: when they differ, or there is none.
    """
    found = set(answers)
    if len(found) != 1:
        raise UnknownError
    return found.pop()


def is_written(value: object) -> bool:
    """Return whether a value can be written as a literal."""
    return isinstance(value, PLAIN) or (isinstance(value, tuple) and all(map(is_written, value)))


def literal(value: Any) -> ast.expr:
    """Return the expression that stands for a value."""
    if isinstance(value, msgspec.Struct):
        return ast.Name(SETTINGS, ast.Load())
    return ast.parse(repr(value), mode="eval").body


def spread(nodes: list[ast.expr]) -> Iterator[ast.expr]:
    """Yield expressions, those in a starred tuple or list one by one."""
    for node in nodes:
        if isinstance(node, ast.Starred) and isinstance(node.value, ast.Tuple | ast.List):
            yield from spread(node.value.elts)
        else:
            yield node


def is_stored(node: ast.expr) -> bool:
    """Return whether an expression is assigned to, or deleted."""
    return not isinstance(getattr(node, "ctx", None), ast.Load)


def is_type_checking(node: ast.expr) -> bool:
    """Return whether a test is ``TYPE_CHECKING``."""
    return isinstance(node, ast.Name) and node.id == "TYPE_CHECKING"


def is_for_speed(node: ast.expr) -> bool:
    """Return whether a test chooses between two ways to compute the same by the processor; the second is torch's."""
    parts = node.values if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And) else [node]
    called = [one.func for one in parts if isinstance(one, ast.Call)]
    return any(isinstance(one, ast.Name) and one.id == "is_for_onednn" for one in called)
