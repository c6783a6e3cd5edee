"""View of the interpretable directions: computing them below the image, a slider for each and a - b + c beside it."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QDrag, QPixmap
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.arithmetic import TILE_PX, ArithmeticView, image_mime
from gmstudio.window.gui.panels.latents.traversal import flat, show_images
from gmstudio.window.gui.panels.latents.view import LatentView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.images.grid import to_qimage
from gmstudio.window.gui.widgets.images.image_source import ImageSource
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.sliders.direction_row import DirectionRow
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.latents.annotations import MAX_NAME
from gmstudio.window.state.latents.code import MAX_AMOUNT
from gmstudio.window.state.latents.direction import Direction
from gmstudio.window.state.latents.directions import KINDS, MAX_COUNT, Kind
from gmstudio.window.state.latents.encoded_images import PAGE
from gmstudio.window.state.latents.state import LatentsState

KIND_TEXTS: dict[Kind, tuple[str, str]] = {
    "components": ("PCA of codes", "Principal components of the codes of training images"),
    "features": (
        "PCA of decoder features",
        "Principal components of the decoder's first-layer features, regressed on the codes (GANSpace)",
    ),
    "labels": ("Class-mean difference", "Mean code of one label minus that of another"),
}
FIND_TIP = "Compute directions with the weights as they are now; unsaved ones of this kind are replaced"
AMOUNT_TIP = (
    "Multiple of the direction that is added to the code. The sliders of the dimensions show the sum; moving one of "
    "them, or the point of the map, moves the code without its directions. 0 removes the direction; setting the whole "
    "code sets all directions to 0."
)
SLOT_STRIP_TIP = "Images of the data. Drag one into a slot of a - b + c, or click it to fill the marked slot."
STATUS_PX = 17 * GRID
"""Room for the status behind the controls; where there is less it goes below."""
NONE_YET = "No directions yet. Choose a kind below, and press Compute."


class DirectionsView(LatentView):
    """Controls that compute directions; beside the image, a slider for each, and a - b + c.

    Args:
        panel: that it belongs to.
        state: shown and changed.
    """

    def __init__(self, panel: Panel, state: LatentsState) -> None:
        super().__init__(panel)
        self._panel, self._state, self._directions = panel, state, state.directions
        self.kind = QComboBox()
        for kind in KINDS:
            self.kind.addItem(KIND_TEXTS[kind][0], kind)
            self.kind.setItemData(self.kind.count() - 1, KIND_TEXTS[kind][1], Qt.ItemDataRole.ToolTipRole)
        panel.name_widget(self.kind, "direction_kind", "Kind of directions", "Kind of the directions to compute.")
        self.count = IntegerField()
        self.count.setRange(1, MAX_COUNT)
        panel.name_widget(self.count, "direction_count", "Number of components", "Principal components to compute.")
        self.first, self.second = QComboBox(), QComboBox()
        panel.name_widget(self.first, "direction_from", "From label", "Label whose mean code is subtracted.")
        panel.name_widget(self.second, "direction_to", "To label", "Label whose mean code is the target.")
        add, find = panel.add_action, self._directions.find
        self.compute = add("find_directions", "Compute", "F", find, icon="search", tip=FIND_TIP)
        self.earlier = add(
            "slot_earlier",
            "Previous images",
            "Shift+,",
            lambda: state.gallery.turn_page(-1),
            icon="left",
            needs="There are no images before these.",
        )
        self.later = add(
            "slot_later",
            "Next images",
            "Shift+.",
            lambda: state.gallery.turn_page(1),
            icon="right",
            needs="There are no images after these.",
        )
        self.status = ElidedLabel()
        self.strip = ImageSource(PAGE)
        panel.name_widget(self.strip, "slot_data", "Images of the data for a - b + c", SLOT_STRIP_TIP)
        self.arithmetic = ArithmeticView(panel, state)
        self.empty = QLabel(NONE_YET)
        self.empty.setProperty("role", "muted")
        self.empty.setWordWrap(True)
        self.rows: list[DirectionRow] = []
        self.beside = self._lay_out_beside()
        self._lay_out(panel)
        self._connect()

    # ---- layout ----------------------------------------------------------------------------------------------------

    def _lay_out(self, panel: Panel) -> None:
        self.to = QLabel("→")
        of_labels = (self.first, self.to, self.second, self.count, panel.button(self.compute))
        self.status.setMinimumWidth(STATUS_PX)
        groups = (group_of(self.kind), group_of(*of_labels), group_of(self.status, stretch=0))
        self._head = FoldingRow(*groups, spacing=GRID)
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        row.addWidget(flat(panel.button(self.earlier, icon_only=True)), 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.strip, 1)
        row.addWidget(flat(panel.button(self.later, icon_only=True)), 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID // 2, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head)
        column.addLayout(row)

    def _lay_out_beside(self) -> QWidget:
        beside = QWidget()
        inside = QWidget()
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, GRID, 0)
        self._list.setSpacing(GRID // 2)
        self._list.addWidget(self.empty)
        self._list.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        column = QVBoxLayout(beside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(area, 1)
        column.addWidget(self.arithmetic)
        return beside

    def _connect(self) -> None:
        state, directions = self._state, self._directions
        state.run_changed.connect(self._refresh)
        directions.changed.connect(self._refresh)
        state.code.amounts_changed.connect(self._show_amounts)
        state.gallery.page_changed.connect(self._show_page)
        self.kind.activated.connect(lambda index: directions.set_kind(self.kind.itemData(index)))
        self.count.valueChanged.connect(directions.set_count)
        for combo in (self.first, self.second):
            combo.activated.connect(self._on_labels)
        self.strip.clicked.connect(self._on_image)
        self.strip.dragged.connect(self._on_dragged)

    # ---- the user's actions ----------------------------------------------------------------------------------------

    def _on_labels(self) -> None:
        self._directions.set_labels(self.first.currentIndex(), self.second.currentIndex())
        self._show_status()

    def _on_image(self, place: int) -> None:
        page, gallery = self._state.gallery.page, self._state.gallery
        if page is not None:
            self._state.arithmetic.set_to_image(gallery.split, page.start + place)

    def _on_dragged(self, place: int) -> None:
        """Drag an image to a slot."""
        page, gallery = self._state.gallery.page, self._state.gallery
        if page is None:
            return
        drag = QDrag(self.strip)
        drag.setMimeData(image_mime(gallery.split, page.start + place))
        image = QPixmap.fromImage(to_qimage(self.strip.images[place]))
        drag.setPixmap(image.scaled(TILE_PX, TILE_PX, Qt.AspectRatioMode.KeepAspectRatio))
        drag.exec(Qt.DropAction.CopyAction)

    # ---- showing ---------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if not self.active:
            return
        directions = self._directions
        self.kind.setCurrentIndex(self.kind.findData(directions.kind))
        labels = directions.kind == "labels"
        for widget in (self.first, self.to, self.second):
            widget.setVisible(labels)
        self.count.setVisible(not labels)
        self.count.blockSignals(True)
        self.count.setValue(directions.count)
        self.count.blockSignals(False)
        self._show_page()
        self._show_status()
        self._show_rows()

    def _show_status(self) -> None:
        directions = self._directions
        obstacle = directions.obstacle(directions.kind) if self._state.code.num_dims else ""
        same = directions.kind == "labels" and directions.labels[0] == directions.labels[1]
        self.compute.setEnabled(self._state.code.num_dims > 0 and not (obstacle or same or directions.busy))
        if directions.busy:
            text = "Computing …"
        elif directions.found_step >= 0:
            text = f"Computed with weights of step {directions.found_step:,}"
        else:
            text = ""
        hint = "Choose two different labels." if same else ""
        self.status.set_words(directions.problem or hint or obstacle or text)
        set_role(self.status, error=bool(directions.problem))

    def _show_page(self) -> None:
        gallery = self._state.gallery
        page = gallery.page
        self.strip.setEnabled(gallery.encodes)
        self.earlier.setEnabled(gallery.encodes and gallery.has_earlier)
        self.later.setEnabled(gallery.encodes and gallery.has_later)
        if page is None or not gallery.encodes:
            show_images(self.strip, None)
            without = bool(self._state.code.num_dims) and not gallery.encodes
            hint = f"{self._state.space.family} has no encoder; the slots take the current code."
            self.strip.set_placeholder(hint if without else "")
        else:
            self.strip.set_levels_images(page.images.numpy(), page.image.levels)
            self.strip.set_captions(gallery.labels)
            self._fill_labels(page.label_names)
        self._head.fold()

    def _fill_labels(self, names: tuple[str, ...]) -> None:
        for combo, label in zip((self.first, self.second), self._directions.labels, strict=True):
            if [combo.itemText(i) for i in range(combo.count())] != list(names):
                combo.clear()
                combo.addItems(names)
            combo.setCurrentIndex(label if label < len(names) else -1)

    def _show_rows(self) -> None:
        directions = self._directions.all
        saved = self._directions.saved
        while len(self.rows) < len(directions):
            row = DirectionRow(len(self.rows), self._panel.name, MAX_AMOUNT, MAX_NAME)
            row.moved.connect(self._on_direction(self._state.code.set_amount))
            row.renamed.connect(self._on_direction(self._directions.rename))
            row.saved.connect(self._on_direction(self._directions.save))
            row.deleted.connect(self._on_direction(self._directions.delete))
            self._list.insertWidget(self._list.count() - 1, row)
            self.rows.append(row)
        for index, row in enumerate(self.rows):
            row.setVisible(index < len(directions))
            if index < len(directions):
                direction = directions[index]
                row.show_direction(direction.name, f"{AMOUNT_TIP} Unit: {direction.unit}.", direction in saved)
        self.empty.setVisible(not directions)
        self._show_amounts()

    def _on_direction(self, act: Callable[..., None]) -> Callable[..., None]:
        """Slot that applies a row's signal to its direction."""

        def done(index: int, *values: object) -> None:
            directions: tuple[Direction, ...] = self._directions.all
            if index < len(directions):
                act(directions[index], *values)

        return done

    def _show_amounts(self) -> None:
        for row, direction in zip(self.rows, self._directions.all, strict=False):
            row.show_amount(self._state.code.amount(direction))

    def set_active(self, active: bool) -> None:
        """Show what changed while the view was not on the screen."""
        if active:
            self._state.user_image.ink.need()  # for pictures that are dropped on a slot
            self._refresh()
