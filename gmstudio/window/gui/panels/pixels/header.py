"""Header of the Pixels panel: run, weights, class, and toggles of the image."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.state.pixels.generation_link import CAPABILITY
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary

NO_CLASS = "No class"
CLASS_TIP = "Class that the model is conditioned on; another one begins again, with the same seed."


class Header(QWidget):
    """The run, the training step of its weights, and the class.

    Args:
        panel: gets the actions.
        session: state that is shown and changed.
        library: the runs to choose from.
    """

    def __init__(self, panel: Panel, session: PixelsState, library: RunLibrary) -> None:
        super().__init__(panel)
        self._session, self._library = session, library
        self.run = RunChooser(library, CAPABILITY)
        self.run.setObjectName("pixels.run")
        self.step = QLabel()
        self.label = QComboBox()
        panel.name_widget(self.label, "label", "Class", CLASS_TIP)
        self.weights = panel.add_action(
            "weights",
            "Use current weights",
            "U",
            session.use_current_weights,
            icon="refresh",
            tip="Use the run's newest weights; the placed pixels stay and are rescored",
            needs="The newest weights are in use.",
        )
        self.follow = panel.add_action(
            "follow",
            "Follow training",
            "T",
            session.weights.set_following,
            icon="live",
            tip="Use newer weights while the run trains: watch conditional and surprisal change",
            checkable=True,
            needs="The run is not in training.",
        )
        self._weights_button, self._follow_button = panel.button(self.weights), panel.button(self.follow)
        self._toggles: tuple[QToolButton, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.run, self.step, self.label, self._weights_button, self._follow_button):
            self._row.addWidget(widget)
        self._row.addStretch(1)
        self.run.chosen.connect(session.choose_run)
        self.label.currentIndexChanged.connect(lambda _index: session.choose_label(self.label.currentData()))
        session.images.changed.connect(self.refresh)

    def add_toggles(self, *toggles: QToolButton) -> None:
        """Add toggles of the image at the right end."""
        self._toggles += toggles
        for toggle in toggles:
            self._row.addWidget(toggle)

    @property
    def buttons(self) -> tuple[QToolButton, ...]:
        """Buttons from left to right."""
        return (self._weights_button, self._follow_button, *self._toggles)

    def set_narrow(self, narrow: bool) -> None:
        """Show only the icons of the buttons in a narrow window."""
        styles = Qt.ToolButtonStyle
        for button in self.buttons:
            button.setToolButtonStyle(styles.ToolButtonIconOnly if narrow else styles.ToolButtonTextBesideIcon)
        self.label.setMaximumWidth((12 if narrow else 24) * GRID)

    def refresh(self) -> None:
        """Show the weights in use, newer ones, and the class."""
        session, state = self._session, self._session.state
        if session.run != self.run.current():  # it was chosen from elsewhere
            self.run.choose(session.run)
        self.step.setText(f"weights of step {state.weights_step:,}" if state is not None else "")
        newer = session.weights.are_newer and (session.navigator.usable or session.navigator.opening)
        live = bool(session.run) and session.run == self._library.live
        self.follow.setEnabled(live)
        self._follow_button.setVisible(live)
        self.weights.setEnabled(newer)
        self._weights_button.setVisible(newer and not (live and session.weights.following))
        if newer:
            self.weights.setText(f"Use current weights (step {session.weights.step:,})")
        self._list_classes(state.classes if state is not None else ())

    def _list_classes(self, classes: tuple[int, ...]) -> None:
        data = self._session.images.data
        names = data.label_names if data is not None else ()
        texts = [f"Class {names[label] if label < len(names) else label}" for label in classes]
        wanted = [(NO_CLASS, -1), *zip(texts, classes, strict=True)]
        self.label.blockSignals(True)
        if wanted != [(self.label.itemText(index), self.label.itemData(index)) for index in range(self.label.count())]:
            self.label.clear()
            for text, label in wanted:
                self.label.addItem(text, label)
        self.label.setCurrentIndex(self.label.findData(self._session.label))
        self.label.blockSignals(False)
        self.label.setVisible(bool(classes))
