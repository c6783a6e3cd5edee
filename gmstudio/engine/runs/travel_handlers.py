"""Commands about the course of a run's training."""

from collections.abc import Generator, Iterator

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.runs.travel import (
    CodeMaps,
    Plane,
    code_map,
    fits,
    images_of,
    reconstructions_of,
    shown_originals,
)
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.models import Loaded, ModelCache
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.runs_travel import TravelShown, TravelTo
from gmstudio.runs.folder import RunFolder

MAX_IMAGES, MAX_POINTS = 64, 5_000


class TravelFeature(Feature):
    """Look at fixed images through the checkpoints of a run."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._models = ModelCache(1)  # so that travelling does not push out the models that panels explore
        self._maps = CodeMaps()

    def _on_travel_to(self, command: TravelTo) -> Job | None:
        if not (1 <= command.images <= MAX_IMAGES and 1 <= command.points <= MAX_POINTS):
            raise ValueError(
                f"{command.images:,} images and {command.points:,} points; ask for 1 to {MAX_IMAGES} images and 1 to "
                f"{MAX_POINTS:,} points."
            )
        with RunFolder.open(command.run) as run:
            record = run.record
        return self.context.when_data_of(record, command.request, lambda: self._show(command))

    def _show(self, command: TravelTo) -> Iterator[Event | None]:
        """Reconstruct, and draw the map."""
        loaded, saved, newest = yield from self._load(command.run, command.step)
        dataset = self.context.data_of(loaded)
        fits(loaded, dataset)
        images, rows = images_of(dataset, max(command.points, command.images))
        first = images[: command.images]
        codes = yield from self._maps.codes(command.run, saved, loaded, first)
        shown = TravelShown(
            request=command.request,
            run=command.run,
            step=command.step,
            originals=shown_originals(first, loaded.model.image.levels),
            reconstructions=Array.of(reconstructions_of(loaded, codes)),
        )
        yield shown
        codes = yield from self._maps.codes(command.run, saved, loaded, images)
        plane = None
        if codes.shape[1] > 2:
            plane = yield from self._plane(command.run, loaded, newest, images)
        yield TravelShown(
            request=command.request,
            run=shown.run,
            step=shown.step,
            originals=shown.originals,
            reconstructions=shown.reconstructions,
            codes=code_map(codes, plane, dataset, rows),
        )

    def _plane(self, run: str, loaded: Loaded, newest: int, images: NDArray[np.uint8]) -> Generator[None, None, Plane]:
        """Plane of the maps of a run, fitted to the codes of its newest checkpoint."""
        created = loaded.record.created
        found = self._maps.plane(run, created, newest)
        if found is not None:
            return found
        last, saved, _ = yield from self._load(run, newest)
        codes = yield from self._maps.codes(run, saved, last, images)
        return (yield from self._maps.fit(run, created, newest, codes))

    def _load(self, run: str, step: int) -> Generator[None, None, tuple[Loaded, str, int]]:
        """Load the model of a checkpoint; returns it with the time of saving, and the step of the newest checkpoint."""
        with RunFolder.open(run) as folder:
            infos = [info for info in folder.checkpoints.list() if not info.problem]
        saved = next((f"{info.step} {info.created}" for info in infos if info.step == step), "")
        newest = max((info.step for info in infos), default=step)
        loaded = yield from self._models.load_pieces(run, self.context.device, step)
        return loaded, saved, newest
