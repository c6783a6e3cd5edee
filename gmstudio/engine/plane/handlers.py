"""Handlers of the commands about the plane: models of points."""

import copy
from collections.abc import Callable
from typing import TypeVar

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane.describing import describe_point
from gmstudio.engine.plane.drawing import draw_surface, open_plane
from gmstudio.engine.plane.grid import grid_of
from gmstudio.engine.plane.insides import draw_inside
from gmstudio.engine.plane.recorded import draw_recorded, list_recorded
from gmstudio.engine.plane.surface import SurfaceCache, SurfaceSlot
from gmstudio.engine.runtime.context import ANY_FAMILY, EngineContext
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.inspection import check_fit
from gmstudio.engine.runtime.models import Loaded
from gmstudio.families.base import Family
from gmstudio.protocol.plane import DescribePoint, DrawInside, DrawSurface, ListSurfaces, OpenPlane
from gmstudio.runs.folder import RunFolder

CommandT = TypeVar("CommandT", DrawSurface, DrawInside, DescribePoint)


class PlaneFeature(Feature):
    """Describe models of points, draw their density and what they have inside."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._surfaces = SurfaceCache()

    def _on_open_plane(self, command: OpenPlane) -> Job | None:
        loaded = self._model(command.run)

        def answer() -> None:
            self.context.send(open_plane(loaded.model, self._data(loaded), command))

        return self.context.when_data_of(loaded.record, command.request, answer)

    def _on_list_surfaces(self, command: ListSurfaces) -> None:
        with RunFolder.open(command.run) as run:
            self.context.send(list_recorded(run, command))

    def _on_draw_surface(self, command: DrawSurface) -> Job | None:
        if command.step is None:
            return self._answered(command, draw_surface)
        with RunFolder.open(command.run) as run:
            self.context.send(draw_recorded(run, command, command.step))
        return None

    def _on_draw_inside(self, command: DrawInside) -> Job | None:
        return self._answered(command, draw_inside)

    def _on_describe_point(self, command: DescribePoint) -> Job | None:
        return self._answered(command, describe_point)

    def _answered(
        self, command: CommandT, draw: Callable[[Family, int, Dataset, CommandT, SurfaceSlot], Job]
    ) -> Job | None:
        """Job that answers from a model and its data.

        Of a run in training the job gets a copy of the model: all of its pieces are to see the same weights.
        """
        loaded = self._model(command.run)

        def answer() -> Job:
            dataset = self._data(loaded)
            model, step, quick = loaded.model, loaded.step, False
            if self.context.is_live(command.run) and model is self.context.the_training().model:
                training = self.context.the_training()
                model, step, quick = copy.deepcopy(model).eval(), training.step, training.running
            slot = self._surfaces.slot((command.run, loaded.record.created, step, command.seed), quick=quick)
            return draw(model, step, dataset, command, slot)

        return self.context.when_data_of(loaded.record, command.request, answer)

    def _model(self, run: str) -> Loaded:
        """Model of a run of points.

        Raises:
            ValueError: when its data are images.
        """
        loaded = self.context.model(run, ANY_FAMILY)
        grid_of(loaded.model.image)
        return loaded

    def _data(self, loaded: Loaded) -> Dataset:
        dataset = self.context.data_of(loaded)
        check_fit(loaded.model, dataset)
        return dataset
