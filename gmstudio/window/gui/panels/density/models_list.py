"""List of the models that the Density panel is about: runs with check boxes, the first of them in bold."""

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPersistentModelIndex, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
)

from gmstudio.protocol.runs import RunInfo, bits_text
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.run_chooser import MAX_LISTED, NO_RUN, WAITING, listed_runs
from gmstudio.window.gui.run_text import progress_text, run_name, run_tip, started_text
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.state.density.state import DensityState
from gmstudio.window.state.runs.turns import MANY

RUN = Qt.ItemDataRole.UserRole
Flag = QItemSelectionModel.SelectionFlag
LONG = 12
"""Runs from which on there is a filter."""
SWATCH = 12
TIP = (
    "Check the models that are compared; each has the colour of its curves. Double-click or Return makes a model the "
    "first one, shown in bold, to whose size and levels the images are converted."
)
EXAMPLES = "Examples"
BETWEEN = " · "
"""Between the data, the steps and the figure of a run."""
LINE_SEPARATOR = "\u2028"
"""What a delegate has for the end of a line."""


class _TwoLines(QStyledItemDelegate):
    """Draws the second line of a run with its figure whole: what is before it is elided, so that no digit is lost."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Elide the second line to the width that there is for words."""
        super().initStyleOption(option, index)
        first, line, second = option.text.partition(LINE_SEPARATOR)
        if line and option.rect.width() > 0:
            style = option.widget.style()
            words = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, option, option.widget)
            margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, option, option.widget) + 1
            second = elided_line(second, QFontMetrics(option.font), words.width() - 2 * margin - 2)
            option.text = f"{first}{line}{second}"


