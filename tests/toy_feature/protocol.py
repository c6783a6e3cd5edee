"""One question and its answer."""

from gmstudio.protocol.base import Command, Event


class CountParameters(Command, frozen=True, kw_only=True):
    """Count the scalars of a run's model that are above a threshold; answered with ``ParametersCounted``."""

    run: str
    above: float = 0.0


class ParametersCounted(Event, frozen=True, kw_only=True):
    """Number of scalars above the threshold, of all."""

    run: str
    count: int
    total: int
