"""Tests that are decided by constants: of variables, and of numbers that every call gives."""

import ast
from collections import defaultdict

from gmstudio.engine.runs.source_code.functions import FIXED, Function, argument_of, callee, loaded_names
from gmstudio.engine.runs.source_code.tracing import same

MAX_CALL_DEPTH = 4
"""Calls inside one another through which a number is followed."""


def decide_by_calls(functions: list[Function]) -> None:
    """Decide tests of parameters for which all calls in the file give the same number."""
    by_name: dict[str, list[Function]] = defaultdict(list)
    for one in functions:
        by_name[one.called].append(one)
    calls: dict[str, list[tuple[Function, ast.Call]]] = defaultdict(list)
    mentioned: dict[str, int] = defaultdict(int)
    for one in functions:
        for node in ast.walk(one.node):
            if isinstance(node, ast.Call):
                calls[callee(node.func)].append((one, node))
            elif isinstance(node, ast.Name | ast.Attribute):
                mentioned[callee(node)] += 1
    known: dict[int, dict[str, ast.Constant]] = defaultdict(dict)
    for _ in range(MAX_CALL_DEPTH):
        for name, found in by_name.items():
            only_called = mentioned[name] == len(calls[name]) and calls[name]
            if len(found) == 1 and only_called and not found[0].offered and name not in FIXED:
                known[id(found[0])] = _given(found[0], calls[name], known)
    for one in functions:
        _Decider(known[id(one)]).visit(one.node)


def _given(
    one: Function, calls: list[tuple[Function, ast.Call]], known: dict[int, dict[str, ast.Constant]]
) -> dict[str, ast.Constant]:
    """Parameters for which all calls give the same constant, written there or a parameter of the caller's."""
    found: dict[str, ast.Constant] = {}
    stored = {node.id for node in ast.walk(one.node) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for number, parameter in enumerate(one.parameters):
        given: list[ast.expr | None] = []
        for caller, call in calls:
            argument = argument_of(call, number, parameter.arg)
            given.append(known[id(caller)].get(argument.id) if isinstance(argument, ast.Name) else argument)
        first = given[0]
        if parameter.arg in stored or not isinstance(first, ast.Constant):
            continue
        if all(isinstance(other, ast.Constant) and same(other.value, first.value) for other in given):
            found[parameter.arg] = first
    return found


class _Decider(ast.NodeTransformer):
    def __init__(self, known: dict[str, ast.Constant]) -> None:
        self._known = known

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        decided = self._decide(node.test)
        return node if decided is None else node.body if decided else node.orelse

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        decided = self._decide(node.test)
        return node if decided is None else node.body if decided else node.orelse

    def _decide(self, test: ast.expr) -> bool | None:
        names = loaded_names([test])
        parts = (ast.Name, ast.Constant, ast.Compare, ast.cmpop, ast.BoolOp, ast.boolop, ast.UnaryOp, ast.unaryop)
        plain = (*parts, ast.BinOp, ast.operator, ast.expr_context)
        if not names or names - self._known.keys() or not all(isinstance(one, plain) for one in ast.walk(test)):
            return None
        values = {name: one.value for name, one in self._known.items()}
        return bool(eval(compile(ast.Expression(test), "test", "eval"), {"__builtins__": {}}, values))


class LocalConstants(ast.NodeTransformer):
    """Put in local variables that are assigned once, None, true, false or a word."""

    def __init__(self) -> None:
        self._known: dict[str, ast.Constant] = {}

    def run(self, function: ast.FunctionDef) -> None:
        """Change a function in place."""
        stores: dict[str, int] = defaultdict(int)
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                stores[node.id] += 1
        taken = {
            argument.arg for node in ast.walk(function) if isinstance(node, ast.arguments) for argument in node.args
        }
        for node in function.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name, value = node.targets[0].id, node.value
                once = stores[name] == 1 and name not in taken
                if once and isinstance(value, ast.Constant) and isinstance(value.value, bool | str | None):
                    self._known[name] = value
        self.visit(function)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put in what is known."""
        if isinstance(node.ctx, ast.Load) and node.id in self._known:
            return ast.copy_location(ast.Constant(self._known[node.id].value), node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | None:
        """Drop the assignment of what is put in."""
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id in self._known:
            return None
        self.generic_visit(node)
        return node

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt] | None:
        """Keep the branch that is taken."""
        self.generic_visit(node)
        decided = _decided(node.test)
        if decided is not None:
            return node.body if decided else node.orelse
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """Keep the branch that is taken."""
        self.generic_visit(node)
        decided = _decided(node.test)
        return node if decided is None else node.body if decided else node.orelse


def _decided(test: ast.expr) -> bool | None:
    """Return whether a test of constants holds; None: it is none."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Is | ast.IsNot):
        left, right = test.left, test.comparators[0]
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            return (left.value is right.value) is isinstance(test.ops[0], ast.Is)
    return None
