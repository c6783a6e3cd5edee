"""The history of a run as TensorBoard's event file."""

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.engine.training.loggers.event_file import EventFileLogger
from gmstudio.engine.training.loggers.logger import RunFacts, RunLogger
from gmstudio.engine.training.loggers.mlflow_store import MlflowLogger
from gmstudio.engine.training.loggers.packages import missing_package
from gmstudio.protocol.runs_exports import ExportForm
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.tail import Cursor, HistoryTail

NO_TIMES = (
    "This run stored no wall times (an earlier version trained it): they are spread evenly between its start and its "
    "last change."
)


class LoggedExport(Export):
    """Base of the forms that a logger writes."""

    needs_model: ClassVar[bool] = False

    def __init__(self) -> None:
        self._stored_times = True

    @abstractmethod
    def logger(self, target: Path) -> RunLogger:
        """Return the logger that writes into the target."""

    def pieces(self, source: ExportSource, target: Path) -> Iterator[float]:
        """Write all points, saved images and events."""
        run, logger, cursor = source.run, self.logger(target), Cursor()
        tail = HistoryTail(run, cursor)
        self._stored_times = tail.times.stored
        last = max(run.record.step, 1)
        logger.begin(RunFacts.of(run), -1)
        try:
            for batch in tail.batches():
                logger.write(batch)
                yield min(1.0, max((point.step for point in batch.points), default=0) / last)
            logger.flush()
        finally:
            logger.end(run.record.status)
        yield 1.0

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence where the wall times are no measured ones."""
        return () if self._stored_times else (NO_TIMES,)


class TensorBoardExport(LoggedExport):
    """Curves, saved samples, events and settings as an event file."""

    form: ClassVar[ExportForm] = ExportForm(
        name="tensorboard",
        title="TensorBoard",
        help="Event file with every point and its wall time, the saved samples, the events and all settings.",
    )
    order: ClassVar[int] = 20

    @classmethod
    def reason(cls, run: RunFolder) -> str:
        """Without the package ``tensorboard`` there is no way to write its files."""
        return missing_package("tensorboard")

    def logger(self, target: Path) -> RunLogger:
        """Return the writer of event files."""
        return EventFileLogger(target)


class MlflowExport(LoggedExport):
    """Curves, saved samples, events and settings as a store of MLflow."""

    form: ClassVar[ExportForm] = ExportForm(
        name="mlflow",
        title="MLflow",
        help="Folder in the layout of MLflow's file store (mlruns): every point, settings, saved samples.",
    )
    order: ClassVar[int] = 21

    def logger(self, target: Path) -> RunLogger:
        """Return the writer of the store."""
        return MlflowLogger(target, self.place)
