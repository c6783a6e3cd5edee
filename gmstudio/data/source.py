"""What a data source is: settings in, a data set out."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from msgspec import Struct

from gmstudio.data.dataset import Dataset


class Source(ABC):
    """Base of every data source.

    Attributes:
        name: key in ``SOURCES``.
        title: display name.
        summary: what it is, one or two sentences.
        Config: its settings, described with ``gmstudio.protocol.config.field``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    Config: ClassVar[type[Struct]]

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
