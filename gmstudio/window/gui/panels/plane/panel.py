"""Plane panel: densities of points over the whole plane, runs side by side, live and at every step of training."""

from collections.abc import Iterator
from typing import ClassVar

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.plane.add_menu import add_menu
from gmstudio.window.gui.panels.plane.empty import EmptyPage
from gmstudio.window.gui.panels.plane.export import PlaneExport, export_menu
from gmstudio.window.gui.panels.plane.inside import InsideView
from gmstudio.window.gui.panels.plane.numbers import NumbersView
from gmstudio.window.gui.panels.plane.palette import plane_entries
from gmstudio.window.gui.panels.plane.point import PointView
from gmstudio.window.gui.panels.plane.show_row import ShowRow
from gmstudio.window.gui.panels.plane.stage import Stage
from gmstudio.window.gui.panels.plane.transport_row import TransportRow
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.gui.widgets.sections import Section, Sections
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.palette import PaletteEntry
from gmstudio.window.state.plane.offers import TrainingOffers
from gmstudio.window.state.plane.state import PlaneState
from gmstudio.window.state.plane.tiles import MAX_TILES, has_points
from gmstudio.window.state.runs.library import RunLibrary

SIDE_WIDTH = 44 * GRID
NARROW, LOW, TALL = 120 * GRID, 62 * GRID, 112 * GRID
"""Width and height of the panel below which the planes stand alone behind a tab, and height from which on all sections
at the side are shown at once."""
EXPORT_TIP = "Write the planes, the grid, or a film of the training to a file, with the runs and their steps"
NO_RUN = "Train a model of points first."
BESIDE_TIP = "Show another run on the same points beside, train one, or choose other points"
FULL = f"{MAX_TILES} runs stand side by side already; remove one first, or choose other points"
ALONE = "It is the only run."


