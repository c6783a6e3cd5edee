"""Section of what the chosen tile's model has inside: the view, its sliders and numbers."""

from functools import partial

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.protocol.plane import PlaneSlider, PlaneView
from gmstudio.protocol.scenes import Numbers
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.plane.view_hands import ViewHands
from gmstudio.window.gui.scenes.text_blocks import NumbersBlock
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.plane.plane_canvas import PlaneCanvas
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider
from gmstudio.window.state.plane.state import PlaneState

NONE = "Density only"
NO_VIEWS = "This model has no views of its inside."
NOTHING = "Open a run of points first."
PLANE_HEIGHT = 36 * GRID
PLANE_TIP = "Plane of codes on which the view is drawn: drag pans, the wheel zooms, a double click shows all."
PRESENT = "Views are of the present weights; go to “Now” to see them."


class InsideView(QWidget):
    """View of the chosen tile.

    Args:
        panel: panel that names the controls and has the actions.
        state: state of the panel.
    """

    def __init__(self, panel: Panel, state: PlaneState) -> None:
        super().__init__(panel)
        self._panel, self._state = panel, state
        self._shown: PlaneView | None = None
        self.view = QComboBox()
        panel.name_widget(self.view, "view", "View", "View of what the model of the outlined tile has inside")
        self.help, self.note = QLabel(), QLabel()
        for label in (self.help, self.note):
            label.setWordWrap(True)
            label.setProperty("role", "muted")
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.help.setMinimumHeight(4 * self.help.fontMetrics().lineSpacing())
        self.play = panel.add_action(
            "play_view",
            "Play view",
            "P",
            self._toggle,
            icon="play",
            tip="Play the frames of the view, or pause",
            needs="This view has no frames.",
        )
        self.reset = panel.add_action(
            "reset_view",
            "Reset view",
            "",
            state.reset_inputs,
            icon="reset",
            tip="Set handles, lines and sliders of the view to their first values",
            needs="Choose a view first.",
        )
        self.sliders: dict[str, TypedSlider] = {}
        self._form = QFormLayout()
        self._form.setContentsMargins(0, 0, 0, 0)
        self.numbers = NumbersBlock()
        self.plane = PlaneCanvas()
        panel.name_widget(self.plane, "view_plane", "Plane of the view", PLANE_TIP)
        self.plane.setFixedHeight(PLANE_HEIGHT)
        self.hands = ViewHands(self.plane, state, lambda: state.run)
        self._lay_out()
        self.view.activated.connect(lambda index: state.choose_view(self.view.itemData(index)))
        state.run_changed.connect(self.refresh)
        state.tiles_changed.connect(self.refresh)
        state.tile_changed.connect(lambda tile: self.refresh() if tile is state.chosen else None)
        self.refresh()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID // 2)
        for action in (self.play, self.reset):
            buttons.addWidget(self._panel.button(action))
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.view)
        column.addWidget(self.help)
        column.addLayout(self._form)
        column.addLayout(buttons)
        column.addWidget(self.plane)
        column.addWidget(self.numbers)
        column.addWidget(self.note)
        column.addStretch(1)

    def refresh(self) -> None:
        """Show the chosen tile's view."""
        tile = self._state.chosen
        views = tile.views if tile is not None else ()
        self._fill(views)
        inside = tile.inside if tile is not None else None
        view = inside.view if inside is not None else None
        self.view.setCurrentIndex(max(self.view.findData(view.name if view is not None else ""), 0))
        self.view.setEnabled(bool(views))
        self._make_sliders(view)
        words = view.help if view is not None else NOTHING if tile is None else "" if views else NO_VIEWS
        self.help.setText(words)
        self.reset.setEnabled(view is not None)
        self.play.setEnabled(inside is not None and inside.frame_slider is not None)
        playing = inside is not None and inside.playing
        self.play.setText("Pause view" if playing else "Play view")
        self._panel.set_action_icon(self.play, "pause" if playing else "play")
        drawn = inside.drawn if inside is not None else None
        self.numbers.setVisible(drawn is not None and bool(drawn.numbers))
        self.note.setText("")
        apart = view is not None and len(view.axes) == 2
        self.plane.setVisible(apart)
        if inside is None or view is None or tile is None:
            return
        for slider in view.sliders:
            self.sliders[slider.name].set_value(inside.value(slider))
        if apart:
            self.plane.set_axes(view.axes[0], view.axes[1], square=True)
            self.plane.set_layers(drawn.layers if drawn is not None else ())
        if drawn is not None:
            self.numbers.set_block(Numbers(title=view.title, numbers=drawn.numbers))
            self.note.setText(drawn.note)
        if not tile.present:
            self.note.setText(PRESENT)

    def _fill(self, views: tuple[PlaneView, ...]) -> None:
        names = ["", *(view.name for view in views)]
        if [self.view.itemData(i) for i in range(self.view.count())] != names:
            self.view.clear()
            self.view.addItem(NONE, "")
            for view in views:
                self.view.addItem(view.title, view.name)
                self.view.setItemData(self.view.count() - 1, view.help, Qt.ItemDataRole.ToolTipRole)

    def _make_sliders(self, view: PlaneView | None) -> None:
        """Make the sliders of another view."""
        if view is self._shown:
            return
        self._shown = view
        while self._form.rowCount():
            self._form.removeRow(0)
        self.sliders = {}
        for slider in view.sliders if view is not None else ():
            row = TypedSlider(slider.low, slider.high, decimals=_decimals(slider), suffix=f" {slider.unit}".rstrip())
            row.name(f"plane.view.{slider.name}", slider.title, f"{slider.title} of the view.")
            row.set_value(slider.value)
            row.value_changed.connect(partial(self._on_slid, slider.name))
            label = QLabel(slider.title)
            label.setBuddy(row.slider)
            self._form.addRow(label, row)
            self.sliders[slider.name] = row

    def _on_slid(self, name: str, value: float) -> None:
        tile = self._state.chosen
        if tile is not None:
            tile.inside.stop()
            self._state.set_input(tile.run, name, np.array([value]))

    def _toggle(self) -> None:
        tile = self._state.chosen
        if tile is not None and tile.inside.playing:
            tile.inside.stop()
        elif tile is not None:
            tile.inside.play()


def _decimals(slider: PlaneSlider) -> int:
    """Digits behind the point that tell two steps of a slider apart."""
    return next((digits for digits in range(6) if abs(round(slider.step, digits) - slider.step) < 1e-9), 6)
