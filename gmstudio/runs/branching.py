"""Begin of a run at a checkpoint of another one: record, checkpoint and history up to it, in a folder of its own."""

import contextlib
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gmstudio.protocol.runs import RunOrigin
from gmstudio.runs.batch_sizes import note_batch_size
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import BRANCHED, HISTORY_NAME, History
from gmstudio.runs.record import RunDamagedError, RunError, RunRecord, library_versions, now_iso


def branch_record(source: RunFolder, step: int, settings: RunRecord, changes: Sequence[str]) -> RunRecord:
    """Return the record of a branch.

    Args:
        source: the other run.
        step: of its checkpoint.
        settings: the other run's record with the settings of the branch.
        changes: one line for each setting that differs.
    """
    now = now_iso()
    origin = RunOrigin(run=source.name, created=source.record.created, step=step, changed=tuple(changes))
    return msgspec.structs.replace(
        settings,
        created=now,
        updated=now,
        versions=library_versions(),
        status="stopped",
        step=step,
        message="",
        title="",
        origin=origin,
    )


def write_branch(source: Path, folder: Path, record: RunRecord) -> None:
    """Make the folder of a branch; it needs nothing of the other run any more.

    Args:
        source: folder of the other run, which may be in training.
        folder: new folder.
        record: see ``branch_record``.

    Raises:
        RunError: when the checkpoint or the history cannot be read, or the branch cannot be written; nothing is left
            of it then.
    """
    assert record.origin is not None
    with RunFolder.open(source) as parent:
        checkpoint = parent.checkpoints.load(record.origin.step)
        title, before = record.origin.run, parent.record.training.batch_size
    with RunFolder.create(folder, record) as branch:
        try:
            branch.checkpoints.save(checkpoint.step, checkpoint.tensors, checkpoint.state)
            branch.history.close()
            _copy_history(source, folder)
            with History(folder, write=True) as history:
                history.truncate_after(checkpoint.step, events=True)
                note_batch_size(history, checkpoint.step, before, record.training.batch_size)
                history.log(checkpoint.step, BRANCHED, _sentence(title, checkpoint.step, record.origin.changed))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _sentence(title: str, step: int, changed: Sequence[str]) -> str:
    what = f"Changed: {'; '.join(changed)}" if changed else "Nothing was changed"
    return f"Branched from {title} at step {step:,}. {what}."


def _copy_history(source: Path, target: Path) -> None:
    """Copy the history in the folder of a run, which may be in training, as it is at one moment.

    Raises:
        RunError: when it cannot be read or written.
    """
    with History(source) as history, history.reading("points") as old:
        if old is None:
            raise RunDamagedError(f"{source / HISTORY_NAME} has no curves. Restore it from a copy of the run.")
        try:
            with contextlib.closing(sqlite3.connect(target / HISTORY_NAME)) as new:
                old.backup(new)
        except sqlite3.Error as error:
            raise RunError(
                f"{source / HISTORY_NAME} could not be copied to {target} ({error}). Free some space, or check both "
                "folders."
            ) from error
