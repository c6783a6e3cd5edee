"""The Pixels panel's continuations: sixteen ways in which the image could go on."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.state.pixels.state import NUM_CONTINUATIONS, PixelsState

EXPLANATION = (
    f"Continues the placed pixels in {NUM_CONTINUATIONS} ways, with the weights and temperature in use: the first "
    "takes the most likely value of every conditional (temperature 0), the others are drawn. Click a continuation to "
    "adopt it."
)
TIP = (
    "Click a continuation to go on with it. The outlined first one takes the most likely value of every conditional, "
    "one after the other; the most likely image overall may be another."
)
MARK = "★"
"""Before the nats of the most likely values."""


class ContinuationsView(QWidget):
    """A grid of continuations with their nats; a click adopts one.

    Args:
        panel: whose controls these are.
        session: what they show and change.
    """

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._session = session
        self.continuation = panel.add_action(
            "continuation",
            "Continuation",
            "F",
            session.continuation,
            icon="continuation",
            tip=f"Continue from here in {NUM_CONTINUATIONS} ways: the most likely values, and random draws",
        )
        self.images = ImageGrid()
        self.images.set_placeholder(EXPLANATION)
        panel.name_widget(self.images, "continuations", "Continuations", TIP)
        self._text = QLabel()
        self._text.setProperty("role", "muted")
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        top = QHBoxLayout()
        top.addWidget(panel.button(self.continuation))
        top.addWidget(self._text, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, GRID, GRID)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addWidget(self.images, 1)
        self.images.clicked.connect(session.adopt)
        session.continuations_changed.connect(self.refresh)
        session.navigator.moved.connect(self._refresh_action)
        session.navigator.changed.connect(self._refresh_action)
        self.refresh()

    def refresh(self) -> None:
        """Show the continuations and how far they are."""
        continuations, state = self._session.continuations, self._session.state
        self._refresh_action()
        if continuations is None or state is None:
            self.images.set_images(self.images.images[:0])
            self.images.set_captions([])
            self.images.set_placeholder("Continuing …" if self._session.forking else EXPLANATION)
            self._text.setText("")
            return
        nats = continuations.nats.numpy().astype(np.float64)
        self.images.set_levels_images(continuations.images.numpy(), state.spec.levels)
        self.images.set_captions(
            [f"{MARK}{nats[0]:.{1 if nats[0] < 100 else 0}f}", *(f"{value:.1f}" for value in nats[1:])]
        )
        self.images.set_selected(0)
        done = against_samples(nats[0], nats[1:], continuations.start)
        self._text.setText(done if continuations.done else f"{continuations.step:,} of {state.num_dims:,}")

    def _refresh_action(self) -> None:
        state = self._session.state
        navigator = self._session.navigator
        self.continuation.setEnabled(
            (navigator.usable or navigator.opening) and state is not None and not state.finished
        )


def against_samples(greedy: float, samples: NDArray[np.float64], start: int) -> str:
    """The nats of the greedy continuation beside those of drawn ones, in words.

    Args:
        greedy: nats of the continuation of most likely values.
        samples: (N,) nats of the others.
        start: sub-pixels that they have in common.
    """
    likelier = int((samples < greedy).sum())
    proof = f"{likelier} of {samples.size} samples are likelier" if likelier else "another image may be likelier"
    return (
        f"{MARK} most likely values after the first {start:,}: {greedy:.1f} nats; greedy, {proof}. "
        f"Samples: {samples.mean():.1f}\u00a0±\u00a0{samples.std():.1f}\u00a0nats."
    )
