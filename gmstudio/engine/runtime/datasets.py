"""Loading of data sets, and a cache of the most recent."""

import json
from typing import Any

from cachetools import LRUCache

from gmstudio import data
from gmstudio.data.dataset import Dataset
from gmstudio.protocol.config import ConfigError
from gmstudio.system.typed_path import typed_path

KEPT_DATASETS = 3


class DatasetCache:
    """Loaded data sets; the least recently used one is dropped for a new one."""

    def __init__(self) -> None:
        self._kept: LRUCache[str, Dataset] = LRUCache(KEPT_DATASETS)

    def load(self, name: str, config: dict[str, Any]) -> Dataset:
        """Load a data set, or return the kept one of the same source and settings.

        A relative folder becomes an absolute one, also in the settings of the result, so that a run finds its data from
        any working directory.

        Raises:
            ConfigError: for settings outside their range.
            DataError: when its files cannot be used.
        """
        config = _absolute(config)
        key = json.dumps([name, config], sort_keys=True, default=str)
        if key not in self._kept:
            self._kept[key] = data.load(name, config)
        return self._kept[key]


def _absolute(config: dict[str, Any]) -> dict[str, Any]:
    folder = config.get("folder")
    if not isinstance(folder, str) or not folder.strip():
        return config
    try:
        return {**config, "folder": str(typed_path(folder).absolute())}
    except ValueError:  # the source says what is wrong with it
        return config


def load_data(cache: DatasetCache, name: str, config: dict[str, Any]) -> Dataset:
    """Load a data set; errors name the setting that leads to them.

    Raises:
        ConfigError: with fields ``data_config.x``; that of the folder for files that cannot be used.
        DataError: when there is no such source, or it has no files to choose.
    """
    try:
        return cache.load(name, config)
    except ConfigError as error:
        raise ConfigError({f"data_config.{field}": text for field, text in error.errors.items()}) from error
    except data.DataError as error:
        if name not in data.SOURCES or "folder" not in data.SOURCES[name].Config.__struct_fields__:
            raise
        raise ConfigError({"data_config.folder": str(error)}) from error
