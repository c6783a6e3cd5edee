"""Features of the engine: classes whose methods answer commands, registered by their annotations."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any, get_type_hints

from gmstudio import engine
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.job import Job as Job
from gmstudio.protocol.base import Command
from gmstudio.protocol.engine import Done

Handler = Callable[[Any], Job | None]
"""Function that answers a command; returns a job if the work is long."""


class Feature:
    """Base of the features; every subclass whose module is imported is served.

    A method ``_on_…`` with one parameter ``command`` answers the commands of the class that annotates it. Its errors
    become ``CommandFailed``.

    Args:
        context: state that all features share.
    """

    def __init__(self, context: EngineContext) -> None:
        self.context = context

    def handlers(self) -> dict[type[Command], Handler]:
        """Map each command class to the method that answers it."""
        found: dict[type[Command], Handler] = {}
        for name, method in inspect.getmembers(self, inspect.ismethod):
            kind = get_type_hints(method).get("command") if name.startswith("_on_") else None
            if isinstance(kind, type) and issubclass(kind, Command):
                found[kind] = method
        return found

    def done(self, command: Command) -> None:
        """Report that a command without a reply of its own was carried out."""
        self.context.send(Done(request=command.request))


def load_features() -> tuple[type[Feature], ...]:
    """Import every feature of the engine; return all feature classes, those of other packages too.

    A feature is a module ``gmstudio/engine/<feature>.py``, or a package with a module ``handlers``.
    """
    for module in pkgutil.iter_modules(engine.__path__, f"{engine.__name__}."):
        name = f"{module.name}.handlers" if module.ispkg else module.name
        if not name.endswith(".__main__") and importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    return tuple(Feature.__subclasses__())
