"""Writing of an export under a temporary name, put in its place when all is written."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.runs.record import RunError


def export_pieces(export: Export, source: ExportSource, target: Path, *, overwrite: bool) -> Iterator[float]:
    """Export a run, yielding the share that is done after each small piece; nothing is left of what was not finished.

    Args:
        export: form of the export.
        source: the run.
        target: absolute path of the file or folder to be written.
        overwrite: replace a file that exists.

    Raises:
        RunError: when the run cannot be exported in this form, the target exists, or it cannot be written.
    """
    reason = export.reason(source.run)
    if reason:
        raise RunError(reason)
    _check_target(export, target, overwrite=overwrite)
    export.place = target
    partial = target.with_name(f".{target.name[:100]}.{uuid.uuid4().hex[:8]}.writing")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not export.form.suffix:
            partial.mkdir()
        yield from export.pieces(source, partial)
        if target.is_dir():
            target.rmdir()  # empty, as was checked
        partial.replace(target)
    except OSError as error:
        raise RunError(
            f"{target} could not be written ({error.strerror or error}). Free some space or choose another place."
        ) from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def _check_target(export: Export, target: Path, *, overwrite: bool) -> None:
    if export.form.suffix and target.is_dir():
        raise RunError(
            f"{target} is a folder. Name a file to be written, such as {target / ('run' + export.form.suffix)}."
        )
    if export.form.suffix and target.exists() and not overwrite:
        raise RunError(f"{target} exists already. Choose another name, or allow it to be overwritten.")
    if not export.form.suffix and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RunError(f"{target} exists and is not an empty folder. Choose a new or an empty folder.")
