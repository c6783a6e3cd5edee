"""A function with the settings of one run put in: values for settings, and only the branches that are taken.

What is known of a function comes from its record (``tracing``): parameters that had one value in all calls, and the
objects that it is a method of. Only what the settings decide is decided here; what depends on images, on a generator or
on numbers of images stays as it is.
"""

import ast
import operator
from collections.abc import Callable
from typing import Any

import msgspec
from torch import nn

from gmstudio.engine.runs.source_code.expressions import (
    SETTINGS,
    UnknownError,
    agreed,
    attribute_of,
    compares_with_none,
    is_for_speed,
    is_stored,
    is_type_checking,
    is_written,
    literal,
    spread,
)
from gmstudio.engine.runs.source_code.parsing import is_comment
from gmstudio.engine.runs.source_code.tracing import PLAIN, VARIED, Record, same

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


_TESTS_OF_WORDS = ("startswith", "endswith")


class Folder(ast.NodeTransformer):
    """Put what is known into one function.

    Args:
        record: what was seen of the function; None: nothing.
        names: globals of its module.
        owners: objects that it is a method of, where there is no record.
        changing: attributes that are assigned outside of constructors.
    """

    def __init__(self, record: Record | None, names: dict[str, Any], owners: list[Any], changing: set[str]) -> None:
        self._arguments = dict(record.arguments) if record is not None else {}
        self._owners = (list(record.owners.values()) if record is not None else []) or owners
        self._names = names
        self._changing = changing
        self._locals: dict[str, Any] = {}

    def fold(self, function: ast.FunctionDef) -> ast.FunctionDef:
        """Change a function in place, and return it."""
        stored = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and is_stored(node)}
        for name in stored & self._arguments.keys():
            if not isinstance(self._arguments[name], msgspec.Struct):
                self._arguments[name] = VARIED
        function.body = self._block(function.body)
        defaults = function.args
        defaults.defaults = [self.visit(one) for one in defaults.defaults]
        defaults.kw_defaults = [None if one is None else self.visit(one) for one in defaults.kw_defaults]
        return function

    # ---- statements --------------------------------------------------------------------------------------------

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for node in body:
            found = self.visit(node)
            made += found if isinstance(found, list) else [found] if found is not None else []
            if made and isinstance(made[-1], ast.Return | ast.Raise | ast.Continue | ast.Break):
                break
        return made

    def visit_If(self, node: ast.If) -> Any:
        """Keep the branch that is taken; drop checks that only raise, and faster ways to the same values."""
        if all(isinstance(one, ast.Raise) or is_comment(one) for one in node.body) and not node.orelse:
            return None
        if is_type_checking(node.test):
            return None
        if is_for_speed(node.test):
            return self._block(node.orelse)
        test = self._test(node.test)
        if isinstance(test, ast.Constant):
            return self._block(node.body if test.value else node.orelse)
        node.test = test
        before = dict(self._locals)
        node.body, self._locals = self._block(node.body), dict(before)
        node.orelse, self._locals = self._block(node.orelse), before
        if not node.body and not node.orelse:
            return None
        return node

    def visit_Assert(self, node: ast.Assert) -> None:
        """Drop it: only we can cause it to fail."""

    def visit_For(self, node: ast.For) -> Any:
        """Visit the parts in their order."""
        node.iter = self.visit(node.iter)
        node.body, node.orelse = self._block(node.body), self._block(node.orelse)
        return node if node.body else None

    def visit_While(self, node: ast.While) -> Any:
        """Visit the parts; the test changes while it runs."""
        node.test = self.visit(node.test)
        node.body = self._block(node.body)
        return node

    def visit_With(self, node: ast.With) -> Any:
        """Visit the parts in their order."""
        node.items = [self.visit(item) for item in node.items]
        node.body = self._block(node.body)
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        """Note locals that are settings; such an assignment vanishes."""
        target = node.targets[0]
        single = len(node.targets) == 1
        if single and isinstance(target, ast.Tuple) and self._has_settings(node.value, len(target.elts)):
            assert isinstance(node.value, ast.Tuple)
            pairs = zip(target.elts, node.value.elts, strict=True)
            made = [self.visit(ast.copy_location(ast.Assign([one], value), node)) for one, value in pairs]
            return [one for one in made if one is not None]
        if single and isinstance(target, ast.Name) and not self._note(target.id, node.value):
            return None
        node.value = self.visit(node.value)
        node.targets = [self.visit(one) for one in node.targets]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """Note locals, and drop declarations without a value."""
        if node.value is None:
            return None
        return self.visit_Assign(ast.copy_location(ast.Assign([node.target], node.value), node))

    def _note(self, name: str, value: ast.expr) -> bool:
        """Remember the value of a local variable; False: it is an object of settings, and not assigned any more."""
        self._locals.pop(name, None)
        try:
            found = self._value(value)
        except UnknownError:
            return True
        self._locals[name] = found
        return not isinstance(found, msgspec.Struct)

    def _has_settings(self, node: ast.expr, count: int) -> bool:
        """Return whether it is a tuple of ``count`` expressions of which one is an object of settings."""
        return isinstance(node, ast.Tuple) and len(node.elts) == count and any(map(self._is_settings, node.elts))

    def _is_settings(self, node: ast.expr) -> bool:
        try:
            return isinstance(self._value(node), msgspec.Struct)
        except UnknownError:
            return False

    # ---- expressions -------------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put in settings, and parameters that are always None, true, false or a word."""
        if is_stored(node):
            return node
        value = self._locals.get(node.id, self._arguments.get(node.id, VARIED))
        if isinstance(value, msgspec.Struct):
            return ast.Name(SETTINGS, ast.Load())
        known = self._arguments.get(node.id, VARIED)
        if node.id not in self._locals and (known is None or isinstance(known, bool | str)):
            return ast.copy_location(ast.Constant(known), node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Put in values of settings."""
        if is_stored(node):
            return node
        try:
            found = self._of_settings(node)
        except UnknownError:
            self.generic_visit(node)
            return node
        return ast.copy_location(literal(found), node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """Keep the branch that is taken."""
        node.test = self._test(node.test)
        if isinstance(node.test, ast.Constant):
            chosen: ast.expr = self.visit(node.body if node.test.value else node.orelse)
            return chosen
        node.body, node.orelse = self.visit(node.body), self.visit(node.orelse)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Visit the arguments, and write a shape that is spread out as numbers."""
        self.generic_visit(node)
        node.args = list(spread(node.args))
        return node

    def visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        """See ``visit_Call``."""
        self.generic_visit(node)
        node.elts = list(spread(node.elts))
        return node

    def visit_List(self, node: ast.List) -> ast.expr:
        """See ``visit_Call``."""
        self.generic_visit(node)
        node.elts = list(spread(node.elts))
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Choose from a table of the module by a setting."""
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and isinstance(node.slice, ast.Constant) and not is_stored(node):
            table = self._names.get(node.value.id)
            if isinstance(table, dict) and callable(table.get(node.slice.value)):
                name = getattr(table[node.slice.value], "__name__", "")
                if self._names.get(name) is table[node.slice.value]:
                    return ast.copy_location(ast.Name(name, ast.Load()), node)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """Visit the parts, and decide ``3 or …`` where a setting stands first."""
        self.generic_visit(node)
        first = node.values[0]
        if isinstance(first, ast.Constant):
            if bool(first.value) is isinstance(node.op, ast.Or):
                return first
            node.values = node.values[1:]
            return node.values[0] if len(node.values) == 1 else node
        return node

    def _test(self, node: ast.expr) -> ast.expr:
        """A test, decided where the settings decide it."""
        if isinstance(node, ast.BoolOp):
            return self._connected(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self._test(node.operand)
            return ast.Constant(not inner.value) if isinstance(inner, ast.Constant) else ast.UnaryOp(ast.Not(), inner)
        try:
            return ast.copy_location(ast.Constant(self._truth(node)), node)
        except UnknownError:
            visited: ast.expr = self.visit(node)
            return visited

    def _connected(self, node: ast.BoolOp) -> ast.expr:
        decisive = isinstance(node.op, ast.Or)
        left: list[ast.expr] = []
        for one in map(self._test, node.values):
            if not isinstance(one, ast.Constant):
                left.append(one)
            elif bool(one.value) is decisive:
                return ast.Constant(decisive)
        if not left:
            return ast.Constant(not decisive)
        return left[0] if len(left) == 1 else ast.BoolOp(node.op, left)

    def _truth(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            kinds = self._kinds(node.args[1])
            return agreed(isinstance(one, kinds) for one in self._objects(node.args[0]))
        if isinstance(node, ast.Compare) and compares_with_none(node):
            wanted = isinstance(node.ops[0], ast.Is)
            return agreed((one is None) is wanted for one in self._objects(node.left))
        if isinstance(node, ast.Attribute):
            found = self._objects(node)
            if all(one is None or (isinstance(one, nn.Module) and not hasattr(one, "__len__")) for one in found):
                return agreed(one is not None for one in found)
        return bool(self._value(node))

    # ---- values ------------------------------------------------------------------------------------------------

    def _value(self, node: ast.expr) -> Any:
        """Value of an expression that the settings decide: plain, or settings.

        Raises:
            UnknownError: when they do not.
        """
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Tuple):
            return tuple(self._value(one) for one in node.elts)
        if isinstance(node, ast.Name):
            return self._named(node.id)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node)
        if isinstance(node, ast.Compare):
            return self._compared(node)
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            return _ARITHMETIC[type(node.op)](self._value(node.left), self._value(node.right))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max"):
            return {"min": min, "max": max}[node.func.id](*(self._value(one) for one in node.args))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TESTS_OF_WORDS:
            word = self._value(node.func.value)
            if isinstance(word, str):
                return getattr(word, node.func.attr)(*(self._value(one) for one in node.args))
        raise UnknownError

    def _named(self, name: str) -> Any:
        if name in self._locals:
            return self._locals[name]
        if name in self._arguments:
            found = self._arguments[name]
            if isinstance(found, int) and not isinstance(found, bool):
                raise UnknownError  # a number of images looks like a setting
            if found is VARIED:
                raise UnknownError
            return found
        found = self._names.get(name, VARIED)
        if isinstance(found, (*PLAIN, tuple, msgspec.Struct)):
            return found
        raise UnknownError

    def _of_attribute(self, node: ast.Attribute) -> Any:
        try:
            return self._of_settings(node)
        except UnknownError:
            pass
        found = self._objects(node)
        if not all(isinstance(one, PLAIN) for one in found) or not all(same(one, found[0]) for one in found):
            raise UnknownError
        return found[0]

    def _of_settings(self, node: ast.Attribute) -> Any:
        """Value of an attribute of settings, or settings themselves."""
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            found = self._objects(node)
            if not isinstance(found[0], msgspec.Struct) or not all(same(one, found[0]) for one in found):
                raise UnknownError
            return found[0]
        if not isinstance(node.value, ast.Name | ast.Attribute):
            raise UnknownError
        base = self._named(node.value.id) if isinstance(node.value, ast.Name) else self._of_settings(node.value)
        if not isinstance(base, msgspec.Struct):
            raise UnknownError
        value = getattr(base, node.attr)
        if not is_written(value) and not isinstance(value, msgspec.Struct):
            raise UnknownError
        return value

    def _objects(self, node: ast.expr) -> list[Any]:
        """Objects that an attribute of the method's objects is, one for each of them."""
        if isinstance(node, ast.Name) and node.id == "self" and self._owners:
            return self._owners
        if isinstance(node, ast.Name) and node.id != "self":
            return [self._named(node.id)]
        if isinstance(node, ast.Attribute) and node.attr not in self._changing:
            return [attribute_of(one, node.attr) for one in self._objects(node.value)]
        raise UnknownError

    def _compared(self, node: ast.Compare) -> bool:
        left = self._value(node.left)
        for sign, other in zip(node.ops, node.comparators, strict=True):
            right = self._value(other)
            try:
                if not _COMPARISONS[type(sign)](left, right):
                    return False
            except TypeError as error:
                raise UnknownError from error
            left = right
        return True

    def _kinds(self, node: ast.expr) -> tuple[type, ...]:
        if isinstance(node, ast.BinOp):
            return self._kinds(node.left) + self._kinds(node.right)
        if isinstance(node, ast.Tuple):
            return tuple(kind for one in node.elts for kind in self._kinds(one))
        found = self._names.get(node.id) if isinstance(node, ast.Name) else None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found = getattr(self._names.get(node.value.id), node.attr, None)
        if not isinstance(found, type):
            raise UnknownError
        return (found,)
