"""Features of the engine: classes whose methods answer commands, registered by their annotations."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any, ClassVar, get_type_hints

from gmstudio import engine
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.job import Job as Job
from gmstudio.protocol.base import Command
from gmstudio.protocol.engine import Done

PREFIX = f"{engine.__name__}."
Handler = Callable[[Any], Job | None]
"""Function that answers a command; returns a job if the work is long."""


class Feature:
    """Base of the features; every subclass whose module is imported is served.

    A method ``_on_…`` with one parameter ``command`` answers the commands of the class that annotates it. Its errors
    become ``CommandFailed``.

    Args:
        context: state that all features share.
    """

    concurrent: ClassVar[tuple[type[Command], ...]] = ()
    """Commands that can be answered while another thread makes a step of training: they use no models but those of
    ``EngineContext.model`` and copies of their own, build none, and draw from generators of their own only."""

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


class Features:
    """Features of the engine, imported when one of their commands comes, or one by one while there is nothing to do.

    A feature is a module ``gmstudio/engine/<feature>.py``, or a package with a module ``handlers``; its commands are in
    ``gmstudio/protocol/<feature>.py`` or ``<feature>_….py``. Features of other packages are served once imported.

    Args:
        first: feature that exists already, for example the server itself.
    """

    def __init__(self, first: Feature) -> None:
        self._context = first.context
        self._handlers = first.handlers()
        self._served: set[type[Feature]] = {type(first)}
        self.concurrent = frozenset[type[Command]](first.concurrent)
        """Commands that can be answered during a step of training, of the features that are imported."""
        self._due = {module.name.rpartition(".")[2]: module for module in pkgutil.iter_modules(engine.__path__, PREFIX)}
        self._serve_new()

    @property
    def complete(self) -> bool:
        """All features are imported."""
        return not self._due

    def handler(self, kind: type[Command]) -> Handler:
        """Return the method that answers the commands of a class; its feature is imported now.

        Raises:
            KeyError: when no feature does.
        """
        if kind not in self._handlers:
            words = kind.__module__.rpartition(".")[2].split("_")
            self._load(["_".join(words[:count]) for count in range(len(words), 0, -1)])
        if kind not in self._handlers:
            self._load(list(self._due))
        return self._handlers[kind]

    def load_next(self) -> None:
        """Import one more feature; no effect where there is none."""
        self._load(list(self._due)[:1])

    def _load(self, names: list[str]) -> None:
        for module in filter(None, [self._due.pop(name, None) for name in names]):
            name = f"{module.name}.handlers" if module.ispkg else module.name
            if not name.endswith(".__main__") and importlib.util.find_spec(name) is not None:
                importlib.import_module(name)
        self._serve_new()

    def _serve_new(self) -> None:
        for kind in Feature.__subclasses__():
            if kind not in self._served and not inspect.isabstract(kind):
                self._served.add(kind)
                self._handlers |= kind(self._context).handlers()
                self.concurrent |= set(kind.concurrent)
