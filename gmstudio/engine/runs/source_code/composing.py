"""Composition of one file from the functions and classes that a model runs through, with its settings put in."""

import ast
import copy
import dataclasses
import inspect
import re
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

import msgspec

from gmstudio.engine.runs.source_code.documentation import without_arguments
from gmstudio.engine.runs.source_code.entries import Entry
from gmstudio.engine.runs.source_code.folding import Folder
from gmstudio.engine.runs.source_code.functions import (
    Function,
    loaded_names,
    read_attributes,
    settings_left,
    statements,
)
from gmstudio.engine.runs.source_code.naming import Imported, Part, Scope
from gmstudio.engine.runs.source_code.parsing import is_comment, source_of
from gmstudio.engine.runs.source_code.pieces import run_through
from gmstudio.engine.runs.source_code.simplifying import simplify
from gmstudio.engine.runs.source_code.tracing import Place, Record
from gmstudio.families.base import Family

_REFERENCE = re.compile(r"See ``(\w+)``([^\n]*)")
WORDS_ONLY = ("gmstudio.protocol", "gmstudio.system", "gmstudio.engine", "gmstudio.runs")
"""Packages whose code is about settings and words, never about the model."""


class NoCodeError(ValueError):
    """There is no file of this model; the sentence has the reason."""


