"""``gmstudio report``: a run as an HTML or PDF report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmstudio.cli.json_output import JsonOption, print_json
from gmstudio.cli.options import DeviceOption, Whole
from gmstudio.cli.terminal import say, warn
from gmstudio.runs.names import typed_run
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from gmstudio.engine.runs.report.content import Report
    from gmstudio.engine.runtime.models import Loaded
    from gmstudio.runs.folder import RunFolder

COUNT = Whole(0, 1_000_000_000, "0 scores all test images.")
SUFFIXES = {".html": "report", ".htm": "report", ".pdf": "report_pdf"}
KEYS = ("run", "written", "test", "command", "remarks")
TEST_KEYS = ("value", "error", "unit", "kind", "is_bound", "bits_per_dim", "bits_error", "measured")


def report(
    run: Annotated[str, typer.Argument(help="Name of the run in the library, or its folder.")],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            metavar="PATH",
            help="File that ends in .html or .pdf, or a folder; by default the present folder, named after the run.",
        ),
    ] = "",
    html: Annotated[bool, typer.Option("--html", help="Write HTML; by default both.")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write PDF; by default both.")] = False,
    count: Annotated[
        int, typer.Option("-n", "--count", parser=COUNT, help="Most test images that are scored; 0: all.")
    ] = 1000,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Write a report of a run: curves, test value with its error, samples, settings, the command that repeats it."""
    from gmstudio.engine.runtime.device import choose_device
    from gmstudio.engine.runtime.models import ModelCache
    from gmstudio.runs.folder import RunFolder

    models, where = ModelCache(), choose_device(device)
    with RunFolder.open(typed_run(run)) as folder:
        targets = _targets(typed_path(out) if out else Path(), folder.path.absolute().name, html, pdf)
        found: Report | None = None
        for form, target in targets.items():
            found = _write(folder, form, target, lambda: models.load(str(folder.path), where), count, overwrite, found)
        assert found is not None
        warn(tuple(found.remarks))
        if as_json:
            values = (folder.path.absolute(), list(targets.values()), _test(found), found.command, found.remarks)
            print_json(dict(zip(KEYS, values, strict=True)))
    if not as_json:
        for target in targets.values():
            say(str(target))


def _targets(out: Path, name: str, html: bool, pdf: bool) -> dict[str, Path]:
    """Files to be written, by the name of their form.

    Raises:
        ValueError: when a file has another suffix than what is asked for.
    """
    out = out.absolute()
    wanted = [form for form, on in (("report", html), ("report_pdf", pdf)) if on] or ["report", "report_pdf"]
    form = SUFFIXES.get(out.suffix.lower())
    if form is None or out.is_dir():
        suffixes = {"report": ".html", "report_pdf": ".pdf"}
        return {each: out / f"{name}{suffixes[each]}" for each in wanted}
    if (html or pdf) and wanted != [form]:
        raise ValueError(f"{out} cannot hold what is asked for. Name a folder, or leave out --html and --pdf.")
    return {form: out}


def _write(
    folder: "RunFolder",
    form: str,
    target: Path,
    load: "Callable[[], Loaded]",
    count: int,
    overwrite: bool,
    known: "Report | None",
) -> "Report":
    from gmstudio.engine.runs.exports.export import ExportSource
    from gmstudio.engine.runs.exports.report import HtmlReport, PdfReport
    from gmstudio.engine.runs.exports.writing import export_pieces

    export = (HtmlReport if form == "report" else PdfReport)(count, known)
    for _share in export_pieces(export, ExportSource(folder, load), target, overwrite=overwrite):
        pass
    assert export.report is not None
    return export.report


def _test(found: "Report") -> dict[str, object] | None:
    figure = found.figure
    if figure is None:
        return None
    values = (
        figure.value,
        figure.error,
        figure.unit,
        figure.kind,
        figure.is_bound,
        figure.bits,
        figure.bits_error,
        figure.measured,
    )
    return dict(zip(TEST_KEYS, values, strict=True))
