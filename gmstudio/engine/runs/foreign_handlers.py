"""Commands about weights that another program trained."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gmstudio.engine.runs.describe import current_info
from gmstudio.engine.runs.foreign.importing import Constants, WeightImport, constants_of, import_pieces, shapes_of
from gmstudio.engine.runs.foreign.mapping import Shape, misfit_of, parse_map, with_shapes, write_map
from gmstudio.engine.runs.foreign.proposing import propose
from gmstudio.engine.runs.foreign.reading import PickleWarningError, open_weights
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.training.plan import Plan, plan_run
from gmstudio.protocol.base import Event
from gmstudio.protocol.runs_files import FileProgressed
from gmstudio.protocol.runs_foreign import (
    ForeignArray,
    ImportWeights,
    PreviewWeights,
    WeightsImported,
    WeightsPreviewed,
)
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import new_run_path, runs_home
from gmstudio.runs.record import RunError


class ForeignWeightsFeature(Feature):
    """Map the arrays of files of weights to families, and make runs of them."""

    def _on_preview_weights(self, command: PreviewWeights) -> Job | None:
        return self._with_plan(command, lambda plan: _preview_pieces(command, plan))

    def _on_import_weights(self, command: ImportWeights) -> Job | None:
        return self._with_plan(command, lambda plan: self._import(command, plan))

    def _with_plan(self, command: PreviewWeights | ImportWeights, answer: Callable[[Plan], Job]) -> Job | None:
        """Answer once the data, which decide the size of the images, are loaded."""
        context, spec = self.context, command.spec

        def go() -> Job:
            return answer(plan_run(context.data, spec, context.device))

        return context.when_data(command.request, spec.data, spec.data_config, go)

    def _import(self, command: ImportWeights, plan: Plan) -> Iterator[Event | None]:
        weights = yield from beside(lambda: open_weights(_place(command.path), accept_pickle=command.accepted))
        wanted = WeightImport(weights, parse_map(command.mapping), plan)
        folder = new_run_path(runs_home(), plan.record.family)
        for share in import_pieces(wanted, folder):
            yield FileProgressed(request=command.request, share=share)
        with RunFolder.open(folder) as run:
            info = current_info(self.context, run.name)
        yield WeightsImported(request=command.request, info=info)


def _preview_pieces(command: PreviewWeights, plan: Plan) -> Iterator[Event | None]:
    """Map the names and shapes of a file beside the loop: a pickle is read whole, and names are compared in pairs."""
    ours = shapes_of(plan)
    constants = constants_of(plan) if command.mapping is None else (frozenset[str](), dict[str, str]())
    yield (yield from beside(lambda: _preview(command, ours, constants)))


def _preview(command: PreviewWeights, ours: Mapping[str, Shape], constants: Constants) -> WeightsPreviewed:
    """Map the names and shapes of a file to ours."""
    try:
        weights = open_weights(_place(command.path), accept_pickle=command.accepted)
    except PickleWarningError as warning:
        return WeightsPreviewed(request=command.request, unaccepted=str(warning))
    text, problem, differences = command.mapping, "", list[str]()
    if text is None:
        mapping, remarks = propose(weights.shapes, ours, *constants)
        text = write_map(mapping, with_shapes(remarks, weights.shapes))
    try:
        differences = misfit_of(parse_map(text), weights.shapes, ours).lines()
    except ValueError as error:
        problem = f"The mapping cannot be read: {error}"
    return WeightsPreviewed(
        request=command.request,
        theirs=_arrays(weights.shapes),
        ours=_arrays(ours),
        mapping=text,
        problem=problem,
        differences=tuple(differences),
    )


def _arrays(shapes: Mapping[str, Shape]) -> tuple[ForeignArray, ...]:
    return tuple(ForeignArray(name, shape) for name, shape in shapes.items())


def _place(path: str) -> Path:
    """Path of a file.

    Raises:
        RunError: for a relative path, which would depend on where the engine was started.
    """
    place = Path(path)
    if not place.is_absolute():
        raise RunError(f"{path!r} is no whole path of a file. Choose a file.")
    return place
