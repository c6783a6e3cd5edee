"""``gmstudio train``: start a run, resume one, or branch from one."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gmstudio.cli.branching import plan_of_branch, start_branch
from gmstudio.cli.config_file import ConfigFile, read_config_file, write_config
from gmstudio.cli.options import SEED, AcceptChangedOption, DeviceOption, Whole
from gmstudio.cli.restarting import Restart, begun_run
from gmstudio.cli.run_data import with_options
from gmstudio.cli.settings import sort_settings
from gmstudio.cli.terminal import warn
from gmstudio.cli.together import help_training, together
from gmstudio.cli.watcher import Watcher
from gmstudio.runs.names import typed_run
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from gmstudio.engine.training.job import TrainingJob
    from gmstudio.protocol.run_spec import RunSpec
    from gmstudio.protocol.training import ContinuedSchedule

AT = Whole(0, 10_000_000, "gmstudio runs RUN lists the checkpoints.")
STEPS = Whole(1, 10_000_000, "A run can be resumed with more --steps.")


def train(
    family: Annotated[
        str, typer.Argument(help="Model family: pixelcnn, vae, gan …; may be left out with --resume.")
    ] = "",
    data: Annotated[
        str,
        typer.Option(
            help="Data source: mnist, fashion_mnist, shapes, digits, points; images, idx, binarized_mnist, cifar10 "
            "with --data-dir. By default the family's own choice."
        ),
    ] = "",
    data_dir: Annotated[
        str,
        typer.Option(
            "--data-dir",
            help="Folder of the data set's files, or name of an imported set; with --resume, where they are now.",
        ),
    ] = "",
    out: Annotated[str, typer.Option("--out", help="Run folder; by default a new one in the library of runs.")] = "",
    steps: Annotated[int | None, typer.Option(parser=STEPS, help="Parameter updates (default: the family's).")] = None,
    seed: Annotated[int | None, typer.Option(parser=SEED, help="Seed of weights, data order and noise.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Set a field=value of the family, the training or the data; may be repeated."),
    ] = None,
    config: Annotated[
        str,
        typer.Option(
            "--config", metavar="FILE", help="Settings from a TOML file; options and --set go before those of the file."
        ),
    ] = "",
    write_config: Annotated[
        str,
        typer.Option(
            "--write-config", metavar="FILE", help="Write all settings as such a file (-: to stdout); train nothing."
        ),
    ] = "",
    log: Annotated[
        list[str] | None,
        typer.Option(
            "--log",
            metavar="KIND[:PLACE]",
            help="Log also to tensorboard, jsonl or mlflow (with a folder, else in the run's own), wandb or trackio "
            "(with a project); may be repeated.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out from its latest checkpoint.")
    ] = False,
    resume_or_start: Annotated[
        bool,
        typer.Option(
            "--resume-or-start",
            help="Start the run in --out, or continue it where it is there, for a cluster's jobs that are run again.",
        ),
    ] = False,
    branch: Annotated[
        str,
        typer.Option(
            "--branch", metavar="RUN", help="Begin at a checkpoint of this run, with what --set and --steps change."
        ),
    ] = "",
    at: Annotated[
        int | None, typer.Option("--at", parser=AT, help="With --branch, step of the checkpoint (default: the latest).")
    ] = None,
    schedule: Annotated[
        str,
        typer.Option(
            help="With --resume or --branch and other --steps, how a decaying learning rate goes on: stretch (the same "
            "decay over all steps), restart (a new decay from the full rate) or hold (constant at the present rate)."
        ),
    ] = "",
    accept_changed_data: AcceptChangedOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Train a model with a progress bar; Ctrl+C ends after the current step and writes a checkpoint.

    Started by torchrun, several processes share each batch.
    """
    from gmstudio.engine.runtime.datasets import DatasetCache
    from gmstudio.engine.training.job import start_training
    from gmstudio.engine.training.resume import Continuation, resume_run

    with together(device) as (where, ranks):
        if ranks is not None and ranks.rank:
            help_training(ranks)
            return
        watcher = Watcher(patient=ranks is not None)
        if resume and branch:
            raise ValueError("--resume continues a run and --branch begins another one; leave one of them out.")
        if resume_or_start and (resume or branch or write_config):
            raise ValueError("--resume-or-start chooses by itself; leave out --resume, --branch and --write-config.")
        begun = begun_run(out) if resume_or_start else None
        if begun is not None:
            file = read_config_file(typed_path(config)) if config else ConfigFile()
            given = {name: value for name, value in (("steps", steps), ("seed", seed)) if value is not None}
            restart = Restart(begun, file, family, data, settings or [], given)
            warn(restart.remarks())
            if restart.finished:
                typer.echo(f"finished at step {restart.record.step:,}: {begun}")
                return
            path, choices = str(begun), restart.continuation()
            start = partial(_resumed, lambda: resume_run(path, choices, DatasetCache(), where, watcher.watch, ranks))
        elif resume:
            path = out or family
            if not path:
                raise ValueError("Name the run to resume: gmstudio train --resume --out RUN.")
            if settings:
                raise ValueError("A resumed run keeps its settings; only --steps can move its end. Leave out --set.")
            if log:
                raise ValueError("A resumed run is logged to where it was. Leave out --log.")
            if config or write_config:
                raise ValueError("A resumed run keeps its settings. Leave out --config and --write-config.")
            path = str(typed_run(path))
            _check_same_run(path, family if out else "", seed)
            choices = Continuation(steps, _continued_schedule(schedule), data_dir, accept_changed_data)
            start = partial(_resumed, lambda: resume_run(path, choices, DatasetCache(), where, watcher.watch, ranks))
        elif branch:
            if family or data or data_dir or config or write_config or accept_changed_data:
                raise ValueError("A branch keeps family and data of its run; only --set, --steps and --seed change it.")
            given = {name: value for name, value in (("steps", steps), ("seed", seed)) if value is not None}
            changes = [*(settings or []), *_logged(log or [])]
            planned = plan_of_branch(str(typed_run(branch)), at, changes, given, _continued_schedule(schedule))
            target = str(typed_path(out)) if out else ""
            start = partial(_resumed, start_branch(planned, target, where, watcher.watch, ranks))
        elif at is not None:
            raise ValueError("--at belongs to --branch RUN, whose checkpoint it names.")
        elif schedule or accept_changed_data:
            raise ValueError(
                "--schedule and --accept-changed-data belong to --resume; set the schedule by --set schedule=."
            )
        else:
            file = read_config_file(typed_path(config)) if config else ConfigFile()
            settings = [*(settings or []), *_logged(log or [])]
            plan = plan_of(file, family, data, data_dir, steps, seed, settings, where)
            if write_config:
                _write_config(plan.record.spec, write_config)
                return
            warn(plan.dataset.remarks)
            start = partial(start_training, plan, str(typed_path(out)) if out else "", where, watcher.watch, ranks)
        if not watcher.follow(start):
            raise typer.Exit(1)


