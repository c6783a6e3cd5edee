"""The command line: ``gmstudio`` opens the window; ``train``, ``sample`` and ``runs`` do without one.

The same engine code runs here as behind the window. Torch is imported by the commands that need it only, so that
the window's process never does.
"""

import signal
import sys
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

if TYPE_CHECKING:
    from gmstudio.engine.training_job import TrainingJob

app = typer.Typer(
    name="gmstudio",
    help="Train generative models, watch them learn, and look inside.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

DeviceOption = Annotated[str, typer.Option("--device", help="auto (CUDA, then MPS, then CPU), cpu, cuda, cuda:1, mps")]


def main() -> None:
    """Run the command line; what a user can cause ends in one sentence and exit code 1."""
    try:
        app()
    except (ValueError, OSError) as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _open(
    context: typer.Context,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Open the window, wait for the engine's catalog, close, exit 0.")
    ] = False,
) -> None:
    """Open the window (when no command is given)."""
    if context.invoked_subcommand is None:
        open_window(smoke)


@app.command("open")
def open_window(
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Open the window, wait for the engine's catalog, close, exit 0.")
    ] = False,
) -> None:
    """Open the window."""
    from gmstudio.app import run

    raise typer.Exit(run(sys.argv[:1], smoke=smoke))


@app.command()
def engine() -> None:
    """Serve a window over standard input and output (also through ssh); not for typing."""
    from gmstudio.engine.__main__ import main as serve

    raise typer.Exit(serve())


@app.command()
def train(
    family: Annotated[str, typer.Argument(help="pixelcnn, vae, gan …; may be left out with --resume")] = "",
    data: Annotated[str, typer.Option(help="digits, or idx or cifar10 with --data-dir")] = "digits",
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder of the data set's files.")] = "",
    out: Annotated[str, typer.Option("--out", help="Run folder; a new one in the library of runs when left out.")] = "",
    steps: Annotated[
        int | None, typer.Option(help="Parameter updates; the family's own default when left out.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Fixes weights, data order and noise.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="field=value of the family, the training or the data; may be repeated."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out from its last checkpoint.")
    ] = False,
    device: DeviceOption = "auto",
) -> None:
    """Train a model with a progress bar; Ctrl+C keeps what was learned, after the step that is being made."""
    from gmstudio.engine.device import choose_device
    from gmstudio.engine.models import DataShelf
    from gmstudio.engine.training_job import resume_run, start_training

    where = choose_device(device)
    watcher = _Watcher()
    if resume:
        path = out or family
        if not path:
            raise ValueError("Name the run to resume: gmstudio train --resume --out RUN.")
        if settings or data_dir:
            raise ValueError(
                "A resumed run keeps its settings; only --steps can move its end. Leave out --set and --data-dir."
            )
        _check_same_run(path, family if out else "", seed)
        job = resume_run(path, steps, DataShelf(), where, watcher.watch)
        _warn(job.trainer.warnings)
    else:
        plan = _plan(family, data, data_dir, steps, seed, settings or [], where)
        job = start_training(plan, out, where, watcher.watch)
    if not watcher.follow(job):
        raise typer.Exit(1)


def _warn(sentences: tuple[str, ...]) -> None:
    for sentence in sentences:
        typer.secho(sentence, fg=typer.colors.YELLOW, err=True)


def _check_same_run(run: str, family: str, seed: int | None) -> None:
    """Refuse a family or seed that is not the run's."""
    from gmstudio.runs.folder import RunFolder

    with RunFolder.open(run) as folder:
        record = folder.record
    if family not in ("", record.family):
        raise ValueError(f"The run in {run} trains {record.family}, not {family}.")
    if seed not in (None, record.training.seed):
        raise ValueError(f"The run in {run} keeps its seed {record.training.seed}; leave out --seed {seed}.")


def _plan(
    family: str, data: str, data_dir: str, steps: int | None, seed: int | None, settings: list[str], device: Any
) -> Any:
    from gmstudio.data import SOURCES
    from gmstudio.engine.models import DataShelf, family_class, plan_run

    if not family:
        raise ValueError("Name a family to train, for example: gmstudio train pixelcnn.")
    if data not in SOURCES:
        raise ValueError(f"There is no data source {data!r}; there are {', '.join(SOURCES)}.")
    config, data_config, training = _sort_settings(settings, family_class(family).Config, SOURCES[data].Config)
    if data_dir:
        if "folder" not in SOURCES[data].Config.__struct_fields__:
            raise ValueError(f"{data} needs no --data-dir.")
        data_config["folder"] = data_dir
    if steps is not None:
        training["steps"] = steps
    if seed is not None:
        training["seed"] = seed
    return plan_run(DataShelf(), family, config, data, data_config, training, device)


