"""Validation while a model trains: loss terms on the same images each time, and the quality of its samples."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.evaluation.label_mixture import LabelMixture, label_mixture
from gmstudio.engine.evaluation.sample_quality import SampleQuality, only_generates
from gmstudio.engine.training.batches import Batches
from gmstudio.engine.training.scalars import term_name
from gmstudio.engine.training.step import phase_loss
from gmstudio.families.autoregressive.base import NO_LABEL
from gmstudio.families.base import Family, Phase
from gmstudio.protocol.families import MARGINAL_NLL
from gmstudio.protocol.training_settings import Training


class Validation:
    """Measures a model on validation images.

    Args:
        model: the model, on its device.
        phases: its training phases, whose losses are computed.
        dataset: the data set, with which samples are compared.
        batches: its images on the device.
        training: number of validation images, and the seed of all noise.
    """

    def __init__(
        self, model: Family, phases: Sequence[Phase], dataset: Dataset, batches: Batches, training: Training
    ) -> None:
        self._model = model
        self._phases = phases
        self._seed = training.seed
        self.batches = batches.valid(training.validation_images)
        """Validation images, (B, C, H, W) integers each."""
        self._labels = _trained_only(batches.valid_labels(training.validation_images), dataset.train_labels)
        self._mixture = label_mixture(model, dataset.train.labels)
        quality = only_generates(model)
        held_out = "valid" if len(dataset.valid) else "train"
        self._quality = SampleQuality(dataset, model.device, training.seed, held_out) if quality else None

    def measure(self) -> Iterator[dict[str, float] | None]:
        """Compute in small pieces: yields None after each, and values by the names of their curves when known."""
        yield from self._mean_terms()
        if self._quality is not None:
            self._model.eval()
            yield from self._quality.measure(self._model)

    def _mean_terms(self) -> Iterator[dict[str, float] | None]:
        sums: dict[str, float] = {}
        count = 0
        generator = torch.Generator(self._model.device).manual_seed(self._seed + 1)
        for number, batch in enumerate(self.batches):
            self._model.eval()  # between two pieces, others may have used the model
            labels = self._labels[number] if self._labels is not None else None
            with torch.no_grad():
                for phase in self._phases:
                    for term, value in phase_loss(phase, batch, generator, labels).items():
                        name = term_name(phase, term, self._phases)
                        sums[name] = sums.get(name, 0.0) + float(value) * len(batch)
                if self._mixture is not None and labels is not None:
                    difference = self._marginal_difference(self._mixture, batch, labels)
                    sums[MARGINAL_NLL] = sums.get(MARGINAL_NLL, 0.0) + difference * len(batch)
            count += len(batch)
            yield None
        if MARGINAL_NLL in sums:
            sums[MARGINAL_NLL] += sums["loss"]
        yield {name: total / count for name, total in sums.items()}

    def _marginal_difference(self, mixture: LabelMixture, batch: Tensor, labels: Tensor) -> float:
        """Mean of log p(x|y) − log p(x), nats, over as many images as cost one pass of the whole batch.

        The difference varies far less from image to image than either term, and is at most −log p(y).
        """
        few = slice(-(-len(batch) // len(mixture.labels)))
        model: Any = self._model
        conditional_B = model.log_prob(batch[few], labels=labels[few])
        return float((conditional_B - mixture.log_prob(model, batch[few])).mean())


def _trained_only(labels: list[Tensor] | None, trained: tuple[int, ...]) -> list[Tensor] | None:
    """Hide labels that no training image has, since the model is not trained with them."""
    if labels is None:
        return None
    return [torch.where(torch.isin(some, some.new_tensor(trained)), some, NO_LABEL) for some in labels]
