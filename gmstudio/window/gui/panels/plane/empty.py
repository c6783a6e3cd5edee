"""Page on which runs on points are started: shown while there is none, and for other points."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.wrapping_row import WrappingRow
from gmstudio.window.state.plane.offers import SHAPE, TrainingOffers

PURPOSE = (
    "Models of points in one or two dimensions, seen whole: p(x) over the plane, beside the true distribution and "
    "other families, while they train and at every step of their training."
)
TRAIN_ONE = "Train a model: choose a set of points and a family. Most take a few seconds."
NONE_PROPOSED = "No model of points was trained yet. Choose the data “points” in Train."
STARTING = "The engine is starting …"
PAGE_WIDTH = 84 * GRID


class EmptyPage(QWidget):
    """Sets of points, a button for each family, and the ways to Data and Train.

    Args:
        panel: panel that names the controls.
        offers: runs that can be started.

    Signals:
        panel_wanted: name of the panel in which one goes on.
        back_wanted: the runs are to be shown again.
    """

    panel_wanted = Signal(str)
    back_wanted = Signal()

    def __init__(self, panel: Panel, offers: TrainingOffers) -> None:
        super().__init__(panel)
        self._panel, self._offers = panel, offers
        self._names: tuple[str, ...] = ()
        self.buttons: dict[str, QToolButton] = {}
        title, purpose = QLabel("Plane"), QLabel(PURPOSE)
        title.setProperty("role", "title")
        purpose.setWordWrap(True)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setProperty("role", "muted")
        self.shape = QComboBox()
        self.shape.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        panel.name_widget(self.shape, "offer_shape", "Points", "Distribution of the points that the run is trained on")
        self.row = WrappingRow(self, spacing=GRID)
        self.message = ElidedLabel()
        self.message.setProperty("role", "error")
        self.draw = self._way(
            "Points of my own …", "offer_data", "data", "Draw a density, or open a picture or a table"
        )
        self.train = self._way("More settings in Train …", "offer_train", "train", "Choose family, points and settings")
        self.back = QToolButton()
        self.back.setText("Back to the planes")
        self.back.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        panel.name_widget(self.back, "offer_back", "Back to the planes", "Show the runs again")
        self.back.clicked.connect(self.back_wanted)
        self.back.hide()
        self._lay_out(title, purpose)
        offers.changed.connect(self.refresh)
        self.refresh()

    def _way(self, text: str, control: str, target: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._panel.name_widget(button, control, text, tip)
        button.clicked.connect(lambda: self.panel_wanted.emit(target))
        return button

    def _lay_out(self, title: QLabel, purpose: QLabel) -> None:
        page = QWidget()
        page.setFixedWidth(PAGE_WIDTH)
        column = QVBoxLayout(page)
        column.setSpacing(2 * GRID)
        self.choice = QWidget()
        shape = QHBoxLayout(self.choice)
        shape.setContentsMargins(0, 0, 0, 0)
        label = QLabel("Points")
        label.setBuddy(self.shape)
        shape.addWidget(label)
        shape.addWidget(self.shape)
        shape.addStretch(1)
        ways = QHBoxLayout()
        ways.addWidget(self.draw)
        ways.addWidget(self.train)
        ways.addWidget(self.back)
        ways.addStretch(1)
        column.addWidget(title)
        column.addWidget(purpose)
        column.addWidget(self.words)
        column.addWidget(self.choice)
        column.addWidget(self.row)
        column.addWidget(self.message)
        column.addLayout(ways)
        across = QHBoxLayout()
        across.addStretch(1)
        across.addWidget(page)
        across.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addSpacing(8 * GRID)
        outer.addLayout(across)
        outer.addStretch(1)

    def refresh(self) -> None:
        """Show the offers of the engine's catalog."""
        offers = self._offers
        self.words.setText((TRAIN_ONE if offers.families else NONE_PROPOSED) if offers.ready else STARTING)
        for widget in (self.choice, self.row, self.draw, self.train):
            widget.setVisible(offers.ready)
        shapes = offers.shapes()
        if [self.shape.itemData(i) for i in range(self.shape.count())] != list(shapes):
            self.shape.clear()
            for value, title in shapes.items():
                self.shape.addItem(title, value)
        self.shape.setEnabled(bool(shapes))
        names = tuple(entry.card.name for entry in offers.families)
        if names != self._names:
            self._names = names
            self._make_buttons()
        reason = offers.unavailable
        for entry in offers.families:
            button = self.buttons[entry.card.name]
            button.setEnabled(not reason)
            button.setToolTip(f"Train {entry.card.title} on these points, with the settings that it proposes. {reason}")
        self.message.set_words(offers.problem)

    def _make_buttons(self) -> None:
        self.buttons = {}
        for entry in self._offers.families:
            button = QToolButton()
            button.setText(entry.card.title)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self._panel.name_widget(button, f"offer_{entry.card.name}", f"Train {entry.card.title}", "Train it")
            button.clicked.connect(partial(self._start, entry.card.name))
            self.buttons[entry.card.name] = button
        self.row.set_widgets(list(self.buttons.values()))

    def _start(self, family: str) -> None:
        self._panel.setFocus()  # the buttons are about to be disabled, and the focus would leave the panel
        shape = self.shape.currentData()
        self._offers.start(family, {SHAPE: shape} if shape else {})
