"""``gmstudio import-weights``: weights that another program trained, as a run."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmstudio.cli.config_file import ConfigFile, read_config_file
from gmstudio.cli.json_output import JsonOption, print_json
from gmstudio.cli.options import SEED
from gmstudio.cli.terminal import say, warn
from gmstudio.cli.training import plan_of
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from gmstudio.engine.runs.foreign.importing import WeightImport
    from gmstudio.engine.runs.foreign.reading import ForeignWeights
    from gmstudio.engine.training.plan import Plan

WEIGHT_KEYS = ("run", "file", "arrays", "parameters")


def import_weights(
    file: Annotated[str, typer.Argument(help="File of weights: safetensors; of torch only with --accept-pt.")],
    family: Annotated[str, typer.Option("--family", help="Model family that the weights are of.")] = "",
    data: Annotated[str, typer.Option(help="Data source as of gmstudio train; by default the family's choice.")] = "",
    data_dir: Annotated[
        str, typer.Option("--data-dir", help="Folder of the data set's files, or name of an imported set.")
    ] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Set a field=value of the family or the data; may be repeated.")
    ] = None,
    config: Annotated[str, typer.Option("--config", metavar="FILE", help="Settings from a TOML file.")] = "",
    seed: Annotated[int | None, typer.Option(parser=SEED, help="Seed of the run.")] = None,
    mapping: Annotated[
        str, typer.Option("--map", metavar="FILE", help="TOML file that maps their names of arrays to the family's.")
    ] = "",
    propose: Annotated[
        bool, typer.Option("--propose", help="Print a first mapping, made by shapes and names; import nothing.")
    ] = False,
    accept_pt: Annotated[
        bool,
        typer.Option("--accept-pt", help="Read a file of torch (.pt, .pth), by torch.load(weights_only=True)."),
    ] = False,
    out: Annotated[str, typer.Option("--out", help="Run folder; by default a new one in the library of runs.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a run at step 0 of weights that another program trained; nothing of the file is executed."""
    import torch

    from gmstudio.engine.runs.foreign.importing import MisfitError, WeightImport, import_pieces
    from gmstudio.engine.runs.foreign.mapping import read_map
    from gmstudio.engine.runs.foreign.reading import PickleWarningError, open_weights
    from gmstudio.runs.library import new_run_path, runs_home

    if mapping and propose:
        raise ValueError("--propose makes a mapping, and --map has one. Leave one of them out.")
    path = typed_path(file).absolute()
    try:
        weights = open_weights(path, accept_pickle=accept_pt)
    except PickleWarningError as error:
        raise ValueError(f"{error} To accept it, add --accept-pt.") from None
    chosen = read_config_file(typed_path(config)) if config else ConfigFile()
    plan = plan_of(chosen, family, data, data_dir, None, seed, settings or [], torch.device("cpu"))
    if weights.others:
        warn((f"{path.name} also holds {len(weights.others)} entries that are no arrays; they are left out.",))
    if propose:
        _propose(weights, plan)
        return
    wanted = WeightImport(weights, read_map(typed_path(mapping)) if mapping else None, plan)
    folder = typed_path(out).absolute() if out else new_run_path(runs_home(), plan.record.family)
    try:
        for _share in import_pieces(wanted, folder):
            pass
    except MisfitError as error:
        warn(tuple(error.misfit.lines()))
        raise ValueError(error.sentence.replace("a proposal is made by", "--propose makes a first one by")) from None
    _report(wanted, folder, as_json=as_json)


def _propose(weights: "ForeignWeights", plan: "Plan") -> None:
    """Print a proposal as TOML, and what it leaves open as comments."""
    from gmstudio.engine.runs.foreign.importing import constants_of, shapes_of
    from gmstudio.engine.runs.foreign.mapping import misfit_of, with_shapes, write_map
    from gmstudio.engine.runs.foreign.proposing import propose

    ours = shapes_of(plan)
    mapping, remarks = propose(weights.shapes, ours, *constants_of(plan))
    typer.echo(f"# {weights.path.name}: theirs = ours. Check it, then: gmstudio import-weights … --map THIS_FILE")
    typer.echo(write_map(mapping, with_shapes(remarks, weights.shapes)), nl=False)
    for line in misfit_of(mapping, weights.shapes, ours).lines():
        say(f"# {line}")


def _report(wanted: "WeightImport", folder: Path, *, as_json: bool) -> None:
    count = sum(math.prod(shape) for shape in wanted.shapes().values())
    if as_json:
        values = (folder, wanted.weights.path, len(wanted.weights.shapes), count)
        print_json(dict(zip(WEIGHT_KEYS, values, strict=True)))
    else:
        say(f"{count:,} numbers of {wanted.weights.path.name} at step 0: {folder}")
