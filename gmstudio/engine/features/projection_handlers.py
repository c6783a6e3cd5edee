"""Handlers of the commands about projections."""

from gmstudio.engine.features.projection import ProjectionStore, project_images
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.protocol.features_projection import ProjectImages


class ProjectionFeature(Feature):
    """Project images to a plane by their features."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.store = ProjectionStore()

    def _on_project_images(self, command: ProjectImages) -> Job:
        return project_images(self.context, command, self.store)
