"""Page Pictures: samples of runs and picture files laid over one another, zoomed and moved together."""

from collections.abc import Callable
from functools import partial

import msgspec
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.media.provenance import Provenance
from gmstudio.window.client.background_task import Background
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs.compare_chooser import AddRunBox, run_slot
from gmstudio.window.gui.panels.runs.compare_samples import StepRow, grids_origin
from gmstudio.window.gui.panels.runs.compare_saving import CompareSaving
from gmstudio.window.gui.panels.runs.pictures_made import PictureMaker
from gmstudio.window.gui.panels.runs.pictures_table import PicturesTable
from gmstudio.window.gui.picture_source import FILTER, PictureSource
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_combo_box import ElidedComboBox
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.images.compared_pictures import DifferenceMaps
from gmstudio.window.gui.widgets.images.picture_comparison import MAX_RATE, MIN_RATE, Mode, PictureComparison
from gmstudio.window.gui.widgets.number_input import IntegerField, NumberField
from gmstudio.window.gui.widgets.slot_strip import Slot, SlotStrip
from gmstudio.window.state.runs.compare import CompareState
from gmstudio.window.state.runs.pictures import PictureFile, PicturesState
from gmstudio.window.state.runs.pictures import PictureSource as ComparedSource
from gmstudio.window.state.runs.state import MAX_COMPARED, RunsState

MODES: tuple[tuple[Mode, str, str, str], ...] = (
    ("side", "Side by side", "Y", "Show the pictures side by side"),
    ("swipe", "Swipe", "W", "Lay the pictures over one another; drag the boundaries between them"),
    ("blink", "Blink", "B", "Show the pictures in turn at one place"),
    ("difference", "Difference", "D", "Show how the pictures differ from one of them, in colours"),
)
NOTHING = "Add runs, or drop, open or paste pictures, to compare them."
WAITING = "No samples were saved yet."
TIP = (
    "Wheel: zoom; drag: move, or a boundary; double click: whole pictures. Keys: + − arrows Home; comma and point: the "
    "first boundary."
)
AGAINST_LETTERS = 22
FULL = f"{MAX_COMPARED} pictures are compared; remove one first."


