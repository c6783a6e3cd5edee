"""Functions with settings put in, made as short as they then can be.

Until nothing changes: parameters that are not read any more go, with the arguments for them; a function that only
returns its argument or a constant is replaced by that; attributes and variables that nothing reads are not assigned.
"""

import ast

from gmstudio.engine.runs.source_code.assignments import assign_once, drop_unread, end_at_returns, return_directly
from gmstudio.engine.runs.source_code.constants import LocalConstants, decide_by_calls
from gmstudio.engine.runs.source_code.functions import Function, statements
from gmstudio.engine.runs.source_code.inlining import without_trivial
from gmstudio.engine.runs.source_code.parameters import drop_parameters


def simplify(functions: list[Function], bases: dict[str, list[str]]) -> list[Function]:
    """Simplify functions of one file together, in place; return those that are left.

    Args:
        functions: all of them.
        bases: class → the classes before it in the order in which methods are looked up, itself first.
    """
    left = list(functions)
    for _ in range(20):
        before = [ast.dump(one.node) for one in left]
        for one in left:
            LocalConstants().run(one.node)
        decide_by_calls(left)
        left = without_trivial(left)
        for one in left:
            end_at_returns(one.node)
            return_directly(one.node)
            assign_once(one.node)
        drop_parameters(left, bases)
        drop_unread(left, bases)
        left = [one for one in left if not _is_empty_constructor(one)]
        if [ast.dump(one.node) for one in left] == before:
            return left
    return left


def _is_empty_constructor(one: Function) -> bool:
    if one.node.name != "__init__":
        return False
    body = statements(one.node)
    return len(body) <= 1 and all(ast.unparse(node) == "super().__init__()" for node in body)
