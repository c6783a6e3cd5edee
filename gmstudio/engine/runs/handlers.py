"""Commands about runs on disk: listing, opening, saved samples, annotations."""

from pathlib import Path

from gmstudio.engine.runs.describe import announce_run, current_info
from gmstudio.engine.runtime.feature import Feature
from gmstudio.protocol.array import Array
from gmstudio.protocol.runs import FetchSamples, KeepAnnotations, ListRuns, OpenRun, RunsListed, SamplesDrawn
from gmstudio.runs.annotations import write_annotations
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import list_runs, runs_home
from gmstudio.runs.record import RunError, RunMissingError


class RunsFeature(Feature):
    """List and open runs, fetch their saved samples, keep their annotations."""

    def _on_list_runs(self, command: ListRuns) -> None:
        runs, problems = [], []
        for summary in list_runs(runs_home()):
            if summary.problem:
                problems.append(summary.problem)
            if summary.status == "damaged":
                continue
            try:
                runs.append(current_info(self.context, str(summary.path)))
            except (RunError, OSError) as error:  # deleted since it was listed
                problems.append(str(error))
        self.context.send(
            RunsListed(request=command.request, home=str(runs_home()), runs=tuple(runs), problems=tuple(problems))
        )

    def _on_open_run(self, command: OpenRun) -> None:
        announce_run(self.context, str(Path(command.run).absolute()), command.request)

    def _on_fetch_samples(self, command: FetchSamples) -> None:
        with RunFolder.open(command.run) as run:
            kinds = run.history.image_kinds()
            kept = run.history.image_steps(kinds[0]) if kinds else []
            if not kept:
                raise RunMissingError(f"{command.run} has no saved samples yet; train it for some more steps.")
            step = max((s for s in kept if s <= command.step), default=kept[0])
            images = run.history.read_images(step, kinds[0])
        self.context.send(
            SamplesDrawn(
                request=command.request,
                run=command.run,
                step=step,
                kind=kinds[0],
                images=Array.of(images),
                kept=tuple(kept),
            )
        )

    def _on_keep_annotations(self, command: KeepAnnotations) -> None:
        with RunFolder.open(command.run) as run:
            write_annotations(run.path, command.annotations)
        self.done(command)