class ModelsList(ActiveWidget):
    """Runs of the library in two lines each, to be checked.

    Args:
        panel: names the controls.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: DensityState) -> None:
        super().__init__()
        self._state = state
        self._show_first = True
        """The line of the first model is to be scrolled to, as it is not the user's scrolling that hid it."""
        self.list, self.filter = QListWidget(self), QLineEdit(self)
        panel.name_widget(self.list, "models", "Models", TIP)
        panel.name_widget(self.filter, "filter", "Filter of the models", "Show only models whose line has this text.")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setItemDelegate(_TwoLines(self.list))
        self.list.setIconSize(QSize(SWATCH, SWATCH))
        self.list.installEventFilter(self)
        self.filter.setPlaceholderText("Filter …")
        self.filter.setClearButtonEnabled(True)
        self._empty = QLabel(WAITING)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._empty.setWordWrap(True)
        self._empty.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        for widget in (self.filter, self.list, self._empty):
            column.addWidget(widget)
        self.list.itemChanged.connect(self._on_checked)
        self.list.itemActivated.connect(self._on_activated)
        self.filter.textChanged.connect(self._on_filter)
        for change in (state.runs_changed, theme().changed):
            change.connect(self._fill)
        state.library.turns.add(self._follow)
        state.run_changed.connect(self._on_run_changed)
        self._fill()

    def minimumSizeHint(self) -> QSize:
        """Height of three runs."""
        return QSize(super().minimumSizeHint().width(), 7 * self.fontMetrics().height())

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Make the current run the first one by Return, which a shortcut would take; select it with the focus only."""
        if watched is self.list and event.type() == QEvent.Type.FocusOut:
            self.list.clearSelection()
        elif watched is self.list and event.type() == QEvent.Type.FocusIn and self.list.currentItem() is not None:
            self.list.currentItem().setSelected(True)
        if watched is self.list and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            item = self.list.currentItem()
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and item is not None:
                self._on_activated(item)
                return True
        return False

    def set_active(self, active: bool) -> None:
        """Write what changed while the list was hidden."""
        if active and len(self._state.library.runs) >= MANY:
            self._fill()

    def _follow(self) -> None:
        """Take the library's runs; a hidden list of many waits until it is shown."""
        if self.active or len(self._state.library.runs) < MANY:
            self._fill()

    def _fill(self) -> None:
        """Write the lines anew; the place of the scroll bar and the current line stay."""
        able = self._state.library.runs_with("")
        runs = self._listed(able)
        current, scrolled = self._run(self.list.currentItem()), self.list.verticalScrollBar().value()
        with QSignalBlocker(self.list):
            known = [self._run(self.list.item(row)) for row in range(self.list.count())]
            lines = self._lines(runs)
            if known != [run for run, _ in lines]:
                self.list.clear()
                for run, _ in lines:
                    QListWidgetItem(self.list).setData(RUN, run)
            for row, (run, info) in enumerate(lines):
                self._describe(self.list.item(row), info)
                if run and run == current:
                    marked = Flag.Select if self.list.hasFocus() else Flag.NoUpdate
                    self.list.setCurrentRow(row, marked)
        self.list.verticalScrollBar().setValue(scrolled)
        if self._show_first and lines:
            self._show_first = False
            self._scroll_to_first()
        self.filter.setVisible(len(able) >= LONG)
        self._empty.setVisible(not able)
        self._empty.setText(NO_RUN if self._state.library.home else WAITING)
        self.list.setVisible(bool(able))
        self._hide()

    def _on_filter(self) -> None:
        """List what has the typed words; in a short list lines are hidden only."""
        if len(self._state.library.runs_with("")) > MAX_LISTED:
            self._fill()
        else:
            self._hide()

    def _listed(self, able: list[RunInfo]) -> list[RunInfo]:
        """Runs that get a line: all, or of thousands the first that have the words of the filter, and the checked."""
        words = self.filter.text().casefold()
        if words and len(able) > MAX_LISTED:
            checked = self._state.runs
            able = [info for info in able if info.run in checked or words in self._words(info).casefold()]
        return listed_runs(able, self._state.runs)

    def _words(self, info: RunInfo) -> str:
        """Both lines of a run, without the mark of the run in training."""
        started = started_text(info) if not info.example else ""
        figures = (info.data_label, progress_text(info, self._state.library.live), bits_text(info) or started)
        return f"{run_name(info)}\n{BETWEEN.join(filter(None, figures))}"

    def _on_run_changed(self) -> None:
        """Show the first model, where it was chosen elsewhere."""
        if not self.list.hasFocus() and not self.list.underMouse():
            self._scroll_to_first()

    def _scroll_to_first(self) -> None:
        """Show the line of the first model, which may be far down in a long list."""
        for row in range(self.list.count()):
            if self._state.run and self._run(self.list.item(row)) == self._state.run:
                self.list.scrollToItem(self.list.item(row), QListWidget.ScrollHint.PositionAtCenter)

    def _lines(self, runs: list[RunInfo]) -> list[tuple[str, RunInfo | None]]:
        """Runs in their order, with a heading before the examples."""
        own = [(info.run, info) for info in runs if not info.example]
        examples = [(info.run, info) for info in runs if info.example]
        return [*own, *((("", None), *examples) if examples else ())]

    def _describe(self, item: QListWidgetItem, info: RunInfo | None) -> None:
        font = self.list.font()
        if info is None:
            font.setBold(True)
            item.setText(EXAMPLES)
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            item.setFont(font)
            return
        state = self._state
        place = state.runs.index(info.run) if info.run in state.runs else -1
        font.setBold(place == 0)
        item.setFont(font)
        live = "● " if info.run == state.library.live else ""
        item.setText(f"{live}{self._words(info)}")
        item.setToolTip(run_tip(info))
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Unchecked if place < 0 else Qt.CheckState.Checked)
        item.setIcon(swatch(None if place < 0 else theme().series(place)))

    def _hide(self) -> None:
        """Hide the lines that the filter leaves out; a checked run is always shown."""
        words = self.filter.text().casefold() if not self.filter.isHidden() else ""
        for row in range(self.list.count()):
            item = self.list.item(row)
            run = self._run(item)
            item.setHidden(bool(run) and words not in item.text().casefold() and run not in self._state.runs)

    def _on_checked(self, item: QListWidgetItem) -> None:
        run, runs = self._run(item), self._state.runs
        if not run:
            return
        if item.checkState() == Qt.CheckState.Checked and run not in runs:
            self._state.set_runs((*runs, run))
        elif item.checkState() == Qt.CheckState.Unchecked and len(runs) > 1:
            self._state.set_runs(tuple(other for other in runs if other != run))
        else:
            self._fill()  # one model stays checked

    def _on_activated(self, item: QListWidgetItem) -> None:
        if run := self._run(item):
            self._state.choose_run(run)

    def _run(self, item: QListWidgetItem | None) -> str:
        return "" if item is None else str(item.data(RUN) or "")


def elided_line(line: str, metrics: QFontMetrics, width: int) -> str:
    """Return a line that is at most ``width`` pixels wide, its last part whole where that is possible."""
    data, between, figure = line.rpartition(BETWEEN)
    if not between or metrics.horizontalAdvance(line) <= width:
        return line
    left = width - metrics.horizontalAdvance(between + figure)
    return f"{metrics.elidedText(data, Qt.TextElideMode.ElideRight, left)}{between}{figure}"


def swatch(colour: QColor | None) -> QIcon:
    """Square in the colour of a run; None: an empty one."""
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(Qt.GlobalColor.transparent if colour is None else colour)
    return QIcon(pixmap)
