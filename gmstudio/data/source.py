"""Base class of data sources, and texts that their settings share."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Struct

from gmstudio.data.dataset import Dataset
from gmstudio.data.progress import Progress
from gmstudio.protocol.config import field

LEVELS_TITLE = "Quantization levels (per channel)"
LoadProgress = Progress
BINARIZATIONS = {"threshold": "threshold at 0.5", "sample": "stochastic"}
"""Value of a setting ``binarize`` → display text."""
BinarizeField = Annotated[
    Literal["threshold", "sample"],
    field(
        "Binarization",
        "With 2 levels: threshold at 0.5, or stochastic: each pixel is sampled again in each epoch with its "
        "intensity as probability. No effect with more levels.",
        labels=BINARIZATIONS,
    ),
]


class Source(ABC):
    """Base class of data sources.

    Attributes:
        name: key in ``SOURCES``.
        title: display name.
        summary: description of the images, one or two sentences.
        Config: its settings, described with ``gmstudio.protocol.config.field``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    Config: ClassVar[type[Struct]]

    @classmethod
    def label(cls, config: Any) -> str:
        """Short name of the images for lists of runs, without their size: that of the source, or of its files.

        Args:
            config: an instance of ``Config``.
        """
        return cls.title.partition(" (")[0]

    @classmethod
    @abstractmethod
    def load(cls, config: Any) -> Dataset:
        """Load the images.

        Args:
            config: an instance of ``Config`` whose fields are within their ranges.

        Raises:
            ConfigError: when settings do not fit one another.
            DataError: when a file cannot be used.
        """

    @classmethod
    def load_pieces(cls, config: Any) -> Iterator[LoadProgress | Dataset]:
        """Load the images a piece at a time; the last item is the data set. Closing the iterator ends the work.

        Sources whose work is short have one piece.

        Args:
            config: see ``load``.

        Raises:
            ConfigError: when settings do not fit one another.
            DataError: when a file cannot be used.
        """
        yield cls.load(config)


def loaded(pieces: Iterator[LoadProgress | Dataset]) -> Dataset:
    """Exhaust ``Source.load_pieces`` and return the data set."""
    for item in pieces:
        if isinstance(item, Dataset):
            return item
    raise AssertionError("Source.load_pieces ended without a data set.")
