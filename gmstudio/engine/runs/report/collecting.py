"""Collection of a report's content, in pieces: facts, curves, samples, reconstructions, the value on test images."""

import copy
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from gmstudio.data.dataset import Dataset
from gmstudio.engine.catalog import family_entries
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.density.subjects import weights_digest
from gmstudio.engine.plane.grid import is_points
from gmstudio.engine.plane.surface import Surface
from gmstudio.engine.runs.report.command import command_remarks, repeating_command
from gmstudio.engine.runs.report.content import Picture, Report
from gmstudio.engine.runs.report.curves import charts_of
from gmstudio.engine.runs.report.facts import checkpoints_of, events_of, info_of, tables_of
from gmstudio.engine.runs.report.figures import measure_figure
from gmstudio.engine.runs.report.pictures import density_map, density_pieces, reconstructions_picture, samples_picture
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.families.base import Family
from gmstudio.media.provenance import Provenance, metadata_of
from gmstudio.protocol.families import Objective
from gmstudio.runs.description import read_description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunError

T = TypeVar("T")

NUM_IMAGES = 1000
"""Test images of the value; a command can score all."""
DRAWN, LOADED, RECONSTRUCTED = 0.3, 0.4, 0.45
"""Shares that are done when the samples are drawn, the data loaded, the reconstructions made."""


@dataclass(frozen=True)
class ReportSource:
    """Run that is reported on.

    Args:
        run: its folder, open for reading.
        load: returns its model in evaluation mode.
        num_images: most test images that are scored; 0: all.
    """

    run: RunFolder
    load: Callable[[], Loaded]
    num_images: int = NUM_IMAGES


ReportWork = Generator[float, None, Report]
"""Share that is done after each piece; returns the report."""


def collect_report(source: ReportSource) -> ReportWork:
    """Collect the content of a report.

    What the report lacks, since the run has no checkpoint or its data cannot be loaded, is said in ``remarks``.

    Raises:
        RunError: when the run cannot be read.
    """
    run, record = source.run, source.run.record
    entries = family_entries()
    entry, info = entries.get(record.family), info_of(run, entries)
    loaded, problem = _loaded(source)
    step = loaded.step if loaded is not None else info.step
    seed = record.training.seed
    texts = metadata_of(
        Provenance(family=record.family, run=info.title, created=record.created, step=step, seed=seed, shows="report")
    )
    report = Report(
        title=info.title,
        subtitle=f"{info.label} · {info.data_label}",
        note=read_description(run.path).note,
        run=run.path.name,
        summary=entry.card.summary if entry is not None else "",
        provenance=texts,
        tables=tables_of(run, info, loaded.model if loaded is not None else None, step, entry),
        checkpoints=checkpoints_of(run),
    )
    report.events, kinds = events_of(run)
    report.charts = charts_of(run.history.read_scalars(), _objective(loaded))
    yield 0.02
    try:
        report.command, report.command_remarks = repeating_command(record), command_remarks(record, kinds)
    except ValueError as error:
        report.remarks.append(f"There is no command that repeats the run. {error}")
    if loaded is None:
        report.remarks.append(f"There are no samples and no test value. {problem}")
    else:
        yield from _with_model(report, source, loaded)
    yield 1.0
    return report


def _with_model(report: Report, source: ReportSource, loaded: Loaded) -> Generator[float, None, None]:
    """Add what is computed by the model, whose weights stay as they are meanwhile."""
    model, seed = copy.deepcopy(loaded.model).eval(), loaded.record.training.seed
    points = is_points(model.image)
    if not points:
        _add(report, (yield from _at(0.1, samples_picture(model, seed, loaded.step, report.provenance))))
    yield DRAWN
    try:
        dataset = yield from _at(DRAWN, beside(lambda: load_run_data(DatasetCache(), loaded.record)))
    except ValueError as error:
        report.remarks.append(f"There is no test value, since the data cannot be loaded. {error}")
        return
    yield LOADED
    surface: Surface | None = None
    if points:
        surface = yield from _at(LOADED, density_pieces(model, dataset, seed))
        if surface is not None:
            report.pictures.append(density_map(model, dataset, surface, report.provenance))
    else:
        _add(report, (yield from _at(LOADED, reconstructions_picture(model, dataset, report.provenance))))
    yield RECONSTRUCTED
    subject = _subject(source.run, model, loaded, dataset)
    try:
        work = measure_figure(subject, dataset, surface, source.num_images)
        while True:
            yield RECONSTRUCTED + (1 - RECONSTRUCTED) * next(work)
    except StopIteration as end:
        report.figure = end.value
    except ValueError as error:
        report.remarks.append(f"There is no test value. {error}")


def _subject(run: RunFolder, model: Family, loaded: Loaded, dataset: Dataset) -> Subject:
    return Subject(
        run=run.name,
        model=model,
        weights=weights_digest(model),
        step=loaded.step,
        record=loaded.record,
        dataset=lambda: dataset,
    )


def _loaded(source: ReportSource) -> tuple[Loaded | None, str]:
    """Model of the run, or the reason why there is none."""
    try:
        return source.load(), ""
    except (RunError, ValueError) as error:
        return None, str(error)


def _objective(loaded: Loaded | None) -> Objective | None:
    """Objective of the run; None where its settings are of another version, and without a model."""
    try:
        return None if loaded is None else loaded.model.card.objective(loaded.record.config)
    except ValueError:
        return None


def _at(share: float, work: Generator[None, None, T]) -> Generator[float, None, T]:
    """Advance work that does not know its share; yields ``share`` after each piece, and returns its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        yield share


def _add(report: Report, picture: Picture | None) -> None:
    if picture is not None:
        report.pictures.append(picture)
