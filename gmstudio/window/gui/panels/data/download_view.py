"""A data set that can be downloaded: what it is, its licence, and the progress of the download."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.data_import import DownloadProgressed, ImportProgressed, RemoteDataSet
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.statistics import text_label
from gmstudio.window.gui.progress_text import duration_text, memory_text, progress_words, rate_words
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.progress_line import ProgressLine
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.data.state import DataState

TEXT_WIDTH = 560
BAR_HEIGHT = 4
CLASSES_HEIGHT = 200


class DownloadView(QScrollArea):
    """Description, licence and download of a data set.

    Args:
        state: state of the panel.
        panel: panel that names the controls.
    """

    def __init__(self, state: DataState, panel: Panel) -> None:
        super().__init__()
        self._downloads, self._panel = state.downloads, panel
        self._shown = ""
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._title = QLabel(self)
        self._title.setProperty("role", "title")
        self._texts = {name: text_label(self) for name in ("summary", "licence", "citation", "size")}
        self._texts["licence"].setTextFormat(Qt.TextFormat.RichText)
        self._texts["licence"].setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self._texts["licence"].setOpenExternalLinks(True)
        self._search = QLineEdit(self)
        self._search.setPlaceholderText("Search classes")
        self._classes = QListWidget(self)
        self._classes.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._classes.setMinimumHeight(CLASSES_HEIGHT)
        self._accept = QCheckBox("I accept the licence", self)
        self._line = text_label(self, "muted")
        self._bar = ProgressLine(self)
        self._bar.setFixedHeight(BAR_HEIGHT)
        self._name_controls()
        tip = "Download and import; the files are checked by their hashes, and a part that is there is continued"
        self._start = panel.add_action("download", "Download", "", self._begin, icon="save", tip=tip)
        tip = "Stop; the part that has arrived is kept, and Download continues from it"
        self._stop = panel.add_action("stop_download", "Cancel", "", self._downloads.stop, icon="close", tip=tip)
        self._lay_out()
        self._downloads.changed.connect(self._show)
        self._accept.toggled.connect(lambda _on: self._show())
        self._classes.itemChanged.connect(lambda _item: self._show())
        self._search.textChanged.connect(self._filter)
        self._show()

    def _name_controls(self) -> None:
        for widget, name, words, tip in (
            (self._search, "download_search", "Search classes", "Show only classes whose names contain this."),
            (self._classes, "download_classes", "Classes to download", "Check the classes to download."),
            (self._accept, "download_accept", "Accept the licence", "The download begins only after this."),
            (self._line, "download_line", "Progress of the download", ""),
            (self._bar, "download_bar", "Progress of the download", "Bytes that are there, of all."),
        ):
            self._panel.name_widget(widget, name, words, tip)
        for name, label in self._texts.items():
            self._panel.name_widget(label, f"download_{name}", name.capitalize(), "")

    def _lay_out(self) -> None:
        start = self._panel.button(self._start)
        start.setProperty("primary", True)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(start)
        buttons.addWidget(self._panel.button(self._stop))
        buttons.addStretch(1)
        column = QWidget(self)
        column.setMaximumWidth(TEXT_WIDTH)
        inner = QVBoxLayout(column)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(GRID)
        inner.addWidget(self._title)
        inner.addWidget(self._texts["summary"])
        for title, name in (("Licence", "licence"), ("Please cite", "citation"), ("Download", "size")):
            heading = QLabel(title, column)
            heading.setProperty("role", "heading")
            inner.addWidget(heading)
            inner.addWidget(self._texts[name])
        inner.addWidget(self._search)
        inner.addWidget(self._classes, 1)
        inner.addWidget(self._accept)
        inner.addLayout(buttons)
        inner.addWidget(self._line)
        inner.addWidget(self._bar)
        inner.addStretch(0)
        whole = QWidget()
        layout = QHBoxLayout(whole)
        layout.setContentsMargins(2 * GRID, GRID, GRID, GRID)
        layout.addWidget(column, 1, Qt.AlignmentFlag.AlignTop)
        layout.addStretch(0)
        self.setWidget(whole)

    # ---- content -------------------------------------------------------------------------------------------------

    @property
    def chosen_classes(self) -> tuple[str, ...]:
        """Classes that are checked."""
        items = (self._classes.item(row) for row in range(self._classes.count()))
        return tuple(item.text() for item in items if item.checkState() == Qt.CheckState.Checked)

    def _begin(self) -> None:
        self._downloads.start(self.chosen_classes)

    def _show(self) -> None:
        remote = self._downloads.remote
        if remote is None:
            return
        if remote.name != self._shown:
            self._shown = remote.name
            self._describe(remote)
        running = self._downloads.running
        here = running == remote.name
        self._show_progress(self._downloads.progress if here else None)
        missing = self._missing(remote)
        self._panel.allow(self._start, missing)
        self._start.setText("Continue download" if 0 < remote.there < remote.bytes else "Download")
        self._stop.setEnabled(here)
        for widget in (self._accept, self._classes, self._search):
            widget.setEnabled(not here)

    def _missing(self, remote: RemoteDataSet) -> str:
        """Sentence on what is missing before the download can begin; empty: nothing."""
        if self._downloads.running:
            return "One data set is downloaded at a time."
        if remote.classes and not self.chosen_classes:
            return "Check the classes to download first."
        return "" if self._accept.isChecked() else "Accept the licence first."

    def _describe(self, remote: RemoteDataSet) -> None:
        self._title.setText(remote.title)
        self._texts["summary"].setText(remote.summary)
        url = remote.licence_url
        link = f'<br><a href="{url}">{url}</a>' if url else ""
        self._texts["licence"].setText(remote.licence + link)
        self._texts["citation"].setText(remote.citation)
        there = f", {memory_text(remote.there)} of them on this disk" if remote.there else ""
        size = "" if remote.classes else f"{memory_text(remote.bytes)}{there}\n"
        self._texts["size"].setText(
            f"{size}From {', '.join(remote.servers)}; kept in {self._downloads.home}, then imported."
        )
        self._accept.setChecked(False)
        blocked = self._classes.blockSignals(True)
        self._classes.clear()
        for name in remote.classes:
            item = QListWidgetItem(name, self._classes)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
        self._classes.blockSignals(blocked)
        self._search.clear()
        for widget in (self._classes, self._search):
            widget.setVisible(bool(remote.classes))

    def _filter(self, text: str) -> None:
        wanted = text.strip().lower()
        for row in range(self._classes.count()):
            item = self._classes.item(row)
            item.setHidden(wanted not in item.text().lower())

    def _show_progress(self, progress: DownloadProgressed | ImportProgressed | None) -> None:
        problem = self._downloads.problem if not self._downloads.running else ""
        text = problem
        if progress is not None:
            text = _words(progress)
        elif self._downloads.running:
            text = "Connecting …" if self._downloads.running == self._shown else "Another data set is downloaded."
        self._line.setText(text or " ")
        set_role(self._line, error=bool(problem))
        self._bar.setVisible(progress is not None)
        if progress is not None:
            per_mille = 1000 * progress.done // progress.total if progress.total else 0
            self._bar.setMaximum(1000 if progress.total else 0)
            self._bar.setValue(per_mille)


def _words(progress: DownloadProgressed | ImportProgressed) -> str:
    if isinstance(progress, ImportProgressed):
        speed = rate_words(progress.rate, "images", progress.seconds_left)
        return " · ".join(filter(None, (progress_words(progress.stage, progress.done, progress.total), speed)))
    parts = [f"{progress.stage} {progress.file}", f"{memory_text(progress.done)} of {memory_text(progress.total)}"]
    if progress.rate:
        parts.append(f"{memory_text(round(progress.rate))}/s")
    if progress.seconds_left >= 0:
        parts.append(f"{duration_text(progress.seconds_left)} left")
    if progress.server:
        parts.append(f"from {progress.server}")
    words = " · ".join(parts)
    return f"{words}\n{progress.remark}" if progress.remark else words
