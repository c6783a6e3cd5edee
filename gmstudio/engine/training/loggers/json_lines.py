"""The history as JSON lines while it grows: the lines of ``gmstudio export --jsonl``, with wall times."""

import json
import math
from pathlib import Path
from typing import Any, TextIO

from gmstudio.engine.training.loggers.logger import RunFacts, RunLogger
from gmstudio.engine.training.loggers.rewriting import keep_lines
from gmstudio.runs.tail import Batch, TimedPoint


class JsonLinesLogger(RunLogger):
    """Writer of one file.

    Args:
        path: of the file; its folder is made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def begin(self, facts: RunFacts, since: int) -> None:
        """Open the file, and withdraw the points after a step; entries of the log stay."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if since < 0:
            self._path.unlink(missing_ok=True)
        elif self._path.exists():
            keep_lines(self._path, lambda line: _stays(json.loads(line), since))
        self._file = self._path.open("a", encoding="utf-8", newline="\n")
        if since < 0:
            self._put({"run": facts.name, "family": facts.family, "settings": facts.settings})

    def write(self, batch: Batch) -> None:
        """Add a batch, one object a line; saved images are named by kind and step."""
        for point in batch.points:
            self._put(_line(point))
        for one in batch.grids:
            self._put({"images": one.grid.kind, "step": one.grid.step, "time": one.time_s})
        for event in batch.events:
            self._put({"event": event.kind, "step": event.step, "time": event.time, "text": event.text})

    def flush(self) -> None:
        """Hand the lines to the system."""
        assert self._file is not None
        self._file.flush()

    def end(self, status: str) -> None:
        """Close the file."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _put(self, plain: dict[str, Any]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(plain, allow_nan=False) + "\n")


def _line(point: TimedPoint) -> dict[str, Any]:
    """One point; JSON has no NaN, so a value that is not finite is text."""
    value = point.value if math.isfinite(point.value) else str(point.value)
    return {"split": point.split, "name": point.name, "step": point.step, "value": value, "time": point.time_s}


def _stays(plain: dict[str, Any], since: int) -> bool:
    return "event" in plain or "run" in plain or int(plain["step"]) <= since
