"""Commands about runs on disk: listing, opening, saved samples, annotations."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from gmstudio.engine.runs.describe import current_info, opened_pieces
from gmstudio.engine.runs.listing import RunListing
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.feature import Feature
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.runs import (
    AnnotateRun,
    ChooseCheckpoint,
    FetchSamples,
    KeepAnnotations,
    ListRuns,
    OpenRun,
    RestoreRun,
    RunDescribed,
    RunTrashed,
    SamplesDrawn,
    TrashRun,
)
from gmstudio.runs.annotations import write_annotations
from gmstudio.runs.description import Description, read_description, write_description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.names import folder_of
from gmstudio.runs.record import RunBusyError, RunDamagedError, RunMissingError
from gmstudio.runs.trash import move_to_trash, restore_from_trash


class RunsFeature(Feature):
    """List, open, name and remove runs, fetch their saved samples, keep their annotations."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._listing = RunListing(context)

    def _on_list_runs(self, command: ListRuns) -> Iterator[Event | None]:
        """Read one run a piece: there may be thousands, on a slow disk."""
        return self._listing.pieces(command)

    def _on_open_run(self, command: OpenRun) -> Iterator[Event | None]:
        return opened_pieces(self.context, command.run, command.request, command.since)

    def _on_choose_checkpoint(self, command: ChooseCheckpoint) -> None:
        if command.step is None:
            self.context.chosen_steps.pop(command.run, None)
        else:
            self._choose(command.run, command.step)
        self.done(command)

    def _choose(self, run: str, step: int) -> None:
        """Choose a checkpoint, before it is looked for, so that no newer one replaces it meanwhile."""
        before = self.context.chosen_steps.get(run)
        self.context.chosen_steps[run] = step
        with RunFolder.open(run) as folder:
            steps = [info.step for info in folder.checkpoints.list() if not info.problem]
        if step not in steps:
            self.context.chosen_steps.pop(run)
            if before is not None:
                self.context.chosen_steps[run] = before
            known = ", ".join(f"{one:,}" for one in steps) or "none yet"
            raise RunMissingError(f"{run} has no checkpoint of step {step:,}; it has {known}. Choose one of them.")

    def _on_fetch_samples(self, command: FetchSamples) -> Iterator[Event | None]:
        """Read beside the loop: a grid of large images takes some tenths of a second."""
        yield (yield from beside(lambda: _saved_samples(command)))

    def _on_annotate_run(self, command: AnnotateRun) -> None:
        with RunFolder.open(command.run) as run:
            fields = {name: getattr(command, name) for name in Description.__struct_fields__}
            changed = {field: value for field, value in fields.items() if value is not None}
            try:
                description = read_description(run.path)
            except RunDamagedError:  # which the list of runs reports; a new name mends it
                description = Description()
            write_description(run.path, msgspec.structs.replace(description, **changed))
        self._describe(command.run, command.request)

    def _on_trash_run(self, command: TrashRun) -> None:
        if self.context.is_live(command.run):
            raise RunBusyError(f"{command.run} is in training. Stop its training before moving it to the trash.")
        place = move_to_trash(folder_of(command.run))
        self.context.chosen_steps.pop(command.run, None)
        self.context.send(RunTrashed(request=command.request, run=command.run, place=str(place)))

    def _on_restore_run(self, command: RestoreRun) -> None:
        restore_from_trash(Path(command.place), folder_of(command.run))
        self._describe(command.run, command.request)

    def _describe(self, run: str, request: int) -> None:
        self.context.send(RunDescribed(request=request, info=current_info(self.context, run)))

    def _on_keep_annotations(self, command: KeepAnnotations) -> None:
        with RunFolder.open(command.run) as run:
            write_annotations(run.path, command.annotations)
        self.done(command)


def _saved_samples(command: FetchSamples) -> SamplesDrawn:
    """Read the grid of a step, or the last one before it.

    Raises:
        RunMissingError: when the run has none.
    """
    with RunFolder.open(command.run) as run:
        kinds = run.history.image_kinds()
        kept = run.history.image_steps(kinds[0]) if kinds else []
        if not kept:
            raise RunMissingError(f"{command.run} has no saved samples yet; train it for some more steps.")
        wanted = kept[-1] if command.step is None else command.step
        step = max((s for s in kept if s <= wanted), default=kept[0])
        images = run.history.read_images(step, kinds[0])
    return SamplesDrawn(
        request=command.request,
        run=command.run,
        step=step,
        kind=kinds[0],
        images=Array.of(images),
        kept=tuple(kept),
    )
