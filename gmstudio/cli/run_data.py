"""The data set of a run, or another one with images of the same shape."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gmstudio.cli.terminal import warn

if TYPE_CHECKING:
    from gmstudio.data.dataset import Dataset
    from gmstudio.engine.runtime.models import Loaded


def load_data_for(loaded: "Loaded", name: str = "", folder: str = "", *, accept_changed: bool = False) -> "Dataset":
    """Load images for a run's model; with a warning where changed data of the run are accepted.

    Args:
        loaded: the model and its run.
        name: of the source; empty: the run's own, with its settings. Another one has its default settings.
        folder: of the source's files, where it is not the run's.
        accept_changed: use the run's own data even where they differ from those that it was trained on.

    Raises:
        ValueError: when there is no such source, its files cannot be used, its images are not the model's, or the
            run's own have changed and that is not accepted.
    """
    from gmstudio.data import SOURCES
    from gmstudio.engine.runtime.datasets import DatasetCache
    from gmstudio.engine.runtime.run_data import changes_since, load_run_data
    from gmstudio.protocol.config import schema_of

    record = loaded.record
    if name in ("", record.data):
        dataset = load_run_data(DatasetCache(), record, folder, accept_changed=accept_changed)
        changes = changes_since(record, dataset)
        if changes:
            warn((f"The data are not those that this run was trained on: {'; '.join(changes)}.",))
        return dataset
    settings: dict[str, Any] = {}
    choices = schema_of(SOURCES[name].Config)["properties"].get("levels", {}) if name in SOURCES else {}
    if loaded.model.image.levels in choices.get("enum", ()):
        settings["levels"] = loaded.model.image.levels
    if folder:
        settings["folder"] = folder
    dataset = DatasetCache().load(name, settings)
    if dataset.image != loaded.model.image:
        raise ValueError(
            f"The images of {name} are {dataset.image}; the run's are {loaded.model.image}. Choose other images; score "
            "converts them with --statistic log_prob."
        )
    return dataset


@contextmanager
def with_options() -> Iterator[None]:
    """Name the options that help where the data of a run are missing or have changed."""
    from gmstudio.engine.runtime.run_data import DataChangedError, DataUnavailableError

    try:
        yield
    except DataChangedError as error:
        raise ValueError(f"{error} Options: --data-dir FOLDER, --accept-changed-data.") from error
    except DataUnavailableError as error:
        raise ValueError(f"{error} Option: --data-dir FOLDER, where the data are now.") from error
