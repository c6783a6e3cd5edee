"""``gmstudio grid``: train a family with each combination of values of one or two fields."""

import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from gmstudio.cli.config_file import ConfigFile, read_config_file
from gmstudio.cli.json_output import Answer, JsonOption
from gmstudio.cli.options import DeviceOption, Whole
from gmstudio.cli.training import plan_of
from gmstudio.cli.watcher import Watcher
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from gmstudio.protocol.run_spec import RunSpec
    from gmstudio.protocol.runs_grid import GridAxis, GridCell, RunGrid
    from gmstudio.runs.record import RunRecord

STEPS = Whole(1, 10_000_000, "A run can be resumed with more --steps.")
KEYS = ("grid", "tag", "columns", "rows", "seeds", "runs", "trained", "failed")
RUN_KEYS = ("label", "seed", "run", "status", "step", "bits_per_dim")


def grid(
    family: Annotated[str, typer.Argument(help="Model family: pixelcnn, vae, gan …")],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            metavar="FIELD=VALUES",
            help="Field and its values: learning_rate=1e-4,1e-3, or a range first:last:number, with :log for equal "
            "factors; once for the columns, twice for rows, too.",
        ),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the grid; its runs get the tag grid:NAME.")] = "",
    seeds: Annotated[str, typer.Option("--seeds", help="Seeds with which each combination is trained.")] = "0",
    data: Annotated[str, typer.Option(help="Data source, as in gmstudio train.")] = "",
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder of the data set's files.")] = "",
    steps: Annotated[int | None, typer.Option(parser=STEPS, help="Parameter updates (default: the family's).")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Set a field=value of all runs; may be repeated.")
    ] = None,
    config: Annotated[str, typer.Option("--config", metavar="FILE", help="Settings from a TOML file.")] = "",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Train each combination one after another; runs that are finished are not trained again, others are resumed."""
    from gmstudio.engine.runtime.device import choose_device
    from gmstudio.runs.grids import write_grid

    where = choose_device(device)
    file = read_config_file(typed_path(config)) if config else ConfigFile()
    base = plan_of(file, family, data, data_dir, steps, None, settings or [], where).record.spec
    planned = grid_of(base, vary or [], seeds, name)
    specs = {cell: _checked(planned.spec(cell), planned.label(cell), where) for cell in planned.cells()}
    write_grid(planned)
    answer = Answer(KEYS, as_json=as_json)
    answer.line(f"{len(specs)} runs, tag {planned.tag}")
    trained, failed, rows = 0, 0, []
    for cell, spec in specs.items():
        path, status = _found(planned, cell)
        if status != "finished":
            answer.line(planned.label(cell))
            watcher = Watcher(answer.progress_console() if as_json else None)
            succeeded = watcher.follow(partial(_begin, spec, planned.tag, path, where, watcher))
            trained, failed = trained + 1, failed + (not succeeded)
            path, status = _found(planned, cell)
            if status == "stopped":  # by Ctrl+C or a scheduler
                rows.append(_row(planned, cell, path))
                answer.line("Stopped; the same command goes on.")
                break
        rows.append(_row(planned, cell, path))
    axes = [{"field": axis.field, "values": axis.values} for axis in planned.axes]
    answer.put(grid=planned.name, tag=planned.tag, columns=axes[0], rows=axes[1] if len(axes) > 1 else None)
    answer.put(seeds=planned.seeds, runs=rows, trained=trained, failed=failed)
    for row in rows:
        bits = row["bits_per_dim"]
        answer.line(f"{row['label']}: {row['status']}{f', {bits:.4f} bits/dim' if bits is not None else ''}")
    answer.close()
    if failed:
        raise typer.Exit(1)


def grid_of(base: "RunSpec", vary: list[str], seeds: str, name: str) -> "RunGrid":
    """Return the grid that options describe.

    Args:
        base: complete settings that are varied.
        vary: ``field=values``, once or twice.
        seeds: values with commas.
        name: of the grid; empty: made of the family and the fields.

    Raises:
        ValueError: names the option that cannot be, and the remedy.
    """
    from gmstudio.protocol.config import schema_of
    from gmstudio.protocol.grid_values import parse_values
    from gmstudio.protocol.runs_grid import SEED, RunGrid, check_grid
    from gmstudio.protocol.training_settings import Training

    if not 1 <= len(vary) <= 2:
        raise ValueError(f"--vary is there {len(vary)} times; a grid varies one or two fields.")
    axes = [_axis(base, text) for text in vary]
    named = name or "-".join((base.family, *(axis.field.rpartition(".")[2] for axis in axes)))[:40].strip("-")
    chosen = parse_values(seeds, schema_of(Training)["properties"]["seed"])
    grid = RunGrid(
        name=named,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        columns=axes[0],
        rows=axes[1] if len(axes) > 1 else None,
        seeds=chosen[:1] if any(axis.field == SEED for axis in axes) else chosen,
        bases=(base,),
    )
    check_grid(grid)
    return grid


def _axis(base: "RunSpec", text: str) -> "GridAxis":
    from gmstudio.data import SOURCES
    from gmstudio.engine.runtime.building import family_class
    from gmstudio.protocol.config import schema_of
    from gmstudio.protocol.grid_values import parse_values
    from gmstudio.protocol.runs_grid import GridAxis
    from gmstudio.protocol.training_settings import Training

    field, equals, values = text.partition("=")
    prefix, dot, name = field.strip().rpartition(".")
    kinds: dict[str, type[msgspec.Struct]] = {
        "config": family_class(base.family).Config,
        "training": Training,
        "data_config": SOURCES[base.data].Config,
    }
    for part, kind in kinds.items():
        properties = schema_of(kind)["properties"]
        if equals and name in properties and (not dot or prefix in (part, part.partition("_")[0])):
            found = parse_values(values, properties[name])
            labels = tuple(
                "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value) for value in found
            )
            return GridAxis(
                field=f"{part}.{name}", title=properties[name].get("title", name), values=found, labels=labels
            )
    known = ", ".join(name for kind in kinds.values() for name in kind.__struct_fields__)
    raise ValueError(f"--vary {text}: write FIELD=VALUES; the fields are {known}.")


def _checked(spec: "RunSpec", label: str, device: Any) -> "RunSpec":
    """Return complete settings of a run; all are checked before the first one trains."""
    from gmstudio.engine.runtime.building import meta_model
    from gmstudio.engine.runtime.datasets import DatasetCache
    from gmstudio.engine.training.plan import plan_run

    try:
        plan = plan_run(DatasetCache(), spec, device)
        meta_model(plan.family, plan.config, plan.record.image)
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from error
    return plan.record.spec


def _found(grid: "RunGrid", cell: "GridCell") -> tuple[str, str]:
    """Folder and status of the newest run of a cell; two empty texts: there is none."""
    from gmstudio.runs.description import read_description
    from gmstudio.runs.library import run_folders, runs_home
    from gmstudio.runs.record import RunError, read_record

    records: list[tuple[str, str, RunRecord]] = []
    for path in run_folders(runs_home()):
        try:
            if grid.tag in read_description(path).tags:
                record = read_record(path)
                records.append((record.created, str(path), record))
        except RunError:  # damaged ones are named by gmstudio runs
            continue
    key = grid.key_of(grid.spec(cell))
    fitting = [(created, path, record.status) for created, path, record in records if grid.key_of(record.spec) == key]
    return max(fitting, default=("", "", ""))[1:]


def _begin(spec: "RunSpec", tag: str, path: str, device: Any, watcher: Watcher) -> Any:
    """Start the run of a cell, or continue it."""
    from gmstudio.engine.runtime.datasets import DatasetCache
    from gmstudio.engine.training.job import start_training
    from gmstudio.engine.training.plan import plan_run
    from gmstudio.engine.training.resume import Continuation, resume_run
    from gmstudio.runs.description import Description, write_description

    if path:
        return resume_run(path, Continuation(), DatasetCache(), device, watcher.watch)
    job = start_training(plan_run(DatasetCache(), spec, device), "", device, watcher.watch)
    write_description(job.trainer.run.path, Description(tags=(tag,)))
    return job


def _row(grid: "RunGrid", cell: "GridCell", path: str) -> dict[str, Any]:
    """What became of a cell, by ``RUN_KEYS``."""
    from gmstudio.engine.catalog import family_entries
    from gmstudio.engine.runs.info import run_info
    from gmstudio.runs.library import summarize
    from gmstudio.runs.names import name_of

    row: dict[str, Any] = dict.fromkeys(RUN_KEYS)
    row |= {"label": grid.label(cell), "seed": grid.seeds[cell.seed], "status": "no run"}
    if path:
        info = run_info(name_of(path), family_entries(), summary=summarize(Path(path)))
        row |= {"run": path, "status": info.status, "step": info.step, "bits_per_dim": info.best_bits}
    return row
