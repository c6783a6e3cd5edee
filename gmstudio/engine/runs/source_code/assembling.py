"""The text of a model's file: imports, constants, classes and functions in the order of the modules they come from."""

import ast
import copy
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from typing import TypeVar

from torch import nn

from gmstudio.engine.runs.source_code.composing import Composer
from gmstudio.engine.runs.source_code.documentation import without_arguments, without_section
from gmstudio.engine.runs.source_code.formatting import COLUMNS, formatted
from gmstudio.engine.runs.source_code.functions import Function, loaded_names
from gmstudio.engine.runs.source_code.naming import Imported, Part
from gmstudio.engine.runs.source_code.parsing import source_of, with_comments

Tree = TypeVar("Tree", bound=ast.AST)
_DROPPED_BASES = ("ABC", "Protocol", "Generic")
_DROPPED_DECORATORS = ("override", "abstractmethod", "runtime_checkable")


def assembled(composer: Composer, head: str, tail: str, imports: Iterable[str]) -> str:
    """Write the file.

    Args:
        composer: has the parts.
        head: documentation of the file.
        tail: code after the parts; it may use the names of ``imports``.
        imports: statements that head and tail need beside those of the parts.
    """
    body = "\n\n".join(_Assembler(composer).sections())
    used = loaded_names([ast.parse(f"{body}\n\n{tail}")])
    lines = _import_lines(composer.imports, imports, used)
    text = f"{_documentation(head)}\n\nfrom __future__ import annotations\n\n{lines}\n\n{body}\n\n{tail}"
    return formatted(with_comments(text))


def _documentation(head: str) -> str:
    mark = "r" if "\\" in head else ""
    return f'{mark}"""{head}\n"""'


