"""``gmstudio export``: a run as files of other programs."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from gmstudio.cli.json_output import JsonOption, print_json
from gmstudio.cli.options import DeviceOption
from gmstudio.cli.terminal import new_console, warn
from gmstudio.runs.names import typed_run
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from pathlib import Path

    from gmstudio.engine.runs.exports.export import Export

KEYS = ("run", "written", "remarks")
to_file = partial(typer.Option, metavar="FILE")
to_folder = partial(typer.Option, metavar="DIR")


def export(
    run: Annotated[str, typer.Argument(help="Folder of the run, or its name in the library.")],
    csv: Annotated[str, to_file("--csv", help="Curves: one row a point.")] = "",
    jsonl: Annotated[str, to_file("--jsonl", help="Curves and events: one object a line.")] = "",
    safetensors: Annotated[
        str, to_file("--safetensors", help="Weights alone, with their settings in the header.")
    ] = "",
    code: Annotated[str, to_folder("--code", help="One readable PyTorch file, its weights and a README.")] = "",
    onnx: Annotated[str, to_file("--onnx", help="Decoder, generator, denoiser or conditionals as a network.")] = "",
    hub: Annotated[str, to_folder("--hub", help="A folder as the Hugging Face hub has them, with a card.")] = "",
    archive: Annotated[str, to_file("--archive", help="The whole run as one file (.gmrun) for gmstudio import.")] = "",
    tensorboard: Annotated[
        str, to_folder("--tensorboard", help="Event file of TensorBoard: curves, saved samples, events, settings.")
    ] = "",
    mlflow: Annotated[str, to_folder("--mlflow", help="The same as a folder of MLflow's file store (mlruns).")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Write a run as files that other programs read; several forms may be named."""
    wanted = {
        "csv": csv,
        "jsonl": jsonl,
        "safetensors": safetensors,
        "code": code,
        "onnx": onnx,
        "hub": hub,
        "archive": archive,
        "tensorboard": tensorboard,
        "mlflow": mlflow,
    }
    targets = {form: typed_path(target).absolute() for form, target in wanted.items() if target}
    if not targets:
        raise ValueError(f"Name what is to be written: {', '.join(f'--{form}' for form in wanted)}.")
    remarks: list[str] = []
    for form, target in targets.items():
        done = _export(run, form, target, device, overwrite=overwrite)
        remarks += done.remarks
    warn(tuple(remarks))
    if as_json:
        print_json(dict(zip(KEYS, (typed_run(run).absolute(), targets, remarks), strict=True)))
    else:
        console = new_console()
        for target in targets.values():
            console.print(str(target), soft_wrap=True)


def _export(run: str, form: str, target: "Path", device: str, *, overwrite: bool) -> "Export":
    from gmstudio.engine.runs.exports import export_named
    from gmstudio.engine.runs.exports.export import ExportSource
    from gmstudio.engine.runs.exports.writing import export_pieces
    from gmstudio.engine.runtime.device import choose_device
    from gmstudio.engine.runtime.models import ModelCache
    from gmstudio.runs.folder import RunFolder

    export = export_named(form)()
    with RunFolder.open(typed_run(run)) as folder:
        source = ExportSource(folder, lambda: ModelCache().load(str(folder.path), choose_device(device)))
        for _share in export_pieces(export, source, target, overwrite=overwrite):
            pass
    return export
