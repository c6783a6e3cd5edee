"""Directions of a latent space: what to look for below the image, those that there are beside it."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QDrag, QPixmap
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QSpinBox, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.arithmetic import TILE_PX, ArithmeticView, image_mime
from gmstudio.window.gui.panels.latents.tab import LatentView
from gmstudio.window.gui.panels.latents.traversal import flat, show_images
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.images.grid import to_qimage
from gmstudio.window.gui.widgets.images.image_source import ImageSource
from gmstudio.window.gui.widgets.sliders.direction_row import DirectionRow
from gmstudio.window.state.latents.annotations import MAX_NAME, Direction
from gmstudio.window.state.latents.directions import KINDS, MAX_AMOUNT, MAX_COUNT, Kind
from gmstudio.window.state.latents.encoded_images import PAGE
from gmstudio.window.state.latents.state import LatentsState

KIND_WORDS: dict[Kind, tuple[str, str]] = {
    "components": ("components of codes", "Principal components of the codes of training images"),
    "features": (
        "components of features",
        "Principal components of the decoder's first-layer features, brought back to codes (GANSpace)",
    ),
    "labels": ("from label to label", "The mean code of one label minus that of another"),
}
FIND_TIP = "Look for directions with the weights as they are now; those of this kind that are not saved are replaced"
HOW = (
    "Adds so many times this direction to the code. The sliders of the dimensions show the sum; moving one of them, or "
    "going elsewhere on the map, changes the code under it. 0 takes the direction out again; setting the whole code "
    "sets all directions to 0."
)
SLOT_STRIP_TIP = "Images of the data. Drag one into a slot of a - b + c, or click it to put it into the marked one."
WORDS_PX = 17 * GRID
"""Room for the words behind the controls; where there is less they go below."""
NONE_YET = "No directions yet. Choose below what to look for, and press Find."


class DirectionsView(LatentView):
    """Looks for directions; beside the image, a slider for each, and a - b + c.

    Args:
        panel: that it is part of.
        session: what it shows and changes.
    """

    def __init__(self, panel: Panel, session: LatentsState) -> None:
        super().__init__(panel)
        self._panel, self._session, self._directions = panel, session, session.directions
        self.kind = QComboBox()
        for kind in KINDS:
            self.kind.addItem(KIND_WORDS[kind][0], kind)
            self.kind.setItemData(self.kind.count() - 1, KIND_WORDS[kind][1], Qt.ItemDataRole.ToolTipRole)
        panel.name_widget(self.kind, "direction_kind", "Kind of directions", "What directions to look for.")
        self.count = QSpinBox()
        self.count.setRange(1, MAX_COUNT)
        panel.name_widget(self.count, "direction_count", "Number of components", "How many components to look for.")
        self.first, self.second = QComboBox(), QComboBox()
        panel.name_widget(self.first, "direction_from", "From label", "The direction goes from this label's mean code.")
        panel.name_widget(self.second, "direction_to", "To label", "The direction goes to this label's mean code.")
        add, find = panel.add_action, self._directions.find
        self.search = add("find_directions", "Find", "F", find, icon="search", tip=FIND_TIP)
        self.earlier = add(
            "slot_earlier", "Earlier images", "Shift+,", lambda: session.gallery.turn_page(-1), icon="left"
        )
        self.later = add("slot_later", "Later images", "Shift+.", lambda: session.gallery.turn_page(1), icon="right")
        self.words = ElidedLabel()
        self.strip = ImageSource(PAGE)
        panel.name_widget(self.strip, "slot_data", "Images of the data for a - b + c", SLOT_STRIP_TIP)
        self.arithmetic = ArithmeticView(panel, session)
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
        wanted = (self.kind, self.first, self.to, self.second, self.count, panel.button(self.search))
        self.words.setMinimumWidth(WORDS_PX)
        self._head = FoldingRow(group_of(*wanted, spacing=GRID), group_of(self.words, stretch=0), spacing=GRID)
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
        session, directions = self._session, self._directions
        session.run_changed.connect(self._refresh)
        directions.changed.connect(self._refresh)
        directions.amounts_changed.connect(self._show_amounts)
        session.gallery.page_changed.connect(self._show_page)
        self.kind.activated.connect(lambda index: directions.look_for(self.kind.itemData(index)))
        self.count.valueChanged.connect(directions.set_count)
        for combo in (self.first, self.second):
            combo.activated.connect(self._on_labels)
        self.strip.clicked.connect(self._on_image)
        self.strip.dragged.connect(self._on_dragged)

    # ---- what the user does ----------------------------------------------------------------------------------------

    def _on_labels(self) -> None:
        self._directions.set_labels(self.first.currentIndex(), self.second.currentIndex())
        self._show_words()

    def _on_image(self, place: int) -> None:
        page, gallery = self._session.gallery.page, self._session.gallery
        if page is not None:
            self._session.arithmetic.put_image(gallery.split, page.start + place)

    def _on_dragged(self, place: int) -> None:
        """Carry an image to a slot."""
        page, gallery = self._session.gallery.page, self._session.gallery
        if page is None:
            return
        drag = QDrag(self.strip)
        drag.setMimeData(image_mime(gallery.split, page.start + place))
        image = QPixmap.fromImage(to_qimage(self.strip.images[place]))
        drag.setPixmap(image.scaled(TILE_PX, TILE_PX, Qt.AspectRatioMode.KeepAspectRatio))
        drag.exec(Qt.DropAction.CopyAction)

    # ---- showing ---------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if not self.isVisible():
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
        self._show_words()
        self._show_rows()

    def _show_words(self) -> None:
        directions = self._directions
        why_not = directions.possible(directions.kind) if self._session.num_dims else ""
        same = directions.kind == "labels" and directions.labels[0] == directions.labels[1]
        self.search.setEnabled(self._session.num_dims > 0 and not (why_not or same or directions.busy))
        trouble = directions.problem or ("Choose two different labels." if same else "")
        if directions.busy:
            words = "Looking …"
        elif directions.found_step >= 0:
            words = f"Found at step {directions.found_step:,}"
        else:
            words = ""
        self.words.set_words(trouble or why_not or words)
        role = "error" if directions.problem else "muted"
        if self.words.property("role") != role:
            self.words.setProperty("role", role)
            self.words.style().polish(self.words)

    def _show_page(self) -> None:
        gallery = self._session.gallery
        page = gallery.page
        self.strip.setEnabled(gallery.usable)
        self.earlier.setEnabled(gallery.usable and gallery.index >= PAGE)
        self.later.setEnabled(gallery.usable and page is not None and page.start + PAGE < gallery.size)
        if page is None or not gallery.usable:
            show_images(self.strip, None)
            without = bool(self._session.num_dims) and not gallery.usable
            words = f"{self._session.family} has no encoder; codes that are set can be put into the slots."
            self.strip.set_placeholder(words if without else "")
        else:
            self.strip.set_levels_images(page.images.numpy(), page.image.levels)
            labels = page.labels.numpy().tolist() if page.labels else []
            self.strip.set_captions([_word(page.label_names, label) for label in labels])
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
        saved = {id(direction) for direction in self._directions.saved}
        while len(self.rows) < len(directions):
            row = DirectionRow(len(self.rows), self._panel.name, MAX_AMOUNT, MAX_NAME)
            row.moved.connect(self._acts(self._directions.set_amount))
            row.renamed.connect(self._acts(self._directions.rename))
            row.saved.connect(self._acts(self._directions.save))
            row.deleted.connect(self._acts(self._directions.delete))
            self._list.insertWidget(self._list.count() - 1, row)
            self.rows.append(row)
        for index, row in enumerate(self.rows):
            row.setVisible(index < len(directions))
            if index < len(directions):
                direction = directions[index]
                row.show_direction(direction.name, f"{HOW} Unit: {direction.unit}.", id(direction) in saved)
        self.empty.setVisible(not directions)
        self._show_amounts()

    def _acts(self, act: Callable[..., None]) -> Callable[..., None]:
        """What a row's signal does to its direction."""

        def done(index: int, *values: object) -> None:
            directions: tuple[Direction, ...] = self._directions.all
            if index < len(directions):
                act(directions[index], *values)

        return done

    def _show_amounts(self) -> None:
        for row, direction in zip(self.rows, self._directions.all, strict=False):
            row.show_amount(self._directions.amount(direction))

    def showEvent(self, event: object) -> None:
        """Show what has changed meanwhile."""
        self._refresh()


def _word(names: tuple[str, ...], label: int) -> str:
    return names[label] if 0 <= label < len(names) else str(label)
