"""The Pixels panel's forks: sixteen ways in which the image could go on."""

from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.gui.panels.panel import Panel
from gmstudio.gui.theme import GRID
from gmstudio.gui.widgets.image_grid import ImageGrid
from gmstudio.session.pixels import NUM_FORKS, PixelsSession

EXPLANATION = (
    f"Fork continues the pixels placed so far in {NUM_FORKS} ways, with the weights and temperature in use. "
    "Click a continuation to adopt it."
)


class ForksView(QWidget):
    """A grid of continuations with their nats; a click adopts one.

    Args:
        panel: whose controls these are.
        session: what they show and change.
    """

    def __init__(self, panel: Panel, session: PixelsSession) -> None:
        super().__init__(panel)
        self._session = session
        self.fork = panel.add_action(
            "fork",
            "Fork",
            "F",
            session.fork,
            icon="fork",
            tip=f"Continue from here in {NUM_FORKS} ways; other ones each time",
        )
        self.images = ImageGrid()
        self.images.set_placeholder(EXPLANATION)
        panel.name_widget(self.images, "forks", "Continuations", "Click a continuation to go on with it.")
        self._text = QLabel()
        self._text.setProperty("role", "muted")
        top = QHBoxLayout()
        top.addWidget(panel.button(self.fork))
        top.addWidget(self._text, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, GRID, GRID)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addWidget(self.images, 1)
        self.images.clicked.connect(session.adopt)
        session.forks_changed.connect(self.refresh)
        session.walk.moved.connect(self._refresh_action)
        session.walk.changed.connect(self._refresh_action)
        self.refresh()

    def refresh(self) -> None:
        """Show the continuations and how far they are."""
        forks, state = self._session.forks, self._session.state
        self._refresh_action()
        if forks is None or state is None:
            self.images.set_images(self.images.images[:0])
            self.images.set_captions([])
            self.images.set_placeholder("Continuing …" if self._session.forking else EXPLANATION)
            self._text.setText("")
            return
        nats = forks.nats.numpy()
        self.images.set_levels_images(forks.images.numpy(), state.spec.levels)
        self.images.set_captions([f"{value:.1f}" for value in nats])
        what = f"of the first {forks.start:,}; nats below each"
        self._text.setText(what if forks.done else f"{forks.step:,} of {state.num_dims:,}")

    def _refresh_action(self) -> None:
        state = self._session.state
        walk = self._session.walk
        self.fork.setEnabled((walk.usable or walk.opening) and state is not None and not state.finished)