def _import_lines(found: Iterable[Imported], statements: Iterable[str], used: set[str]) -> str:
    """Imports that are used, in the usual order: the standard library, then the others, modules before names.

    A name that is bound to another one has a line of its own.
    """
    modules: set[tuple[str, str]] = set()
    names: dict[tuple[str, str], set[str]] = {}
    for line in statements:
        node = ast.parse(line).body[0]
        if isinstance(node, ast.Import):
            modules |= {(alias.name, alias.asname or "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.setdefault((node.module or "", ""), set()).update(alias.name for alias in node.names)
    for one in (one for one in found if one.bound in used):
        if one.name:
            other = "" if one.bound == one.name else f" as {one.bound}"
            names.setdefault((one.module, other), set()).add(one.name + other)
        else:
            modules.add((one.module, one.bound if one.bound != one.module else ""))
    blocks = []
    for ours in (False, True):
        lines = [
            f"import {name}" + (f" as {bound}" if bound else "")
            for name, bound in sorted(modules)
            if _is_library(name) is ours
        ]
        lines += [
            f"from {module} import {', '.join(sorted(bound, key=_import_key))}"
            for (module, _), bound in sorted(names.items())
            if _is_library(module) is ours
        ]
        blocks.append("\n".join(lines))
    return "\n\n".join(block for block in blocks if block)


def _is_library(module: str) -> bool:
    return module.partition(".")[0] in ("torch", "safetensors")


def _import_key(name: str) -> tuple[int, str]:
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name


class _Assembler:
    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._functions = {Part(one.place.module, one.place.name): one for one in composer.functions if not one.owner}
        self._shown = {part for part in composer.classes if part == composer.main or not composer.is_empty(part)}
        self._aliases: set[Part] = set()
        self._names = self._output_names()

    def sections(self) -> Iterator[str]:
        """One section for each module that something comes from, those that others need first."""
        for module in self._modules():
            self._section(module)  # type aliases are known only when all signatures were written
        for module in self._modules():
            body = self._section(module)
            if body:
                yield f"{_heading(source_of(module).title.rstrip('.'))}\n\n{body}"

    def _modules(self) -> list[str]:
        """Modules in an order in which each comes after those that it imports."""
        wanted = {part.module for part in (*self._shown, *self._functions, *self._composer.constants, *self._aliases)}
        found: list[str] = []

        def add(module: str) -> None:
            if module in found or module in seen:
                return
            seen.add(module)
            for origin, name in source_of(module).imports.values():
                inner = f"{origin}.{name}"
                for other in (origin, inner):
                    if other != module and self._composer.scope.is_ours(other) and _is_module(other):
                        add(other)
            found.append(module)

        seen: set[str] = set()
        for module in sorted(wanted - {self._composer.main.module}):
            add(module)
        add(self._composer.main.module)
        plain = [module for module in found if module.endswith(".plain_sampling")]
        return [module for module in (*plain, *(one for one in found if one not in plain)) if module in wanted]

    def _output_names(self) -> dict[Part, str]:
        """Names in the file; of two of one name the later one has its module's behind it."""
        names: dict[Part, str] = {}
        taken: set[str] = set()
        parts = [self._composer.main, *sorted((*self._shown, *self._functions, *self._composer.constants), key=str)]
        for part in dict.fromkeys(parts):
            name = part.name
            if name in taken:
                stem = part.module.rpartition(".")[2]
                camel = "".join(word.capitalize() for word in stem.split("_"))
                name += camel if part in self._composer.classes else f"_{stem}"
            names[part] = name
            taken.add(name)
        return names

    # ---- parts ---------------------------------------------------------------------------------------------------

    def _section(self, module: str) -> str:
        """Constants, classes and functions of a module, in the order of its source."""
        constants = {part.name for part in self._composer.constants | self._aliases if part.module == module}
        blocks: list[str] = []
        for name, node in source_of(module).definitions.items():
            part = Part(module, name)
            inner = [one for one in self._shown if one.module == module and one.name.partition(".")[0] == name]
            if part in self._functions:
                blocks.append(f"\n\n{_written(self._function(self._functions[part]))}\n\n")
            elif inner:
                blocks += [f"\n\n{_written(self._class(one))}\n\n" for one in inner]
            elif name in constants and isinstance(node, ast.Assign | ast.AnnAssign):
                blocks += self._constant(module, name, node)
        return "\n".join(blocks)

    def _constant(self, module: str, name: str, node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
        target = self._names.get(Part(module, name), name)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            if name != getattr(node.targets[0].elts[0], "id", ""):
                return
            target = ast.unparse(node.targets[0])
        for line in textwrap.wrap(" ".join(source_of(module).texts.get(name, "").split()), COLUMNS - 2):
            yield f"# {line}"
        if node.value is not None:
            yield f"{target} = {ast.unparse(self._renamed(copy.deepcopy(node.value), module))}"

    def _function(self, one: Function) -> ast.FunctionDef:
        module, node = one.place.module, copy.deepcopy(one.node)
        node.decorator_list = [node for node in node.decorator_list if ast.unparse(node) not in _DROPPED_DECORATORS]
        if not one.owner:
            node.name = self._names[Part(module, one.place.name)]
        for inner in ast.walk(node):
            if isinstance(inner, ast.FunctionDef):
                self._annotate(inner, module)
        for part in (*node.body, *node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            self._renamed(part, module)
        documentation = ast.get_docstring(node, clean=False)
        if documentation and not any(isinstance(part, ast.Raise) for part in ast.walk(node)):
            node.body[0] = ast.Expr(ast.Constant(without_section(documentation, "Raises:")))
        return node

    def _class(self, part: Part) -> ast.ClassDef:
        node = source_of(part.module).find(part.name)
        assert isinstance(node, ast.ClassDef)
        methods = self._composer.methods(part)
        body: list[ast.stmt] = []
        documentation = ast.get_docstring(node)
        if documentation:
            constructor = next((one.node for one in methods if one.node.name == "__init__"), None)
            documentation = without_section(documentation, "Raises:")
            body.append(ast.Expr(ast.Constant(_class_documentation(documentation, constructor))))
        body += ast.parse("\n".join(self._values(part))).body
        body += [self._function(one) for one in methods]
        bases = [ast.parse(base, mode="eval").body for base in self._bases(part)]
        decorators = [self._renamed(copy.deepcopy(one), part.module) for one in node.decorator_list]
        return ast.ClassDef(self._names[part], bases, [], body or [ast.Pass()], decorators)

    def _values(self, part: Part) -> Iterator[str]:
        kind = self._composer.classes[part]
        fields = hasattr(kind, "_fields") or hasattr(kind, "__dataclass_fields__")
        for node in self._composer.class_values(part):
            target = ast.unparse(node.target)
            value = f" = {ast.unparse(self._renamed(copy.deepcopy(node.value), part.module))}" if node.value else ""
            annotation = ast.unparse(node.annotation) if self._is_known(node.annotation, part.module) else "object"
            yield f"{target}: {annotation}{value}" if fields else f"{target}{value}"

    def _bases(self, part: Part) -> Iterator[str]:
        """Bases of a class as the file has them: those of an empty one in its place."""
        found = list(dict.fromkeys(self._flattened(part)))
        kinds = dict(found)
        for name, kind in found:
            others = (other for other_name, other in kinds.items() if other_name != name)
            if not any(kind is not None and other is not None and issubclass(other, kind) for other in others):
                yield name

    def _flattened(self, part: Part) -> Iterator[tuple[str, type | None]]:
        node = source_of(part.module).find(part.name)
        assert isinstance(node, ast.ClassDef)
        for base in node.bases:
            text = ast.unparse(base)
            names = loaded_names([base])
            found = self._composer.scope.resolve(part.module, next(iter(names), ""))
            if isinstance(found, Part):
                if found in self._shown:
                    yield self._names[found], self._composer.classes[found]
                elif found in self._composer.classes:
                    yield from self._flattened(found)
                else:
                    yield from self._of_unknown(found)
            elif text.partition("[")[0].rpartition(".")[2] not in _DROPPED_BASES:
                kind = _base_of(self._composer.classes[part], text) if part in self._composer.classes else None
                yield text, kind

    def _of_unknown(self, part: Part) -> Iterator[tuple[str, type | None]]:
        """Bases of a class of which the file needs nothing: those that the file has, and torch's module."""
        node = source_of(part.module).find(part.name)
        for base in node.bases if isinstance(node, ast.ClassDef) else ():
            found = self._composer.scope.resolve(part.module, next(iter(loaded_names([base])), ""))
            if isinstance(found, Part) and found in self._shown:
                yield self._names[found], self._composer.classes[found]
            elif isinstance(found, Part):
                yield from self._of_unknown(found)
        kind = getattr(sys.modules[part.module], part.name, None)
        if isinstance(kind, type) and issubclass(kind, nn.Module):
            self._composer.imports.add(Imported("torch", "nn", "nn"))
            yield "nn.Module", nn.Module

    # ---- names and annotations -----------------------------------------------------------------------------------

    def _annotate(self, node: ast.FunctionDef, module: str) -> None:
        arguments = node.args
        for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
            if one is not None and one.arg == "self":
                one.annotation = None
            elif one is not None and one.annotation is not None:
                one.annotation = self._annotation(one.annotation, module)
        if node.returns is not None:
            node.returns = self._annotation(node.returns, module)

    def _annotation(self, node: ast.expr, module: str) -> ast.expr | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = ast.parse(node.value, mode="eval").body
        if not self._is_known(node, module):
            return None
        return self._renamed(copy.deepcopy(node), module)

    def _is_known(self, node: ast.expr, module: str) -> bool:
        """Return whether an annotation can be written; imports and type aliases that it needs are noted."""
        parts: set[Part] = {*self._shown, *self._composer.constants}
        for name in loaded_names([node]):
            found = self._composer.scope.resolve(module, name)
            if isinstance(found, Part) and found not in parts:
                definition = source_of(found.module).definitions.get(found.name)
                if not isinstance(definition, ast.Assign) or not self._is_known(definition.value, found.module):
                    return False
                parts.add(found)
        if not self._composer.scope.is_annotation(module, node, parts):
            return False
        for name in loaded_names([node]):
            found = self._composer.scope.resolve(module, name)
            if isinstance(found, Imported):
                self._composer.imports.add(found)
            elif found is not None and found not in self._shown:
                self._aliases.add(found)
        return True

    def _renamed(self, node: Tree, module: str) -> Tree:
        for one in ast.walk(node):
            if isinstance(one, ast.Name):
                found = self._composer.scope.resolve(module, one.id)
                if isinstance(found, Part) and found in self._names:
                    one.id = self._names[found]
        return node


def _written(node: ast.stmt) -> str:
    """Source of a definition, without doubled parentheses around generators."""
    text = ast.unparse(ast.fix_missing_locations(node))
    for match in reversed(list(re.finditer(r"\w\(\(", text))):
        inner, outer = match.end() - 1, _closing(text, match.end() - 1)
        if outer + 1 < len(text) and text[outer + 1] == ")" and " for " in text[inner:outer]:
            made = f"{text[:inner]}{text[inner + 1 : outer]}{text[outer + 1 :]}"
            text = made if _is_same(made, text) else text
    return text


def _closing(text: str, start: int) -> int:
    """Place of the parenthesis that closes that at ``start``, by counting."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
    return len(text)


def _is_same(one: str, other: str) -> bool:
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except SyntaxError:
        return False


def _base_of(kind: type, text: str) -> type | None:
    """Return the class that a base of another package is, for example ``nn.Module``."""
    short = text.rpartition(".")[2]
    return next((base for base in kind.__mro__ if base.__name__ == short), None)


def _is_module(name: str) -> bool:
    return name in sys.modules and getattr(sys.modules[name], "__file__", None) is not None


def _heading(title: str) -> str:
    return f"# ---- {title} ".ljust(COLUMNS, "-")[:COLUMNS]


def _class_documentation(text: str, constructor: ast.FunctionDef | None) -> str:
    """Documentation of a class without arguments that its constructor has not any more."""
    known = {one.arg for one in ast.walk(constructor.args) if isinstance(one, ast.arg)} if constructor else set()
    text = without_arguments(text, lambda name: name not in known).rstrip()
    return f"{text}\n" if "\n" in text else text
