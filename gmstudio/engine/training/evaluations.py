"""Evaluations between two steps of training: validation, samples, and the surface of a model of points."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane.recording import recorder_for
from gmstudio.engine.sampling.grids import draw_grid, grid_kind
from gmstudio.engine.training.batches import Batches
from gmstudio.engine.training.recording import StepRecorder
from gmstudio.engine.training.step_output import WORKING, StepOutput
from gmstudio.engine.training.validation import Validation
from gmstudio.families.base import Family, Phase
from gmstudio.protocol.array import Array
from gmstudio.protocol.runs import SamplesDrawn
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import ImageGrid


class Evaluations:
    """Evaluates the model of one run while it trains, in small pieces, with noise of its own.

    Args:
        run: run folder, open for writing.
        model: on its device.
        dataset: data set that the model is trained on.
        training: settings of training.
        recorder: of the training, whose clock does not count what is done here.

    Attributes:
        training: settings, which may change while the model trains.
    """

    def __init__(
        self, run: RunFolder, model: Family, dataset: Dataset, training: Training, recorder: StepRecorder
    ) -> None:
        self.training = training
        self._run, self._model, self._dataset, self._recorder = run, model, dataset, recorder
        self._surfaces = recorder_for(run, model, dataset)

    def choose(self, phases: Sequence[Phase], batches: Batches) -> None:
        """Validate these phases, with batches of this size, from now on."""
        self._validation = Validation(self._model, phases, self._dataset, batches, self.training)

    def validate(self, step: int) -> Iterator[StepOutput]:
        """Measure and store the terms of the validation images.

        Raises:
            RunError: when they cannot be stored.
        """
        values: dict[str, float] = {}
        for found in self._validation.measure():
            values |= found or {}
            yield WORKING
        steps = np.array([step], np.int64)
        curves = {("valid", name): (steps, np.array([value], np.float64)) for name, value in values.items()}
        self._run.history.append(curves=curves)
        self._recorder.restart_clock(step)
        yield StepOutput((self._recorder.appended(curves),), at_step_boundary=False)

    def sample(self, step: int) -> Iterator[StepOutput]:
        """Draw and store a grid of samples.

        Raises:
            RunError: when it cannot be stored.
        """
        self._model.eval()
        inputs = torch.cat(self._validation.batches) if self._validation.batches else None
        for images in draw_grid(self._model, self.training.num_samples, self.training.seed, inputs):
            if images is None:
                yield WORKING
                continue
            kind = grid_kind(self._model)
            self._run.history.append(images=[ImageGrid(step, kind, images)])
            event = SamplesDrawn(run=self._run.name, step=step, kind=kind, images=Array.of(images))
            self._recorder.restart_clock(step)
            yield StepOutput((event,), at_step_boundary=False)

    def note_trained(self, seconds: float) -> None:
        """Note the duration of a step, by which the time for surfaces is measured."""
        if self._surfaces is not None:
            self._surfaces.trained(seconds)

    def record_surface(self, step: int) -> Iterator[StepOutput]:
        """Record the density over the grid where it is due, for a model of points."""
        if self._surfaces is None:
            return
        for event in self._surfaces.record(step):
            yield WORKING if event is None else StepOutput((event,), at_step_boundary=False)
