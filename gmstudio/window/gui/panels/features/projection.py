"""Projection page: a map of images by their features, with what is selected and the neighbours of an image."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from gmstudio.media.csv_text import csv_text
from gmstudio.protocol.image_sets import ImagesFetched
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.features.projection_colouring import ProjectionColouring
from gmstudio.window.gui.panels.features.projection_inspector import ProjectionInspector
from gmstudio.window.gui.panels.features.projection_settings import ProjectionSettingsColumn
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.projection.image_map import KEY_ZOOM, ImageMap
from gmstudio.window.gui.widgets.projection.map_selection import Tool
from gmstudio.window.state.features.projection import QUICK, ProjectionState
from gmstudio.window.state.features.projection_colours import ProjectionColours
from gmstudio.window.state.features.projection_neighbours import ProjectionNeighbours
from gmstudio.window.state.features.state import FeaturesState

MAP_TIP = (
    "Each point is an image, near to those with similar features. Drag to pan, turn the wheel to zoom, Shift and drag "
    "for a lasso, Ctrl and drag for a rectangle, click for neighbours. Keys: arrows, +, −, Home, Return, Esc."
)
COLUMN_PX = 26 * GRID
SIDE_PX = 30 * GRID
TOOLS: tuple[tuple[Tool, str, str, str, str], ...] = (
    ("pan", "Pan", "", "pan", "Drag the map"),
    ("lasso", "Lasso", "Shift+L", "lasso", "Drag around points to select; Shift adds. In the Pan tool: hold Shift"),
    ("rectangle", "Rectangle", "Shift+R", "rectangle", "Select a rectangle; Shift adds. In the Pan tool: hold Ctrl"),
)


class ProjectionPage(ActiveWidget):
    """Settings and colours at the left, the map in the middle, images at the right.

    Args:
        panel: that it belongs to.
        state: of the panel.

    Attributes:
        map: of the images.
    """

    def __init__(self, panel: Panel, state: FeaturesState) -> None:
        super().__init__(panel)
        self._panel = panel
        self._state = state.page(ProjectionState)
        self._colours = ProjectionColours(self._state, self)
        self._neighbours = ProjectionNeighbours(self._state, self)
        self._images = self._state.pictures(self)
        self.map = ImageMap()
        panel.name_widget(self.map, "projection_map", "Map of images", MAP_TIP)
        self.settings = ProjectionSettingsColumn(panel, self._state)
        self.colouring = ProjectionColouring(panel, self._state, self._colours)
        self.inspector = ProjectionInspector(panel, self._state, self._colours, self._neighbours)
        self.title = ElidedLabel()
        self._make_actions()
        self._lay_out()
        self._connect()
        self._show_images()

    def set_active(self, active: bool) -> None:
        """Request only while the page is on the screen."""
        self._state.set_active(active)
        self._colours.set_active(active)

    def _make_actions(self) -> None:
        add = self._panel.add_action
        self._tools: dict[Tool, QAction] = {}
        group = QActionGroup(self)
        for name, text, key, icon, tip in TOOLS:
            action = add(
                f"projection_{name}",
                text,
                key,
                lambda on, name=name: self.map.set_tool(name) if on else None,
                icon=icon,
                tip=tip,
                checkable=True,
            )
            group.addAction(action)
            self._tools[name] = action
        self._tools["pan"].setChecked(True)
        self._with_images = add(
            "projection_images",
            "Images",
            "Shift+I",
            self.map.set_with_images,
            icon="image",
            tip="Draw the images themselves where few points are visible",
            checkable=True,
        )
        self._with_images.setChecked(True)
        self._fit = add("projection_fit", "Fit", "", self.map.fit, icon="fit", tip="Show all points (Home on the map)")
        self._larger = add(
            "projection_zoom",
            "Zoom in",
            "",
            lambda: self.map.zoom(KEY_ZOOM**2),
            icon="zoom",
            tip="Enlarge the middle of the map (+ on the map)",
        )
        self._panel.remember(self._with_images)

    def _lay_out(self) -> None:
        left = QWidget()
        left.setFixedWidth(COLUMN_PX)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.settings)
        column.addWidget(self.colouring, 1)
        top = QHBoxLayout()
        top.setSpacing(GRID // 2)
        top.addWidget(self.title, 1)
        for action in (*self._tools.values(), self._with_images, self._larger, self._fit):
            top.addWidget(self._panel.button(action, icon_only=True))
        middle = QWidget()
        rows = QVBoxLayout(middle)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addLayout(top)
        rows.addWidget(self.map, 1)
        self.inspector.setMinimumWidth(SIDE_PX)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(2 * GRID)
        self.split.addWidget(middle)
        self.split.addWidget(self.inspector)
        self.split.setStretchFactor(0, 1)
        self.split.setSizes([100 * GRID, SIDE_PX + 2 * GRID])
        self._panel.name_widget(self.split, "projection_split_view", "Map and images", "")
        self._panel.remember(self.split)
        page = QHBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(2 * GRID)
        page.addWidget(left)
        page.addWidget(self.split, 1)

    def _connect(self) -> None:
        state = self._state
        state.images_changed.connect(self._show_images)
        state.places_changed.connect(self._show_places)
        state.progress_changed.connect(self._show_title)
        state.selection_changed.connect(lambda: self.map.set_selection(state.selection))
        self._colours.changed.connect(self._show_colours)
        self._neighbours.changed.connect(self._show_neighbours)
        self._images.arrived.connect(self._on_images_arrived)
        self.map.wanted.connect(self._images.fetch)
        self.map.hovered.connect(self.inspector.show_hover)
        self.map.picked.connect(self._neighbours.choose)
        self.map.selected.connect(self._on_selected)
        self.map.table = self.table
        self.inspector.hovered.connect(self._on_sheet_hovered)
        self.inspector.pictures.accept_drops(self.map, self.inspector.image)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _show_images(self) -> None:
        """Show another set of images, or none."""
        self.map.set_places(np.zeros((0, 2), np.float32))
        self._show_places()

    def _show_places(self) -> None:
        shown = self._state.shown
        if shown is not None:
            first = not self.map.count
            self.map.set_places(shown.places, fit=first)
            self.map.set_axes(*shown.axis_names())
            self._show_colours()
        self._show_title()

    def _show_colours(self) -> None:
        colours = self.colouring.map_colours()
        if len(colours.codes) == self.map.count:
            self.map.set_colours(colours)

    def _show_neighbours(self) -> None:
        self.map.set_neighbours(self._neighbours.query, self._neighbours.indices)

    def _show_title(self) -> None:
        state, shown = self._state, self._state.shown
        if shown is None:
            self.title.set_words("")
            waits = state.progress is not None or state.choice.method in QUICK
            words = "Computing the map …" if waits and state.wanted() is not None and not state.problem else ""
            self.map.set_placeholder(state.problem or words or "Press Project to compute the map.")
            return
        reply = shown.reply
        parts = [reply.title, reply.method_text, f"{len(shown.places):,} images of {reply.images_title}"]
        if reply.weights_step >= 0:
            parts.append(f"weights of step {reply.weights_step:,}")
        if state.stale and state.progress is None:
            parts.insert(0, "Other settings than chosen")
        self.title.set_words(" · ".join(filter(None, parts)))

    def _on_images_arrived(self, event: ImagesFetched) -> None:
        self.inspector.learn(event)
        self.map.show_images(event.indices.numpy(), event.images.numpy(), event.image.levels)

    def _on_selected(self, indices: object) -> None:
        assert isinstance(indices, np.ndarray)
        if not len(indices):
            self._neighbours.clear()
        self._state.select(indices)

    def _on_sheet_hovered(self, index: int) -> None:
        self.map.point_out(index)
        self.inspector.show_hover(index)

    def table(self) -> str:
        """Points as CSV: number, coordinates, label, value of the colour."""
        shown = self._state.shown
        if shown is None:
            return ""
        values = self._colours.values
        header = ["image", "x", "y"]
        header += ["label"] if shown.labels is not None else []
        header += [self._colours.title] if values is not None else []
        header += ["selected"]
        rows: list[list[object]] = []
        chosen = set(self._state.selection.tolist())
        for index, (x, y) in enumerate(shown.places.tolist()):
            row: list[object] = [index, x, y]
            row += [shown.label_name(int(shown.labels[index]))] if shown.labels is not None else []
            row += [float(values[index])] if values is not None else []
            rows.append([*row, int(index in chosen)])
        return csv_text(header, rows)
