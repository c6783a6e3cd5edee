"""Data panel: lists of data sets, the one that is open, and the import of files."""

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from gmstudio.window.gui.dropped_data import data_in
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.download_view import DownloadView
from gmstudio.window.gui.panels.data.import_view import ImportView
from gmstudio.window.gui.panels.data.set_list import SetList
from gmstudio.window.gui.panels.data.set_view import EmptyView, SetView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.state.data.state import DataState
from gmstudio.window.state.runs.library import RunLibrary

LIST_WIDTH, LEAST_LIST_WIDTH = 248, 192


class DataPanel(Panel):
    """Panel for looking at data sets and importing images.

    Args:
        state: state of the panel.
        library: library of runs and data sets.
    """

    name: ClassVar[str] = "data"

    def __init__(self, state: DataState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.setAcceptDrops(True)
        sets = SetList(state, self)
        sets.setMinimumWidth(LEAST_LIST_WIDTH)
        opened, imported = SetView(state, self), ImportView(state, self)
        self._pages: dict[str, QWidget] = {
            "set": opened,
            "import": imported,
            "download": DownloadView(state, self),
            "empty": EmptyView(),
        }
        self._stack = QStackedWidget(self)
        for page in self._pages.values():
            self._stack.addWidget(page)
        splitter = QSplitter(self)
        self.name_widget(splitter, "splitter", "List and set", "")
        splitter.addWidget(sets)
        splitter.addWidget(self._stack)
        splitter.setStretchFactor(1, 1)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(GRID)
        splitter.setSizes([LIST_WIDTH, 900])
        self.remember(splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        for chain in (sets.in_tab_order, opened.in_tab_order, imported.in_tab_order):
            _order_tabs(chain)
        imported.form_made.connect(lambda: _order_tabs(imported.in_tab_order))
        self.record_edits(state.points.edits)
        self.record_edits(state.assistant.edits)
        state.view_changed.connect(self._show_view)
        self._show_view()

    def set_active(self, active: bool) -> None:
        """Open a data set where none is."""
        self._state.set_active(active)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if self._state.is_local and data_in(event.mimeData(), anything=True):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import what was dropped."""
        path = data_in(event.mimeData(), anything=True)
        if path:
            event.acceptProposedAction()
            self._state.import_files(path)

    def _show_view(self) -> None:
        self._stack.setCurrentWidget(self._pages[self._state.view])


def _order_tabs(widgets: Sequence[QWidget]) -> None:
    for before, after in pairwise(widgets):
        QWidget.setTabOrder(before, after)
