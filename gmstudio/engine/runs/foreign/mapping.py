"""Mapping of the names of other programs' arrays to those of a model: read from TOML, written, applied.

```toml
ignore = ["optimizer.step"]
keep = ["likelihood.basis_FL"]

[weights]
"enc.fc1.weight" = "encoder.0.weight"
"enc.fc2.weight" = { to = "encoder.2.weight", transpose = [1, 0] }
"dec.kernel" = { to = ["decoder.0.weight", "average.decoder.0.weight"], reshape = [64, 1, 3, 3] }
```

Theirs stand on the left. ``ignore`` names theirs that are left out, and ``keep`` ours that stay as the model begins,
for example constants that only this program has. ``transpose`` is the order of axes, applied before ``reshape``.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gmstudio.system.regular_file import read_regular

MAX_BYTES = 16 << 20
Shape = tuple[int, ...]


class WeightRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Way of one of their arrays.

    Args:
        to: names of ours that it becomes.
        transpose: order of its axes; empty: as they are.
        reshape: shape that it gets then; empty: as it is.
    """

    to: tuple[str, ...]
    transpose: tuple[int, ...] = ()
    reshape: tuple[int, ...] = ()

    def shape(self, theirs: Shape) -> Shape:
        """Shape that an array of theirs has in the end.

        Raises:
            ValueError: when it cannot be transposed or reshaped so.
        """
        if self.transpose:
            if sorted(self.transpose) != list(range(len(theirs))):
                raise ValueError(f"transpose = {list(self.transpose)} is no order of the axes of {theirs}")
            theirs = tuple(theirs[axis] for axis in self.transpose)
        if self.reshape:
            if min(self.reshape) < 0 or math.prod(self.reshape) != math.prod(theirs):
                raise ValueError(f"reshape = {list(self.reshape)} has another number of entries than {theirs}")
            return self.reshape
        return theirs


class WeightMap(msgspec.Struct, frozen=True):
    """Mapping of all arrays of a file.

    Args:
        rules: their name → way.
        ignore: their names that are left out on purpose.
        keep: our names that keep the values with which the model begins.
    """

    rules: dict[str, WeightRule]
    ignore: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()


class Misfit(msgspec.Struct, frozen=True):
    """All that keeps a mapping from filling a model.

    Args:
        missing: ours that nothing is mapped to, with their shapes.
        left_over: theirs that are neither mapped nor ignored, with their shapes.
        unfit: one phrase for each array of another shape, unknown name or double use.
    """

    missing: tuple[str, ...] = ()
    left_over: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.left_over or self.unfit)

    def lines(self) -> list[str]:
        """All differences, one a line."""
        return [
            *(f"missing: {name}" for name in self.missing),
            *(f"left over: {name}" for name in self.left_over),
            *(f"does not fit: {text}" for text in self.unfit),
        ]


def same_names(theirs: Mapping[str, Shape], ours: Mapping[str, Shape]) -> WeightMap:
    """Mapping of the names that both have."""
    return WeightMap({name: WeightRule((name,)) for name in theirs if name in ours})


def misfit_of(mapping: WeightMap, theirs: Mapping[str, Shape], ours: Mapping[str, Shape]) -> Misfit:
    """Compare what a mapping makes of their arrays with what a model needs."""
    filled, unfit = dict[str, str](), list[str]()
    for name, rule in mapping.rules.items():
        if name not in theirs:
            unfit.append(f"the file has no {name}")
            continue
        for target in rule.to:
            unfit += _unfit(name, rule, target, theirs[name], ours, filled)
            filled.setdefault(target, name)
    unfit += [f"the file has no {name}, which is ignored" for name in mapping.ignore if name not in theirs]
    unfit += [f"the model has no {name}, which is kept" for name in mapping.keep if name not in ours]
    unfit += [f"{name} is kept, and filled by {filled[name]}" for name in mapping.keep if name in filled]
    used = {*mapping.rules, *mapping.ignore}
    return Misfit(
        tuple(f"{name} {_shown(shape)}" for name, shape in ours.items() if name not in {*filled, *mapping.keep}),
        tuple(f"{name} {_shown(shape)}" for name, shape in theirs.items() if name not in used),
        tuple(unfit),
    )


