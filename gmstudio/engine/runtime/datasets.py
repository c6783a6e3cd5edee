"""Loading of data sets, at once or in pieces, and a cache of the most recent."""

import json
from collections.abc import Iterator
from typing import Any

from cachetools import LRUCache

from gmstudio import data
from gmstudio.data.dataset import Dataset
from gmstudio.data.source import LoadProgress
from gmstudio.engine.runtime.inspection import in_background
from gmstudio.protocol.config import ConfigError, parse_config
from gmstudio.system.typed_path import typed_path

KEPT_DATASETS = 3
FILE_FIELDS = ("folder", "path")
"""Settings of sources that name files."""


class Loading:
    """Loading of a data set for which several commands may wait; each of them advances it.

    Args:
        number: identifies it for the window.
        title: short name of the data.
        pieces: work that is left.

    Attributes:
        progress: newest progress.
        users: commands that wait; with the last one the work ends.
        dataset: the data set when it is loaded, else None.
        error: reason why it cannot be loaded, else None.
    """

    def __init__(self, number: int, title: str, pieces: Iterator[LoadProgress | Dataset]) -> None:
        self.number = number
        self.title = title
        self.progress = LoadProgress("load", 0)
        self.users = 0
        self.dataset: Dataset | None = None
        self.error: Exception | None = None
        self._pieces = pieces

    @property
    def over(self) -> bool:
        """The data set is loaded, or cannot be."""
        return self.dataset is not None or self.error is not None

    def advance(self) -> None:
        """Do one piece."""
        try:
            piece = next(self._pieces)
        except Exception as error:  # raised for every command that waits, by ``DatasetCache.load``
            self.error = error
            return
        if isinstance(piece, Dataset):
            self.dataset = piece
        else:
            self.progress = piece

    def close(self) -> None:
        """End the work."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()


class DatasetCache:
    """Loaded data sets; the least recently used one is dropped for a new one."""

    def __init__(self) -> None:
        self._kept: LRUCache[str, Dataset] = LRUCache(KEPT_DATASETS)
        self._loadings: dict[str, Loading] = {}
        self._failed: dict[str, Exception] = {}
        self._number = 0

    def load(self, name: str, config: dict[str, Any]) -> Dataset:
        """Load a data set, or return the kept one of the same source and settings.

        A relative folder becomes an absolute one, also in the settings of the result, so that a run finds its data from
        any working directory.

        Raises:
            ConfigError: for settings outside their range.
            DataError: when its files cannot be used.
        """
        config = _absolute(config)
        key = _key(name, config)
        if key in self._failed:
            raise self._failed.pop(key)
        if key not in self._kept:
            self._kept[key] = data.load(name, config)
        return self._kept[key]

    def load_pieces(self, name: str, config: dict[str, Any]) -> Iterator[Loading]:
        """Load a data set in pieces, so that ``load`` answers at once afterwards; nothing for one that is kept.

        A failure is raised by the next ``load``. Two loadings of the same data are one. Closing the generator ends the
        work where nothing else waits for it.

        Returns:
            A generator of the loading, after each piece but the last.
        """
        config = _absolute(config)
        key = _key(name, config)
        self._failed.pop(key, None)
        if key in self._kept:
            return
        if key not in self._loadings:
            self._number += 1
            self._loadings[key] = Loading(self._number, _title(name, config), _pieces(name, config))
        loading = self._loadings[key]
        loading.users += 1
        try:
            while not loading.over:
                loading.advance()
                if not loading.over:
                    yield loading
            if loading.dataset is not None:
                self._kept[key] = loading.dataset
            elif loading.error is not None:
                self._failed[key] = loading.error
        finally:
            loading.users -= 1
            if not loading.users:
                loading.close()
                del self._loadings[key]


def _key(name: str, config: dict[str, Any]) -> str:
    return json.dumps([name, config], sort_keys=True, default=str)


def _title(name: str, config: dict[str, Any]) -> str:
    """Short name of the data; that of the source, or its key, where the settings are refused."""
    if name not in data.SOURCES:
        return name
    source = data.SOURCES[name]
    try:
        return source.label(parse_config(source.Config, config))
    except ValueError:
        return source.title


def _pieces(name: str, config: dict[str, Any]) -> Iterator[LoadProgress | Dataset]:
    """Pieces of a loading; settings are refused by the first one.

    A source that reads files and has no pieces of its own reads them in a thread beside the loop.
    """
    source = data.SOURCES.get(name)
    whole = source is not None and source.load_pieces.__func__ is data.Source.load_pieces.__func__  # type: ignore[attr-defined]
    reads = source is not None and ("folder" in source.Config.__struct_fields__ or bool(config.get("path")))
    if not whole or not reads:
        yield from data.load_pieces(name, config)
        return
    for dataset in in_background(lambda: data.load(name, config)):
        yield LoadProgress("load", 0) if dataset is None else dataset


def _absolute(config: dict[str, Any]) -> dict[str, Any]:
    field = next((field for field in FILE_FIELDS if field in config), "")
    place = config.get(field)
    if not isinstance(place, str) or not place.strip():
        return config
    try:
        return {**config, field: str(typed_path(place).absolute())}
    except ValueError:  # the source says what is wrong with it
        return config


def load_data(cache: DatasetCache, name: str, config: dict[str, Any]) -> Dataset:
    """Load a data set; errors name the setting that leads to them.

    Raises:
        ConfigError: with fields ``data_config.x``; that of the folder or path for files that cannot be used.
        DataError: when there is no such source, or it has no files to choose.
    """
    try:
        return cache.load(name, config)
    except ConfigError as error:
        raise ConfigError({f"data_config.{field}": text for field, text in error.errors.items()}) from error
    except data.DataError as error:
        fields = data.SOURCES[name].Config.__struct_fields__ if name in data.SOURCES else ()
        field = next((field for field in FILE_FIELDS if field in fields), "")
        if not field:
            raise
        raise ConfigError({f"data_config.{field}": str(error)}) from error
