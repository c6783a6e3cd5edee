"""Pages of the images of the data set that is open, by split and class."""

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from gmstudio.protocol.data import SPLIT_TITLES, SPLITS, DataBrowsed
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.content import kind_of, picture_size, pictures_of
from gmstudio.window.gui.panels.data.statistics import label_text
from gmstudio.window.gui.progress_text import loading_text
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.page_grid import PageGrid
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.overlay_note import OverlayNote
from gmstudio.window.gui.widgets.style_property import set_style_property
from gmstudio.window.state.data.opened import MAX_PAGE
from gmstudio.window.state.data.state import DataState

ALL = "All classes"
FIRST_WIDTH = 88
CANCELLED = "Loading was cancelled."
DOTS = "first coordinate to the right, second up"


class PagesView(QWidget):
    """Images of a split, a page at a time.

    Args:
        state: state of the panel.
        panel: panel that names the controls.

    Attributes:
        in_tab_order: widgets that take the focus, in their order.
    """

    def __init__(self, state: DataState, panel: Panel) -> None:
        super().__init__()
        self._state, self._opened, self._panel = state, state.opened, panel
        self._shown: DataBrowsed | None = None
        self._split = QComboBox(self)
        self._class = QComboBox(self)
        self._first = IntegerField(self)
        self._range = QLabel(self)
        self._grid = PageGrid(self)
        self._line = ElidedLabel(self)
        self._line.setProperty("role", "muted")
        self._name_controls()
        self._add_actions()
        self._retry = panel.button(self._actions["load"])
        self._note = OverlayNote(self._grid, self._retry)
        self._lay_out()
        self._connect()
        self._show()

    def _name_controls(self) -> None:
        panel = self._panel
        panel.name_widget(self._split, "split", "Split", "Split of the data set whose images are shown.")
        panel.name_widget(self._class, "class", "Class", "Class whose images are shown.")
        panel.name_widget(self._first, "first", "First image of the page", "Number of the first image of the page.")
        panel.name_widget(self._grid, "images", "Images of the data set", "")  # a tooltip would lie over the images
        panel.name_widget(self._line, "image", "Image under the pointer", "")
        for split in SPLITS:
            self._split.addItem(SPLIT_TITLES[split].capitalize(), split)
        self._class.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._class.setMinimumContentsLength(12)
        self._first.setFixedWidth(FIRST_WIDTH)
        self._range.setProperty("role", "muted")

    def _add_actions(self) -> None:
        opened, add = self._opened, self._panel.add_action
        self._actions = {
            "first_page": add(
                "first_page",
                "First page",
                "Home",
                lambda: opened.go_to(0),
                icon="rewind",
                needs="This is the first page, or no data set is open.",
            ),
            "previous": add(
                "previous",
                "Previous page",
                "PgUp",
                lambda: opened.turn_page(-1),
                icon="left",
                needs="This is the first page, or no data set is open.",
            ),
            "next": add(
                "next",
                "Next page",
                "PgDown",
                lambda: opened.turn_page(1),
                icon="right",
                needs="This is the last page, or no data set is open.",
            ),
            "last_page": add(
                "last_page",
                "Last page",
                "End",
                lambda: opened.turn_page(1 << 30),
                icon="finish",
                needs="This is the last page, or no data set is open.",
            ),
            "load": add("load", "Load again", "", self._load_or_cancel, tip="Load the data, or cancel loading them"),
        }

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self._split)
        row.addWidget(self._class)
        row.addWidget(self._line, 1)
        foot = QHBoxLayout()
        foot.setSpacing(GRID // 2)
        turns = {name: self._flat(name) for name in ("first_page", "previous", "next", "last_page")}
        foot.addWidget(turns["first_page"])
        foot.addWidget(turns["previous"])
        foot.addStretch(1)
        foot.addWidget(self._first)
        foot.addWidget(self._range)
        foot.addStretch(1)
        foot.addWidget(turns["next"])
        foot.addWidget(turns["last_page"])
        first, previous, *others = turns.values()
        self.in_tab_order: list[QWidget] = [self._split, self._class, self._grid, first, previous, self._first, *others]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addLayout(row)
        layout.addWidget(self._grid, 1)
        layout.addLayout(foot)

    def _flat(self, name: str) -> QToolButton:
        button = self._panel.button(self._actions[name], icon_only=True)
        button.setProperty("flat", True)
        return button

    def _connect(self) -> None:
        opened = self._opened
        opened.page_changed.connect(self._show)
        opened.opened.connect(self._show)
        opened.stats_changed.connect(self._fill_classes)
        self._split.activated.connect(lambda index: opened.choose(self._split.itemData(index), opened.label))
        self._class.activated.connect(lambda index: opened.choose(opened.split, self._class.itemData(index)))
        self._first.valueChanged.connect(lambda number: opened.go_to(number - 1))
        self._grid.capacity_changed.connect(lambda _count: self._fit_page())
        self._grid.beyond.connect(opened.turn_page)
        self._grid.hovered.connect(self._show_line)

    # ---- content -------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        page = self._opened.page
        if page is not self._shown:
            self._shown = page
            self._draw(page)
        with QSignalBlocker(self._split):
            self._split.setCurrentIndex(self._split.findData(self._opened.split))
        self._fill_classes()
        self._show_range()
        self._show_note()
        self._grid.set_placeholder("" if self._opened.data else "Choose a data set at the left.")
        self._show_line(-1)

    def _draw(self, page: DataBrowsed | None) -> None:
        if page is None:
            self._grid.set_images(np.zeros((0, 1, 1, 1), np.uint8))
            self._grid.set_captions([])
            return
        self._grid.set_image_size(*picture_size(page.image))
        self._grid.set_images(pictures_of(page.images.numpy(), page.image))
        self._fit_page()

    def _fit_page(self) -> None:
        """Fetch as many images as there is room for; points are all drawn into one picture."""
        page = self._opened.page
        dots = page is not None and kind_of(page.image) == "dots"
        self._opened.set_page_size(MAX_PAGE if dots else self._grid.capacity)

    def _fill_classes(self) -> None:
        stats, page = self._opened.stats, self._opened.page
        labels = sorted({label for split in stats.splits.values() for label in split.labels}) if stats else []
        names = stats.label_names if stats is not None else page.label_names if page is not None else ()
        wanted: list[tuple[str, int | None]] = [(ALL, None)]
        wanted += [(label_text(label, names), label) for label in labels]
        if [(self._class.itemText(i), self._class.itemData(i)) for i in range(self._class.count())] != wanted:
            with QSignalBlocker(self._class):
                self._class.clear()
                for title, label in wanted:
                    self._class.addItem(title, label)
        index = next((i for i, (_, label) in enumerate(wanted) if label == self._opened.label), 0)
        with QSignalBlocker(self._class):
            self._class.setCurrentIndex(index)
        self._class.setEnabled(bool(labels))

    def _show_range(self) -> None:
        opened, page = self._opened, self._opened.page
        count = len(page.images.numpy()) if page is not None else 0
        with QSignalBlocker(self._first):
            self._first.setRange(1, max(1, opened.total))
            self._first.setValue(opened.start + 1)
        self._first.setEnabled(count > 0)
        self._range.setText(f"– {opened.start + count:,} of {opened.total:,}" if count else "no images")
        for name, possible in (
            ("first_page", opened.start > 0),
            ("previous", opened.start > 0),
            ("next", opened.start + opened.page_size < opened.total),
            ("last_page", opened.start + opened.page_size < opened.total),
        ):
            self._actions[name].setEnabled(possible)

    def _show_note(self) -> None:
        opened = self._opened
        if opened.problem:
            sentence, role = opened.problem, "error"
        elif opened.loading is not None:
            sentence, role = loading_text(opened.loading), "muted"
        else:
            sentence, role = CANCELLED if opened.cancelled else "", "muted"
        label = self._note.label
        set_style_property(label, "role", role)
        self._actions["load"].setText("Cancel" if opened.loading is not None else "Load again")
        self._note.set_sentence(sentence)

    def _load_or_cancel(self) -> None:
        if self._opened.loading is not None:
            self._opened.cancel()
        else:
            self._opened.reload()

    def _show_line(self, place: int) -> None:
        """Describe the image under the pointer, or the page."""
        page = self._opened.page
        if page is None:
            self._line.set_words(" ")
            return
        if kind_of(page.image) == "dots":
            self._line.set_words(f"{len(page.images.numpy()):,} points: {DOTS}")
            return
        if not 0 <= place < len(page.images.numpy()):
            self._line.set_words("")
            return
        index = page.start + place if page.indices is None else int(page.indices.numpy()[place])
        words = f"{SPLIT_TITLES[page.split].capitalize()} image {index:,}"
        if page.labels is not None:
            words += f" · class {label_text(int(page.labels.numpy()[place]), page.label_names)}"
        self._line.set_words(words)
