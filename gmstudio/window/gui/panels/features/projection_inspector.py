"""Column of the Projection page: the image under the pointer, and a sheet of the selected images or of neighbours."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from gmstudio.media.levels import to_display
from gmstudio.protocol.image_sets import DataImages, ImagesFetched
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.picture_source import FILTER, PictureSource
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.contact_sheet import ContactSheet
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.projection.map_colours import class_colour
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.features.projection import ProjectionState
from gmstudio.window.state.features.projection_colours import ProjectionColours
from gmstudio.window.state.features.projection_neighbours import MAX_COUNT, ProjectionNeighbours

HOVER_TEXT = "Point at the map to see an image."
NO_SELECTION = "Draw a lasso (Shift) or a rectangle (Ctrl) on the map to see its images."
NO_QUERY = "Click an image on the map, or drop or paste a picture, to find its neighbours."
SHEET_TIP = (
    "Images of the selection, or the neighbours of the chosen image, the nearest first. A click finds neighbours."
)
COUNT_TIP = "Number of nearest images that are found."
OPEN_TIP = "Find the nearest images of a picture in a file; pictures can be dropped on the map, too"
IMAGE_PX = 20 * GRID
SELECTION, NEIGHBOURS = 0, 1
NAMED_CLASSES = 6
"""Classes that are counted in words."""


class ProjectionInspector(QWidget):
    """Large image, tabs and contact sheet.

    Args:
        panel: names the controls.
        state: with the projection and the selection.
        colours: with the values of the images.
        neighbours: shown and changed.

    Signals:
        hovered: number of the image under the pointer in the sheet; −1: none.
    """

    hovered = Signal(int)

    def __init__(
        self, panel: Panel, state: ProjectionState, colours: ProjectionColours, neighbours: ProjectionNeighbours
    ) -> None:
        super().__init__(panel)
        self._panel, self._state, self._colours, self._neighbours = panel, state, colours, neighbours
        self._hover_images = state.pictures(self)
        self._sheet_images = state.pictures(self)
        self._known: dict[int, NDArray[np.uint8]] = {}
        self._hover = -1
        self.pictures = PictureSource(self)
        self._make_widgets()
        self._lay_out()
        self._connect()
        self._show_hover()
        self._show_sheet()

    def _make_widgets(self) -> None:
        panel = self._panel
        self.image = LiveImage()
        self.image.setFixedHeight(IMAGE_PX)
        self.image.set_placeholder(HOVER_TEXT)
        panel.name_widget(self.image, "projection_image", "Image under the pointer", "The image under the pointer.")
        self.caption, self.value = ElidedLabel(), ElidedLabel()
        set_role(self.value, error=False)
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setDocumentMode(True)
        for title, tip in (
            ("Selection", "Images inside the lasso"),
            ("Neighbours", "Images nearest to the chosen one"),
        ):
            self.tabs.setTabToolTip(self.tabs.addTab(title), tip)
        panel.name_widget(self.tabs, "projection_tabs", "Images below", "")
        self.count = IntegerField()
        self.count.setRange(1, MAX_COUNT)
        self.count.setValue(self._neighbours.count)
        self.count.setKeyboardTracking(False)
        panel.name_widget(self.count, "projection_nearest", "Number of neighbours", COUNT_TIP)
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.about.setFixedHeight(3 * self.fontMetrics().lineSpacing())
        self.about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.sheet = ContactSheet()
        panel.name_widget(self.sheet, "projection_sheet", "Selected images or neighbours", SHEET_TIP)
        self._open = panel.add_action("projection_open", "File…", "", self._ask_file, icon="image", tip=OPEN_TIP)
        self._paste = panel.add_action(
            "projection_paste",
            "Paste",
            "",
            self.pictures.paste,
            icon="copy",
            tip="Find the nearest images of the picture in the clipboard",
        )

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        row.addWidget(self.tabs)
        row.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID // 2)
        label = QLabel("Nearest")
        label.setBuddy(self.count)
        buttons.addWidget(label)
        buttons.addWidget(self.count)
        buttons.addStretch(1)
        buttons.addWidget(self._panel.button(self._open))
        buttons.addWidget(self._panel.button(self._paste))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.image)
        column.addWidget(self.caption)
        column.addWidget(self.value)
        column.addLayout(row)
        column.addLayout(buttons)
        column.addWidget(self.about)
        column.addWidget(self.sheet, 1)

    def _connect(self) -> None:
        self._hover_images.arrived.connect(self._on_hover_arrived)
        self._hover_images.problem_changed.connect(self._show_hover)
        self._sheet_images.arrived.connect(self._on_sheet_arrived)
        self._sheet_images.problem_changed.connect(self._show_sheet)
        self.sheet.wanted.connect(self._sheet_images.fetch)
        self.sheet.hovered.connect(self.hovered)
        self.sheet.opened.connect(self._neighbours.choose)
        self.sheet.set_tips(self.words)
        self.sheet.set_marks(self._mark)
        self.tabs.currentChanged.connect(lambda _index: self._show_sheet())
        self.count.valueChanged.connect(self._neighbours.set_count)
        self.pictures.taken.connect(self._neighbours.choose_picture)
        self.pictures.failed.connect(self._on_picture_failed)
        self._state.images_changed.connect(self._on_images_changed)
        self._state.selection_changed.connect(self._on_selection_changed)
        self._state.places_changed.connect(self._show_sheet)
        self._neighbours.changed.connect(self._on_neighbours_changed)
        self._colours.changed.connect(self._show_hover)
        self._panel.remember(self.count)

    # ---- the image under the pointer ---------------------------------------------------------------------------

    def show_hover(self, index: int) -> None:
        """Show an image large; −1: the chosen one, or none."""
        self._hover = index
        wanted = self._shown_index()
        if wanted >= 0 and wanted not in self._known:
            self._hover_images.fetch((wanted,))
        self._show_hover()

    def words(self, index: int) -> str:
        """Describe an image: its number and class."""
        shown = self._state.shown
        if shown is None or not 0 <= index < len(shown.places):
            return ""
        label = "" if shown.labels is None else f" · {shown.label_name(int(shown.labels[index]))}"
        images = shown.command.images
        split = f"{images.split} " if isinstance(images, DataImages) else ""
        return f"{split}image {index:,}{label}"

    def learn(self, event: ImagesFetched) -> None:
        """Keep images that were fetched for the map, so that they show at once."""
        shown = to_display(event.images.numpy(), event.image.levels)
        if len(self._known) > 4 * len(shown) + 4096:
            self._known.clear()
        self._known.update(zip(event.indices.numpy().tolist(), shown, strict=True))

    def _shown_index(self) -> int:
        return self._hover if self._hover >= 0 else self._neighbours.query

    def _show_hover(self) -> None:
        index = self._shown_index()
        picture = self._neighbours.picture
        if index < 0 and picture is not None:
            self.image.set_image(picture if picture.shape[0] in (1, 3) else None)
            self.caption.set_words(self._neighbours.picture_title)
            self.value.set_words("")
            return
        self.image.set_placeholder(self._hover_images.problem or HOVER_TEXT)
        image = self._known.get(index)
        if image is not None or index < 0 or self._hover_images.problem:
            self.image.set_image(None if image is None else image)
        self.caption.set_words(self.words(index))
        self.value.set_words(self._colours.value_text(index))

    def _on_hover_arrived(self, event: ImagesFetched) -> None:
        self.learn(event)
        self._show_hover()

    # ---- the sheet ---------------------------------------------------------------------------------------------

    def _on_images_changed(self) -> None:
        self._known.clear()
        self._hover = -1
        self.sheet.forget_images()
        self._show_hover()

    def _on_selection_changed(self) -> None:
        if len(self._state.selection):
            self.tabs.setCurrentIndex(SELECTION)
        self._show_sheet()

    def _on_neighbours_changed(self) -> None:
        if self._neighbours.has_query:
            self.tabs.setCurrentIndex(NEIGHBOURS)
        self.show_hover(self._hover)
        self._show_sheet()

    def _show_sheet(self) -> None:
        problem = self._sheet_images.problem
        if self.tabs.currentIndex() == NEIGHBOURS:
            order, words, empty = self._neighbours.indices, self._neighbour_words(), NO_QUERY
            problem = self._neighbours.problem or problem
            self.sheet.set_captions(self._distance_text)
        else:
            order, words, empty = self._state.selection, self.selection_words(), NO_SELECTION
            self.sheet.set_captions(None)
        self.sheet.set_order(order)
        self.sheet.set_placeholder(empty if not words else "")
        set_role(self.about, error=bool(problem))
        self.about.setText(problem or words)

    def selection_words(self) -> str:
        """Count the selected images, and their classes."""
        shown, selection = self._state.shown, self._state.selection
        if shown is None or not len(selection):
            return ""
        total = f"{len(selection):,} image{'' if len(selection) == 1 else 's'}"
        if shown.labels is None:
            return total
        labels, counts = np.unique(shown.labels[selection], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        parts = [f"{shown.label_name(int(labels[i]))} ({counts[i]:,})" for i in order[:NAMED_CLASSES]]
        more = f", {len(order) - NAMED_CLASSES} more classes" if len(order) > NAMED_CLASSES else ""
        return f"{total}: {', '.join(parts)}{more}"

    def _neighbour_words(self) -> str:
        neighbours, shown = self._neighbours, self._state.shown
        if not neighbours.has_query:
            return ""
        if neighbours.busy:
            return "Finding neighbours …"
        if not len(neighbours.indices):
            return ""
        name = neighbours.picture_title if neighbours.query < 0 else f"image {neighbours.query:,}"
        words = f"Nearest to {name} by {neighbours.title}"
        if shown is not None and shown.labels is not None and neighbours.query >= 0:
            same = shown.labels[neighbours.indices] == shown.labels[neighbours.query]
            words += f": {int(same.sum())} of {len(same)} have its label"
        return words

    def _distance_text(self, index: int) -> str:
        found = np.flatnonzero(self._neighbours.indices == index)
        return f"{self._neighbours.distances[found[0]]:.3g}" if len(found) else ""

    def _mark(self, index: int) -> QColor | None:
        shown = self._state.shown
        if shown is None or shown.labels is None or not 0 <= index < len(shown.labels):
            return None
        return class_colour(int(shown.labels[index]))

    def _on_sheet_arrived(self, event: ImagesFetched) -> None:
        self.learn(event)
        self.sheet.show_images(event.indices.numpy(), event.images.numpy(), event.image.levels)

    # ---- pictures from elsewhere -------------------------------------------------------------------------------

    def _ask_file(self) -> None:
        dialog = QFileDialog(self, "Picture whose nearest images are found", "", FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.pictures.open)
        dialog.open()

    def _on_picture_failed(self, sentence: str) -> None:
        set_role(self.about, error=True)
        self.about.setText(sentence)
