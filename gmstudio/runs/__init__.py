"""A run on disk: ``run.json``, ``history.sqlite`` and checkpoints, in a folder that can be copied and moved."""

from gmstudio.runs.checkpoints import Checkpoint, CheckpointInfo, CheckpointStore
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Event, History, ImageGrid, Scalar
from gmstudio.runs.library import RunSummary, list_runs, new_run_path, runs_home
from gmstudio.runs.record import (
    RunBusyError,
    RunDamagedError,
    RunError,
    RunMissingError,
    RunRecord,
    library_versions,
    new_record,
)

__all__ = [
    "Checkpoint",
    "CheckpointInfo",
    "CheckpointStore",
    "Event",
    "History",
    "ImageGrid",
    "RunBusyError",
    "RunDamagedError",
    "RunError",
    "RunFolder",
    "RunMissingError",
    "RunRecord",
    "RunSummary",
    "Scalar",
    "library_versions",
    "list_runs",
    "new_record",
    "new_run_path",
    "runs_home",
]
