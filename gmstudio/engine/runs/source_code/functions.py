"""A function of the file of a model, and what is read in trees of its kind."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gmstudio.engine.runs.source_code.expressions import SETTINGS
from gmstudio.engine.runs.source_code.parsing import is_comment
from gmstudio.engine.runs.source_code.tracing import Place, Record

FIXED = frozenset({"forward", "__call__", "backward"})
"""Methods that others call with arguments of their own."""


@dataclass
class Function:
    """A function or method of the file.

    Args:
        place: where it was found.
        node: its tree, which is changed.
        record: what was seen of it; None: it was not called.
        offered: whether the reader of the file calls it.
    """

    place: Place
    node: ast.FunctionDef
    record: Record | None
    offered: bool = False

    @property
    def owner(self) -> str:
        """Name of its class; empty: it is a function."""
        return self.place.name.rpartition(".")[0]

    @property
    def called(self) -> str:
        """Name by which it is called: that of its class for a constructor."""
        return self.owner.rpartition(".")[2] if self.node.name == "__init__" else self.node.name

    @property
    def parameters(self) -> list[ast.arg]:
        """Its parameters by position, without ``self``."""
        positional = self.node.args.posonlyargs + self.node.args.args
        return positional[1:] if self.owner and not self._is_static else positional

    @property
    def _is_static(self) -> bool:
        return any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in self.node.decorator_list)

    @property
    def is_property(self) -> bool:
        """Return whether it is read as an attribute."""
        names = {one.id if isinstance(one, ast.Name) else "" for one in self.node.decorator_list}
        return bool(names & {"property", "cached_property"})


def statements(node: ast.FunctionDef) -> list[ast.stmt]:
    """Return the statements of a function without documentation and comments."""
    return [
        one
        for number, one in enumerate(node.body)
        if not is_comment(one) and not (number == 0 and is_documentation(one))
    ]


def loaded_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that are read in trees."""
    return {
        one.id
        for node in nodes
        for one in ast.walk(node)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
    }


def read_attributes(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names of attributes that are read in trees, those in ``getattr`` among them."""
    found: set[str] = set()
    for node in nodes:
        for one in ast.walk(node):
            if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load):
                found.add(one.attr)
            elif isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in ("getattr", "hasattr"):
                found |= {str(argument.value) for argument in one.args if isinstance(argument, ast.Constant)}
    return found


def settings_left(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Lines in which a whole object of settings is still used."""
    for node in nodes:
        for one in ast.walk(node):
            if isinstance(one, ast.stmt) and SETTINGS in loaded_names([one]) and not hasattr(one, "body"):
                yield ast.unparse(one).replace(SETTINGS, "config")


def is_documentation(node: ast.stmt) -> bool:
    """Return whether a statement is a text."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def callee(node: ast.AST) -> str:
    """Return the name by which something is called, without the object; empty: none."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def argument_of(call: ast.Call, number: int, name: str) -> ast.expr | None:
    """Return the argument of a call by position or name; None: the call does not give it."""
    if any(isinstance(one, ast.Starred) for one in call.args) or any(keyword.arg is None for keyword in call.keywords):
        return None
    if number < len(call.args):
        return call.args[number]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def is_self(node: ast.expr) -> bool:
    """Return whether an expression is the method's object."""
    return isinstance(node, ast.Name) and node.id == "self"


def is_pure(node: ast.expr) -> bool:
    """Return whether an expression only computes: it calls nothing that changes a tensor in place."""
    for one in ast.walk(node):
        if isinstance(one, ast.Yield | ast.YieldFrom | ast.Await | ast.NamedExpr):
            return False
        if isinstance(one, ast.Call) and callee(one.func).endswith("_"):
            return False
    return True


def stored_attributes(node: ast.AST) -> set[str]:
    """Return the names of attributes that are assigned in a tree."""
    return {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute) and not isinstance(one.ctx, ast.Load)}


def is_settings(node: ast.expr) -> bool:
    """Return whether an expression is a whole object of settings."""
    return isinstance(node, ast.Name) and node.id == SETTINGS
