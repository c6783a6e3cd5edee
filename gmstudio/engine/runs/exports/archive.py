"""A run as one file that another gmstudio imports."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import ClassVar

from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.engine.runs.in_thread import shares_in_thread
from gmstudio.protocol.runs_exports import ExportForm
from gmstudio.runs.archive import RunPacker
from gmstudio.runs.archive_format import SUFFIX
from gmstudio.runs.folder import RunFolder

SHOWN_SKIPPED = 5


class ArchiveExport(Export):
    """Everything of a run in one checked file; packed in a thread, since disks may be slow."""

    form: ClassVar[ExportForm] = ExportForm(
        name="archive",
        title="Run as one file",
        help="Settings, curves, samples and every checkpoint in one checked file, to be imported by another gmstudio.",
        suffix=SUFFIX,
    )
    order: ClassVar[int] = 1
    needs_model: ClassVar[bool] = False

    def __init__(self) -> None:
        self._skipped: list[str] = []

    def pieces(self, source: ExportSource, target: Path) -> Iterator[float]:
        """Pack the run; a stopped export waits until the thread has let the file go."""
        yield from shares_in_thread(lambda: self._packed(source.run.path, target))

    def _packed(self, run: Path, target: Path) -> Generator[float, None, None]:
        with RunFolder.open(run) as folder:  # opened here: a connection to a database belongs to its thread
            packer = RunPacker(folder)
            yield from packer.pieces(target)
            self._skipped = packer.skipped

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentence on files of other kinds in the run's folder."""
        if not self._skipped:
            return ()
        names = ", ".join(self._skipped[:SHOWN_SKIPPED])
        more = f" and {len(self._skipped) - SHOWN_SKIPPED} more" if len(self._skipped) > SHOWN_SKIPPED else ""
        return (f"Not packed, since a run has no such files: {names}{more}.",)
