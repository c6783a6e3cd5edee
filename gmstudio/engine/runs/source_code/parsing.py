"""Sources of modules as syntax trees in which comments are statements, so that they are still there when it is written.

A comment becomes a string that begins with ``MARK``, before the statement that it belongs to; ``with_comments`` turns
the strings back.
"""

import ast
import inspect
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from types import ModuleType

MARK = "\0#"
_DIRECTIVES = ("# noqa", "# type:", "# ----", "# pragma", "# fmt")
_WRITTEN = re.compile(r"^(\s*)(['\"])\\x00(#.*)\2$", re.MULTILINE)
_CONTINUATIONS = ("else", "elif", "except", "finally", "@", "def ", "class ", "case")
Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


class ModuleSource:
    """A module: its tree, what it defines and imports.

    Args:
        name: full name of a module that is imported already.

    Attributes:
        definitions: name → statement that defines it.
        imports: name → (module, name there; empty: the module itself).
        texts: names of constants → their documentation.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.module: ModuleType = sys.modules[name]
        self.tree = parsed(inspect.getsource(self.module))
        self.definitions: dict[str, Definition] = {}
        self.imports: dict[str, tuple[str, str]] = {}
        self.texts: dict[str, str] = {}
        self._read()

    @property
    def title(self) -> str:
        """First line of the module's documentation."""
        return (ast.get_docstring(self.tree) or "").partition("\n")[0]

    def find(self, qualified: str) -> Definition | None:
        """Return the function or class of a qualified name."""
        body: list[ast.stmt] = self.tree.body
        found: Definition | None = None
        for part in qualified.split("."):
            matches = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part]
            if not matches:
                return None
            found = matches[-1]
            body = found.body
        return found

    def _read(self) -> None:
        last = ""
        for node in self.tree.body:
            if isinstance(node, ast.Expr) and last and isinstance(node.value, ast.Constant):
                self.texts[last] = str(node.value.value)
            last = ""
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.definitions[node.name] = node
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self.imports |= dict(_imported(node))
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                for last in _assigned(node):
                    self.definitions[last] = node


@cache
def source_of(name: str) -> ModuleSource:
    """Return the source of a module that is imported already."""
    return ModuleSource(name)


def parsed(text: str) -> ast.Module:
    """Parse a source with its comments; those inside of expressions go before the whole statement."""
    own, trailing = _comments(text)
    lines = text.splitlines()
    for number, comment in own.items():
        line = lines[number - 1]
        lines[number - 1] = line[: len(line) - len(line.lstrip())] + repr(MARK + comment[1:])
    tree = ast.parse("\n".join(lines))
    _insert(tree, trailing)
    return tree


def with_comments(text: str) -> str:
    """Turn strings of comments in a written source back into comments."""

    def back(match: re.Match[str]) -> str:
        literal = f"{match[2]}\\x00{match[3]}{match[2]}"
        return match[1] + str(ast.literal_eval(literal)).removeprefix("\0")

    return _WRITTEN.sub(back, text)


def is_comment(node: ast.stmt) -> bool:
    """Return whether a statement is a comment."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and node.value.value.startswith(MARK)
    )


def _comments(text: str) -> tuple[dict[int, str], dict[int, str]]:
    """Comments that have a line of their own where a statement may stand, and all others, by their lines."""
    own: dict[int, str] = {}
    trailing: dict[int, str] = {}
    lines, depth = text.splitlines(), 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
        if token.type != tokenize.COMMENT or token.string.startswith(_DIRECTIVES):
            continue
        number, column = token.start
        alone = not lines[number - 1][:column].strip()
        if alone and not depth and _next_code(lines, number) == column:
            own[number] = token.string
        elif not alone or depth:
            trailing[number] = token.string
    return own, trailing


def _next_code(lines: list[str], number: int) -> int:
    """Column of the next line of code after a line; -1 where no statement can stand before it."""
    for line in lines[number:]:
        code = line.lstrip()
        if code and not code.startswith("#"):
            return -1 if code.startswith(_CONTINUATIONS) else len(line) - len(code)
    return -1


def _insert(tree: ast.AST, comments: dict[int, str]) -> None:
    """Put the comments of lines before the simple statements that the lines belong to."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                setattr(node, name, list(_with(body, comments)))


def _with(body: list[ast.stmt], comments: dict[int, str]) -> Iterator[ast.stmt]:
    for node in body:
        simple = not isinstance(getattr(node, "body", None), list)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1) if simple else ():
            if number in comments:
                value = ast.Constant(MARK + comments[number][1:])
                yield ast.fix_missing_locations(ast.copy_location(ast.Expr(value), node))
        yield node


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str]]]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            bound = alias.asname or alias.name.partition(".")[0]
            yield bound, (alias.name if alias.asname else bound, "")
        else:
            yield alias.asname or alias.name, (node.module or "", alias.name)


def _assigned(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        for one in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(one, ast.Name):
                yield one.id
