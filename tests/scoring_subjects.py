"""Small models as subjects of scoring, and runs of them on disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from autoregressive_cases import make
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.density.scoring import Scores, score_images
from gmstudio.engine.density.statistics.statistic import Statistic
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.density.subjects import weights_digest
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.checkpoints import CheckpointStore
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import new_record
from gmstudio.runs.scores import ScoreStore
from gmstudio.testing.laws.inputs import every_image

BINARY = ImageSpec(1, 3, 3, 2)


def subject_of_model(model: Family, run: Path | str = "run", dataset: Dataset | None = None) -> Subject:
    """A subject without a record on disk."""

    def load() -> Dataset:
        assert dataset is not None, "this subject has no data"
        return dataset

    record = new_record(RunSpec(family=model.card.name, data="digits"), image=model.image, device="cpu")
    return Subject(str(run), model.eval(), weights_digest(model), 0, record, load)


def all_of(image: ImageSpec = BINARY) -> NDArray[np.uint8]:
    """All images of a specification, (N, C, H, W)."""
    return every_image(image).numpy()


def opened_of(images: NDArray[np.uint8], image: ImageSpec, labels: NDArray[np.int64] | None = None) -> OpenedImages:
    """Images as an opened set."""
    return OpenedImages(images, image, labels, (), "made")


def finished(pieces: Iterator[Scores]) -> Scores:
    """Score to the end."""
    *_, last = pieces
    assert last.over
    return last


def scored(
    statistic: Statistic,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64] | None = None,
    store: ScoreStore | None = None,
    seed: int = 0,
) -> Scores:
    """Score images at once."""
    opened = opened_of(images, statistic.subject.model.image, labels)
    return finished(score_images(statistic, opened, seed, store))


def write_run(folder: Path, family: str, config: dict[str, Any], data: str = "digits", seed: int = 0) -> Path:
    """Write a run of random weights whose data are those of a source; their shape and levels are the model's."""
    from gmstudio import data as sources

    dataset = sources.load(data, {})
    model = make(family, config, dataset.image, seed, spread=0.1)
    spec = RunSpec(family=family, config=msgspec.to_builtins(model.config), data=data, data_config=dataset.config)
    record = new_record(spec, image=dataset.image, device="cpu")
    RunFolder.create(folder, record).close()
    save_weights(folder, model, 1)
    return folder


def save_weights(folder: Path, model: Family, step: int) -> None:
    """Write a checkpoint of a model's weights."""
    arrays = {name: value.numpy() for name, value in model.state_dict().items()}
    CheckpointStore(folder).save(step, {"model": arrays}, {"step": step})
