"""The library of runs: the folder of run folders."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from gmstudio.protocol.families import MARGINAL_NLL
from gmstudio.protocol.plain_text import MAX_TITLE, is_encodable, plain_text
from gmstudio.runs.checkpoints import CheckpointInfo, CheckpointStore
from gmstudio.runs.clock import seconds_trained
from gmstudio.runs.description import Description, read_description
from gmstudio.runs.history import DATA_CHANGED, HISTORY_NAME, History
from gmstudio.runs.history_place import written_s
from gmstudio.runs.home import HOME_VARIABLE, data_home
from gmstudio.runs.lock import writer_of
from gmstudio.runs.record import RECORD_NAME, RunError, RunRecord, read_record


@dataclass(frozen=True)
class RunSummary:
    """Description of a run for lists.

    Args:
        path: its folder.
        family: key in ``FAMILIES``; empty when damaged.
        data: key in ``SOURCES``; empty when damaged.
        title: the user's name for it, or the folder's, as ``plain_text``.
        description: the user's name, note and star.
        status: that of its record, or ``interrupted`` (its engine died), or ``damaged``.
        step: parameter updates made when its status, or a checkpoint, was last recorded.
        steps: parameter updates requested.
        created: ISO 8601 in UTC; empty when damaged.
        last_valid: newest validation loss; None when there is none.
        best_valid: lowest validation loss, or −log p(x) where the loss is −log p(x | label); None when there is none.
        writer: process that trains it now, for people; empty: none.
        problem: what is damaged, one sentence; empty otherwise.
        record: content of ``run.json``; None when damaged.
        checkpoints: all of them, by rising step.
        trained_s: seconds for which it trained, without breaks; None: unknown.
        best: name of each validation curve → its lowest value, those on other data not counted; NaN where all are.
    """

    path: Path
    family: str
    data: str
    title: str
    status: str
    step: int
    steps: int
    created: str
    description: Description = field(default_factory=Description)
    last_valid: float | None = None
    best_valid: float | None = None
    problem: str = ""
    writer: str = ""
    record: RunRecord | None = None
    checkpoints: tuple[CheckpointInfo, ...] = ()
    trained_s: float | None = None
    best: Mapping[str, float] = field(default_factory=dict)


def runs_home() -> Path:
    """Default folder of runs: ``$GMSTUDIO_HOME/runs``, else ``runs`` in the user's data folder.

    Raises:
        RunError: when the variable names an unknown user's home.
    """
    return data_home() / "runs"


def new_run_path(home: Path, family: str) -> Path:
    """A free path such as ``home/2025-03-14-pixelcnn-02``; nothing is created.

    Names sort by day and are allowed on every file system.
    """
    word = re.sub(r"[^a-z0-9_]+", "-", family.lower()).strip("-")[:40] or "run"
    stem = f"{datetime.now():%Y-%m-%d}-{word}"
    taken = {path.name.lower() for path in home.iterdir()} if home.is_dir() else set()
    number = 1
    while f"{stem}-{number:02d}" in taken:
        number += 1
    return home / f"{stem}-{number:02d}"


def run_folders(home: Path) -> list[Path]:
    """Return the folders in ``home`` that hold a run, whole or damaged; other folders are passed over.

    Raises:
        RunError: when ``home`` cannot be read.
    """
    return [Path(folder) for folder in library_folders(home).values() if holds_run(folder)]


def library_folders(home: Path) -> dict[str, str]:
    """Return the paths of all folders in ``home`` by their names, sorted; quick also where there are thousands.

    Raises:
        RunError: when ``home`` cannot be read.
    """
    try:
        with os.scandir(home) as entries:
            return dict(sorted((entry.name, entry.path) for entry in entries if _is_folder(entry)))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RunError(
            f"{home} could not be read ({error.strerror}). Check its permissions or set {HOME_VARIABLE}."
        ) from error


def list_runs(home: Path) -> list[RunSummary]:
    """All runs in ``home``, newest first, damaged ones at the end; folders that hold no run are passed over.

    Raises:
        RunError: when ``home`` cannot be read.
    """
    return newest_first([summarize(folder) for folder in run_folders(home)])


def newest_first(runs: list[RunSummary]) -> list[RunSummary]:
    """Sort runs by the time of their start, damaged ones at the end."""
    return sorted(runs, key=lambda run: (run.created, run.path.name), reverse=True)


def holds_run(folder: Path | str) -> bool:
    """Return whether a folder holds a run, whole or damaged; one that may not be read holds none."""
    try:
        return any((Path(folder) / name).is_file() for name in (RECORD_NAME, HISTORY_NAME))
    except OSError:
        return False


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads nowhere
        return False


def title_of(title: str, folder: Path) -> str:
    """Return a run's title in its record, or else its folder's name, as it is shown."""
    return plain_text(title, MAX_TITLE) or plain_text(folder.name, MAX_TITLE)


def summarize(folder: Path) -> RunSummary:
    """Summarize one run; never raises, since a damaged run is shown as such and must not hide the others."""
    try:
        return _summarize(folder)
    except Exception as error:  # a run is a folder of files that anybody may have written
        reason = str(error) if isinstance(error, RunError) else f"{folder} could not be read ({error})."
        return RunSummary(folder, "", "", title_of("", folder), "damaged", 0, 0, "", problem=plain_text(reason))


def _summarize(folder: Path) -> RunSummary:
    record = read_record(folder)
    writer = writer_of(folder, written_s(folder)) if record.status in ("running", "paused") else ""
    abandoned = record.status in ("running", "paused") and not writer
    reached = 0
    last, trained_s, best, problems = None, None, dict[str, float](), list[str]()
    if not is_encodable(str(folder)):
        problems.append(f"{folder} has a name that is not UTF-8, so the window cannot open it. Rename the folder.")
    description = Description(name=plain_text(record.title, MAX_TITLE))
    try:
        kept = read_description(folder)
        name = plain_text(kept.name, MAX_TITLE) or description.name
        description = msgspec.structs.replace(kept, name=name)
    except RunError as error:
        problems.append(str(error))
    try:
        with History(folder) as history:
            since = history.last_event_step(DATA_CHANGED)  # values of other data do not count
            best = history.best_values("valid", since)
            last = history.last_value("valid", MARGINAL_NLL if MARGINAL_NLL in best else "loss", since)
            reached = history.last_step() if writer else 0
            trained_s = seconds_trained(history)
    except RunError as error:
        problems.append(str(error))
    checkpoints = tuple(CheckpointStore(folder).list())
    return RunSummary(
        path=folder,
        family=record.family,
        data=record.data,
        title=title_of(description.name, folder),
        description=description,
        status="interrupted" if abandoned else record.status,
        step=max([record.step, reached, *(info.step for info in checkpoints if info.latest)]),
        steps=record.training.steps,
        created=record.created,
        last_valid=last,
        best_valid=best.get(MARGINAL_NLL, best.get("loss")),
        problem=plain_text(" ".join(problems)),
        writer=writer,
        record=record,
        checkpoints=checkpoints,
        trained_s=trained_s,
        best=best,
    )
