"""Columns of the table of runs: title, text of a run, and order."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gmstudio.protocol.runs import RunInfo, bits_text
from gmstudio.window.gui.progress_text import duration_text
from gmstudio.window.gui.run_text import run_name, started_text

Key = Callable[[RunInfo], Any]

STATUS_ORDER = ("running", "paused", "interrupted", "failed", "stopped", "finished")
BITS = "bits"
NAME = "name"
TAGS = "tags"
NOTE = "note"


@dataclass(frozen=True)
class Column:
    """Column of the table.

    Args:
        name: identifies it in kept settings.
        title: of its header.
        tip: of its header.
        text: of a run, made when the row is drawn.
        key: value by which runs are sorted.
        usual: text that the column has room for at first, besides its title.
        shown: at first.
        number: aligned at the right.
        descending: the first click on its header sorts from the largest to the smallest value.
        editable: a double click, or F2, edits it.
    """

    name: str
    title: str
    tip: str
    text: Callable[[RunInfo], str]
    key: Key
    usual: str = ""
    shown: bool = True
    number: bool = False
    descending: bool = False
    editable: bool = False


def bits_key(info: RunInfo) -> tuple[Any, ...]:
    """Order of validation values: within the same images only, those without a value at the end of their group."""
    bits = math.inf if info.best_bits is None else info.best_bits
    return (*images_of(info), bits)


def images_of(info: RunInfo) -> tuple[str, str, str]:
    """Identity of a run's images, whose likelihoods compare: name, digest, and shape with levels."""
    return (info.data_label, info.data_digest, str(info.image))


def tags_of(text: str) -> tuple[str, ...]:
    """Return the tags in a text, between its commas; none twice."""
    return tuple(dict.fromkeys(filter(None, (" ".join(part.split()) for part in text.split(",")))))


def differing_text(info: RunInfo) -> str:
    """Settings that differ from their defaults, on one line."""
    return "; ".join(line.partition(" (default")[0] for line in info.differing)


def parent_text(info: RunInfo) -> str:
    """Checkpoint at which a run began, or nothing."""
    return "" if info.origin is None else f"{info.origin.run}, step {info.origin.step:,}"


def _seed(info: RunInfo) -> int:
    seed = info.spec.training.get("seed", 0)
    return seed if isinstance(seed, int) else 0


def _status_key(info: RunInfo) -> int:
    return STATUS_ORDER.index(info.status) if info.status in STATUS_ORDER else len(STATUS_ORDER)


def _status_text(info: RunInfo) -> str:
    if info.example:
        return "example"
    if info.archived:
        return "archived"
    return "elsewhere" if info.writer else "training" if info.status == "running" else info.status


COLUMNS = (
    Column(
        NAME,
        "Name",
        "The name that you gave it, or what differs from the defaults. F2 renames it.",
        run_name,
        lambda info: run_name(info).casefold(),
        "VAE · latent dimensions 16",
        editable=True,
    ),
    Column(
        "data",
        "Data",
        "Data and size of the images",
        lambda i: i.data_label,
        lambda i: i.data_label.lower(),
        "MNIST subset 28×28",
    ),
    Column(
        BITS,
        "Best bits/dim",
        "Lowest validation −log p(x) in bits per dimension; ≤: of a bound. Only values on the same images compare: "
        "they are sorted within their data, and the best run on each is marked.",
        lambda info: bits_text(info).removesuffix(" bits/dim"),
        bits_key,
        "≤ 0.217",
        number=True,
    ),
    Column(
        "step", "Steps", "Parameter updates made", lambda i: f"{i.step:,}", lambda i: i.step, "100,000", number=True
    ),
    Column(
        "trained",
        "Time trained",
        "Time that its training took, without pauses of over a minute; of a branch, from the start of its parent",
        lambda info: "" if info.trained_s is None else duration_text(info.trained_s),
        lambda info: info.trained_s or 0.0,
        "10 min 00 s",
        number=True,
        descending=True,
    ),
    Column("status", "Status", "State of the training", _status_text, _status_key, "interrupted"),
    Column(
        "created",
        "Started",
        "Start of the training, local time",
        started_text,
        lambda i: i.created,
        "30 Nov 00:00",
        descending=True,
    ),
    Column(
        TAGS,
        "Tags",
        "Words by which you find it again; separate them by commas. A double click edits them.",
        lambda info: ", ".join(info.tags),
        lambda info: (not info.tags, tuple(tag.casefold() for tag in info.tags)),
        "thesis, figure 2",
        editable=True,
    ),
    Column(
        NOTE,
        "Note",
        "First line of your note",
        lambda info: info.note.partition("\n")[0],
        lambda info: (not info.note, info.note.casefold()),
        "The best of those with this seed",
        editable=True,
    ),
    Column(
        "differing",
        "Settings",
        "All settings that differ from their defaults",
        differing_text,
        lambda info: (len(info.differing), info.differing),
        "Latent dimensions: 16; Batch size: 32",
        shown=False,
    ),
    Column(
        "family",
        "Family",
        "Family of models",
        lambda i: i.family_title,
        lambda i: i.family_title.lower(),
        "Gated PixelCNN",
        False,
    ),
    Column(
        "seed",
        "Seed",
        "Seed of the training",
        lambda i: str(i.training.seed),
        lambda i: i.training.seed,
        "1234",
        False,
        True,
    ),
    Column(
        "parent",
        "Began from",
        "Checkpoint of another run at which it began",
        parent_text,
        parent_text,
        "2026-11-30-vae-01, step 1,000",
        False,
    ),
    Column(
        "folder",
        "Folder",
        "Name of its folder in the library",
        lambda i: i.run,
        lambda i: i.run,
        "2026-11-30-vae-01",
        False,
    ),
)
BY_NAME = {column.name: column for column in COLUMNS}
