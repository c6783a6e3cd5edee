"""Painters end with the function that paints, not when Python lets go of its frame.

A traceback, a debugger or a sampling profiler may hold the frame for longer; Qt then shows the picture while a painter
is still active, and warns.
"""

import ast
from pathlib import Path

import pytest

from gmstudio.window import gui

FILES = [path for path in Path(gui.__path__[0]).rglob("*.py") if "Painter(" in path.read_text(encoding="utf-8")]


def begun(tree: ast.AST) -> dict[str, int]:
    """Variable → line of each painter that is begun outside a ``with``, and that nothing ends in its function."""
    found: dict[str, int] = {}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            nodes = list(ast.walk(function))
            ended = {
                ast.unparse(node.value) for node in nodes if isinstance(node, ast.Attribute) and node.attr == "end"
            }
            for node in nodes:
                if isinstance(node, ast.Assign) and _begins(node.value):
                    name = ast.unparse(node.targets[0])
                    if name not in ended:
                        found[name] = node.lineno
    return found


def _begins(value: ast.expr) -> bool:
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    calls = [part.func for part in parts if isinstance(part, ast.Call)]
    return any(isinstance(call, ast.Name) and call.id in ("QPainter", "QStylePainter") for call in calls)


def test_every_painter_is_ended() -> None:
    assert len(FILES) > 30
    left = {path.name: lines for path in FILES if (lines := begun(ast.parse(path.read_text(encoding="utf-8"))))}
    assert left == {}


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("def f(self):\n painter = QPainter(self)\n painter.fill()", 1),
        ("def f(self):\n painter, size = QStylePainter(self), 1", 1),
        ("def f(self):\n painter = QPainter(self)\n painter.end()", 0),
        ("def f(self):\n with QPainter(self) as painter:\n  painter.fill()", 0),
    ],
)
def test_a_painter_without_an_end_is_found(code: str, count: int) -> None:
    assert len(begun(ast.parse(code))) == count
