"""Functions that only return a constant, an attribute or an argument, replaced by that."""

import ast
import copy
from collections import defaultdict

from gmstudio.engine.runs.source_code.functions import FIXED, Function, callee, statements, stored_attributes


def without_trivial(functions: list[Function]) -> list[Function]:
    """Replace calls of functions that only return a constant or a parameter."""
    by_name: dict[str, list[Function]] = defaultdict(list)
    for one in functions:
        by_name[one.called].append(one)
    trivial: dict[str, Function] = {}
    stored = {name for one in functions for name in stored_attributes(one.node)}
    for name, found in by_name.items():
        if len(found) == 1 and not found[0].offered and _returned(found[0]) is not None and name not in FIXED | stored:
            trivial[name] = found[0]
    if not trivial:
        return functions
    trivial = {name: one for name, one in trivial.items() if _is_own_only(one, functions)}
    inliner = _Inliner(trivial)
    for one in functions:
        inliner.visit(one.node)
    return [one for one in functions if one.called not in trivial or trivial[one.called] is not one]


def _is_own_only(one: Function, functions: list[Function]) -> bool:
    """Return whether a function that returns an attribute is called of ``self`` alone: each call can be replaced."""
    if not isinstance(_returned(one), ast.Attribute):
        return True
    used = [node for other in functions for node in ast.walk(other.node) if isinstance(node, ast.Attribute)]
    return all(ast.unparse(node.value) == "self" for node in used if node.attr == one.called)


def _returned(one: Function) -> ast.Constant | ast.Attribute | str | None:
    """All that a function returns: a constant, an attribute of its object, or the name of a parameter."""
    body = statements(one.node)
    if one.node.name.startswith("__") or len(body) != 1:
        return None
    if isinstance(body[0], ast.Pass):
        return ast.Constant(None)
    if not isinstance(body[0], ast.Return):
        return None
    value = body[0].value
    if isinstance(value, ast.Attribute) and ast.unparse(value.value) == "self" and not one.is_property:
        return value
    if isinstance(value, ast.Constant):
        return value
    names = [parameter.arg for parameter in one.parameters]
    return value.id if isinstance(value, ast.Name) and value.id in names and not one.is_property else None


class _Inliner(ast.NodeTransformer):
    def __init__(self, trivial: dict[str, Function]) -> None:
        self._trivial = trivial

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        one = self._trivial.get(callee(node.func))
        if one is None or one.is_property:
            return node
        returned = _returned(one)
        if isinstance(returned, ast.Constant):
            return ast.copy_location(ast.Constant(returned.value), node)
        given = dict(zip((parameter.arg for parameter in one.parameters), node.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        if isinstance(returned, ast.Attribute):
            is_own = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "self"
            return ast.copy_location(copy.deepcopy(returned), node) if is_own else node
        assert isinstance(returned, str)
        return given.get(returned, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        one = self._trivial.get(node.attr)
        returned = _returned(one) if one is not None and one.is_property else None
        if isinstance(returned, ast.Constant) and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Constant(returned.value), node)
        return node