class Composer:
    """The parts of the sources that make up one model.

    Args:
        model: traced model.
        records: what it ran through.
        entries: methods that the file offers.
        packages: whose sources are taken.

    Attributes:
        functions: of the file.
        classes: of the file, as parts of the sources.
        constants: of the file.
        imports: of other packages.
    """

    def __init__(
        self, model: Family, records: dict[Place, Record], entries: list[Entry], packages: tuple[str, ...]
    ) -> None:
        self.model = model
        self.scope = Scope(packages)
        self.classes: dict[Part, type] = {}
        self.constants: set[Part] = set()
        self.imports: set[Imported] = set()
        self._known: dict[Place, Function] = {}
        self._owners: dict[str, list[Any]] = defaultdict(list)
        self._offered = {entry.name for entry in entries}
        records = {place: record for place, record in records.items() if _is_model_code(place)}
        for record in records.values():
            for owner in record.owners.values():
                self._owners[_key(type(owner))].append(owner)
        self._changing = _changing(records)
        for place, record in records.items():
            self._add(place, record)
        self._offer(entries)
        self.functions = self._composed()

    @property
    def main(self) -> Part:
        """The model's class."""
        kind = type(self.model)
        return Part(kind.__module__, kind.__qualname__)

    # ---- functions ---------------------------------------------------------------------------------------------

    def _add(self, place: Place, record: Record | None) -> Function | None:
        """Take a function from the sources, with the settings put in."""
        if place in self._known:
            return self._known[place]
        node = source_of(place.module).find(place.name)
        if not isinstance(node, ast.FunctionDef):
            return None
        module = vars(sys.modules[place.module])
        owners = self._owners_of(place) if record is None else []
        known = record if record is not None else self._assumed(node)
        changed = copy.deepcopy(node)
        self._spell_out(place, changed)
        run_through(changed)
        one = Function(place, Folder(known, module, owners, self._changing).fold(changed), known)
        self._known[place] = one
        return one

    def _assumed(self, node: ast.FunctionDef) -> Record:
        """Record of a function that no call ran through: a parameter for settings has the model's."""
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        kinds = {one.arg: ast.unparse(one.annotation) for one in arguments if one.annotation is not None}
        return Record(arguments={name: self.model.image for name, kind in kinds.items() if kind == "ImageSpec"})

    def _spell_out(self, place: Place, node: ast.FunctionDef) -> None:
        """Put in the documentation of the method that a method's documentation refers to."""
        match = _REFERENCE.match(ast.get_docstring(node) or "")
        if match is None:
            return
        found = self.scope.resolve(place.module, match[1])
        referred = source_of(found.module).find(f"{found.name}.{node.name}") if isinstance(found, Part) else None
        text = ast.get_docstring(referred) if isinstance(referred, ast.FunctionDef) else None
        if text:
            first, newline, rest = text.partition("\n")
            own = match[2].strip(" ;:.")
            added = f"\n\n        {own[0].upper()}{own[1:]}.\n" if own else ""
            rest = textwrap.indent(rest, " " * 8) + "\n    " if rest else rest
            node.body[0] = ast.Expr(ast.Constant(first + added + (newline + rest if rest else "")))

    def _owners_of(self, place: Place) -> list[Any]:
        owner, _, _ = place.name.rpartition(".")
        found = getattr(sys.modules[place.module], owner, None)
        if not isinstance(found, type):
            return []
        return [one for owners in self._owners.values() for one in owners if isinstance(one, found)]

    def _offer(self, entries: list[Entry]) -> None:
        """Mark what the reader calls, and put plain functions in the place of those that are replaced."""
        for entry in entries:
            if entry.replaced is not None:
                origin = entry.replaced
                node = source_of(origin.__module__).find(origin.__qualname__)
                assert isinstance(node, ast.FunctionDef)
                folder = Folder(None, vars(sys.modules[origin.__module__]), [self.model], self._changing)
                changed = folder.fold(copy.deepcopy(node))
                changed.name = entry.name
                text = ast.get_docstring(changed, clean=False) or ""
                changed.body[0] = ast.Expr(ast.Constant(without_arguments(text, "self".__eq__)))
                place = Place(origin.__module__, f"{self.main.name}.{entry.name}")
                self._known[place] = Function(place, changed, None, offered=True)
                continue
            defined = next(kind for kind in type(self.model).__mro__ if entry.name in kind.__dict__)
            one = self._add(Place(defined.__module__, f"{defined.__qualname__}.{entry.name}"), None)
            if one is not None:
                one.offered = True

    def _composed(self) -> list[Function]:
        """Simplify what is reached until nothing more falls away."""
        left = simplify(list(self._known.values()), self._lookup_orders())
        while True:
            count = len(left)
            left = simplify(self._reached(left), self._lookup_orders())
            if len(left) == count:
                break
        left = self._reached(left)
        if self._problems:
            raise NoCodeError(f"{self.model.card.title} cannot be written as a file of its own: {self._problems[0]}.")
        lines = list(settings_left(one.node for one in left))
        if lines:
            raise NoCodeError(
                f"{self.model.card.title} uses its settings as a whole in code that cannot be written out: {lines[0]}."
            )
        return left

    def _lookup_orders(self) -> dict[str, list[str]]:
        kinds = {getattr(sys.modules[one.place.module], one.owner, None) for one in self._known.values() if one.owner}
        found = {kind for kind in kinds if isinstance(kind, type)} | {type(self.model)}
        return {_key(kind): [_key(one) for one in kind.__mro__] for kind in found}

    # ---- what is reached -----------------------------------------------------------------------------------------

    def _reached(self, functions: list[Function]) -> list[Function]:
        """Follow the names and attributes from what is offered; return the functions that are reached."""
        self.classes, self.constants, self.imports = {}, set(), set()
        self._problems: list[str] = []
        self._functions = {(one.place.module, one.place.name): one for one in functions}
        self._by_name: dict[str, list[Function]] = defaultdict(list)
        for one in functions:
            self._by_name[one.node.name].append(one)
        self._taken: dict[int, Function] = {}
        self._attributes: set[str] = set()
        self._include(self.main)
        for one in functions:
            if one.offered:
                self._take(one)
        while True:
            before = len(self._taken), len(self.classes), len(self.constants)
            for one in list(self._taken.values()):
                self._follow(one)
            for part, kind in list(self.classes.items()):
                self._follow_class(part, kind)
            if before == (len(self._taken), len(self.classes), len(self.constants)):
                return list(self._taken.values())

    def _take(self, one: Function) -> None:
        if id(one) not in self._taken:
            self._taken[id(one)] = one
            if one.owner and not one.place.module.endswith(".plain_sampling"):
                self._include(Part(one.place.module, one.owner))

    def _follow(self, one: Function) -> None:
        decorators: list[ast.AST] = [*one.node.decorator_list]
        defaults = [node for node in (*one.node.args.defaults, *one.node.args.kw_defaults) if node is not None]
        parts = [*decorators, *defaults, *one.node.body]
        bound = {node.id for node in ast.walk(one.node) if isinstance(node, ast.Name) and not _is_load(node)}
        bound |= {node.arg for node in ast.walk(one.node) if isinstance(node, ast.arg)}
        bound |= {node.name for node in ast.walk(one.node) if isinstance(node, ast.FunctionDef)} - {one.node.name}
        for name in loaded_names(parts) - bound:
            self._follow_name(one.place.module, name)
        read = read_attributes(parts)
        self._attributes |= read
        for name in read:
            for method in self._by_name.get(name, ()):
                if method.owner:
                    self._take(method)
        if not one.record or not one.record.calls or _unseen(one):
            self._follow_unseen(one)

    def _follow_unseen(self, one: Function) -> None:
        """Take methods that lines without a record call, by their names in the classes of the file."""
        called = one.record is not None and one.record.calls
        names = read_attributes(_unseen(one) if called else one.node.body)
        for name in names - self._by_name.keys():
            for kind in list(self.classes.values()):
                defined = next((base for base in kind.__mro__ if name in base.__dict__), None)
                value = defined.__dict__[name] if defined is not None else None
                if (
                    defined is None
                    or not self._is_code(defined.__module__)
                    or not isinstance(value, property | FunctionType)
                ):
                    continue
                found = self._add(Place(defined.__module__, f"{defined.__qualname__}.{name}"), None)
                if found is not None:
                    self._register(found)

    def _register(self, one: Function) -> None:
        key = (one.place.module, one.place.name)
        if key not in self._functions:
            self._functions[key] = one
            self._by_name[one.node.name].append(one)
        self._take(one)

    def _follow_name(self, module: str, name: str) -> None:
        found = self.scope.resolve(module, name)
        if isinstance(found, Imported):
            if not found.is_allowed:
                self._problems.append(f"it computes with {found.module}, and such a file uses torch alone")
            self.imports.add(found)
        elif found is not None:
            self._include(found)

    def _is_code(self, module: str) -> bool:
        plain = module.endswith(".plain_sampling")
        return self.scope.is_ours(module) and (plain or not module.startswith(WORDS_ONLY))

    def _include(self, part: Part) -> None:
        """Take a class, function or constant."""
        value = getattr(sys.modules[part.module], part.name.partition(".")[0], None)
        if isinstance(value, type):
            if not self._is_code(part.module) or issubclass(value, msgspec.Struct):
                self._problems.append(f"it needs {part.name}, which is no part of a model")
                return
            self.classes.setdefault(part, value)
            if not any(place.module == part.module and place.name.startswith(f"{part.name}.") for place in self._known):
                for name in ("__init__", "forward"):  # it is mentioned, and was never made
                    known = self._add(Place(part.module, f"{part.name}.{name}"), None)
                    if known is not None:
                        self._register(known)
        elif inspect.isfunction(inspect.unwrap(value)) if callable(value) else False:
            place = Place(part.module, part.name)
            if not self._is_code(part.module):
                self._problems.append(f"it needs {part.name}, which is no part of a model")
                return
            known = self._functions.get((part.module, part.name)) or self._add(place, None)
            if known is not None:
                self._register(known)
        else:
            self.constants.add(part)
            definition = source_of(part.module).definitions[part.name]
            value = definition.value if isinstance(definition, ast.Assign | ast.AnnAssign) else None
            for name in loaded_names([value] if value is not None else []):
                self._follow_name(part.module, name)

    def _follow_class(self, part: Part, kind: type) -> None:
        """Take what a class always has: its constructor and special methods, and attributes that are read."""
        for base in kind.__mro__:
            if not self._is_code(base.__module__):
                continue
            for name in base.__dict__:
                known = self._functions.get((base.__module__, f"{base.__qualname__}.{name}"))
                if known is not None and (name == "forward" or (name.startswith("__") and name.endswith("__"))):
                    self._take(known)
        node = source_of(part.module).find(part.name)
        assert isinstance(node, ast.ClassDef)
        for base_node in node.bases:
            for name in loaded_names([base_node]):
                found = self.scope.resolve(part.module, name)
                if isinstance(found, Imported) and found.is_allowed:
                    self.imports.add(found)
        for one in self.class_values(part):
            for name in loaded_names([one.value] if one.value is not None else []):
                self._follow_name(part.module, name)
        for decorator in node.decorator_list:
            for name in loaded_names([decorator]):
                self._follow_name(part.module, name)

    def class_values(self, part: Part) -> Iterator[ast.AnnAssign]:
        """Assignments in a class that the file needs: fields of records, and values that are read."""
        kind = self.classes[part]
        node = source_of(part.module).find(part.name)
        assert isinstance(node, ast.ClassDef)
        fields = dataclasses.is_dataclass(kind) or issubclass(kind, tuple)
        for one in node.body:
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
                one = ast.AnnAssign(one.targets[0], ast.Name("object", ast.Load()), one.value, simple=1)
            if not isinstance(one, ast.AnnAssign) or not isinstance(one.target, ast.Name):
                continue
            name = one.target.id
            if fields or (one.value is not None and name in self._attributes and _is_plain(getattr(kind, name, None))):
                yield one

    def methods(self, part: Part) -> list[Function]:
        """Methods of a class of the file, in the order of the source; those that are put in last."""
        found = [one for one in self.functions if one.owner == part.name and one.place.module == part.module]
        found.sort(key=lambda one: one.node.lineno)
        if part == self.main:
            found += [one for one in self.functions if one.owner and one.place.module.endswith(".plain_sampling")]
        return found

    def is_empty(self, part: Part) -> bool:
        """Return whether nothing of a class is in the file but its name."""
        return not self.methods(part) and not list(self.class_values(part))


