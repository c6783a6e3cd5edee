"""The data set of a run, or another one with images of the same shape."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gmstudio.data.dataset import Dataset
    from gmstudio.engine.runtime.models import Loaded


def load_run_data(loaded: "Loaded", name: str = "", folder: str = "") -> "Dataset":
    """Load images for a run's model.

    Args:
        loaded: the model and its run.
        name: of the source; empty: the run's own, with its settings. Another one has its default settings.
        folder: of the source's files, where it is not the run's.

    Raises:
        ValueError: when there is no such source, its files cannot be used, or its images are not the model's.
    """
    from gmstudio.data import SOURCES
    from gmstudio.engine.runtime.datasets import DatasetCache

    name = name or loaded.record.data
    settings: dict[str, Any] = {}
    if name == loaded.record.data:
        settings = dict(loaded.record.data_config)
    elif name in SOURCES and "levels" in SOURCES[name].Config.__struct_fields__:
        settings["levels"] = loaded.model.image.levels
    if folder:
        settings["folder"] = folder
    dataset = DatasetCache().load(name, settings)
    if dataset.image != loaded.model.image:
        raise ValueError(f"The images of {name} are {dataset.image}; the run's are {loaded.model.image}.")
    return dataset
