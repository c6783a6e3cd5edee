"""View of the map of a latent space: controls below the image, the map itself beside it."""

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.view import LatentView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.canvas.map_canvas import MapCanvas
from gmstudio.window.gui.widgets.canvas.map_points import Points
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.number_input import NumberField
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.latents.map import MAX_SPAN, MIN_SPAN, SIDES, Axis, LatentMap
from gmstudio.window.state.latents.state import LatentsState

CANVAS_TIP = (
    "Images on a plane through the code. The point is the code: drag it, click, or use the arrow keys. Dots are "
    "encoded images of the data; click one to see it and go to its code. Click a label of the legend to hide its dots, "
    "with Shift to hide all others."
)
AXIS_COMBO_PX = 15 * GRID


class MapView(LatentView):
    """Axes, range, size and layers of the map, which is larger than the images beside it.

    Args:
        panel: that it belongs to.
        state: shown and changed.
    """

    def __init__(self, panel: Panel, state: LatentsState) -> None:
        super().__init__(panel)
        self._state, self._map = state, state.map
        self.canvas = self.beside = MapCanvas()
        panel.name_widget(self.canvas, "map", "Map of the latent space", CANVAS_TIP)
        self.horizontal, self.vertical = QComboBox(), QComboBox()
        for combo, name, title in (
            (self.horizontal, "map_x", "Horizontal axis"),
            (self.vertical, "map_y", "Vertical axis"),
        ):
            panel.name_widget(combo, name, title, f"{title}: a dimension or a direction.")
            combo.setMinimumWidth(AXIS_COMBO_PX)
            combo.setMaximumWidth(2 * AXIS_COMBO_PX)
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.activated.connect(self._on_axes)
        self.span = NumberField()
        self.span.setRange(MIN_SPAN, MAX_SPAN)
        self.span.setSingleStep(0.5)
        self.span.setDecimals(1)
        self.span.setPrefix("±")
        panel.name_widget(self.span, "map_span", "Range", "Range ± of both axes.")
        self.side = QComboBox()
        for side in SIDES:
            self.side.addItem(f"{side}×{side}", side)
        panel.name_widget(self.side, "map_side", "Number of images", "Images in a row and a column of the map.")
        add = panel.add_action
        self.images = add("map_images", "Images", "I", self._on_shown, tip="Show decoded images", checkable=True)
        self.data = add("map_data", "Data", "D", self._on_shown, tip="Show encoded data as dots", checkable=True)
        panel.remember(self.side)
        self.status = ElidedLabel()
        self.status.setProperty("role", "muted")
        self._axes: list[Axis] = []
        self._labels: list[str] = []
        self._lay_out(panel)
        self._connect()

    def _lay_out(self, panel: Panel) -> None:
        axes, layers = QHBoxLayout(), QHBoxLayout()
        for widget in (QLabel("→"), self.horizontal, QLabel("↑"), self.vertical, self.span):
            axes.addWidget(widget, 2 if isinstance(widget, QComboBox) else 0)
        axes.addStretch(1)
        layers.addWidget(self.side)
        for action in (self.images, self.data):
            layers.addWidget(panel.button(action))
        layers.addWidget(self.status, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID // 2)
        for row in (axes, layers):
            row.setSpacing(GRID)
            column.addLayout(row)
        column.addStretch(1)

    def _connect(self) -> None:
        state, shown = self._state, self._map
        state.run_changed.connect(self._refresh)
        state.code.values_changed.connect(self._on_values_changed)
        state.annotations.names_changed.connect(self._refresh)
        state.directions.changed.connect(self._refresh)
        shown.changed.connect(self._refresh)
        shown.images_changed.connect(self._on_images)
        shown.scatter_changed.connect(self._on_scatter)
        shown.problem_changed.connect(self._show_status)
        shown.encoding_begun.connect(self._show_status)
        self.canvas.moved.connect(shown.go_to)
        self.canvas.picked.connect(self._on_picked)
        self.canvas.label_clicked.connect(lambda label, alone: shown.show_label(label, alone=alone))
        shown.original_changed.connect(self._on_original)
        self.canvas.hovered.connect(self._on_hovered)
        self.span.valueChanged.connect(shown.set_span)
        self.side.activated.connect(lambda index: shown.set_side(self.side.itemData(index)))

    # ---- the user's actions ----------------------------------------------------------------------------------------

    def _on_axes(self) -> None:
        self._map.set_axes(self._axes[self.horizontal.currentIndex()], self._axes[self.vertical.currentIndex()])

    def _on_shown(self) -> None:
        self._map.set_shown(images=self.images.isChecked(), data=self.data.isChecked())

    def _on_picked(self, index: int) -> None:
        """Encode the image of a dot, which is then shown as the original."""
        if self._map.scatter is not None:
            self._state.gallery.encode_image(self._map.scatter.split, index)

    def _on_original(self) -> None:
        self.canvas.set_thumbnail(None if self._map.original is None else self._map.original[1])

    def _on_hovered(self, index: int) -> None:
        scatter = self._map.scatter
        found = scatter is not None and 0 <= index < len(scatter.codes)
        title = scatter.title(index) if scatter is not None and found else ""
        self._map.show_original(index if found else -1)
        self.canvas.setToolTip("" if title else CANVAS_TIP)  # the thumbnail takes its place
        self._show_status(title)

    # ---- showing ---------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if not self.active:
            return
        shown: LatentMap = self._map
        self._fill_axes()
        for action, state in ((self.images, shown.show_images), (self.data, shown.show_data)):
            action.blockSignals(True)
            action.setChecked(state)
            action.blockSignals(False)
            action.changed.emit()
        able = self._state.space.can("encode")
        self.data.setEnabled(able)
        self.span.setVisible(self._state.code.range.prior != "bernoulli")
        self.span.blockSignals(True)
        self.span.setValue(shown.span)
        self.span.blockSignals(False)
        self.side.setCurrentIndex(self.side.findData(shown.side))
        self.canvas.set_frame(shown.low, shown.high, shown.side, *(shown.label(a) for a in shown.axes))
        self.canvas.set_placeholder(self._obstacle())
        self._on_images()
        self._on_scatter()
        self._on_values_changed()
        self._show_status()

    def _fill_axes(self) -> None:
        directions = self._state.directions.all
        axes: list[Axis] = [*directions, *range(self._state.code.num_dims)]
        labels = [self._map.label(axis) for axis in axes]
        if labels != self._labels or len(axes) != len(self._axes):
            self._labels = labels
            for combo in (self.horizontal, self.vertical):
                combo.clear()
                combo.addItems(labels)
        self._axes = axes
        for combo, axis in zip((self.horizontal, self.vertical), self._map.axes, strict=True):
            combo.setCurrentIndex(next((i for i, a in enumerate(axes) if a is axis or a == axis), -1))

    def _on_images(self) -> None:
        if self.active:
            self.canvas.set_images(self._map.images if self._map.show_images else None)

    def _on_scatter(self) -> None:
        if self.active:
            scatter = self._map.scatter if self._map.show_data else None
            places = self._map.scattered()[: None if scatter else 0]
            labels = scatter.labels if scatter is not None and len(places) else None
            self.canvas.set_points(Points(places, labels, scatter.names if scatter else (), self._map.hidden))
            self._show_status()

    def _on_values_changed(self) -> None:
        if self.active:
            self.canvas.set_position(self._map.position if self._map.plane is not None else None)

    def _obstacle(self) -> str:
        if self._state.code.num_dims == 1:
            return "The latent space has one dimension; a map needs two."
        if self._state.code.num_dims and self._map.plane is None:
            return "The axes are parallel; choose two different ones."
        return ""

    def _show_status(self, hovered: str = "") -> None:
        space, scatter = self._state.space, self._map.scatter
        text = hovered or self._map.problem
        if not text and self._state.code.num_dims and not space.can("encode"):
            text = f"{space.family} has no encoder, so there are no dots of the data."
        elif not text and self._map.encoding and scatter is None:
            text = "Encoding images of the data …"
        elif not text and scatter is not None:
            text = scatter.summary
        self.status.set_words(text)
        set_role(self.status, error=bool(self._map.problem) and not hovered)

    def set_active(self, active: bool) -> None:
        """Show and request the map only while it is on the screen."""
        if active:
            self._refresh()
        self._map.set_active(active)
