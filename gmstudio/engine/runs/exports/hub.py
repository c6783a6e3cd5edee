"""A run as a folder of the Hugging Face hub: settings, weights, a card, a picture of samples."""

import copy
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import msgspec
import numpy as np
import safetensors.torch
from numpy.typing import NDArray

import gmstudio
from gmstudio.engine.evaluation.label_mixture import label_mixture
from gmstudio.engine.evaluation.likelihood import Score, default_samples, has_likelihood, score
from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.engine.runs.exports.hub_card import Card, card_text
from gmstudio.engine.runs.exports.safetensors_file import weights_metadata, weights_of
from gmstudio.engine.runs.hub_folder import CONFIG_NAME, WEIGHTS_NAME, hub_config
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.engine.sampling.grids import draw_grid
from gmstudio.media.png import write_grid
from gmstudio.media.provenance import Provenance, metadata_of
from gmstudio.protocol.runs_exports import ExportForm

README_NAME, PREVIEW_NAME = "README.md", "preview.png"
NUM_SAMPLES = 64
NUM_SCORED = 500
"""Test images of the card's figure."""
SCALE = 4


class HubExport(Export):
    """A folder that can be uploaded to the hub as it is."""

    form: ClassVar[ExportForm] = ExportForm(
        name="hub",
        title="Hugging Face folder",
        help="Settings, weights, a card with figures and a picture of samples, as the Hugging Face hub has them.",
    )
    order: ClassVar[int] = 40

    def __init__(self) -> None:
        self._remarks: list[str] = []

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on what the card lacks."""
        return tuple(self._remarks)

    def pieces(self, source: ExportSource, target: Path) -> Iterator[float]:
        """Write the four files; the samples take longest."""
        loaded = _as_it_is(source.load())
        safetensors.torch.save_file(weights_of(loaded.model), target / WEIGHTS_NAME, weights_metadata(loaded))
        config = msgspec.json.format(msgspec.json.encode(hub_config(loaded)), indent=2)
        (target / CONFIG_NAME).write_bytes(config + b"\n")
        yield 0.1
        for images in draw_grid(loaded.model, NUM_SAMPLES, loaded.record.training.seed):
            if images is not None:
                write_grid(images, target / PREVIEW_NAME, SCALE, _provenance(source, loaded))
            yield 0.5
        last: Score | None = None
        for found in self._score_pieces(loaded):
            last = found
            yield 0.75
        card = Card(source.run, loaded, last, PREVIEW_NAME)
        (target / README_NAME).write_text(card_text(card), encoding="utf-8")
        self._remarks.append(f"{README_NAME} leaves the licence open: choose one, for the weights and by the data's.")
        yield 1.0

    def _score_pieces(self, loaded: Loaded) -> Iterator[Score | None]:
        """Score test images in pieces: yields None after each, then the score; nothing where there is none."""
        if not has_likelihood(loaded.model):
            return
        try:
            data = yield from beside(lambda: load_run_data(DatasetCache(), loaded.record))
        except ValueError as error:
            self._remarks.append(f"{README_NAME} has no test figure, since the data cannot be loaded. {error}")
            return
        images: NDArray[np.uint8] = data.view("test", range(min(NUM_SCORED, len(data.test))))
        samples, mixture = default_samples(loaded.model, len(images)), label_mixture(loaded.model, data.train.labels)
        yield from score(loaded.model, images, samples, mixture=mixture)


def _as_it_is(loaded: Loaded) -> Loaded:
    """Return a copy of a model that may be in training, so that figures and samples are those of the weights."""
    return dataclasses.replace(loaded, model=copy.deepcopy(loaded.model).eval())


def _provenance(source: ExportSource, loaded: Loaded) -> dict[str, str]:
    return metadata_of(
        Provenance(
            family=loaded.record.family,
            run=loaded.record.title or source.run.path.name,
            created=loaded.record.created,
            step=loaded.step,
            seed=loaded.record.training.seed,
            shows="samples",
            software=f"gmstudio {gmstudio.__version__}",
        )
    )
