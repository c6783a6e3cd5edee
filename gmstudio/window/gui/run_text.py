"""Runs in words, as lists and tooltips show them: label or name, data, steps and figure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from gmstudio.protocol.runs import RunInfo, bits_text


def run_name(info: RunInfo) -> str:
    """The user's name for a run, or its label, without the data."""
    return info.name or info.label or info.title


def progress_text(info: RunInfo, live: str) -> str:
    """Steps of a run, or that it is in training; ``live`` is the name of the run in training."""
    return "in training" if info.run == live else f"{info.step:,} steps"


def started_text(info: RunInfo) -> str:
    """Start of a run in local time, such as ``14 Mar 15:09``; empty where it is unknown."""
    try:
        started = datetime.fromisoformat(info.created).astimezone()
    except (ValueError, OverflowError, OSError):  # written by another program
        return ""
    return f"{started.day} {started:%b %H:%M}"


class RunLines:
    """Lines of a list of runs; those of runs that did not change are kept, as there may be thousands."""

    def __init__(self) -> None:
        self._names: dict[str, tuple[RunInfo, str]] = {}
        self._lines: dict[str, tuple[RunInfo, bool, bool, str]] = {}

    def of(self, runs: Sequence[RunInfo], live: str) -> list[str]:
        """One line for each run: name, data, steps, figure; those that would read the same have their start too.

        Args:
            runs: of the list.
            live: name of the run in training.
        """
        names = [self._name(info) for info in runs]
        counts = Counter(names)
        return [self._line(info, name, counts[name] > 1, live) for info, name in zip(runs, names, strict=True)]

    def _name(self, info: RunInfo) -> str:
        known = self._names.get(info.run)
        if known is None or known[0] is not info:
            known = info, " · ".join(filter(None, (run_name(info), info.data_label)))
            self._names[info.run] = known
        return known[1]

    def _line(self, info: RunInfo, name: str, shared: bool, live: str) -> str:
        trains = info.run == live
        known = self._lines.get(info.run)
        if known is None or known[0] is not info or known[1:3] != (shared, trains):
            started = started_text(info) if shared else ""
            parts = (name, started, progress_text(info, live), bits_text(info))
            known = info, shared, trains, " · ".join(filter(None, parts))
            self._lines[info.run] = known
        return known[3]


def status_text(info: RunInfo) -> str:
    """State of a run's training in words; of one that another program trains, also which."""
    if info.writer:
        state = "in training elsewhere" if info.status == "running" else f"{info.status} elsewhere"
        return f"{state} ({info.writer})"
    return "training" if info.status == "running" else info.status


def run_tip(info: RunInfo) -> str:
    """Tooltip of a run: label and name, what differs from the defaults, note, message and folder."""
    label = " · ".join(filter(None, (info.label or info.title, info.data_label)))
    differing = "\n".join(("Differs from the defaults:", *(f"  {line}" for line in info.differing)))
    kept = ", ".join(f"{step:,}" for step in info.kept_steps)
    lines = (
        info.name,
        label,
        f"{info.family_title}, {info.image}; started {started_text(info)}",
        differing if info.differing else "All settings have their defaults.",
        f"Kept checkpoints: {kept}" if kept else "",
        status_text(info) if info.writer else "",
        info.note,
        info.message,
        info.run,
    )
    return "\n".join(filter(None, lines))
