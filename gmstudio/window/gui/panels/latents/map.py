"""The map of a latent space: its controls below the image, the map itself beside it."""

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QVBoxLayout

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.tab import LatentView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.canvas.map_canvas import MapCanvas
from gmstudio.window.gui.widgets.canvas.map_points import Points
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.state.latents.map import MAX_SPAN, MIN_SPAN, SIDES, Axis, LatentMap
from gmstudio.window.state.latents.state import LatentsState

CANVAS_TIP = (
    "Images of the codes on a plane through the code: the point is the code; drag it, click, or move it with the arrow "
    "keys. Dots are codes of images of the data; click one to go there."
)
AXIS_COMBO_PX = 15 * GRID


class MapView(LatentView):
    """Axes, range and size; which is shown. The map, of many images, is larger than the one image beside it.

    Args:
        panel: that it is part of.
        session: what it shows and changes.
    """

    beside_stretch = 14

    def __init__(self, panel: Panel, session: LatentsState) -> None:
        super().__init__(panel)
        self._session, self._map = session, session.map
        self.canvas = self.beside = MapCanvas()
        panel.name_widget(self.canvas, "map", "Map of the latent space", CANVAS_TIP)
        self.across, self.up = QComboBox(), QComboBox()
        for combo, name, words in ((self.across, "map_x", "across"), (self.up, "map_y", "up")):
            panel.name_widget(combo, name, f"What the map shows {words}", f"The dimension or direction {words}.")
            combo.setMinimumWidth(AXIS_COMBO_PX)
            combo.setMaximumWidth(2 * AXIS_COMBO_PX)
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.activated.connect(self._on_axes)
        self.span = QDoubleSpinBox()
        self.span.setRange(MIN_SPAN, MAX_SPAN)
        self.span.setSingleStep(0.5)
        self.span.setDecimals(1)
        self.span.setPrefix("±")
        self.span.setKeyboardTracking(False)
        panel.name_widget(self.span, "map_span", "Range of the map", "How far the map goes to each side.")
        self.side = QComboBox()
        for side in SIDES:
            self.side.addItem(f"{side}×{side}", side)
        panel.name_widget(self.side, "map_side", "Images of the map", "How many images the map has.")
        add = panel.add_action
        self.images = add("map_images", "Images", "I", self._on_shown, tip="Show decoded images", checkable=True)
        self.data = add("map_data", "Data", "D", self._on_shown, tip="Scatter the data's codes", checkable=True)
        self.words = ElidedLabel()
        self.words.setProperty("role", "muted")
        self._axes: list[Axis] = []
        self._labels: list[str] = []
        self._lay_out(panel)
        self._connect()

    def _lay_out(self, panel: Panel) -> None:
        axes, layers = QHBoxLayout(), QHBoxLayout()
        for widget in (QLabel("→"), self.across, QLabel("↑"), self.up, self.span):
            axes.addWidget(widget, 2 if isinstance(widget, QComboBox) else 0)
        axes.addStretch(1)
        layers.addWidget(self.side)
        for action in (self.images, self.data):
            layers.addWidget(panel.button(action))
        layers.addWidget(self.words, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID // 2)
        for row in (axes, layers):
            row.setSpacing(GRID)
            column.addLayout(row)
        column.addStretch(1)

    def _connect(self) -> None:
        session, shown = self._session, self._map
        session.run_changed.connect(self._refresh)
        session.code_changed.connect(self._on_code_changed)
        session.annotations.names_changed.connect(self._refresh)
        session.directions.changed.connect(self._refresh)
        shown.changed.connect(self._refresh)
        shown.images_changed.connect(self._on_images)
        shown.scatter_changed.connect(self._on_scatter)
        shown.problem_changed.connect(self._tell)
        shown.encoding_begun.connect(self._tell)
        self.canvas.moved.connect(shown.go_to)
        self.canvas.picked.connect(shown.go_to_image)
        self.canvas.hovered.connect(self._on_hovered)
        self.span.valueChanged.connect(shown.set_span)
        self.side.activated.connect(lambda index: shown.set_side(self.side.itemData(index)))

    # ---- what the user does ----------------------------------------------------------------------------------------

    def _on_axes(self) -> None:
        self._map.set_axes(self._axes[self.across.currentIndex()], self._axes[self.up.currentIndex()])

    def _on_shown(self) -> None:
        self._map.set_shown(images=self.images.isChecked(), data=self.data.isChecked())

    def _on_hovered(self, index: int) -> None:
        scatter = self._map.scatter
        found = scatter is not None and 0 <= index < len(scatter.codes)
        title = scatter.title(index) if scatter is not None and found else ""
        self.canvas.setToolTip(f"{title}; click to go to its code." if title else CANVAS_TIP)
        self._tell(title)

    # ---- showing ---------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if not self.isVisible():
            return
        shown: LatentMap = self._map
        self._fill_axes()
        for action, state in ((self.images, shown.show_images), (self.data, shown.show_data)):
            action.blockSignals(True)
            action.setChecked(state)
            action.blockSignals(False)
            action.changed.emit()
        able = self._session.can("encode")
        self.data.setEnabled(able)
        self.span.setVisible(self._session.range.prior != "bernoulli")
        self.span.blockSignals(True)
        self.span.setValue(shown.span)
        self.span.blockSignals(False)
        self.side.setCurrentIndex(self.side.findData(shown.side))
        self.canvas.set_frame(shown.low, shown.high, shown.side, *(shown.name(a) for a in shown.axes))
        self.canvas.set_placeholder(self._why_not())
        self._on_images()
        self._on_scatter()
        self._on_code_changed()
        self._tell()

    def _fill_axes(self) -> None:
        directions = self._session.directions.all
        axes: list[Axis] = [*directions, *range(self._session.num_dims)]
        labels = [self._map.name(axis) for axis in axes]
        if labels != self._labels or len(axes) != len(self._axes):
            self._labels = labels
            for combo in (self.across, self.up):
                combo.clear()
                combo.addItems(labels)
        self._axes = axes
        for combo, axis in zip((self.across, self.up), self._map.axes, strict=True):
            combo.setCurrentIndex(next((i for i, a in enumerate(axes) if a is axis or a == axis), -1))

    def _on_images(self) -> None:
        if self.isVisible():
            self.canvas.set_images(self._map.images if self._map.show_images else None)

    def _on_scatter(self) -> None:
        if self.isVisible():
            scatter = self._map.scatter if self._map.show_data else None
            places = self._map.scattered()[: None if scatter else 0]
            labels = scatter.labels if scatter is not None and len(places) else None
            self.canvas.set_points(Points(places, labels, scatter.names if scatter else ()))
            self._tell()

    def _on_code_changed(self) -> None:
        if self.isVisible():
            self.canvas.set_position(self._map.position if self._map.plane is not None else None)

    def _why_not(self) -> str:
        if self._session.num_dims == 1:
            return "The latent space has one dimension; a map needs two."
        if self._session.num_dims and self._map.plane is None:
            return "Both axes go along one line; choose two different ones."
        return ""

    def _tell(self, hovered: str = "") -> None:
        session, scatter = self._session, self._map.scatter
        words = hovered or self._map.problem
        if not words and session.num_dims and not session.can("encode"):
            words = f"{session.family} has no encoder, so no data can be scattered over its map."
        elif not words and self._map.encoding and scatter is None:
            words = "Encoding images of the data …"
        elif not words and scatter is not None:
            words = f"{len(scatter.codes):,} images of {scatter.split}, encoded at step {scatter.step:,}"
        self.words.set_words(words)
        role = "error" if self._map.problem and not hovered else "muted"
        if self.words.property("role") != role:
            self.words.setProperty("role", role)
            self.words.style().polish(self.words)

    # ---- Qt --------------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks at the map."""
        super().showEvent(event)
        self._refresh()
        self._map.set_watching(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody does."""
        super().hideEvent(event)
        self._map.set_watching(False)
