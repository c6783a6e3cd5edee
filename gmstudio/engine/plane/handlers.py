"""Handlers of the commands about the plane: models of points."""

import copy
from dataclasses import replace

from gmstudio.engine.plane.drawing import draw_surface, open_plane
from gmstudio.engine.plane.grid import grid_of
from gmstudio.engine.plane.insides import draw_inside
from gmstudio.engine.plane.recorded import draw_recorded, list_recorded
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.inspection import check_fit
from gmstudio.engine.runtime.models import Loaded
from gmstudio.protocol.plane import DrawInside, DrawSurface, ListSurfaces, OpenPlane
from gmstudio.runs.folder import RunFolder

ANY_FAMILY = "phases"
"""Capability that every family has."""


class PlaneFeature(Feature):
    """Describe models of points, draw their density and what they have inside."""

    def _model(self, run: str) -> Loaded:
        """Model of a run of points; of the run in training a copy, whose weights stay as they are."""
        loaded = self.context.model(run, ANY_FAMILY)
        grid_of(loaded.model.image)  # refuses models of anything but points
        return loaded

    def _still(self, loaded: Loaded, run: str) -> Loaded:
        """Copy of the model where it is in training: a job's pieces are to see the same weights."""
        if not self.context.is_live(run):
            return loaded
        return replace(loaded, model=copy.deepcopy(loaded.model).eval(), step=self.context.the_training().step)

    def _on_open_plane(self, command: OpenPlane) -> Job | None:
        loaded = self._model(command.run)

        def answer() -> None:
            dataset = self.context.data_of(loaded)
            check_fit(loaded.model, dataset)
            self.context.send(open_plane(loaded.model, dataset, command))

        return self.context.when_data_of(loaded.record, command.request, answer)

    def _on_list_surfaces(self, command: ListSurfaces) -> None:
        with RunFolder.open(command.run) as run:
            self.context.send(list_recorded(run, command))

    def _on_draw_surface(self, command: DrawSurface) -> Job | None:
        if command.step is not None:
            with RunFolder.open(command.run) as run:
                self.context.send(draw_recorded(run, command, command.step))
            return None
        loaded = self._model(command.run)

        def answer() -> Job:
            dataset = self.context.data_of(loaded)
            check_fit(loaded.model, dataset)
            still = self._still(loaded, command.run)
            return draw_surface(still.model, still.step, dataset, command)

        return self.context.when_data_of(loaded.record, command.request, answer)

    def _on_draw_inside(self, command: DrawInside) -> Job | None:
        loaded = self._model(command.run)

        def answer() -> Job:
            dataset = self.context.data_of(loaded)
            check_fit(loaded.model, dataset)
            still = self._still(loaded, command.run)
            return draw_inside(still.model, still.step, dataset, command)

        return self.context.when_data_of(loaded.record, command.request, answer)