def _is_model_code(place: Place) -> bool:
    owner = getattr(sys.modules[place.module], place.name.partition(".")[0], None)
    is_settings = isinstance(owner, type) and issubclass(owner, msgspec.Struct)
    return not is_settings and not place.module.startswith(WORDS_ONLY)


def _key(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _is_load(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float | str | tuple) or value is None


def _unseen(one: Function) -> list[ast.stmt]:
    """Statements of a function that no call ran through."""
    if one.record is None or one.record.calls == 0:
        return []
    found = []
    for node in ast.walk(one.node):
        if isinstance(node, ast.stmt) and not isinstance(getattr(node, "body", None), list) and not is_comment(node):
            lines = range(getattr(node, "lineno", 0), (getattr(node, "end_lineno", 0) or 0) + 1)
            if lines and not one.record.lines.intersection(lines):
                found.append(node)
    documented = set(map(id, one.node.body)) - set(map(id, statements(one.node)))
    return [node for node in found if id(node) not in documented]


def _changing(records: Iterable[Place]) -> set[str]:
    """Attributes that objects change after they were made."""
    stored: dict[str, set[Place]] = defaultdict(set)
    found: set[str] = set()
    for place in records:
        node = source_of(place.module).find(place.name)
        for one in ast.walk(node) if isinstance(node, ast.FunctionDef) else ():
            if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store) and ast.unparse(one.value) == "self":
                stored[one.attr].add(place)
            if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Attribute):
                found.add(one.target.attr)
    for name, places in stored.items():
        if len(places) > 1 and any(not place.name.endswith(".__init__") for place in places):
            found.add(name)
    return found
