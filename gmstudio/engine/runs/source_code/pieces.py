"""Samplers that work in pieces, as functions that run through: a reader of the file does not wait for a window.

``sample_pieces`` yields None between its pieces, so that the engine can do something else, and the images at the end.
In the file it returns the images, and ``sample`` calls it.
"""

import ast

NAME = "sample_pieces"


def run_through(function: ast.FunctionDef) -> None:
    """Take the pauses out of a function, in place; other functions stay as they are."""
    if function.name == NAME:
        _PauseRemover().visit(function)
        function.returns = _images(function.returns)
    _CallSimplifier().visit(function)


def _images(annotation: ast.expr | None) -> ast.expr | None:
    """Return the last value of the iterator."""
    text = ast.unparse(annotation) if annotation is not None else ""
    inner = text.removeprefix("Iterator[").removesuffix("]").removesuffix(" | None")
    return ast.parse(inner, mode="eval").body if inner != text else annotation


class _PauseRemover(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.stmt | None:
        if not isinstance(node.value, ast.Yield):
            return self._documentation(node)
        value = node.value.value
        if value is None or (isinstance(value, ast.Constant) and value.value is None):
            return None
        return ast.copy_location(ast.Return(value), node)

    def visit_If(self, node: ast.If) -> ast.stmt | None:
        if "perf_counter" in ast.unparse(node.test):
            return None
        self.generic_visit(node)
        return node if node.body else None

    @staticmethod
    def _documentation(node: ast.Expr) -> ast.stmt:
        value = node.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.startswith("Yield None"):
            return ast.Expr(ast.Constant("Images of ``sample``."))
        return node


class _CallSimplifier(ast.NodeTransformer):
    """``next(one for one in self.sample_pieces(…) if …)`` and ``*_, one = self.sample_pieces(…)`` as plain calls."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "next" and len(node.args) == 1:
            given = node.args[0]
            if isinstance(given, ast.GeneratorExp) and _calls_pieces(given.generators[0].iter):
                return given.generators[0].iter
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        self.generic_visit(node)
        target = node.targets[0]
        if isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Starred) and _calls_pieces(node.value):
            node.targets = [target.elts[-1]]
        return node


def _calls_pieces(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == NAME
