"""Section of the chosen point: its coordinates, and what each run says of it."""

from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from gmstudio.protocol.scenes import Numbers
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.plane.titles import tile_titles
from gmstudio.window.gui.scenes.text_blocks import NumbersBlock
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.number_input import NumberField
from gmstudio.window.state.plane.state import PlaneState

HINT = (
    "Click a plane to choose a point. With the focus on a plane, Return chooses its centre, and arrows move the point."
)
NAMES = ("x", "y")
REFRESH_MS = 30


class PointView(QWidget):
    """Coordinates of the point, which can be typed, and a block of numbers for each tile.

    Args:
        panel: panel that names the controls.
        state: state of the panel.
    """

    def __init__(self, panel: Panel, state: PlaneState) -> None:
        super().__init__(panel)
        self._state = state
        self.fields = [NumberField() for _ in NAMES]
        self._labels = [QLabel() for _ in NAMES]
        for name, field in zip(NAMES, self.fields, strict=True):
            field.setDecimals(3)
            panel.name_widget(field, f"point_{name}", f"Coordinate {name} of the point", "Coordinate of the point")
        self.remove = panel.add_action(
            "remove_point",
            "Remove point",
            "Backspace",
            lambda: state.set_point(None),
            icon="close",
            needs="There is no point.",
        )
        self.hint = QLabel(HINT)
        self.hint.setWordWrap(True)
        self.hint.setProperty("role", "muted")
        self.blocks: dict[str, NumbersBlock] = {}
        self._column = QVBoxLayout()
        self._lay_out(panel)
        for index, field in enumerate(self.fields):
            field.valueChanged.connect(partial(self._on_typed, index))
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        for changed in (state.point_changed, state.tiles_changed, state.opened):
            changed.connect(self.refresh)
        state.described.connect(self._refresh_soon)  # all tiles answer at about the same time
        self.refresh()

    def _lay_out(self, panel: Panel) -> None:
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        for label, field in zip(self._labels, self.fields, strict=True):
            label.setBuddy(field)
            row.addWidget(label)
            row.addWidget(field, 1)
        row.addWidget(panel.button(self.remove, icon_only=True))
        page = QWidget()
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(0, 0, GRID, 0)
        self._column.setSpacing(GRID)
        self._column.addStretch(1)
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.area.setWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(row)
        column.addWidget(self.hint)
        column.addWidget(self.area, 1)

    def _refresh_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Show the point and its numbers."""
        self._timer.stop()
        state = self._state
        axes, point, levels = state.axes, state.point, state.levels
        for index, (label, field) in enumerate(zip(self._labels, self.fields, strict=True)):
            shown = index < max(len(axes), 1)
            label.setVisible(shown)
            field.setVisible(shown)
            field.setEnabled(bool(axes))
            if index < len(axes):
                axis = axes[index]
                label.setText(axis.title)
                with QSignalBlocker(field):
                    field.setRange(axis.low, axis.high)
                    field.setSuffix(f" {axis.unit}".rstrip())
                    field.setSingleStep((axis.high - axis.low) / max(levels, 1))
                    if point is not None and not field.hasFocus():
                        field.setValue(point[index])
        self.remove.setEnabled(point is not None)
        self.hint.setVisible(point is None)
        self._show_blocks()

    def _show_blocks(self) -> None:
        tiles = [tile for tile in self._state.tiles if tile.described is not None]
        runs = [tile.run for tile in tiles]
        for run in [run for run in self.blocks if run not in runs]:
            self.blocks.pop(run).deleteLater()
        names = dict(
            zip(
                [tile.run for tile in self._state.tiles],
                tile_titles([self._state.info(tile) for tile in self._state.tiles]),
                strict=True,
            )
        )
        for place, tile in enumerate(tiles):
            block = self.blocks.get(tile.run)
            if block is None:
                block = self.blocks[tile.run] = NumbersBlock()
            if self._column.indexOf(block) != place:
                self._column.insertWidget(place, block)
            assert tile.described is not None
            block.set_block(Numbers(title=names[tile.run], numbers=tile.described.numbers))

    def _on_typed(self, index: int, value: float) -> None:
        axes, point = self._state.axes, self._state.point
        if not axes:
            return
        middle = [(axis.low + axis.high) / 2 for axis in axes]
        typed = list(point if point is not None else middle)
        typed[index] = value
        self._state.set_point(tuple(typed))
