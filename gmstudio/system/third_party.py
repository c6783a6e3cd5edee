"""Classes that other packages bring along by entry points: taken up, or left out with a sentence."""

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint
from typing import Any, TypeVar

T = TypeVar("T")


def add_classes(
    registry: dict[str, type[T]],
    points: Iterable[EntryPoint],
    base: type[Any],
    attributes: tuple[str, ...],
    name_of: Callable[[Any], str],
) -> dict[str, str]:
    """Add the classes that entry points name behind those that are there.

    Args:
        registry: name → class, extended in place.
        points: entry points that other packages registered.
        base: class of which they must be subclasses.
        attributes: class attributes that they must have.
        name_of: returns the name of a class.

    Returns:
        Entry point's name → one sentence, for those that could not be used.
    """
    word, errors = base.__name__.lower(), dict[str, str]()
    for point in points:
        try:
            kind = point.load()
            if not (isinstance(kind, type) and issubclass(kind, base)):
                raise TypeError(f"it is not a subclass of {base.__module__}.{base.__name__}.")
            for attribute in attributes:
                if not hasattr(kind, attribute):
                    raise TypeError(f"it has no {attribute!r}.")
            name = name_of(kind)
            if name in registry:
                raise ValueError(f"there is a {word} named {name!r} already; its card needs another name.")
        except (Exception, SystemExit) as error:  # foreign code may raise anything
            reason = str(error) or type(error).__name__
            errors[point.name] = f"The {word} {point.name!r} ({point.value}) cannot be used: {reason}"
        else:
            registry[name] = kind
    return errors
