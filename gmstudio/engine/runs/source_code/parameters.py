"""Parameters that nothing reads, dropped with the arguments for them."""

import ast
from collections import defaultdict

import msgspec

from gmstudio.engine.runs.source_code.documentation import without_arguments
from gmstudio.engine.runs.source_code.functions import FIXED, Function, argument_of, callee, is_settings, loaded_names
from gmstudio.engine.runs.source_code.tracing import VARIED


def drop_parameters(functions: list[Function], bases: dict[str, list[str]]) -> None:
    """Drop parameters that are not read and had one value, and the arguments for them."""
    for one in functions:
        _remove(one, _settings_parameters(one))
        _SettingsDropper().visit(one.node)
    by_name: dict[str, list[Function]] = defaultdict(list)
    for one in functions:
        by_name[one.called].append(one)
    _drop_optional(functions)
    dropped = {}
    for name, found in by_name.items():
        sets = [_unread(one) for one in found]
        if name not in FIXED and all(one == sets[0] for one in sets) and sets[0]:
            dropped[name] = sets[0]
    constructors = {one.owner: one for one in functions if one.node.name == "__init__"}
    for one in functions:
        _ArgumentDropper(dropped, _next_constructor(one, bases, constructors)).visit(one.node)
    for name, parameters in dropped.items():
        for one in by_name[name]:
            _remove(one, {parameter for _, parameter in parameters})


def _drop_optional(functions: list[Function]) -> None:
    """Drop parameters that are not read, had one value, and are given by no call of that name."""
    calls: dict[str, list[ast.Call]] = defaultdict(list)
    for one in functions:
        for node in ast.walk(one.node):
            if isinstance(node, ast.Call):
                calls[callee(node.func)].append(node)
    for one in functions:
        if one.node.name in FIXED or one.called != one.node.name:
            continue
        free = {
            name
            for number, name in _unread(one)
            if all(argument_of(call, number if number >= 0 else 1000, name) is None for call in calls[one.called])
            and not any(isinstance(part, ast.Starred) for call in calls[one.called] for part in call.args)
        }
        _remove(one, free & _with_default(one))


def _with_default(one: Function) -> set[str]:
    arguments = one.node.args
    positional = arguments.posonlyargs + arguments.args
    count = len(arguments.defaults)
    named = {parameter.arg for parameter in positional[len(positional) - count :]} if count else set()
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return named | {parameter.arg for parameter, default in pairs if default is not None}


class _SettingsDropper(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        node.args = [one for one in node.args if not is_settings(one)]
        node.keywords = [keyword for keyword in node.keywords if not is_settings(keyword.value)]
        return node


def _next_constructor(one: Function, bases: dict[str, list[str]], constructors: dict[str, Function]) -> str | None:
    """Name under which ``super().__init__`` of a method is dropped from; None: there is no constructor of ours."""
    order = bases.get(f"{one.place.module}:{one.owner}", [])[1:]
    found = next(
        (constructors[name] for name in (key.partition(":")[2] for key in order) if name in constructors), None
    )
    return found.called if found is not None else None


def _settings_parameters(one: Function) -> set[str]:
    """Parameters that are an object of settings: they are never read, and no call gives them any more."""
    arguments = one.record.arguments if one.record is not None else {}
    return {name for name, value in arguments.items() if isinstance(value, msgspec.Struct)}


def _unread(one: Function) -> list[tuple[int, str]]:
    """Parameters of one value that the body does not read, by position; -1: by keyword only."""
    arguments = one.record.arguments if one.record is not None else {}
    body = [*one.node.body]
    read = loaded_names(body)
    positions = {parameter.arg: number for number, parameter in enumerate(one.parameters)}
    positions |= {parameter.arg: -1 for parameter in one.node.args.kwonlyargs}
    return sorted(
        (number, name)
        for name, number in positions.items()
        if name not in read and _is_settled(arguments.get(name, VARIED))
    )


def _is_settled(value: object) -> bool:
    return value is None or isinstance(value, bool | str | float | msgspec.Struct)


def _remove(one: Function, names: set[str]) -> None:
    arguments = one.node.args
    positional = arguments.posonlyargs + arguments.args
    first_default = len(positional) - len(arguments.defaults)
    kept = [
        default
        for number, default in enumerate(arguments.defaults, first_default)
        if positional[number].arg not in names
    ]
    arguments.args = [parameter for parameter in arguments.args if parameter.arg not in names]
    arguments.posonlyargs = [parameter for parameter in arguments.posonlyargs if parameter.arg not in names]
    arguments.defaults = kept
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    left = [(parameter, default) for parameter, default in pairs if parameter.arg not in names]
    arguments.kwonlyargs, arguments.kw_defaults = [one for one, _ in left], [default for _, default in left]
    documentation = ast.get_docstring(one.node, clean=False)
    if documentation is not None:
        one.node.body[0] = ast.Expr(ast.Constant(without_arguments(documentation, names.__contains__)))


class _ArgumentDropper(ast.NodeTransformer):
    def __init__(self, dropped: dict[str, list[tuple[int, str]]], next_constructor: str | None) -> None:
        self._dropped = dropped
        self._next_constructor = next_constructor

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        name = callee(node.func)
        if ast.unparse(node.func) == "super().__init__":
            if self._next_constructor is None:
                node.args, node.keywords = [], []
                return node
            name = self._next_constructor
        for number, parameter in reversed(self._dropped.get(name, [])):
            if 0 <= number < len(node.args) and not any(
                isinstance(one, ast.Starred) for one in node.args[: number + 1]
            ):
                del node.args[number]
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != parameter]
        return node
