"""Forms in which runs are exported, one module each."""

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gmstudio.engine.runs.exports.export import Export


def exports_of() -> "dict[str, type[Export]]":
    """Import every module of this package; return the forms by name, in the order of the menus."""
    from gmstudio.engine.runs.exports.export import Export

    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    kinds = [*Export.__subclasses__()]
    for kind in kinds:  # which grows
        kinds += kind.__subclasses__()
    found = [kind for kind in kinds if "form" in kind.__dict__]
    return {kind.form.name: kind for kind in sorted(found, key=lambda kind: (kind.order, kind.form.name))}


def export_named(name: str) -> "type[Export]":
    """Return the form of a name.

    Raises:
        ValueError: when there is none.
    """
    known = exports_of()
    if name not in known:
        raise ValueError(f"There is no form {name!r} of export; there are {', '.join(known)}.")
    return known[name]
