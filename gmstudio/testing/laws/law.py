"""A law: a function of a model that fails where the model breaks it, and the models that it applies to."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec

from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import SMALL

Arguments = ParamSpec("Arguments")


@dataclass(frozen=True)
class Law:
    """A check together with the models that it applies to.

    Args:
        check: takes a model, and where the law concerns them an ``order`` and a ``label``; raises ``AssertionError``.
        applies: whether a model is subject to the law.
        images: specifications to examine it on.
        demanded: whether every model that it applies to has to obey it; else it is examined on request only.
    """

    check: Callable[..., None]
    applies: Callable[[Any], bool]
    images: tuple[ImageSpec, ...]
    demanded: bool

    @property
    def name(self) -> str:
        """Name of the check."""
        return self.check.__name__

    def concerns(self, argument: str) -> bool:
        """Test whether the check takes this argument, ``order`` or ``label``."""
        return argument in inspect.signature(self.check).parameters


LAWS: dict[str, Law] = {}
"""All laws by name, in the order of their definition."""


def law(
    *, applies: Callable[[Any], bool], images: tuple[ImageSpec, ...] = SMALL, demanded: bool = True
) -> Callable[[Callable[Arguments, None]], Callable[Arguments, None]]:
    """Register a check as a law; see ``Law`` for the arguments. The function itself is left as it is."""

    def register(check: Callable[Arguments, None]) -> Callable[Arguments, None]:
        LAWS[check.__name__] = Law(check, applies, images, demanded)
        return check

    return register


def is_a(*protocols: type) -> Callable[[Any], bool]:
    """Predicate: a model is an instance of all these classes or protocols."""
    return lambda model: all(isinstance(model, protocol) for protocol in protocols)
