"""View of points that are open: the plane with their distribution, the tools to draw one, and numbers."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.strokes import UNIT, WINDOW
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.density_brush import DensityBrush
from gmstudio.window.gui.panels.data.points_layers import are_alike, layers_of, numbers_text, plane_axes
from gmstudio.window.gui.panels.data.points_tools import PointsTools
from gmstudio.window.gui.panels.data.statistics import text_label
from gmstudio.window.gui.picture_source import file_in
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.style_property import set_style_property
from gmstudio.window.state.data.points import DRAWN
from gmstudio.window.state.data.state import DataState

REMARK_LINES = 2
DRAW_TIP = "Drag: draw or erase; the points follow. Wheel, + and −: zoom. 0: fit. Esc: drop the stroke."


class PointsView(QWidget):
    """Points and the distribution that they were drawn from.

    Args:
        state: state of the panel.
        panel: panel that names the controls.

    Attributes:
        in_tab_order: widgets that take the focus, in their order.
    """

    def __init__(self, state: DataState, panel: Panel) -> None:
        super().__init__()
        self._state, self._points = state, state.points
        self.tools = PointsTools(state, panel)
        self.plane = DensityBrush(self)
        self._numbers = ElidedLabel(self)
        self._remarks = text_label(self, "muted")
        panel.name_widget(self.plane, "points_plane", "Plane of the points", self.plane.toolTip())
        panel.name_widget(self._numbers, "points_numbers", "Numbers of the points", "")
        panel.name_widget(self._remarks, "points_remarks", "Remarks on the points", "")
        self._pan_tip = self.plane.toolTip()
        room = REMARK_LINES * self._remarks.fontMetrics().lineSpacing()
        self._remarks.setFixedHeight(room)
        self._remarks.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._remarks.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.tools)
        layout.addWidget(self.plane, 1)
        layout.addWidget(self._numbers)
        layout.addWidget(self._remarks)
        self.in_tab_order: list[QWidget] = [*self.tools.in_tab_order, self.plane]
        self.setAcceptDrops(True)
        self._connect()
        self._show()

    def _connect(self) -> None:
        points, plane = self._points, self.plane
        plane.stroke_begun.connect(points.begin_stroke)
        plane.stroke_extended.connect(points.extend_stroke)
        plane.stroke_ended.connect(points.end_stroke)
        plane.stroke_cancelled.connect(points.cancel_stroke)
        points.changed.connect(self._show)
        points.tool_changed.connect(self._show_brush)
        points.drawing_changed.connect(lambda: plane.set_line(points.line))
        self._state.opened.opened.connect(self._show)
        self._state.opened.page_changed.connect(self._show_brush)
        self.tools.pasted.failed.connect(self._show_problem)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept a picture or a table."""
        if self._state.is_local and (file_in(event.mimeData()) or event.mimeData().hasImage()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take it as density, or as points."""
        if self.tools.pasted.take(event.mimeData()):
            event.acceptProposedAction()

    def _show(self) -> None:
        points = self._points
        described = points.described
        if described is not None:
            self.plane.set_axes(*plane_axes(described), square=are_alike(described.axes))
            self.plane.set_layers(
                layers_of(described, density=self.tools.density.isChecked(), points=self.tools.dots.isChecked())
            )
            self._numbers.set_words(numbers_text(described))
        else:
            if points.shape == DRAWN:
                self.plane.set_axes(PointAxis("x₁", *WINDOW), PointAxis("x₂", *WINDOW), square=True)
            self.plane.set_layers(())
            self._numbers.set_words(" ")
        if points.problem:
            self._show_problem(points.problem)
        else:
            self._write("\n".join(described.remarks) if described is not None else "", "muted")
        self._show_brush()

    def _show_problem(self, sentence: str) -> None:
        self._write(sentence, "muted" if self._points.is_blank else "error")

    def _write(self, text: str, role: str) -> None:
        self._remarks.setText(text)
        self._remarks.setToolTip(text)
        set_style_property(self._remarks, "role", role)

    def _show_brush(self) -> None:
        points = self._points
        self.plane.set_brush(
            draws=points.can_draw,
            radius=points.radius / UNIT,
            erases=points.tool == "erase",
            mirrored=points.mirrored,
        )
        self.plane.setToolTip(DRAW_TIP if points.can_draw else self._pan_tip)
