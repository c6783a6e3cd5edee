"""Commands of the Atlas."""

from collections.abc import Iterator

from gmstudio.engine.atlas.demonstrations import DEMONSTRATIONS
from gmstudio.engine.atlas.live import draw_live
from gmstudio.engine.atlas.passes import measure_sampling
from gmstudio.engine.atlas.workbench import Demonstration, Workbench
from gmstudio.engine.runtime.context import ANY_FAMILY
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.protocol.atlas import DrawLiveSamples, MeasureSampling, RunDemonstration, SceneShown
from gmstudio.protocol.base import Event
from gmstudio.protocol.scenes import Scene


class AtlasFeature(Feature):
    """Draw samples live, count what they cost, run demonstrations."""

    def _on_draw_live_samples(self, command: DrawLiveSamples) -> Job:
        return draw_live(self.context.model(command.run, ANY_FAMILY), command)

    def _on_measure_sampling(self, command: MeasureSampling) -> Job:
        return measure_sampling(self.context.model(command.run, ANY_FAMILY), command)

    def _on_run_demonstration(self, command: RunDemonstration) -> Job:
        demonstration = DEMONSTRATIONS.get(command.name)
        if demonstration is None:
            raise ValueError(f"There is no demonstration {command.name!r}; there are {', '.join(DEMONSTRATIONS)}.")
        return self._demonstrate(demonstration, command)

    def _demonstrate(self, demonstration: Demonstration, command: RunDemonstration) -> Job:
        for run in command.models.values():
            yield from self.context.read_model(run)
        yield from _scenes(demonstration, Workbench(self.context, command.models, command.seed), command)


def _scenes(demonstration: Demonstration, bench: Workbench, command: RunDemonstration) -> Iterator[Event | None]:
    """Send the scenes; the last one is repeated as the end."""
    last: Scene | None = None
    for scene in demonstration.run(bench):
        last = scene or last
        yield None if scene is None else SceneShown(request=command.request, name=command.name, scene=scene, done=False)
    assert last is not None, f"the demonstration {command.name} shows nothing"
    yield SceneShown(request=command.request, name=command.name, scene=last, done=True)
