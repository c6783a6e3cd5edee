"""The data set that is open: pages of its images, and its statistics."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Event
from gmstudio.protocol.data import BrowseData, DataBrowsed, DataLoading, DataMeasured, MeasureData, SplitName
from gmstudio.protocol.data_import import DataSetDescribed, DataSetDetails, DescribeDataSet
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.client.request import Request
from gmstudio.window.state.data.quiet_timer import quiet_timer
from gmstudio.window.state.data.settings_split import FOLDER, IMAGES

PAGE_SIZE = 60
MAX_PAGE = 1024
Values = dict[str, Any]


class OpenedSet(QObject):
    """A data set with its settings.

    Attributes:
        data: key of its source; empty: none is open.
        config: settings of the source, the folder among them.
        split: split that is shown.
        label: class that is shown; None: all.
        start: number of the first image of the page that is shown or on its way.
        page_size: images of a page.
        page: newest page that has come; None: none has.
        stats: statistics; None while there are none.
        details: what is known of the import; None where it was not imported.
        problem: why there are no images, sentences; empty otherwise.
        refusals: setting → sentence, of those that the engine refused.
        cancelled: loading was cancelled.

    Signals:
        opened: another data set is open, or none.
        page_changed: the page, the problem or the progress of loading changed.
        stats_changed: ``stats`` or ``details`` changed.
    """

    opened = Signal()
    page_changed = Signal()
    stats_changed = Signal()

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.data = ""
        self.config: Values = {}
        self.split: SplitName = "train"
        self.label: int | None = None
        self.start = 0
        self.page_size = PAGE_SIZE
        self.page: DataBrowsed | None = None
        self.stats: DataMeasured | None = None
        self.details: DataSetDetails | None = None
        self.problem = ""
        self.refusals: dict[str, str] = {}
        self.cancelled = False
        self._typing_errors: dict[str, str] = {}
        self._is_stale = False
        self._browse = LatestWins(link, self)
        self._browse.replied.connect(self._on_browsed)
        self._browse.failed.connect(self._on_failed)
        self._browse.dropped.connect(self._on_cancelled)
        self._browse.loading_changed.connect(self.page_changed)
        self._measure = Request(link, self)
        self._measure.replied.connect(self._on_measured)
        self._measure.failed.connect(self._on_unmeasured)
        self._describe = Request(link, self)
        self._describe.replied.connect(self._on_described)
        self._timer = quiet_timer(self, self._reload)

    @property
    def folder(self) -> str:
        """Folder of the imported set; empty where it is none."""
        return str(self.config.get(FOLDER, "")) if self.data == IMAGES else ""

    @property
    def mistyped(self) -> dict[str, str]:
        """Sentences on settings whose text in the form is invalid."""
        return self._typing_errors

    @property
    def loading(self) -> DataLoading | None:
        """Progress of loading the data; None when they are not being loaded."""
        return self._browse.loading

    @property
    def total(self) -> int:
        """Number of images that can be paged through; 0 until a page has come."""
        return self.page.total if self.page is not None and not self._is_stale else 0

    def show(self, data: str, config: Values) -> None:
        """Open a data set; an empty ``data`` closes the present one."""
        self._timer.stop()
        for request in (self._browse, self._measure, self._describe):
            request.cancel()
        self._browse.reset()
        self.data, self.config = data, dict(config)
        self.split, self.label, self.start = "train", None, 0
        self.page = self.stats = self.details = None
        self._typing_errors = {}
        self.problem, self.refusals, self.cancelled = "", {}, False
        self.opened.emit()
        if data:
            if self.folder:
                self._describe.send(DescribeDataSet(folder=self.folder))
            self._reload()

    def reload(self) -> None:
        """Load the data again, for example after a cancelled loading."""
        if self.data:
            self._reload()

    def cancel(self) -> None:
        """End the loading of the data."""
        self._measure.cancel()
        if self._browse.busy:
            self._browse.cancel()
            self._browse.reset()
            self._on_cancelled()

    def set_config(self, values: Values, errors: dict[str, str]) -> None:
        """Set the settings from the form, in which the folder is missing."""
        self.config = self.config | values  # a new one: commands hold the one of before
        self._typing_errors = dict(errors)
        self.refusals = {}
        self.problem = next(iter(errors.values()), "")
        self._timer.start()
        self.page_changed.emit()

    def choose(self, split: SplitName, label: int | None) -> None:
        """Show the images of a split, of one class or all."""
        if (split, label) != (self.split, self.label):
            self.split, self.label, self.start = split, label, 0
            self._is_stale = True
            self._fetch()
            self.page_changed.emit()

    def go_to(self, start: int) -> None:
        """Show the page that begins at this image."""
        start = max(0, min(start, self.total - 1))
        if start != self.start:
            self.start = start
            self._fetch()
            self.page_changed.emit()

    def turn_page(self, pages: int) -> None:
        """Show a later (or earlier) page; the first and the last are the ends."""
        last = max(0, (self.total - 1) // self.page_size * self.page_size)
        self.go_to(max(0, min(self.start // self.page_size * self.page_size + pages * self.page_size, last)))

    def set_page_size(self, count: int) -> None:
        """Set how many images a page has; the first one stays."""
        count = max(1, min(count, MAX_PAGE))
        if count != self.page_size:
            self.page_size = count
            if self.data and self.page is not None:
                self._fetch()

    def _reload(self) -> None:
        self._timer.stop()
        self.cancelled = False
        if self._typing_errors:
            return
        self._fetch()
        self._measure.cancel()
        self._measure.send(MeasureData(data=self.data, data_config=self.config))

    def _fetch(self) -> None:
        self._browse.submit(
            BrowseData(
                data=self.data,
                data_config=self.config,
                split=self.split,
                label=self.label,
                start=self.start,
                count=self.page_size,
            )
        )

    def _is_present(self, event: DataBrowsed) -> bool:
        asked = self._browse.answered
        return (
            isinstance(asked, BrowseData)
            and (asked.data, asked.data_config, asked.split, asked.label)
            == (self.data, self.config, self.split, self.label)
            and event.data == self.data
        )

    def _on_browsed(self, event: DataBrowsed) -> None:
        if not self._is_present(event):
            return
        self.page, self.problem, self.refusals, self._is_stale = event, "", {}, False
        if event.start != self.start and not self._browse.busy:
            self.start = event.start  # the data have fewer images now
        self.page_changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is Reason.ENGINE_GONE or self._timer.isActive() or self._browse.busy:
            return
        self.page = None
        self.problem = failure.message
        self.refusals = {key.removeprefix("data_config."): text for key, text in failure.fields.items()}
        self.page_changed.emit()

    def _on_cancelled(self) -> None:
        if not self._browse.busy:
            self.cancelled = True
            self.page_changed.emit()

    def _on_measured(self, event: Event) -> None:
        if isinstance(event, DataMeasured):
            self.stats = event
            self.stats_changed.emit()

    def _on_unmeasured(self, _failure: CommandFailed) -> None:
        """Drop the statistics of settings that were followed by others which are refused."""
        if self.stats is not None:
            self.stats = None
            self.stats_changed.emit()

    def _on_described(self, event: DataSetDescribed) -> None:
        self.details = event.details
        self.stats_changed.emit()
