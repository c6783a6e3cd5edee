"""Content of a report, apart from its form.

Shapes: n points of a curve.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Fact:
    """Row of a table of facts.

    Args:
        name: what it is.
        value: as text.
        default: usual value, where this one differs from it; empty: it does not, or there is none.
    """

    name: str
    value: str
    default: str = ""


@dataclass(frozen=True)
class Facts:
    """Table of facts with a heading."""

    title: str
    rows: tuple[Fact, ...]


@dataclass(frozen=True, eq=False)
class Line:
    """Line of a chart: its name, and (n,) coordinates; ``faint`` where a clearer line shows the same."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    faint: bool = False


@dataclass(frozen=True)
class Chart:
    """Lines over the training steps."""

    title: str
    unit: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Picture:
    """Picture with a caption: content of a PNG file, and its size in pixels; ``smooth`` where it is a drawing."""

    title: str
    caption: str
    png: bytes
    width: int
    height: int
    smooth: bool = False


@dataclass(frozen=True)
class Figure:
    """Value on the test split.

    Args:
        value: the value, −log p(x) where there is a likelihood.
        error: its standard error; NaN: unknown.
        unit: of both, for example ``nats per image``; empty: none.
        kind: what it is, in words.
        is_bound: the true −log p(x) is at most this.
        bits: the value in bits per dimension; NaN: it has none.
        bits_error: standard error of ``bits``.
        measured: how it was measured: images, samples, seed, seconds.
        warnings: sentences.
    """

    value: float
    error: float
    unit: str
    kind: str
    is_bound: bool
    bits: float
    bits_error: float
    measured: str
    warnings: tuple[str, ...] = ()


@dataclass
class Report:
    """Everything that a report says.

    Args:
        title: of the run.
        subtitle: family and data.
        note: the user's note.
        run: name of the run's folder.
        summary: what the family is, one or two sentences.
        provenance: keyword → text, for the metadata of the file.
        tables: facts on run, data, model and training, settings.
        command: command that repeats the run.
        command_remarks: sentences on what the command cannot repeat.
        charts: curves.
        figure: value on the test split; None: there is none.
        pictures: samples, reconstructions, densities.
        checkpoints: rows of step, size, time, remark.
        events: rows of step, time, sentence.
        remarks: sentences on what the report lacks.
    """

    title: str
    subtitle: str
    note: str
    run: str
    summary: str
    provenance: dict[str, str]
    tables: list[Facts] = field(default_factory=list)
    command: str = ""
    command_remarks: tuple[str, ...] = ()
    charts: list[Chart] = field(default_factory=list)
    figure: Figure | None = None
    pictures: list[Picture] = field(default_factory=list)
    checkpoints: list[tuple[str, str, str, str]] = field(default_factory=list)
    events: list[tuple[str, str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