class PlanePanel(Panel):
    """Tiles with their transport; beside them numbers and curves, what is inside, and the chosen point.

    Args:
        state: state of the panel.
        library: library of runs.
    """

    name: ClassVar[str] = "plane"

    def __init__(self, state: PlaneState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state, self._library = state, library
        self._offering = False
        self.offers = TrainingOffers(state.events, library, self)
        self.run = RunChooser(library, "", accepts=has_points)
        self.run.setObjectName("plane.run")
        self.stage = Stage(self, state)
        self.show_row = ShowRow(self, state, self.stage.fit)
        self.transport = TransportRow(self, state)
        self.export = PlaneExport(state, self.stage, self)
        self.numbers = NumbersView(self, state)
        self.inside = InsideView(self, state)
        self.point = PointView(self, state)
        self.message = ElidedLabel()
        self.message.setObjectName("plane.message")
        self._add_actions()
        self.empty = EmptyPage(self, self.offers)
        self._lay_out()
        self.record_edits(state.edits)
        self._connect()
        state.choose_run(self.run.current())
        self._refresh()

    def _add_actions(self) -> None:
        add = self.add_action
        self.beside = add("beside", "Add run", "A", self._open_add_menu, icon="add", tip=BESIDE_TIP)
        self.remove = add(
            "remove", "Remove run", "Delete", self._remove, icon="remove", tip="Remove the outlined run from the planes"
        )
        self.earlier = add(
            "earlier",
            "Move earlier",
            "Ctrl+Up",
            lambda: self._move(-1),
            icon="left",
            tip="Move the outlined run earlier",
        )
        self.later = add(
            "later", "Move later", "Ctrl+Down", lambda: self._move(1), icon="right", tip="Move the outlined run later"
        )
        self.save = add("export", "Export", "Ctrl+E", self._open_export_menu, icon="save", tip=EXPORT_TIP)
        self.next_tile = add("next", "Next run", "N", self._choose_next, tip="Outline the next run")

    def _lay_out(self) -> None:
        self._header = QWidget()
        header = QHBoxLayout(self._header)
        header.setContentsMargins(0, 0, 0, 0)
        header.setSpacing(GRID // 2)
        header.addWidget(self.run)
        self._beside_button = self.button(self.beside)
        self._buttons_of_runs: list[QToolButton] = [self._beside_button]
        self._buttons_of_runs += [self.button(a, icon_only=True) for a in (self.remove, self.earlier, self.later)]
        for button in self._buttons_of_runs:
            header.addWidget(button)
        header.addWidget(self.message, 1)
        self._save_button = self.button(self.save)
        header.addWidget(self.button(self.show_row.fit, icon_only=True))
        header.addWidget(self._save_button)
        planes = QWidget()
        column = QVBoxLayout(planes)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.show_row)
        column.addWidget(self.stage, 1)
        column.addWidget(self.transport)
        self.side = Sections(
            (
                Section("numbers", "Training", "Distances from p*, and their curves over the training", self.numbers),
                Section("inside", "Inside", "What the outlined run's model has inside", self.inside),
                Section("point", "Point", "What all runs say of the chosen point", self.point),
            ),
            Qt.Orientation.Vertical,
            GRID,
        )
        self.name_widget(self.side.bar, "sections", "Numbers, inside or point", "")
        self.sections = Sections(
            (
                Section("planes", "Planes", "The densities", planes),
                Section("side", "Numbers", "Numbers, views of the inside, and the chosen point", self.side, stretch=0),
            ),
            Qt.Orientation.Horizontal,
            2 * GRID,
        )
        self.name_widget(self.sections.bar, "parts", "Planes or numbers", "")
        self._content = QWidget()
        content = QVBoxLayout(self._content)
        content.setContentsMargins(0, 0, 0, 0)
        content.setSpacing(GRID)
        content.addWidget(self._header)
        content.addWidget(self.sections, 1)
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        page.addWidget(self.empty)
        page.addWidget(self._content)

    def _connect(self) -> None:
        state = self.state
        self.run.chosen.connect(state.choose_run)
        self.empty.panel_wanted.connect(self.panel_wanted)
        self.empty.back_wanted.connect(lambda: self.show_offers(False))
        self.offers.started.connect(self._on_started)
        self.offers.changed.connect(self._refresh)
        self.export.changed.connect(self._show_message)
        state.run_changed.connect(self._refresh)
        state.tiles_changed.connect(self._refresh)
        self._library.changed.connect(self._refresh)

    # ---- showing -------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        state = self.state
        offering = self._offering or not state.tiles
        self.empty.setVisible(offering)
        self._content.setVisible(not offering)
        self.empty.back.setVisible(bool(state.tiles))
        if state.run and state.run != self.run.current():
            self.run.choose(state.run)
        several = len(state.tiles) > 1
        full = len(state.tiles) >= MAX_TILES
        self.allow(self.beside, "" if state.tiles else NO_RUN)
        self.set_action_tip(self.beside, FULL if full else BESIDE_TIP)
        for action in (self.remove, self.earlier, self.later, self.next_tile):
            self.allow(action, "" if several else ALONE if state.tiles else NO_RUN)
        self.allow(self.save, "" if state.tiles else NO_RUN)
        self._show_message()

    def _show_message(self) -> None:
        problem, export = self.offers.problem, self.export
        self.message.set_words(problem or export.message)
        set_role(self.message, error=bool(problem) or export.failed)

    def show_offers(self, on: bool) -> None:
        """Show the page on which runs are started, or the runs; without runs, always the page."""
        self._offering = on
        self._refresh()

    def _on_started(self, run: str) -> None:
        self._offering = False
        self.state.show_run(run)
        self._refresh()

    # ---- acting --------------------------------------------------------------------------------------------------

    def _open_add_menu(self) -> None:
        menu = add_menu(self, self.state, self.offers, self._library.live, lambda: self.show_offers(True))
        menu.popup(self._beside_button.mapToGlobal(QPoint(0, self._beside_button.height())))

    def _open_export_menu(self) -> None:
        menu = export_menu(self, self.export)
        chosen = self.stage.views.get(self.state.run)
        if chosen is not None:
            self.menu_opening.emit(menu, chosen.canvas)
        menu.popup(self._save_button.mapToGlobal(QPoint(0, self._save_button.height())))

    def picture_details(self) -> dict[str, str]:
        """Runs, steps and methods of the tiles."""
        return self.export.details()

    def palette_entries(self) -> Iterator[PaletteEntry]:
        """Yield families to be trained on the points, and views of the outlined run."""
        return plane_entries(self.state, self.offers)

    def _remove(self) -> None:
        self.state.remove_run(self.state.run)

    def _move(self, by: int) -> None:
        self.state.move_run(self.state.run, by)

    def _choose_next(self) -> None:
        runs = [tile.run for tile in self.state.tiles]
        if runs:
            self.state.choose_run(runs[(runs.index(self.state.run) + 1) % len(runs)])

    # ---- Qt ------------------------------------------------------------------------------------------------------

    def set_active(self, active: bool) -> None:
        """Request and play only while the panel is on the screen."""
        self.state.set_active(active)

    def set_presenting(self, presenting: bool) -> None:
        """Show the planes and the transport alone in presentation mode."""
        self._header.setVisible(not presenting)
        self.show_row.setVisible(not presenting)
        self.sections.set_only("planes" if presenting else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the planes or the numbers behind tabs where there is little room."""
        room = self.room
        small = self.width() < NARROW or room.height() < LOW
        self.side.set_compact(room.height() < TALL)
        self.sections.set_compact(small)
        width = scaled_px(self, SIDE_WIDTH)
        self.side.setMinimumWidth(0 if small else width)
        self.side.setMaximumWidth(16_777_215 if small else width)
        self.transport.set_narrow(self.width() < NARROW)
        super().resizeEvent(event)
