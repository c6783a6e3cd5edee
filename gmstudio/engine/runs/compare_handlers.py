"""Commands about comparing runs."""

import copy
from collections.abc import Iterator

import numpy as np
import torch

from gmstudio.engine.catalog import family_entries
from gmstudio.engine.runs.compare_settings import settings_of
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.feature import Feature
from gmstudio.engine.runtime.inspection import exploring_pieces
from gmstudio.engine.runtime.job import Job
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.sampling.grids import draw_grid, grid_kind
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.runs_compare import (
    MAX_DRAWN,
    ComparedDrawn,
    DescribeSettings,
    DrawCompared,
    SettingsDescribed,
)
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.runs.folder import RunFolder


class RunComparison(Feature):
    """Describe the settings of runs, and draw samples of them from the same noise."""

    def _on_describe_settings(self, command: DescribeSettings) -> None:
        with RunFolder.open(command.run) as run:
            settings = settings_of(run.record, family_entries())
        self.context.send(SettingsDescribed(request=command.request, run=command.run, settings=settings))

    def _on_draw_compared(self, command: DrawCompared) -> Job | None:
        if not 1 <= command.count <= MAX_DRAWN:
            raise ValueError(f"{command.count} images cannot be drawn at once; choose 1 to {MAX_DRAWN}.")
        if not 0 <= command.seed <= MAX_SEED:
            raise ValueError(f"The seed {command.seed} is out of range; choose 0 to {MAX_SEED:,}.")
        loaded = nearest_model(self.context, command.run, command.step)
        if grid_kind(loaded.model) != "reconstructions":
            return self._draw(command, loaded, None)
        return self.context.when_data_of(
            loaded.record, command.request, lambda: self._draw(command, loaded, self._held_out(command, loaded))
        )

    def _held_out(self, command: DrawCompared, loaded: Loaded) -> torch.Tensor:
        """Return validation images for a family that reconstructs; training images where there are none."""
        dataset = self.context.data_of(loaded)
        split = dataset.valid if len(dataset.valid) else dataset.train
        return torch.from_numpy(np.ascontiguousarray(split.images[: command.count]))

    def _draw(self, command: DrawCompared, loaded: Loaded, inputs: torch.Tensor | None) -> Iterator[Event | None]:
        pieces = draw_grid(loaded.model, command.count, command.seed, inputs)
        for images in exploring_pieces(loaded.model, pieces):
            if images is None:
                yield None
            else:
                yield ComparedDrawn(
                    request=command.request,
                    run=command.run,
                    step=loaded.step,
                    seed=command.seed,
                    kind=grid_kind(loaded.model),
                    images=Array.of(images),
                    warnings=loaded.warnings,
                )


def nearest_model(context: EngineContext, name: str, step: int | None) -> Loaded:
    """Return the model of a run with the weights that are nearest to a training step, the earlier of two.

    The weights of the run in training count, too, and are copied, so that they stay as they are while images are drawn.

    Args:
        context: has the models.
        name: of the run.
        step: training step; None: the newest weights.

    Raises:
        RunError: when the run is missing, or has no checkpoint that is whole.
    """
    live = context.the_training() if context.is_live(name) else None
    with RunFolder.open(name) as run:
        steps = [info.step for info in run.checkpoints.list() if not info.problem]
    nearest = min(steps, key=lambda one: (abs(one - step), one), default=None) if step is not None else None
    if live is not None and (step is None or nearest is None or abs(live.step - step) < abs(nearest - step)):
        return Loaded(copy.deepcopy(live.model).eval(), live.step, live.record)
    return context.models.load(name, context.device, nearest)