def _unfit(
    name: str, rule: WeightRule, target: str, shape: Shape, ours: Mapping[str, Shape], filled: Mapping[str, str]
) -> list[str]:
    if target not in ours:
        return [f"the model has no {target}, to which {name} is mapped"]
    if target in filled:
        return [f"{target} is filled by {filled[target]} and by {name}"]
    try:
        found = rule.shape(shape)
    except ValueError as error:
        return [f"{name}: {error}"]
    return [] if found == ours[target] else [f"{name} is {_shown(found)}, {target} is {_shown(ours[target])}"]


def read_map(path: Path) -> WeightMap:
    """Read a mapping from a file of TOML.

    Raises:
        ValueError: when it is none; names the file and the entry.
        OSError: when it cannot be read.
    """
    try:
        return parse_map(read_regular(path, MAX_BYTES).decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error.reason}); save it as UTF-8.") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def parse_map(text: str) -> WeightMap:
    """Read a mapping from TOML.

    Raises:
        ValueError: when it is none; names the entry.
    """
    try:
        plain = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"this is not TOML: {error}.") from None
    unknown = sorted(plain.keys() - {"ignore", "keep", "weights"})
    if unknown:
        raise ValueError(f"there is no key {unknown[0]!r}; there are ignore, keep and the table [weights].")
    weights = plain.get("weights", {})
    if not isinstance(weights, dict):
        raise ValueError('weights must be a table: [weights], with lines "theirs" = "ours".')
    try:
        ignore, keep = (msgspec.convert(plain.get(key, []), tuple[str, ...]) for key in ("ignore", "keep"))
    except msgspec.ValidationError:
        raise ValueError("ignore and keep must be lists of names.") from None
    return WeightMap({name: _rule(name, value) for name, value in weights.items()}, ignore, keep)


def _rule(name: str, value: Any) -> WeightRule:
    if isinstance(value, str):
        return WeightRule((value,))
    if isinstance(value, dict) and isinstance(value.get("to"), str):
        value = {**value, "to": [value["to"]]}
    try:
        return msgspec.convert(value, WeightRule)
    except msgspec.ValidationError as error:
        raise ValueError(
            f'{name!r}: {error}. Write "theirs" = "ours" or "theirs" = {{ to = "ours", transpose = [1, 0] }}; names '
            "with dots stand in quotation marks."
        ) from None


def with_shapes(remarks: Mapping[str, str], theirs: Mapping[str, Shape]) -> dict[str, str]:
    """Their name → comment: shape of the array, and the remark where there is one."""
    return {name: ", ".join(filter(None, (_shown(shape), remarks.get(name, "")))) for name, shape in theirs.items()}


def write_map(mapping: WeightMap, remarks: Mapping[str, str] | None = None) -> str:
    """Write a mapping as TOML that ``parse_map`` reads.

    Args:
        mapping: the mapping.
        remarks: their name → comment at the end of the line.
    """
    lists = {"ignore": mapping.ignore, "keep": mapping.keep}
    lines = [f"{key} = {json.dumps(list(names), ensure_ascii=False)}" for key, names in lists.items() if names]
    lines += ["", "[weights]"] if lines else ["[weights]"]
    for name, rule in mapping.rules.items():
        remark = (remarks or {}).get(name, "")
        comment = f"  # {remark}" if remark else ""
        lines.append(f"{json.dumps(name, ensure_ascii=False)} = {_value(rule)}{comment}")
    return "\n".join(lines) + "\n"


def _value(rule: WeightRule) -> str:
    to: Any = rule.to[0] if len(rule.to) == 1 else list(rule.to)
    if not (rule.transpose or rule.reshape):
        if isinstance(to, str):
            return json.dumps(to, ensure_ascii=False)
        return f"{{ to = {json.dumps(to, ensure_ascii=False)} }}"
    parts = [f"to = {json.dumps(to, ensure_ascii=False)}"]
    parts += [f"transpose = {list(rule.transpose)}"] if rule.transpose else []
    parts += [f"reshape = {list(rule.reshape)}"] if rule.reshape else []
    return f"{{ {', '.join(parts)} }}"


def _shown(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "one number"
