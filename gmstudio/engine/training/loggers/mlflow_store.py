"""MLflow's file store (the layout of a folder ``mlruns``), written without the package.

``STORE/EXPERIMENT/RUN/`` has ``meta.yaml``, ``metrics/NAME`` (lines ``milliseconds value step``), ``params/NAME``,
``tags/NAME`` and ``artifacts/``. Source: MLflow's documentation of tracking backends, and ``FileStore`` of its versions
1 to 3.
"""

import getpass
import json
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from gmstudio.engine.training.loggers.logger import RunFacts, RunLogger
from gmstudio.engine.training.loggers.pictures import png_of
from gmstudio.engine.training.loggers.rewriting import keep_lines
from gmstudio.runs.atomic import replace_file
from gmstudio.runs.tail import Batch

EXPERIMENT, EXPERIMENT_ID = "gmstudio", "713705173100000001"
_STATUS = {"running": 1, "paused": 1, "finished": 3, "failed": 4, "stopped": 5}
"""Status of a run → MLflow's: running, finished, failed, killed."""
EVENTS = "events.txt"
MAX_PARAM = 6000
"""Characters of a parameter."""


class MlflowLogger(RunLogger):
    """Writer of one run of a store.

    Args:
        store: the folder, usually named ``mlruns``; made where it is missing.
        place: path that it will have, which is written into it; None: the same.
    """

    def __init__(self, store: Path, place: Path | None = None) -> None:
        self._experiment = store / EXPERIMENT_ID
        self._place = (place or store) / EXPERIMENT_ID
        self._run = self._experiment
        self._facts: RunFacts | None = None

    def begin(self, facts: RunFacts, since: int) -> None:
        """Write the descriptions of experiment and run, and withdraw the points after a step."""
        self._facts, self._run = facts, self._experiment / facts.identity
        for folder in ("metrics", "params", "tags", "artifacts"):
            (self._run / folder).mkdir(parents=True, exist_ok=True)
        described = self._experiment / "meta.yaml"
        if not described.exists():
            now = int(facts.started_s * 1000)
            _write_yaml(described, _experiment(self._place, now))
        self._describe("running", None)
        for name, value in facts.settings.items():
            self._put(f"params/{_safe(name)}", str(value)[:MAX_PARAM])
        self._put("tags/mlflow.runName", facts.name)
        self._put("tags/mlflow.source.name", "gmstudio")
        self._put("tags/mlflow.source.type", "LOCAL")
        for path in (self._run / "metrics").rglob("*"):
            if path.is_file():
                keep_lines(path, lambda line: int(line.split(" ")[2]) <= since)
        if since < 0:
            (self._run / "artifacts" / EVENTS).unlink(missing_ok=True)

    def write(self, batch: Batch) -> None:
        """Add a batch; each curve is a file."""
        assert self._facts is not None
        lines: dict[str, list[str]] = {}
        for point in batch.points:
            line = f"{round(point.time_s * 1000)} {point.value!r} {point.step}\n"
            lines.setdefault(f"metrics/{_safe(point.split)}/{_safe(point.name)}", []).append(line)
        for name, some in lines.items():
            self._append(name, some)
        for one in batch.grids:
            png = png_of(one.grid, self._facts.family, self._facts.name)
            path = self._run / "artifacts" / _safe(one.grid.kind) / f"step-{one.grid.step:08d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png)
        self._append(
            f"artifacts/{EVENTS}",
            [f"{event.time} step {event.step} {event.kind}: {event.text}\n" for event in batch.events],
        )

    def flush(self) -> None:
        """Do nothing: each batch is written and closed."""

    def end(self, status: str) -> None:
        """Write the status and the time of the end."""
        if self._facts is not None and status != "running":
            self._describe(status, int(time.time() * 1000))

    def _describe(self, status: str, ended_ms: int | None) -> None:
        assert self._facts is not None
        name = self._facts.identity
        started = int(self._facts.started_s * 1000)
        _write_yaml(
            self._run / "meta.yaml",
            {
                "artifact_uri": _uri(self._place / name / "artifacts"),
                "end_time": ended_ms,
                "entry_point_name": "",
                "experiment_id": EXPERIMENT_ID,
                "lifecycle_stage": "active",
                "run_id": name,
                "run_name": self._facts.name,
                "run_uuid": name,
                "source_name": "gmstudio",
                "source_type": 4,
                "source_version": "",
                "start_time": started,
                "status": _STATUS.get(status, 1),
                "tags": [],
                "user_id": _user(),
            },
        )

    def _put(self, name: str, text: str) -> None:
        (self._run / name).write_text(text, encoding="utf-8")

    def _append(self, name: str, lines: list[str]) -> None:
        if not lines:
            return
        path = self._run / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)


def _experiment(folder: Path, created_ms: int) -> dict[str, object]:
    return {
        "artifact_location": _uri(folder),
        "creation_time": created_ms,
        "experiment_id": EXPERIMENT_ID,
        "last_update_time": created_ms,
        "lifecycle_stage": "active",
        "name": EXPERIMENT,
    }


def _write_yaml(path: Path, values: Mapping[str, object]) -> None:
    """Write a file of YAML: values of JSON are values of YAML, too."""
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items())
    replace_file(path, text.encode())


def _uri(folder: Path) -> str:
    return f"file://{quote(folder.absolute().as_posix())}"


def _safe(name: str) -> str:
    """Name with the characters that MLflow allows."""
    return "".join(sign if sign.isalnum() or sign in "_-. " else "_" for sign in name).strip(". ") or "_"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user on this system
        return ""