class PicturesPage(ActiveWidget):
    """Sources, modes, the pictures, their step, and their values under the pointer.

    Args:
        panel: that the controls belong to.
        state: of the panel.

    Attributes:
        pictures: the pictures.
        table: values under the pointer.
        words: a problem, or what was written.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__()
        self._panel, self._owner = panel, state
        self._state = state.page(PicturesState)
        self._maker = PictureMaker()
        self._shown: list[object] = []
        self.pictures, self.words = PictureComparison(), QLabel()
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._source, self._computing, self._converting = PictureSource(self), Background(self), Background(self)
        self._saving = CompareSaving(panel)
        self._say(TIP)
        panel.name_widget(self.pictures, "pictures_view", "Compared pictures", TIP)
        self._make_sources()
        self._make_modes()
        self._make_options()
        self.table = PicturesTable(panel, self.pictures)
        self._lay_out()
        self._connect()
        self.modes["side"].setChecked(True)
        panel.remember(*self.modes.values(), self.absolute, self.rate)  # which may set them at once
        self._show()

    def set_active(self, active: bool) -> None:
        """Open the runs only while the page is on the screen."""
        self._state.set_active(active)
        if active:
            self._show()

    def picture_origin(self, _widget: QWidget) -> Provenance | None:
        """Origin of the pictures: all runs, with the steps and seeds of their samples."""
        shows = {mode: title for mode, title, _key, _tip in MODES}[self.pictures.mode].lower()
        origin = grids_origin(self._state.compared, self._state.grids, f"compared pictures, {shows}")
        files = ", ".join(source.name for source in self._state.sources if source.file is not None)
        details = dict(origin.details) | ({"Files": files} if files else {})
        return msgspec.structs.replace(origin, details=details)

    # ---- controls ------------------------------------------------------------------------------------------------

    def _make_sources(self) -> None:
        add = self._panel.add_action
        self.strip = SlotStrip(MAX_COMPARED, "runs.pictures_sources", "picture")
        self.strip.setAccessibleName("Compared pictures")
        self.add = AddRunBox(self._state.compared.library)
        self._panel.name_widget(self.add, "pictures_add", "Add a run", "Compare samples of one more run.")
        self.open = add(
            "pictures_open",
            "Open picture …",
            "",
            self._ask_open,
            icon="folder",
            tip="Compare a picture file; or drop it on the pictures",
        )
        self.paste = add(
            "pictures_paste",
            "Paste picture",
            "Ctrl+V",
            self._source.paste,
            icon="image",
            tip="Compare the picture in the clipboard",
        )
        self.save = add(
            "pictures_save",
            "Save picture …",
            "Ctrl+S",
            self._save,
            icon="save",
            tip="Save the comparison as shown as PNG, with the runs, steps, seeds and settings inside",
            needs="There is nothing to save yet.",
        )

    def _make_modes(self) -> None:
        self.modes: dict[Mode, QAction] = {}
        group = QActionGroup(self)
        for mode, title, key, tip in MODES:
            action = self._panel.add_action(
                f"pictures_{mode}", title, key, partial(self._set_mode, mode), tip=tip, checkable=True
            )
            group.addAction(action)
            self.modes[mode] = action

    def _make_options(self) -> None:
        name = self._panel.name_widget
        self.against, self.absolute = ElidedComboBox(), QCheckBox("Absolute")
        self.against.setMinimumContentsLength(AGAINST_LETTERS)
        self.against.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.against.setSizeAdjustPolicy(ElidedComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        name(self.against, "pictures_against", "Picture that is subtracted", "The others minus this picture.")
        name(self.absolute, "pictures_absolute", "Absolute differences", "Leave out the sign of the differences.")
        self.rate, self.image = NumberField(), IntegerField()
        self.rate.setRange(MIN_RATE, MAX_RATE)
        self.rate.setDecimals(1)
        self.rate.setSingleStep(0.5)
        self.rate.setValue(1.0)
        self.rate.setSuffix(" / s")
        name(self.rate, "pictures_rate", "Pictures a second", f"How fast Blink shows them, {MIN_RATE} to {MAX_RATE}.")
        self.image.setRange(0, 0)
        self.image.setSpecialValueText("all samples")
        self.image.setPrefix("sample no. ")
        name(self.image, "pictures_image", "Sample", "Compare all samples of each run, or one of them.")
        width = self.fontMetrics().horizontalAdvance("sample no. 256") + 5 * GRID
        self.image.setFixedWidth(width)

    def _lay_out(self) -> None:
        button = self._panel.button
        sources = QHBoxLayout()
        sources.setSpacing(GRID)
        sources.addWidget(self.strip, 1)
        sources.addWidget(self.add)
        for action in (self.open, self.paste):
            sources.addWidget(button(action, icon_only=True))
        modes = group_of(*(button(action) for action in self.modes.values()), spacing=GRID // 2)
        options = group_of(
            QLabel("against"),
            self.against,
            self.absolute,
            self.rate,
            self.image,
            button(self.save, icon_only=True),
            spacing=GRID,
        )
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID // 2)
        page.addLayout(sources)
        page.addWidget(FoldingRow(modes, options, stretch=0))
        page.addWidget(self.pictures, 1)
        bottom = QHBoxLayout()
        bottom.setSpacing(2 * GRID)
        left = QVBoxLayout()
        left.addWidget(StepRow(self._panel, self._state.grids, "pictures"))
        left.addWidget(self.words, 1)
        bottom.addLayout(left, 2)
        bottom.addWidget(self.table, 3)
        page.addLayout(bottom)

    def _connect(self) -> None:
        state = self._state
        self.add.wanted.connect(state.compared.add)
        self.strip.removed.connect(state.remove)
        self.strip.moved.connect(state.move_left)
        self._source.taken.connect(self._take)
        self._source.failed.connect(self._say)
        self._converting.done.connect(state.add_file)
        self._source.accept_drops(self.pictures)
        self.pictures.maps_wanted.connect(self._compute)
        self._computing.done.connect(self._on_computed)
        self._saving.said.connect(self._say)
        self.against.activated.connect(self._set_against)
        self.absolute.toggled.connect(self._set_absolute)
        self.rate.valueChanged.connect(self.pictures.set_rate)
        self.image.valueChanged.connect(state.set_image)
        for change in (state.changed, theme().changed):
            change.connect(self._show)

    def _set_mode(self, mode: Mode, on: bool) -> None:
        if on:
            self.pictures.set_mode(mode)
            self._show_options()
            self.table.refresh()

    def _set_against(self, number: int) -> None:
        self._computing.stop()
        self.pictures.set_against(number)
        self.table.refresh()

    def _set_absolute(self, on: bool) -> None:
        self._computing.stop()
        self.pictures.set_absolute(on)
        self.table.refresh()

    def _compute(self, work: Callable[[], DifferenceMaps]) -> None:
        """Compute differences of large pictures in a thread; a newer choice supersedes one under way."""
        self._computing.start(lambda _stopped: work())

    def _on_computed(self, maps: DifferenceMaps) -> None:
        self.pictures.set_maps(maps)
        self.table.refresh()

    # ---- what is shown -------------------------------------------------------------------------------------------

    def _show(self) -> None:
        state = self._state
        sources = state.sources
        compared = state.compared
        self.strip.set_slots([_slot(compared, source) for source in sources])
        self.add.left_out = compared.runs
        self.add.setEnabled(not state.full)
        for action in (self.open, self.paste):
            self._panel.allow(action, FULL if state.full and not state.files else "")
        if not self.active:
            return
        made = self._maker.make(sources, state.count, state.image)
        if made != self._shown:
            self._shown = list(made)
            self._computing.stop()
            self.pictures.set_pictures(made)
            self._fill_against()
        self.pictures.set_placeholder(self._missing())
        self.save.setEnabled(bool(made))
        with QSignalBlocker(self.image):
            self.image.setRange(0, state.count)
        self._show_options()
        self.table.refresh()

    def _missing(self) -> str:
        """Words in place of the pictures."""
        problems = [text for run, text in self._state.compared.problems.items() if run in self._state.compared.runs]
        return " ".join(problems) or (WAITING if self._state.sources else NOTHING)

    def _fill_against(self) -> None:
        with QSignalBlocker(self.against):
            self.against.clear()
            for place, picture in enumerate(self.pictures.pictures):
                self.against.addItem(picture.called)
                self.against.setItemData(place, picture.called, Qt.ItemDataRole.ToolTipRole)
            self.against.setCurrentIndex(self.pictures.against)

    def _show_options(self) -> None:
        mode = self.pictures.mode
        several = len(self.pictures.pictures) > 1
        for widget in (self.against, self.absolute):
            widget.setEnabled(mode == "difference" and several)
        self.rate.setEnabled(mode == "blink" and several)
        self.image.setEnabled(self._state.count > 1)

    def _say(self, sentence: str) -> None:
        self.words.setText(sentence)

    # ---- files ---------------------------------------------------------------------------------------------------

    def _take(self, pixels: NDArray[np.uint8], name: str) -> None:
        if self._state.full and not self._state.files:
            self._say(FULL)
            return
        self._say(TIP)
        self._converting.start(lambda _stopped: PictureFile.of(name, pixels))

    def _ask_open(self) -> None:
        dialog = QFileDialog(self, "Compare a picture", "", FILTER)
        dialog.setObjectName("pictures_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._source.open)
        dialog.setModal(False)
        dialog.show()

    def _save(self) -> None:
        # Only now: it imports the plotting library, which the window's start does not wait for.
        from gmstudio.window.gui.widgets.save_forms import picture_of

        origin = self.picture_origin(self.pictures)
        assert origin is not None
        self._saving.picture(picture_of(self.pictures), "compared pictures", origin)


def _slot(compared: CompareState, source: ComparedSource) -> Slot:
    """Content of the slot of a source."""
    if source.run:
        return run_slot(compared, source.run, source.name)
    return Slot(source.name, theme().series(source.colour), source.name)
