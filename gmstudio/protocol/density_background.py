"""Messages about background models: runs like another one that are trained on noised data, for likelihood ratios."""

from typing import ClassVar

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.run_spec import RunSpec

DEFAULT_MUTATION = 0.3
"""μ that is proposed: the largest of 0.1, 0.2 and 0.3, which Ren et al. 2019 compared."""


class ProposeBackground(Command, frozen=True, kw_only=True):
    """Find or propose the background model of a run; answered with ``BackgroundProposed``.

    Args:
        run: name of the run.
        mutation: probability μ of noised data, above 0 and at most 1.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str
    mutation: float = DEFAULT_MUTATION


class BackgroundProposed(Event, frozen=True, kw_only=True):
    """Background models of a run.

    Args:
        run: name of the run.
        spec: settings of a new one, for ``StartTraining``.
        existing: paths of those that are there, newest first; statistics use the first one.
        mutations: μ of each of them.
    """

    run: str
    spec: RunSpec
    existing: tuple[str, ...]
    mutations: tuple[float, ...]
