"""Rows of a history, as they are stored and read."""

from typing import Any, NamedTuple

from numpy.typing import NDArray


class Scalar(NamedTuple):
    """One measured number: ``split`` is ``train``, ``valid`` … and ``name`` the term's."""

    step: int
    split: str
    name: str
    value: float


class ImageGrid(NamedTuple):
    """Images kept at a step, one array of each ``kind`` (for example ``samples``, (n, C, H, W) uint8)."""

    step: int
    kind: str
    images: NDArray[Any]


class Event(NamedTuple):
    """An entry of the run's log, for example a warning; ``time`` is ISO 8601 in UTC."""

    step: int
    time: str
    kind: str
    text: str