def _resumed(resume: Callable[[], "TrainingJob"]) -> "TrainingJob":
    """Resume a run; name the options that decide what is open, and print warnings."""
    with with_options():
        job = resume()
    warn(job.trainer.warnings)
    return job


def _continued_schedule(text: str) -> "ContinuedSchedule":
    from gmstudio.protocol.training import CONTINUED_SCHEDULES

    for known in CONTINUED_SCHEDULES:
        if text == known:
            return known
    choices = ", ".join(filter(None, CONTINUED_SCHEDULES))
    raise ValueError(f"--schedule is {text!r}; choose one of {choices}.")


def _logged(places: list[str]) -> list[str]:
    """Setting of the loggers, with whole paths; nothing where there are none."""
    from gmstudio.engine.training.loggers.targets import FILES, SEPARATOR

    whole = []
    for one in places:
        kind, colon, place = one.partition(":")
        whole.append(f"{kind}:{typed_path(place).absolute()}" if kind in FILES and place else f"{kind}{colon}{place}")
    return [f"training.log_to={SEPARATOR.join(whole)}"] if whole else []


def _check_same_run(run: str, family: str, seed: int | None) -> None:
    """Refuse a family or seed that is not the run's."""
    from gmstudio.runs.folder import RunFolder

    with RunFolder.open(run) as folder:
        record = folder.record
    if family not in ("", record.family):
        raise ValueError(f"The run in {run} trains {record.family}, not {family}.")
    if seed not in (None, record.training.seed):
        raise ValueError(f"The run in {run} keeps its seed {record.training.seed}; leave out --seed {seed}.")


def _write_config(spec: "RunSpec", out: str) -> None:
    """Write a complete specification to a file, or to stdout."""
    from gmstudio.runs.atomic import replace_file

    text = write_config(spec)
    if out == "-":
        typer.echo(text, nl=False)
    else:
        replace_file(typed_path(out), text.encode())


def plan_of(
    file: ConfigFile,
    family: str,
    data: str,
    data_dir: str,
    steps: int | None,
    seed: int | None,
    settings: list[str],
    device: Any,
) -> Any:
    """Plan of the run that a file of settings and options describe; options go before the file.

    Raises:
        ValueError: names the setting, its value and its limits.
    """
    from gmstudio.data import SOURCES
    from gmstudio.engine.runtime.building import family_class
    from gmstudio.engine.runtime.datasets import DatasetCache
    from gmstudio.engine.runtime.starts import spec_on, start_spec
    from gmstudio.engine.training.plan import plan_run
    from gmstudio.protocol.run_spec import RunSpec
    from gmstudio.protocol.training_settings import Training

    family, data = family or file.family, data or file.data
    if not family:
        raise ValueError("Name a family to train, for example: gmstudio train pixelcnn.")
    data = data or start_spec(family_class(family)).data
    if data not in SOURCES:
        raise ValueError(f"There is no data source {data!r}; there are {', '.join(SOURCES)}.")
    config, data_config, training = sort_settings(settings, family_class(family).Config, SOURCES[data].Config)
    kinds = {"config": family_class(family).Config, "data_config": SOURCES[data].Config, "training": Training}
    file.check(kinds)
    config, data_config = {**file.config, **config}, {**file.data_config, **data_config}
    training = {**file.training, **training}
    start = spec_on(family_class(family), data)
    if start is not None:
        config, data_config = {**start.config, **config}, {**start.data_config, **data_config}
    if data_dir:
        if "folder" not in SOURCES[data].Config.__struct_fields__:
            raise ValueError(f"{data} needs no --data-dir.")
        data_config["folder"] = _files_of(data, data_dir)
    if steps is not None:
        training["steps"] = steps
    if seed is not None:
        training["seed"] = seed
    spec = RunSpec(family=family, config=config, data=data, data_config=data_config, training=training)
    return plan_run(DatasetCache(), spec, device)


def _files_of(data: str, place: str) -> str:
    """Folder of the imported set that ``place`` names, where it is no path; else ``place``."""
    from gmstudio.data.importing.kept_sets import imports_home, named_import
    from gmstudio.system.typed_path import typed_path

    if data != "images" or typed_path(place).exists():
        return place
    found = named_import(imports_home(), place)
    return place if found is None else str(found.folder)
