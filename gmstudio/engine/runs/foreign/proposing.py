"""First proposal of a mapping, by shapes and names; a person decides."""

import importlib
import math
import re
from collections.abc import Collection, Mapping
from difflib import SequenceMatcher
from types import MappingProxyType

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.runs.foreign.mapping import Shape, WeightMap, WeightRule

MAX_GROUP = 400
"""Arrays of one shape that are matched by their names; more are matched in their order."""
ORDER_WEIGHT = 0.2
"""Weight of the place in the file against the likeness of names, which is at most 1."""
_WORD = re.compile(r"[A-Za-z]+|\d+")


def propose(
    theirs: Mapping[str, Shape],
    ours: Mapping[str, Shape],
    constants: Collection[str] = (),
    copies: Mapping[str, str] = MappingProxyType({}),
) -> tuple[WeightMap, dict[str, str]]:
    """Propose which of their arrays becomes which of ours.

    Equal names come first, then equal shapes, then transposed matrices, then equal numbers of entries; among several,
    the assignment whose names and places are most alike. A square matrix may be transposed unnoticed.

    Args:
        theirs: name → shape in the file.
        ours: name → shape in the model.
        constants: those of ours that are not trained; without an array of the same name they are kept.
        copies: those of ours that begin as copies, such as averages of weights → of which; they get the same array.

    Returns:
        The mapping, which may leave arrays out; and their name → remark where the name or the shape differs much.
    """
    rules = {name: WeightRule((name,)) for name, shape in theirs.items() if ours.get(name) == shape}
    left = [name for name in theirs if name not in rules]
    keep = tuple(name for name in ours if name in constants and name not in rules and name not in copies)
    open_ = [name for name in ours if name not in rules and name not in keep and name not in copies]
    remarks: dict[str, str] = {}
    for alike, made, remark in (
        (lambda shape: shape, _as_it_is, ""),
        (lambda shape: tuple(sorted(shape)) if len(shape) == 2 else None, _transposed, "transposed: check it"),
        (lambda shape: math.prod(shape), _reshaped, "reshaped: check it"),
    ):
        for their, our in _pairs(left, open_, theirs, ours, alike):
            rules[their] = made(ours[our], our)
            if remark:
                remarks[their] = remark
        left = [name for name in left if name not in rules]
        taken = {target for rule in rules.values() for target in rule.to}
        open_ = [name for name in open_ if name not in taken]
    ordered = {name: rules[name] for name in theirs if name in rules}
    return WeightMap(_with_copies(ordered, copies), keep=keep), remarks


def _with_copies(rules: Mapping[str, WeightRule], copies: Mapping[str, str]) -> dict[str, WeightRule]:
    """Fill the copies that have no array of their own from that of which they are copies."""
    filled = {target for rule in rules.values() for target in rule.to}
    targets = {
        name: [c for c, of in copies.items() if of in rule.to and c not in filled] for name, rule in rules.items()
    }
    return {name: msgspec.structs.replace(rule, to=(*rule.to, *targets[name])) for name, rule in rules.items()}


def _as_it_is(shape: Shape, our: str) -> WeightRule:
    return WeightRule((our,))


def _transposed(shape: Shape, our: str) -> WeightRule:
    return WeightRule((our,), transpose=(1, 0))


def _reshaped(shape: Shape, our: str) -> WeightRule:
    return WeightRule((our,), reshape=shape)


def _pairs(
    left: list[str], open_: list[str], theirs: Mapping[str, Shape], ours: Mapping[str, Shape], alike: object
) -> list[tuple[str, str]]:
    """Pairs of names whose shapes are alike."""
    assert callable(alike)
    found: list[tuple[str, str]] = []
    for key in dict.fromkeys(alike(ours[name]) for name in open_):
        if key is None:
            continue
        rows = [name for name in left if alike(theirs[name]) == key]
        columns = [name for name in open_ if alike(ours[name]) == key]
        if rows and columns:
            found += _assigned(rows, columns, left, open_)
    return found


def _assigned(rows: list[str], columns: list[str], left: list[str], open_: list[str]) -> list[tuple[str, str]]:
    if max(len(rows), len(columns)) > MAX_GROUP:
        return list(zip(rows, columns, strict=False))
    likeness = np.array([[_likeness(row, column) for column in columns] for row in rows])
    distance = np.abs(_places(rows, left)[:, None] - _places(columns, open_)[None, :])
    assign = importlib.import_module("scipy.optimize").linear_sum_assignment
    first, second = assign(likeness - ORDER_WEIGHT * distance, maximize=True)
    return [(rows[i], columns[j]) for i, j in zip(first.tolist(), second.tolist(), strict=True)]


def _places(names: list[str], among: list[str]) -> NDArray[np.float64]:
    """Places of names in a list, 0 to 1."""
    place = {name: index / max(len(among) - 1, 1) for index, name in enumerate(among)}
    return np.array([place[name] for name in names])


def _likeness(a: str, b: str) -> float:
    return SequenceMatcher(None, _WORD.findall(a.lower()), _WORD.findall(b.lower()), autojunk=False).ratio()
