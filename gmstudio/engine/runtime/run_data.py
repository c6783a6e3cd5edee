"""The data of a run, compared with those that it was trained on."""

from collections.abc import Iterator
from typing import Any

from gmstudio.data import SOURCES
from gmstudio.data.dataset import DataError, Dataset
from gmstudio.data.importing.kept_sets import find_import, imports_home
from gmstudio.engine.runtime.datasets import FILE_FIELDS, DatasetCache, load_data
from gmstudio.protocol.config import ConfigError
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import DATA_CHANGED
from gmstudio.runs.record import RunRecord


class DataUnavailableError(DataError):
    """The data of a run cannot be loaded, or do not fit its model."""


class DataChangedError(DataError):
    """The data of a run differ from those that it was trained on; using them is the user's decision."""


def load_run_data(cache: DatasetCache, record: RunRecord, folder: str = "", *, accept_changed: bool = False) -> Dataset:
    """Load the data of a run.

    A run of a version that kept no fingerprint is compared by the shape and levels of the images only.

    Args:
        cache: source of data sets.
        record: record of the run.
        folder: folder that holds the data now; empty: the recorded one.
        accept_changed: return the data even where they differ from those that the run was trained on.

    Raises:
        DataUnavailableError: when they cannot be loaded, or do not fit the model of the run.
        DataChangedError: when they differ, and that is not accepted.
    """
    settings = located_settings(record, folder)
    if folder and not _reads_files(record):
        raise DataUnavailableError(f"The data of this run, {record.data}, come with gmstudio; name no folder.")
    try:
        dataset = load_data(cache, record.data, settings)
    except (ConfigError, DataError) as error:
        raise DataUnavailableError(f"The data of this run cannot be loaded. {error}{_kept_place(record)}") from error
    _check_fit(record, dataset)
    changes = changes_since(record, dataset)
    if changes and not accept_changed:
        raise DataChangedError(
            f"The data are not those that this run was trained on: {'; '.join(changes)}. Restore them, or decide to "
            f"use the data as they are.{_kept_place(record)}"
        )
    return dataset


def located_settings(record: RunRecord, folder: str) -> dict[str, Any]:
    """Return the settings of a run's data with the folder or file that holds them now; empty: the recorded one."""
    field = "folder" if record.data not in SOURCES else next(_file_fields(record), "")
    return {**record.data_config, field: folder} if folder and field else dict(record.data_config)


def _file_fields(record: RunRecord) -> Iterator[str]:
    """Settings of a source that name the files of a run."""
    known = SOURCES[record.data].Config.__struct_fields__
    return (name for name in FILE_FIELDS if name in known and (name == "folder" or record.data_config.get(name)))


def _reads_files(record: RunRecord) -> bool:
    return record.data not in SOURCES or any(_file_fields(record))


def _kept_place(record: RunRecord) -> str:
    """Sentence on where the images are kept that the run was trained on, when they were imported; else empty."""
    if record.fingerprint is None or not record.fingerprint.origin:
        return ""
    kept = find_import(imports_home(), record.fingerprint.origin)
    return "" if kept is None else f" The images that it was trained on are kept in {kept.folder}; name that folder."


def changes_since(record: RunRecord, dataset: Dataset) -> tuple[str, ...]:
    """Return phrases on how data differ from those that a run was trained on; empty where nothing is known to."""
    return () if record.fingerprint is None else record.fingerprint.differences(dataset.fingerprint)


def log_changes(run: RunFolder, changes: tuple[str, ...], step: int) -> None:
    """Note in the history of a run that it uses other data from a step on; nothing where it uses those it began with.

    Raises:
        RunError: when the history cannot be written.
    """
    if changes:
        run.history.log(step, DATA_CHANGED, f"Uses changed data from here on: {'; '.join(changes)}.")


def _check_fit(record: RunRecord, dataset: Dataset) -> None:
    if dataset.image != record.image:
        raise DataUnavailableError(
            f"The data set now has images of {dataset.image}, the model was trained on {record.image}; "
            f"restore the data set.{_kept_place(record)}"
        )
    num_classes = record.config.get("num_classes")
    if isinstance(num_classes, int) and 0 < num_classes < dataset.num_classes:
        raise DataUnavailableError(
            f"The data set now has labels up to {dataset.num_classes - 1}, the model was made for labels 0 to "
            f"{num_classes - 1}; restore the data set."
        )