def _sort_settings(settings: list[str], config: Any, data_config: Any) -> tuple[dict[str, Any], ...]:
    """Give each ``field=value`` to the family, the data or the training, whichever has the field first."""
    from gmstudio.cards import Training

    owners = {"config": config, "data": data_config, "training": Training}
    sorted_ = {"config": {}, "data": {}, "training": {}}  # type: dict[str, dict[str, Any]]
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"--set {setting}: write field=value.")
        prefix, dot, field = name.strip().rpartition(".")
        found = [key for key, kind in owners.items() if field in kind.__struct_fields__ and (not dot or key == prefix)]
        if not found:
            known = [f for kind in owners.values() for f in kind.__struct_fields__]
            raise ValueError(f"--set {setting}: there is no field {name!r}; there are {', '.join(known)}.")
        sorted_[found[0]][field] = None if value == "" else value
    return sorted_["config"], sorted_["data"], sorted_["training"]


class _EndSignals:
    """Meanwhile Ctrl+C and termination only say so, for a step must not be torn; the second one ends at once."""

    def __init__(self) -> None:
        self.asked = False
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def __enter__(self) -> Self:
        for number in self._before:
            signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


class _Watcher:
    """Shows a training's events as a progress bar."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = Console()
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:,.0f} images/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[terms]}"),
            console=self._console,
        )
        self._task = self._progress.add_task("", start=False, rate=0.0, terms="")
        self._latest: dict[tuple[str, str], float] = {}
        self._end: Any = None

    def watch(self, event: Any) -> None:
        """Take an event of the training."""
        from gmstudio.messages import HistoryAppended, TrainingChanged

        if isinstance(event, HistoryAppended):
            for series in event.series:
                self._latest[series.split, series.name] = float(series.values.numpy()[-1])
        elif isinstance(event, TrainingChanged):
            self._end = event

    def follow(self, job: "TrainingJob") -> bool:
        """Train to the end, or until Ctrl+C or termination.

        Returns:
            False when training failed.
        """
        trainer = job.trainer
        self._progress.update(
            self._task,
            description=trainer.model.card.title,
            total=trainer.training.steps,
            completed=trainer.step,
        )
        self._progress.start_task(self._task)
        with self._progress, _EndSignals() as signals:
            while job.running and not signals.asked:
                job.advance()
                self._show(trainer)
            if job.running:
                job.stop()
            self._show(trainer)
        return self._conclude(job)

    def _show(self, trainer: Any) -> None:
        shown = [f"{name} {value:.4g}" for (split, name), value in self._latest.items() if split == "train"]
        self._progress.update(
            self._task,
            completed=trainer.step,
            rate=trainer.images_per_s,
            terms="  ".join(s for s in shown if not s.startswith(("images", "learning", "grad"))),
        )

    def _conclude(self, job: "TrainingJob") -> bool:
        objective = job.trainer.model.card.objective(job.trainer.run.record.config)
        likelihoods = {term.name for term in objective.terms if term.per_image_nats}
        image = job.trainer.run.record.image
        for (split, name), value in self._latest.items():
            if split == "valid":
                bits = f" ({image.bits_per_dim(value):.4f} bits/dim)" if name in likelihoods else ""
                unit = " nats" if name in likelihoods else ""
                self._console.print(f"validation {name}: {value:.4f}{unit}{bits}", highlight=False)
        status = self._end.status if self._end else "paused"
        self._console.print(f"{status} at step {job.trainer.step:,}: {job.path}", highlight=False, soft_wrap=True)
        if self._end and self._end.message:
            self._console.print(self._end.message, style="red", highlight=False)
        return status in ("finished", "stopped")


@app.command()
def sample(
    run: Annotated[str, typer.Argument(help="Run folder.")],
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=4096, help="Images.")] = 64,
    out: Annotated[Path, typer.Option("-o", "--out", help="PNG to write.")] = Path("samples.png"),
    seed: Annotated[int, typer.Option(help="Fixes the noise.")] = 0,
    scale: Annotated[int, typer.Option(min=1, max=64, help="Screen pixels per image pixel.")] = 4,
    device: DeviceOption = "auto",
) -> None:
    """Draw images from a run's latest checkpoint into one PNG."""
    import numpy as np
    import torch
    from PIL import Image
    from rich.progress import track

    from gmstudio.engine.device import choose_device
    from gmstudio.engine.models import ModelShelf
    from gmstudio.engine.sampling import draw_samples

    where = choose_device(device)
    loaded = ModelShelf().load(run, where)
    _warn(loaded.warnings)
    generator = torch.Generator(where).manual_seed(seed)
    pieces = track(draw_samples(loaded.model, count, generator), description="Sampling", transient=True)
    images = next(piece for piece in pieces if piece is not None)
    columns = int(np.ceil(np.sqrt(count)))
    n, channels, height, width = images.shape
    rows = -(-n // columns)
    grid = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1, channels), 128, np.uint8)
    for index, image in enumerate(images):
        top, left = (index // columns) * (height + 1) + 1, (index % columns) * (width + 1) + 1
        grid[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    pixels = np.repeat(np.repeat(grid, scale, axis=0), scale, axis=1)
    Image.fromarray(pixels.squeeze(-1) if channels == 1 else pixels).save(out)
    typer.echo(f"{n} images of step {loaded.step:,} in {out}")


@app.command()
def score(
    run: Annotated[str, typer.Argument(help="Run folder.")],
    data: Annotated[str, typer.Option(help="Another data source than the run's own, with its default settings.")] = "",
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder of the data set's files.")] = "",
    split: Annotated[str, typer.Option(help="train, valid or test")] = "test",
    count: Annotated[int, typer.Option("-n", "--count", min=0, help="At most so many images; 0: all.")] = 0,
    num_samples: Annotated[
        int, typer.Option("--samples", min=1, help="Of an importance-weighted estimate; 1: the plain bound.")
    ] = 100,
    seed: Annotated[int, typer.Option(help="Fixes the estimate's noise.")] = 0,
    device: DeviceOption = "auto",
) -> None:
    """How likely a run's latest checkpoint finds images: nats and bits per dimension, mean and spread."""
    from rich.progress import track

    from gmstudio.engine.device import choose_device
    from gmstudio.engine.models import DataShelf, ModelShelf
    from gmstudio.engine.score import BATCH
    from gmstudio.engine.score import score as score_images

    loaded = ModelShelf().load(run, choose_device(device))
    _warn(loaded.warnings)
    name = data or loaded.record.data
    settings: dict[str, Any] = {"levels": loaded.model.image.levels}
    if name == loaded.record.data:
        settings = dict(loaded.record.data_config)
    if data_dir:
        settings["folder"] = data_dir
    dataset = DataShelf().load(name, settings)
    if dataset.image != loaded.model.image:
        raise ValueError(f"The images of {name} are {dataset.image}; the run's are {loaded.model.image}.")
    size = len(dataset.split(split))
    images = dataset.view(split, range(min(count or size, size)))
    pieces = score_images(loaded.model, images, num_samples, seed)
    batches = -(-len(images) // BATCH)
    result = next(p for p in track(pieces, total=batches, description="Scoring", transient=True) if p is not None)
    typer.echo(f"{loaded.model.card.title} of step {loaded.step:,}, {len(images):,} {split} images of {name}")
    typer.echo(f"{result.kind}:")
    typer.echo(f"{result.mean_nats:.4f} ± {result.error_nats:.4f} nats, spread {result.spread_nats:.4f} nats")
    typer.echo(f"{result.bits_per_dim:.5f} bits/dim")


@app.command()
def runs() -> None:
    """List the library of runs."""
    from rich.console import Console
    from rich.table import Column, Table

    from gmstudio.runs.library import list_runs, runs_home

    name = Column("run", no_wrap=True)
    table = Table(name, "family", "data", "status", "step", "best validation loss", "created (UTC)", box=None)
    problems = []
    for run in list_runs(runs_home()):
        if run.problem:
            problems.append(run.problem)
        best = "" if run.best_valid is None else f"{run.best_valid:.4f}"
        table.add_row(
            run.title,
            run.family,
            run.data,
            run.status,
            f"{run.step:,}/{run.steps:,}",
            best,
            run.created[:16].replace("T", " "),
        )
    console = Console()
    console.print(f"{runs_home()}", highlight=False, soft_wrap=True)
    console.print(table)
    for problem in problems:
        console.print(problem, style="yellow", highlight=False)


if __name__ == "__main__":
    main()
