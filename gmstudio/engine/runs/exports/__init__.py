"""Forms in which runs are exported, one module each."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gmstudio.engine.runs.exports.export import Export


def exports_of() -> "dict[str, type[Export]]":
    """Import every module of this package; return the forms by name, in the order of the menus."""
    from gmstudio.engine.runs.exports.export import Export

    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    found = [kind for kind in _subclasses(Export) if "form" in kind.__dict__]
    return {kind.form.name: kind for kind in sorted(found, key=lambda kind: (kind.order, kind.form.name))}


def _subclasses(kind: "type[Export]") -> "Iterator[type[Export]]":
    """Subclasses of a class, and theirs."""
    for inner in kind.__subclasses__():
        yield inner
        yield from _subclasses(inner)


def export_named(name: str) -> "type[Export]":
    """Return the form of a name.

    Raises:
        ValueError: when there is none.
    """
    known = exports_of()
    if name not in known:
        raise ValueError(f"There is no form {name!r} of export; there are {', '.join(known)}.")
    return known[name]
