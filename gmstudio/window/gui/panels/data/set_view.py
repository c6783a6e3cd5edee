"""View of the data set that is open: its name and figures, pages of its images, statistics, settings and facts."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.data import SPLIT_TITLES
from gmstudio.window.gui.forms.form import Form
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.about import AboutView
from gmstudio.window.gui.panels.data.pages import PagesView
from gmstudio.window.gui.panels.data.points_view import PointsView
from gmstudio.window.gui.panels.data.statistics import StatisticsView, text_label
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs, Tab
from gmstudio.window.state.data.settings_split import set_schema, without_drawn
from gmstudio.window.state.data.state import DataState

SIDE_WIDTH, LEAST_SIDE_WIDTH = 336, 308
TRAIN_TIP = "Set Train up with this data set and these settings"
SETTINGS_NOTE = "They change what is shown here, and what “Train on this” takes."


class SetView(QWidget):
    """The data set that is open.

    Args:
        state: state of the panel.
        panel: panel that names the controls.

    Attributes:
        in_tab_order: widgets that take the focus, in their order.
    """

    def __init__(self, state: DataState, panel: Panel) -> None:
        super().__init__()
        self._state, self._panel = state, panel
        self._title = ElidedLabel(self)
        self._title.setProperty("role", "title")
        self._facts = ElidedLabel(self)
        self._facts.setProperty("role", "muted")
        panel.name_widget(self._title, "title", "Data set", "")
        panel.name_widget(self._facts, "facts", "Size of the data set", "")
        train = panel.add_action(
            "train",
            "Train on this",
            "Ctrl+Return",
            state.train,
            icon="train",
            tip=TRAIN_TIP,
            needs="No data set is open.",
        )
        self._train = panel.button(train)
        self._train.setProperty("primary", True)
        self._tabs = LazyTabs(
            (
                Tab(
                    "statistics",
                    "Statistics",
                    "Counts, classes, levels, duplicates",
                    lambda: StatisticsView(state, panel),
                ),
                Tab(
                    "settings", "Settings", "What is taken of the data set, and how", lambda: SettingsView(state, panel)
                ),
                Tab("about", "About", "Files, hash, and what was guessed", lambda: AboutView(state, panel)),
            ),
            parent=self,
        )
        self._tabs.setMinimumWidth(LEAST_SIDE_WIDTH)
        panel.name_widget(self._tabs, "tabs", "Statistics, settings and facts", "")
        self._lay_out()
        for changed in (state.opened.opened, state.opened.page_changed, state.lists_changed):
            changed.connect(self._show)
        self._show()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._title)
        words.addWidget(self._facts)
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addLayout(words, 1)
        head.addWidget(self._train, 0, Qt.AlignmentFlag.AlignVCenter)
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._panel.name_widget(splitter, "set_splitter", "Images and facts", "")
        pages, points = PagesView(self._state, self._panel), PointsView(self._state, self._panel)
        self._content = QStackedWidget(self)
        for page in (pages, points):
            self._content.addWidget(page)
        self._points = points
        splitter.addWidget(self._content)
        splitter.addWidget(self._tabs)
        splitter.setStretchFactor(0, 1)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(GRID)
        splitter.setSizes([640, SIDE_WIDTH])
        self._panel.remember(splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(GRID)
        layout.addLayout(head)
        layout.addWidget(splitter, 1)
        self.in_tab_order: list[QWidget] = [
            self._train,
            *pages.in_tab_order,
            *points.in_tab_order,
            self._tabs.tabBar(),
        ]

    def _show(self) -> None:
        self._title.set_words(self._state.title)
        page, is_points = self._state.opened.page, self._state.points.is_open
        self._content.setCurrentIndex(1 if is_points else 0)
        if page is None:
            self._facts.set_words(" ")
        else:
            sizes = ", ".join(f"{n:,} {SPLIT_TITLES[split]}" for split, n in page.sizes.items())
            words = f"{page.image} · {sizes} images"
            if is_points:
                words = f"{page.image.width}-D, {page.image.levels} levels per axis · {sizes} points"
            self._facts.set_words(words)
        self._train.defaultAction().setEnabled(bool(self._state.opened.data))


class SettingsView(QScrollArea):
    """Form of the settings of the data set that is open.

    Args:
        state: state of the panel.
        panel: panel that names the controls.
    """

    def __init__(self, state: DataState, panel: Panel) -> None:
        super().__init__()
        self._state = state
        self._form: Form | None = None
        self._shown = ("", "")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        self._layout = QVBoxLayout(inner)
        self._layout.setContentsMargins(GRID, GRID, GRID, GRID)
        self._layout.setSpacing(GRID)
        note = text_label(inner, "muted")
        note.setText(SETTINGS_NOTE)
        self._layout.addWidget(note)
        self._layout.addStretch(1)
        self.setWidget(inner)
        state.opened.opened.connect(self._show)
        state.opened.page_changed.connect(self._show_refusals)
        self._show()

    def _show(self) -> None:
        opened = self._state.opened
        if (opened.data, opened.folder) == self._shown:
            return
        self._shown = (opened.data, opened.folder)
        if self._form is not None:
            self._form.retire()
            self._form = None
        schema = self._schema()
        if schema is not None:
            form = Form(schema, "data.settings", self.widget(), hide_idle=self._state.points.is_open)
            form.set_values(opened.config)
            form.set_beside(opened.config)
            form.changed.connect(lambda: self._state.set_config(form.values(), form.errors()))
            self._layout.insertWidget(1, form)
            self._form = form

    def _schema(self) -> dict[str, Any] | None:
        opened = self._state.opened
        if opened.folder:
            return set_schema(self._state.catalog)
        entry = next((entry for entry in self._state.shipped if entry.name == opened.data), None)
        if entry is None:
            return None
        return without_drawn(entry.config_schema) if self._state.points.is_open else entry.config_schema

    def _show_refusals(self) -> None:
        form, opened = self._form, self._state.opened
        if form is not None:
            if not opened.mistyped and (opened.data, opened.folder) == self._shown:
                form.set_values(opened.config)  # what was set beside the form
                form.set_beside(opened.config)
            form.set_refusals(opened.refusals)


class EmptyView(QWidget):
    """Invitation to choose or import a data set."""

    def __init__(self) -> None:
        super().__init__()
        title = QLabel("Choose a data set at the left, or import your own images")
        title.setProperty("role", "heading")
        text = text_label(self, "muted")
        text.setText(
            "Drop a folder or zip archive of pictures here, or anywhere on the window: subfolders become classes. "
            "Files of arrays are read too: .npz, .npy, .mat, .csv, IDX and CIFAR."
        )
        text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        layout = QGridLayout(self)
        layout.addWidget(title, 1, 1, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(text, 2, 1)
        layout.setColumnMinimumWidth(1, 420)
        for place in (0, 3):
            layout.setRowStretch(place, 1)
        layout.setColumnStretch(0, 1)
        layout.setColumnStretch(2, 1)
