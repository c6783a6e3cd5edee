"""Statistics by which images are scored, one module each."""

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gmstudio.engine.density.statistics.statistic import Statistic


def statistics_of() -> "dict[str, type[Statistic]]":
    """Import every module of this package; return the statistics by name, in the order of the lists.

    A statistic is a class with a card of its own, also one of another package that was imported.
    """
    from gmstudio.engine.density.statistics.statistic import Statistic

    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    found: list[type[Statistic]] = []
    waiting: list[type[Statistic]] = list(Statistic.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if "card" in kind.__dict__:
            found.append(kind)
    return {kind.card.name: kind for kind in sorted(found, key=lambda kind: (kind.order, kind.card.name))}


def statistic_named(name: str) -> "type[Statistic]":
    """Return the statistic of a name.

    Raises:
        ValueError: when there is none.
    """
    known = statistics_of()
    if name not in known:
        raise ValueError(f"There is no statistic {name!r}; there are {', '.join(known)}.")
    return known[name]
