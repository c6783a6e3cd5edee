"""Points that are open in the Data panel: their distribution, and the drawing by hand."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Event
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.points import DescribePoints, PointsDescribed
from gmstudio.protocol.strokes import RADII, UNIT, Stroke, parse_strokes, with_strokes
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.data.opened import OpenedSet
from gmstudio.window.state.data.settings_split import POINTS
from gmstudio.window.state.edits import EditRecorder

DRAWN, ON_LINE = "drawn", "mixture_1d"
"""Shape that is drawn by hand, and the one of a line."""
NUM_SHOWN, NUM_LIVE = 1200, 800
"""Dots that are asked for, and while a stroke is drawn."""
NUM_ON_LINE = 20_000
"""Points of a line that are counted."""
FIRST_RADIUS = 30
Tool = Literal["look", "brush", "erase"]
Values = dict[str, Any]


class PointsPage(QObject):
    """Points with the settings of the set that is open.

    Args:
        link: connection to the engine.
        opened: the set that is open.
        change: called with settings that take the place of the present ones.
        open_points: called to open the points, where another set is open.

    Attributes:
        described: newest description; None: there is none.
        problem: why there is none, a sentence; empty otherwise.
        tool: effect of a press on the plane.
        radius: of the brush, in thousandths of the side.
        mirrored: each stroke is drawn a second time, left and right exchanged.
        edits: changes of the drawing, for undo.

    Signals:
        changed: ``described`` or ``problem`` changed.
        tool_changed: ``tool``, ``radius`` or ``mirrored`` changed.
        drawing_changed: the drawing changed.
    """

    changed = Signal()
    tool_changed = Signal()
    drawing_changed = Signal()

    def __init__(
        self,
        link: EngineLink,
        opened: OpenedSet,
        change: Callable[[Values], None],
        open_points: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._opened, self._change, self._open_points = opened, change, open_points
        self.described: PointsDescribed | None = None
        self.problem = ""
        self.tool: Tool = "brush"
        self.radius = FIRST_RADIUS
        self.mirrored = False
        self.edits = EditRecorder(self)
        self.edits.add_part("strokes", lambda: self.strokes, self._set_strokes)
        self._line: list[tuple[float, float]] = []
        self._asked: Values | None = None
        self._request = LatestWins(link, self)
        self._request.replied.connect(self._on_described)
        self._request.failed.connect(self._on_failed)
        opened.opened.connect(self._on_opened)
        opened.page_changed.connect(self._refresh)

    @property
    def is_open(self) -> bool:
        """Points are open."""
        return self._opened.data == POINTS

    @property
    def config(self) -> Values:
        """Settings of the points."""
        return self._opened.config

    @property
    def shape(self) -> str:
        """Shape of the points."""
        return str(self._opened.config.get("shape", ""))

    @property
    def strokes(self) -> str:
        """The drawing, as text (``gmstudio.protocol.strokes``)."""
        return str(self._opened.config.get("strokes", ""))

    @property
    def is_blank(self) -> bool:
        """Nothing is drawn or no file is chosen yet: an invitation, no mistake."""
        return not self.config.get({DRAWN: "strokes", "picture": "path", "csv": "path"}.get(self.shape, "shape"))

    @property
    def can_draw(self) -> bool:
        """A press on the plane draws or erases."""
        return self.shape == DRAWN and self.tool != "look"

    @property
    def line(self) -> NDArray[np.float64]:
        """(N, 2) places of the stroke that is being drawn, in sides of the window from its lower left corner."""
        return np.array(self._line, float).reshape(-1, 2)

    # ---- what a user does --------------------------------------------------------------------------------------

    def set_values(self, **values: Any) -> None:
        """Change settings, for example the shape."""
        self._change(values)

    def set_tool(self, tool: Tool) -> None:
        """Choose what a press on the plane does."""
        if tool != self.tool:
            self.tool = tool
            self.tool_changed.emit()

    def set_radius(self, radius: int) -> None:
        """Set the radius of the brush, in thousandths of the side."""
        radius = min(max(radius, RADII[0]), RADII[1])
        if radius != self.radius:
            self.radius = radius
            self.tool_changed.emit()

    def set_mirrored(self, on: bool) -> None:
        """Draw each stroke a second time, left and right exchanged, or not."""
        if on != self.mirrored:
            self.mirrored = on
            self.tool_changed.emit()

    def begin_stroke(self, x: float, y: float) -> None:
        """Begin a stroke at a place, in sides of the window."""
        self._line = [(x, y)]
        self._preview()

    def extend_stroke(self, x: float, y: float) -> None:
        """Draw on to a place."""
        if self._line:
            self._line.append((x, y))
            self._preview()

    def end_stroke(self) -> None:
        """Keep the stroke."""
        strokes, self._line = self._present(), []
        if not strokes:
            return
        text = with_strokes(self.strokes, strokes)
        try:
            parse_strokes(text)
        except ConfigError as error:  # the drawing is full
            self.problem = str(error)
            self._ask(self.config, NUM_SHOWN)
            self.changed.emit()
            return
        with self.edits.recording("Erase" if self.tool == "erase" else "Draw"):
            self._set_strokes(text)

    def cancel_stroke(self) -> None:
        """Drop the stroke that is being drawn."""
        if self._line:
            self._line = []
            self._ask(self.config, NUM_SHOWN)
            self.drawing_changed.emit()

    def clear(self) -> None:
        """Erase the whole drawing."""
        with self.edits.recording("Clear the drawing"):
            self._set_strokes("")

    # ---- drawing -----------------------------------------------------------------------------------------------

    def _present(self) -> list[Stroke]:
        """Strokes of the stroke that is being drawn."""
        if not self._line:
            return []
        lines = [self.line]
        if self.mirrored:
            lines.append(np.stack([1 - lines[0][:, 0], lines[0][:, 1]], axis=1))
        return [Stroke(self.radius / UNIT, line, self.tool == "erase") for line in lines]

    def _preview(self) -> None:
        self._ask(self.config | {"strokes": with_strokes(self.strokes, self._present())}, NUM_LIVE)
        self.drawing_changed.emit()

    def _set_strokes(self, text: str) -> None:
        """Show a drawing, also when it is an undone one and something else is open by now."""
        if not self.is_open:
            self._open_points()
        self._asked = None  # as many dots as at rest
        self._change({"shape": DRAWN, "strokes": text})
        self.drawing_changed.emit()

    # ---- requests ----------------------------------------------------------------------------------------------

    def _on_opened(self) -> None:
        self._request.reset()
        self.described, self.problem, self._asked, self._line = None, "", None, []
        self.changed.emit()
        self._refresh()

    def _refresh(self) -> None:
        """Ask for the points of the present settings, unless they were asked for."""
        if self.is_open and not self._line and self.config != self._asked and not self._opened.mistyped:
            self._ask(self.config, NUM_SHOWN)

    def _ask(self, config: Values, count: int) -> None:
        self._asked = dict(config)
        count = NUM_ON_LINE if self.shape == ON_LINE else count
        self._request.submit(DescribePoints(data=POINTS, data_config=self._asked, count=count))

    def _on_described(self, event: Event) -> None:
        if isinstance(event, PointsDescribed) and self.is_open:
            self.described, self.problem = event, ""
            self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is Reason.ENGINE_GONE:
            self._asked = None
            return
        self.described, self.problem = None, failure.message
        self.changed.emit()
