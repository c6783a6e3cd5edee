"""Pixels panel: an image of an autoregressive model, generated sub-pixel by sub-pixel."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import ClassVar

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.attribution import AttributionView
from gmstudio.window.gui.panels.pixels.breakpoints import stop_text
from gmstudio.window.gui.panels.pixels.comparison import ComparisonView
from gmstudio.window.gui.panels.pixels.conditional import ConditionalView
from gmstudio.window.gui.panels.pixels.conditioning import ConditioningView
from gmstudio.window.gui.panels.pixels.continuations import ContinuationsView
from gmstudio.window.gui.panels.pixels.edit import ToolLine
from gmstudio.window.gui.panels.pixels.guess import GuessView
from gmstudio.window.gui.panels.pixels.guess_picture import round_picture, tints_of
from gmstudio.window.gui.panels.pixels.header import Header
from gmstudio.window.gui.panels.pixels.order import OrderView
from gmstudio.window.gui.panels.pixels.picture import OrderPaths, legend_of, picture_of, reading_of
from gmstudio.window.gui.panels.pixels.pixel_menu import pixel_menu
from gmstudio.window.gui.panels.pixels.surprisal import Figures, SurprisalView
from gmstudio.window.gui.panels.pixels.transport import Transport
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.canvas.order_overlay import MODES, OrderMode, OrderPath
from gmstudio.window.gui.widgets.canvas.paint_canvas import Mode, PaintCanvas
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs, Tab
from gmstudio.window.gui.widgets.overlay_note import OverlayNote
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.gui.widgets.sections import Section, Sections
from gmstudio.window.gui.widgets.style_property import set_style_property
from gmstudio.window.state.pixels.order import painted_ranks
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary

SIDE_WIDTH, NARROW_SIDE_WIDTH = 57 * GRID, 54 * GRID
SIDE_SHARE = 0.4
"""Largest share of the width that the side takes where the type is large."""
NARROW, LOW = 130 * GRID, 62 * GRID
"""Width and height of the panel below which it leaves out words, and shows distribution or views alone."""
ORDER_TEXTS: dict[OrderMode, str] = {"off": "Order", "arrows": "Order: arrows", "ranks": "Order: ranks"}
CANVAS_TIP = (
    "The image as far as it is sampled. Frame: next pixel; outline: its receptive field, outside of which pixels are "
    "dimmed; pink: its blind spot; hatching: not yet sampled. Click a pixel to go back to it, or to sample up to it; "
    "Ctrl+click edits it."
)
NO_RUN = (
    "No autoregressive model has been trained yet. Start a PixelCNN under Train; it can be explored here while it "
    "trains."
)


class PixelsPanel(Panel):
    """The image, large, with its transport; beside it the conditional, the figures, and tabs with further views.

    Args:
        session: state that it shows and changes.
        library: the runs to choose from.
    """

    name: ClassVar[str] = "pixels"

    def __init__(self, session: PixelsState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.canvas = PaintCanvas()
        self.name_widget(self.canvas, "canvas", "Image", CANVAS_TIP)
        self._reading = ElidedLabel()
        self.name_widget(self._reading, "reading", "Pixel under the pointer, or the breakpoint", "")
        self.transport = Transport(self, session)
        self.header = Header(self, session, library)
        self.run = self.header.run
        self.conditional = ConditionalView(self, session)
        self.figures = Figures(self, session)
        self.surprisal = SurprisalView(self)
        self.conditioning = ConditioningView(self, session)
        self.order = OrderView(self, session)
        self.tool_line = ToolLine(self, session, self.order.apply)
        self.continuations = ContinuationsView(self, session)
        self.guess = GuessView(self, session)
        self.attribution = AttributionView(self, session, self.canvas)
        self.comparison = ComparisonView(self, session, self.canvas)
        self._hovered = (-1, -1)
        self._stop_shown: object = None
        self._paths = OrderPaths()
        self.record_edits(session.edits)
        self._add_view_actions()
        self._lay_out()
        self._connect()
        session.choose_run(self.run.current())
        self._refresh()
        self._refresh_status()

    def _add_view_actions(self) -> None:
        self.context = self.add_action(
            "context",
            "Context",
            "C",
            self.canvas.set_show_context,
            icon="eye",
            tip="Outline the receptive field of the next sub-pixel, dim what is outside, and colour its blind spot",
            checkable=True,
        )
        self.context.setChecked(True)
        self.heat = self.add_action(
            "heat",
            "Heat map",
            "H",
            self._on_heat,
            icon="heat",
            tip="Show the surprisal (−log p of each pixel) large, and the image small",
            checkable=True,
        )
        self.ranks = self.add_action(
            "order.show",
            ORDER_TEXTS["off"],
            "O",
            self._next_order_mode,
            icon="order",
            tip="Draw the generation order over the image: as arrows, as ranks, or not",
        )
        self.reopen = self.add_action(
            "reopen", "Reopen", "", self.session.use_current_weights, icon="refresh", tip="Continue from this pixel"
        )
        self.choose = self.add_action(
            "choose",
            "Choose a value",
            "B",
            self._choose_value,
            icon="pixels",
            tip="Focus the bars: ← → and Return choose a value; digits choose one from anywhere in the panel",
        )
        self.condition = self.add_action(
            "condition",
            "Condition on observed pixels",
            "I",
            self._show_conditioning,
            icon="image",
            tip="Choose a real image of which a part is observed; the model generates the rest",
        )

    # ---- layout ------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        toggles = [self.button(action) for action in (self.context, self.heat, self.ranks, self.tool_line.edit)]
        self.header.add_toggles(*toggles)
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        page.setSpacing(GRID)
        page.addWidget(self.header)
        self._reopen_button = self.button(self.reopen)
        self._problem = OverlayNote(self.canvas, self._reopen_button)
        body = QHBoxLayout()
        body.setSpacing(2 * GRID)
        body.addLayout(self._left(), 1)
        self._side = self._new_side()
        body.addWidget(self._side)
        page.addLayout(body, 1)
        for before, after in pairwise((self, self.run, self.header.label, *self.header.buttons, self.canvas)):
            QWidget.setTabOrder(before, after)

    def _left(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(GRID // 2)
        column.addWidget(self.canvas, 1)
        line = QHBoxLayout()
        line.setSpacing(GRID)
        line.addWidget(self._reading, 1)
        line.addWidget(self.tool_line)
        column.addLayout(line)
        column.addWidget(self.transport)
        return column

    def _new_side(self) -> QWidget:
        views: tuple[tuple[str, str, str, QWidget], ...] = (
            ("surprisal", "Surprisal", "Surprisal (−log p) of each pixel", self.surprisal),
            ("condition", "Condition", "Condition on observed pixels of a real image", self.conditioning),
            ("order", "Order", "Generation order", self.order),
            ("continuations", "Continue", "Sample continuations of the placed pixels", self.continuations),
            ("guess", "Guess", "Guess all pixels at once, and correct them in rounds", self.guess),
            ("attribution", "Saliency", "Saliency and receptive field of a conditional", self.attribution),
            ("compare", "Compare", "Compare with another run's model", self.comparison),
        )
        self.tabs = LazyTabs([Tab(name, title, tip, _builder_of(view)) for name, title, tip, view in views])
        self.tabs.build_all()
        self.tabs.tabBar().setProperty("crowded", True)
        self.name_widget(self.tabs, "views", "Further views", "")
        self.remember(self.tabs)
        distribution = QWidget()
        self._distribution = QVBoxLayout(distribution)
        self._distribution.setContentsMargins(0, 0, 0, 0)
        self._distribution.setSpacing(GRID)
        self._distribution.addWidget(self.conditional, 1)
        self._distribution.addWidget(self.figures)
        sections = (
            Section("distribution", "Distribution", "Conditional of the next sub-pixel", distribution),
            Section("views", "Views", "Surprisal, conditioning, order and further views", self.tabs),
        )
        self.sections = Sections(sections, Qt.Orientation.Vertical, GRID)
        self.name_widget(self.sections.bar, "sections", "Distribution or views", "")
        return self.sections

    def _connect(self) -> None:
        session, tools = self.session, self.session.tools
        session.navigator.moved.connect(self._refresh)
        session.navigator.changed.connect(self._refresh_status)
        session.changed.connect(self._refresh_status)
        for signal in (session.changed, session.conditioning.changed, session.navigator.changed, tools.changed):
            signal.connect(self._refresh)
        for signal in (session.guessing.changed, session.guessing.moved):
            signal.connect(self._refresh)
        session.continuations.changed.connect(self._on_continuations_changed)
        for name, view in (("guess", self.guess), ("attribution", self.attribution), ("compare", self.comparison)):
            view.revealed.connect(partial(self._show_view, name))
        self.canvas.clicked.connect(session.click)
        self.canvas.edit_wanted.connect(session.edit)
        self.canvas.menu_wanted.connect(self._on_menu_wanted)
        self.canvas.stroke_begun.connect(tools.begin_stroke)
        self.canvas.brushed.connect(tools.paint)
        self.canvas.stroke_ended.connect(tools.end_stroke)
        self.canvas.escaped.connect(self.tool_line.leave)
        tools.changed.connect(self._refresh_tool)
        self.surprisal.canvas.clicked.connect(session.go_to)
        self.canvas.hovered.connect(self._on_hovered)
        self.surprisal.canvas.hovered.connect(self._on_hovered)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        picture, shown_round = picture_of(self.session), round_picture(self.session.guessing)
        self.canvas.set_picture(shown_round or picture)
        self.canvas.set_tints(tints_of(self.session.guessing))
        self.canvas.set_heat(self.heat.isChecked() and shown_round is None)
        self.surprisal.set_picture(picture)
        self._show_painted()
        self._show_order()
        self._show_reading()

    def _refresh_status(self) -> None:
        session = self.session
        self._problem.set_sentence(session.problem)
        self._reopen_button.setVisible(bool(session.problem) and bool(session.run))
        self.header.refresh()
        opening = session.navigator.opening or (session.run and session.state is None)
        nothing = NO_RUN if session.library.home else "The engine is starting …"
        self.canvas.set_placeholder("Opening …" if opening and not session.problem else "" if session.run else nothing)

    def _refresh_tool(self) -> None:
        """Set the canvas to the selected tool, with the keyboard focus where that is another one."""
        tools = self.session.tools
        mode: Mode = "edit" if tools.tool == "edit" else "paint" if tools.painting else "go"
        if mode != self.canvas.mode and mode != "go" and self.isVisible():
            state = self.session.navigator.shown
            if state is not None and state.step:
                self.canvas.set_cursor_pixel(*state.place_of(state.step - 1)[1:])
            self.canvas.setFocus()
        self.canvas.set_mode(mode, tools.brush)

    def _show_painted(self) -> None:
        tools, conditioning = self.session.tools, self.session.conditioning
        painted = None
        if tools.tool == "order":
            painted = tools.order.mask()
        elif tools.tool == "mask":
            painted = tools.mask.mask()
        elif conditioning.image is not None and conditioning.image.observed is None:
            painted = conditioning.unlikely
        self.canvas.set_painted(painted, hatches=tools.tool != "order")  # ranks stay readable through it

    def _show_order(self) -> None:
        state, tools = self.session.navigator.shown, self.session.tools
        if state is None:
            self.canvas.set_order(None, "off")
        elif tools.tool == "order":
            ranks = painted_ranks(tools.order.ranks())
            self.canvas.set_order(OrderPath.of_ranks(ranks), "ranks")
        else:
            self.canvas.set_order(self._paths.of(state), self._order_mode)

    @property
    def _order_mode(self) -> OrderMode:
        mode: OrderMode = self.ranks.data() or "off"
        return mode

    def _next_order_mode(self) -> None:
        mode = MODES[(MODES.index(self._order_mode) + 1) % len(MODES)]
        self.ranks.setData(mode)
        self.ranks.setText(ORDER_TEXTS[mode])
        self._show_order()

    def _show_reading(self) -> None:
        """Describe an edit or the pixel under the pointer; else a breakpoint that was reached, a tool, or the marks."""
        state, stop, (row, column) = self.session.navigator.shown, self.session.navigator.stop, self._hovered
        if stop is not None and stop is not self._stop_shown:
            self._hovered = (row, column) = (-1, -1)  # until the pointer moves on
        self._stop_shown = stop
        role, text = "muted", reading_of(self.session, row, column)
        if self.session.navigator.editing is not None:
            text = self.tool_line.hint
        if not text and state is not None and stop is not None:
            text, role = stop_text(stop, state), "warning"
        elif not text:
            text = self.tool_line.hint or legend_of(self.session)
        self._reading.set_words(text)
        set_style_property(self._reading, "role", role)

    def _on_hovered(self, row: int, column: int) -> None:
        self._hovered = (row, column)
        self._show_reading()

    def _on_heat(self, large: bool) -> None:
        if large:
            self._show_view("surprisal")  # with the colour scale, and the image
        self.canvas.set_heat(large)
        self.surprisal.set_swapped(large)

    def _show_conditioning(self) -> None:
        self._show_view("condition")
        self.conditioning.images.setFocus()

    def _on_continuations_changed(self) -> None:
        if self.session.continuations.running:
            self._show_view("continuations")

    def _show_view(self, name: str) -> None:
        """Open a view, also where the distribution is shown alone."""
        self.tabs.show_page(name)
        self.sections.open("views")

    def _choose_value(self) -> None:
        """Give the bars the focus, also where the views are shown alone."""
        self.sections.open("distribution")
        self.conditional.bars.setFocus()

    def _on_menu_wanted(self, row: int, column: int, where: QPoint) -> None:
        menu = pixel_menu(self, self.session, row, column, self._measure_influence)
        if menu is not None:
            self.menu_opening.emit(menu, self.canvas)
            menu.popup(where)

    def _measure_influence(self, row: int, column: int) -> None:
        self.attribution.show_receptive_field()
        self.session.influence.change_pixel(row, column)

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def set_active(self, active: bool) -> None:
        """Open the selected run, or stop playing."""
        self.session.set_active(active)

    def set_presenting(self, presenting: bool) -> None:
        """Show image, transport and distribution alone in presentation mode; beside a film its view."""
        for widget in (self.transport.breakpoints, self.header):
            widget.setVisible(not presenting)
        alone = "views" if self.session.guessing.shown else "distribution"
        self.sections.set_only(alone if presenting else "")
        self.conditional.set_settings_shown(not presenting)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show only the icons of the buttons above the image, and a smaller side, in a narrow window.

        In a low one the distribution, with the breakpoints, or the views have the whole side.
        """
        low = self.room.height() < LOW
        if low != self.sections.compact:
            self.sections.set_compact(low)
            if low:
                self.transport.give_settings(self._distribution)
            else:
                self.transport.take_settings()
        narrow = event.size().width() < NARROW
        self.header.set_narrow(narrow)
        self.tool_line.set_narrow(narrow)
        side = NARROW_SIDE_WIDTH if narrow else SIDE_WIDTH
        self._side.setFixedWidth(max(side, min(scaled_px(self, side), int(SIDE_SHARE * event.size().width()))))
        super().resizeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose a value by digits wherever the focus is; Return ends a number of several digits, Escape an edit."""
        bars = self.conditional.bars
        if event.key() == Qt.Key.Key_Escape and self.session.navigator.editing is not None:
            self.tool_line.leave()
        elif event.text().isdigit():
            bars.type_digit(int(event.text()))
        elif event.text() == "\r" and bars.typing:
            bars.choose_candidate()
        else:
            super().keyPressEvent(event)


def _builder_of(view: QWidget) -> Callable[[], QWidget]:
    """Return a builder for a view that exists already, because its shortcuts work from the start."""
    return lambda: view
