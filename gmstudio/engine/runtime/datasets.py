"""Data sets: loading, and the few that are kept."""

import json
from collections import OrderedDict
from typing import Any

from gmstudio import data
from gmstudio.data.dataset import Dataset
from gmstudio.protocol.config import ConfigError

KEPT_DATASETS = 3


class DatasetCache:
    """Loads data sets and keeps the last few."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Dataset] = OrderedDict()

    def load(self, name: str, config: dict[str, Any]) -> Dataset:
        """The data set of a source under these settings.

        Raises:
            ConfigError: for settings outside their range.
            DataError: when its files cannot be used.
        """
        key = json.dumps([name, config], sort_keys=True, default=str)
        if key not in self._kept:
            self._kept[key] = data.load(name, config)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_DATASETS:
            self._kept.popitem(last=False)
        return self._kept[key]


def load_data(cache: DatasetCache, name: str, config: dict[str, Any]) -> Dataset:
    """Load a data set; what cannot be used is said at the setting that leads to it.

    Raises:
        ConfigError: with fields ``data_config.x``; files that cannot be used are laid to the folder.
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
