"""Assignments that nothing reads, or that are made twice, dropped."""

import ast
from collections import defaultdict
from itertools import pairwise

from gmstudio.engine.runs.source_code.functions import (
    Function,
    is_pure,
    is_self,
    loaded_names,
    read_attributes,
    statements,
    stored_attributes,
)
from gmstudio.engine.runs.source_code.parsing import is_comment


def end_at_returns(function: ast.FunctionDef) -> None:
    """Drop statements behind a return."""
    for number, node in enumerate(function.body):
        if isinstance(node, ast.Return):
            del function.body[number + 1 :]
            return


def return_directly(function: ast.FunctionDef) -> None:
    """Return an expression, where a variable is assigned only to be returned."""
    if len(function.body) < 2:
        return
    node, last = function.body[-2:]
    if not isinstance(node, ast.Assign) or not isinstance(last, ast.Return) or not isinstance(last.value, ast.Name):
        return
    name = last.value.id
    uses = [one for one in ast.walk(function) if isinstance(one, ast.Name) and one.id == name]
    if len(uses) == 2 and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
        function.body[-2:] = [ast.copy_location(ast.Return(node.value), node)]


def assign_once(function: ast.FunctionDef) -> None:
    """Drop an assignment of an attribute that the next statement makes again."""
    for number, (node, after) in reversed(list(enumerate(pairwise(function.body)))):
        if isinstance(node, ast.Assign) and isinstance(after, ast.Assign) and is_pure(node.value):
            target, again = ast.unparse(node.targets[0]), ast.unparse(after.targets[0])
            if target == again and target.startswith("self.") and target not in ast.unparse(after.value):
                del function.body[number]


def _overwritten(functions: list[Function], bases: dict[str, list[str]]) -> dict[str, set[str]]:
    """Class → attributes that the constructor of a class derived from it assigns, too."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in functions:
        if one.node.name == "__init__":
            stored = stored_attributes(one.node)
            for key in bases.get(f"{one.place.module}:{one.owner}", [])[1:]:
                found[key] |= stored
    return found


def drop_unread(functions: list[Function], bases: dict[str, list[str]]) -> None:
    """Drop assignments of attributes that nothing reads, and of variables that their function does not read."""
    overwritten = _overwritten(functions, bases)
    read = read_attributes(one.node for one in functions)
    for one in functions:
        locally = loaded_names([one.node])
        again = overwritten[f"{one.place.module}:{one.owner}"] if one.node.name == "__init__" else set()
        _UnreadDropper(read, locally, again).visit(one.node)
        if not statements(one.node):
            one.node.body.append(ast.Pass())


class _UnreadDropper(ast.NodeTransformer):
    def __init__(self, attributes: set[str], names: set[str], again: set[str]) -> None:
        self._attributes = attributes
        self._again = again
        self._names = names

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | None:
        target = node.targets[0]
        if len(node.targets) == 1 and isinstance(target, ast.Attribute) and is_self(target.value):
            again = target.attr in self._again and isinstance(node.value, ast.Constant)
            return None if again or target.attr not in self._attributes else node
        if len(node.targets) == 1 and isinstance(target, ast.Name) and target.id not in self._names:
            return None if is_pure(node.value) else node
        if len(node.targets) == 1 and isinstance(target, ast.Tuple) and is_pure(node.value):
            return self._unpacked(node, target)
        return node

    def _unpacked(self, node: ast.Assign, target: ast.Tuple) -> ast.stmt | None:
        """An assignment of several names without those that are not read."""
        unread = [isinstance(one, ast.Name) and one.id not in self._names for one in target.elts]
        if all(unread):
            return None
        if any(unread) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(unread):
            pairs = zip(target.elts, node.value.elts, unread, strict=True)
            kept = [(one, value) for one, value, dropped in pairs if not dropped]
            names, values = [one for one, _ in kept], [value for _, value in kept]
            single = len(kept) == 1
            node.targets = [names[0] if single else ast.Tuple(names, ast.Store())]
            node.value = values[0] if single else ast.Tuple(values, ast.Load())
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | None:
        call = node.value
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "self.register_buffer":
            name = call.args[0].value if isinstance(call.args[0], ast.Constant) else ""
            return node if name in self._attributes or not name else None
        if isinstance(call, ast.Constant) and not isinstance(call.value, str):
            return None
        return node

    def visit_If(self, node: ast.If) -> ast.stmt | None:
        self.generic_visit(node)
        node.body = node.body if any(not is_comment(one) for one in node.body) else []
        if not node.body and not node.orelse:
            return None
        if not node.body:
            node.test, node.body, node.orelse = ast.UnaryOp(ast.Not(), node.test), node.orelse, []
        return node

    def visit_With(self, node: ast.With) -> ast.stmt | None:
        self.generic_visit(node)
        return node if any(not is_comment(one) for one in node.body) else None
