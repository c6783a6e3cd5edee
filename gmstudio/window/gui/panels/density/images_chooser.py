"""Choice of a set of images: a data set, an imported one, a folder or file, or a picture that is pasted or drawn."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PySide6.QtCore import QMimeData, QSignalBlocker, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gmstudio.media.levels import opaque
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import SPLIT_TITLES, SPLITS
from gmstudio.protocol.image_sets import DataImages, FolderImages, GivenImages, ImageSet
from gmstudio.window.gui.forms.form import Form
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.image_sources import FILES, GIVEN, SET, Slot, fill_sources, key_of, set_of
from gmstudio.window.gui.picture_source import FILTER, PictureSource, file_in
from gmstudio.window.gui.progress_text import loading_text
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.canvas.drawing_canvas import DrawingCanvas
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.style_property import set_style_property
from gmstudio.window.state.data.settings_split import without_reading
from gmstudio.window.state.density.described import PREVIEWED, DescribedSet
from gmstudio.window.state.density.labels import labels_text, parse_labels
from gmstudio.window.state.density.state import DensityState

TITLES: dict[Slot, str] = {"images": "Images", "against": "Anomalous images"}
SOURCE_TIPS: dict[Slot, str] = {
    "images": "Images that are scored. They are converted to the size and the levels of the first model.",
    "against": "Images that are compared with the others, as anomalies or beside them: another data set, or classes "
    "of the same one on which the model was not trained.",
}
LABELS_TIP = "Only images with these labels, for example 0-4, 7; empty: all."
COUNT_TIP = "Number of images, from the first on; 0: all of them."
DRAWN = "drawing"
CANVAS_PX = 16 * GRID
PREVIEW_PX = 5 * GRID
WORDS_LINES = 4
LEVELS = "levels"
"""Setting that is left out: the engine quantizes to the levels of the model."""


class ImagesChooser(QWidget):
    """Combo box of the sources, what each needs, the first images, and a sentence on them.

    Args:
        panel: names the controls.
        state: of the panel, whose set is shown and chosen.
        slot: which of its sets.
    """

    def __init__(self, panel: Panel, state: DensityState, slot: Slot) -> None:
        super().__init__()
        self._panel, self._state, self._slot = panel, state, slot
        self._form: Form | None = None
        self._form_of = ""
        self._pictures = PictureSource(self)
        self._pictures.taken.connect(self._take_pixels)
        self._pictures.failed.connect(self._show_problem)
        self._make_controls()
        self._lay_out()
        self.setAcceptDrops(True)
        library = state.library
        for change in (library.catalog_arrived, library.data_sets.changed, state.run_changed):
            change.connect(self._fill)
        (state.images_changed if slot == "images" else state.against_changed).connect(self._show_choice)
        self._described.changed.connect(self._show_described)
        self._fill()
        self._show_described()

    def _make_controls(self) -> None:
        slot, name = self._slot, TITLES[self._slot].lower()
        self.source, self.split, self.labels, self.count = QComboBox(), QComboBox(), QLineEdit(), IntegerField()
        self._control(self.source, "source", f"Source of the {name}", SOURCE_TIPS[slot])
        self._control(self.split, "split", f"Split of the {name}", "Images held out from training, or trained on.")
        self._control(self.labels, "labels", f"Labels of the {name}", LABELS_TIP)
        self._control(self.count, "count", f"Number of the {name}", COUNT_TIP)
        for split in reversed(SPLITS):
            self.split.addItem(SPLIT_TITLES[split], split)
        self.labels.setPlaceholderText("all classes")
        self.count.setRange(0, 10_000_000)
        self.count.setSpecialValueText("all")
        self.count.setKeyboardTracking(False)
        self.fold = QToolButton()
        self._control(self.fold, "settings", f"Settings of the {name}", "Show or hide the settings of the source.")
        self.fold.setText("Settings")
        self.fold.setCheckable(True)
        self.fold.setProperty("flat", True)
        self.fold.setArrowType(Qt.ArrowType.RightArrow)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        add = self._panel.add_action
        self._folder_action = add(
            f"{slot}_folder",
            "Folder…",
            "",
            self._ask_folder,
            icon="folder",
            tip="Score the pictures of a folder and of the folders in it",
        )
        self._file_action = add(f"{slot}_file", "File…", "", self._ask_file, icon="image", tip="Score one picture")
        self._paste_action = add(
            f"{slot}_paste", "Paste", "", self._paste, icon="copy", tip="Take the picture in the clipboard"
        )
        self._clear_action = add(f"{slot}_clear", "Clear", "", self._clear, icon="remove", tip="Empty the drawing")
        self.canvas = DrawingCanvas()
        self._control(
            self.canvas,
            "canvas",
            f"Drawing of the {name}",
            "Draw with the left button, erase with the right one; with the keyboard, arrow keys, Space and Delete.",
        )
        self.canvas.setFixedSize(CANVAS_PX, CANVAS_PX)
        self.preview = ImageGrid()
        self._control(
            self.preview, "preview", f"First of the {name}", "The first images, as the first model sees them."
        )
        self.preview.setFixedHeight(PREVIEW_PX)
        self.preview.set_columns(PREVIEWED)
        self.preview.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.source.activated.connect(lambda index: self._on_source(str(self.source.itemData(index))))
        self.split.activated.connect(lambda _index: self._on_part())
        self.labels.editingFinished.connect(self._on_part)
        self.count.valueChanged.connect(lambda _value: self._on_part())
        self.fold.toggled.connect(self._show_form)
        self.canvas.changed.connect(self._on_drawn)

    def _control(self, widget: QWidget, name: str, title: str, tip: str) -> None:
        self._panel.name_widget(widget, f"{self._slot}_{name}", title, tip)

    def _lay_out(self) -> None:
        heading = QLabel(TITLES[self._slot])
        heading.setProperty("role", "heading")
        heading.setBuddy(self.source)
        button = self._panel.button
        self._part = QWidget()
        part = QHBoxLayout(self._part)
        part.setContentsMargins(0, 0, 0, 0)
        part.setSpacing(GRID // 2)
        part.addWidget(self.split, 4)
        part.addWidget(self.labels, 3)
        part.addWidget(self.count, 2)
        for widget in (self.split, self.labels, self.count):
            widget.setMinimumWidth(5 * GRID)
        self._files = QWidget()
        self._path = ElidedLabel()
        files = QHBoxLayout(self._files)
        files.setContentsMargins(0, 0, 0, 0)
        files.setSpacing(GRID // 2)
        files.addWidget(self._path, 1)
        files.addWidget(button(self._folder_action))
        files.addWidget(button(self._file_action))
        self._given = QWidget()
        given = QHBoxLayout(self._given)
        given.setContentsMargins(0, 0, 0, 0)
        given.setSpacing(GRID)
        given.addWidget(self.canvas)
        buttons = QVBoxLayout()
        buttons.setSpacing(GRID // 2)
        buttons.addWidget(button(self._paste_action))
        buttons.addWidget(button(self._clear_action))
        buttons.addStretch(1)
        given.addLayout(buttons)
        given.addStretch(1)
        self._form_place = QVBoxLayout()
        self._form_place.setContentsMargins(0, 0, 0, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        for row in (heading, self.source, self._part, self._files, self._given, self.fold):
            column.addWidget(row)
        column.addLayout(self._form_place)
        column.addWidget(self.preview)
        column.addWidget(self.words)
        self.words.setFixedHeight(WORDS_LINES * self.fontMetrics().lineSpacing())
        self.source.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.split.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    # ---- what is chosen ------------------------------------------------------------------------------------------

    @property
    def _chosen(self) -> ImageSet | None:
        return self._state.images if self._slot == "images" else self._state.against

    @property
    def _described(self) -> DescribedSet:
        return self._state.described if self._slot == "images" else self._state.described_against

    def _put(self, images: ImageSet | None) -> None:
        if self._slot == "against":
            self._state.set_against(images)
        else:
            self._state.set_images(images if images is not None else DataImages())

    def _fill(self) -> None:
        """Offer the sources that there are."""
        self._state.library.data_sets.follow()
        fill_sources(self.source, self._slot, self._state.run, self._state.library)
        self._show_choice()

    def _on_source(self, key: str) -> None:
        if key == FILES:
            self._show_choice()  # until a folder is chosen
            self._ask_folder()
        elif key == GIVEN:
            self._clear()
        else:
            self._put(set_of(key, self.count.value()))

    def _on_part(self) -> None:
        chosen = self._chosen
        if not isinstance(chosen, DataImages):
            return
        try:
            labels = parse_labels(self.labels.text())
        except ValueError as error:
            self._show_problem(str(error))
            return
        part = msgspec.structs.replace(chosen, split=self.split.currentData(), labels=labels, count=self.count.value())
        if part != chosen:
            self._put(part)
        else:
            self._show_described()

    # ---- files, pictures, drawings -------------------------------------------------------------------------------

    def _ask_folder(self) -> None:
        self._ask(QFileDialog(self, "Choose a folder of pictures"), QFileDialog.FileMode.Directory)

    def _ask_file(self) -> None:
        self._ask(QFileDialog(self, "Choose a picture", "", FILTER), QFileDialog.FileMode.ExistingFile)

    def _ask(self, dialog: QFileDialog, mode: QFileDialog.FileMode) -> None:
        dialog.setObjectName("images_dialog")
        dialog.setFileMode(mode)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.take_path)
        dialog.setModal(False)
        dialog.show()

    def take_path(self, path: str) -> None:
        """Choose a folder of pictures, or one picture file; an engine on another machine is sent the picture itself."""
        elsewhere = self._state.library.elsewhere
        if not elsewhere:
            self._put(FolderImages(path=path))
        elif Path(path).is_dir():
            self._show_problem(f"{elsewhere} This folder is on this computer; choose one picture, which is sent there.")
        else:
            self._pictures.open(path)

    def _paste(self) -> None:
        if not self._take_mime(QGuiApplication.clipboard().mimeData(), "The pasted picture"):
            self._show_problem("The clipboard holds no picture; copy a picture, or its file, first.")

    def _take_mime(self, data: QMimeData | None, name: str) -> bool:
        if path := file_in(data):
            self.take_path(path)
            return True
        return self._pictures.take_mime(data, name)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept folders, files and pictures."""
        if file_in(event.mimeData()) or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Choose what is dropped."""
        if self._take_mime(event.mimeData(), "The dropped picture"):
            event.acceptProposedAction()

    def _take_pixels(self, pixels: Any, name: str) -> None:
        """Take a picture, (rows, columns, 1, 3 or 4) uint8."""
        self._put(GivenImages(images=Array.of(opaque(pixels)[None]), title=name))

    def _on_drawn(self) -> None:
        self._put(GivenImages(images=Array.of(self.canvas.image[None]), title=DRAWN))

    def _clear(self) -> None:
        """Begin an empty drawing of the size of the model's images."""
        info = self._state.library.info(self._state.run)
        shape = info.image.shape if info is not None else (1, 28, 28)
        self._put(GivenImages(images=Array.of(np.zeros((1, *shape), np.uint8)), title=DRAWN))

    # ---- showing -------------------------------------------------------------------------------------------------

    def _show_choice(self) -> None:
        chosen, key = self._chosen, key_of(self._chosen, self._state.library)
        with QSignalBlocker(self.source), QSignalBlocker(self.count), QSignalBlocker(self.labels):
            self.source.setCurrentIndex(self.source.findData(key))
            if isinstance(chosen, DataImages):
                self.split.setCurrentIndex(self.split.findData(chosen.split))
                if not self.labels.hasFocus():
                    self.labels.setText(labels_text(chosen.labels))
                self.count.setValue(chosen.count)
        self._part.setVisible(isinstance(chosen, DataImages))
        self._files.setVisible(isinstance(chosen, FolderImages))
        self._given.setVisible(isinstance(chosen, GivenImages))
        self.preview.setVisible(chosen is not None)
        self.words.setVisible(chosen is not None)
        if isinstance(chosen, FolderImages):
            self._path.set_words(Path(chosen.path).name or chosen.path)
            self._path.setToolTip(chosen.path)
        if isinstance(chosen, GivenImages):
            self._show_given(chosen)
        self._renew_form(key)

    def _show_given(self, given: GivenImages) -> None:
        images = given.images.numpy()
        small = max(images.shape[-2:]) <= 64  # a photograph is pasted, not drawn on
        self.canvas.setEnabled(small)
        shown = images[0] if small else images[0][:, :: -(-images.shape[-2] // 64), :: -(-images.shape[-1] // 64)]
        if self.canvas.image.shape != shown.shape or self.canvas.levels != 256:
            self.canvas.set_blank(tuple(shown.shape), 256)
            self.canvas.brush = max(1.5, max(shown.shape[1:]) / 14)
        self.canvas.show_image(np.ascontiguousarray(shown))

    def _renew_form(self, key: str) -> None:
        """Have the form of the chosen source, folded unless it was opened."""
        chosen, catalog = self._chosen, self._state.library.catalog
        name = chosen.data if isinstance(chosen, DataImages) else ""
        entry = next((entry for entry in catalog.data if entry.name == name), None) if catalog and name else None
        if key != self._form_of or entry is None:
            if self._form is not None:
                self._form.retire()
            self._form, self._form_of = None, key if entry is not None else ""
            if entry is not None:
                schema = without_reading(entry.config_schema) if key.startswith(SET) else entry.config_schema
                settings = {name: field for name, field in schema["properties"].items() if name != LEVELS}
                schema = {**schema, "properties": settings}
                self._form = Form(schema, f"{self._panel.name}.{self._slot}", self, hide_idle=True)
                for field in self._form.fields.values():
                    field.set_narrow()
                self._form.changed.connect(self._on_form)
                self._form_place.addWidget(self._form)
                folder = self._form.fields.get("folder")
                known = isinstance(chosen, DataImages) and chosen.data_config.get("folder")
                if folder is not None and not folder.value and not known:
                    self.fold.setChecked(True)  # nothing can be shown before it is chosen
        if self._form is not None and isinstance(chosen, DataImages) and not self._form.errors():
            self._form.set_values(chosen.data_config)
        self.fold.setVisible(self._form is not None)
        self._show_form()

    def _show_form(self) -> None:
        on = self.fold.isChecked()
        self.fold.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        if self._form is not None:
            self._form.setVisible(on)

    def _on_form(self) -> None:
        chosen = self._chosen
        if self._form is not None and isinstance(chosen, DataImages) and not self._form.errors():
            kept = {name: value for name, value in chosen.data_config.items() if name not in self._form.fields}
            self._put(msgspec.structs.replace(chosen, data_config={**kept, **self._form.values()}))

    def _show_described(self) -> None:
        found = self._described
        if found.preview is not None:
            self.preview.set_levels_images(found.preview.images.numpy(), found.preview.image.levels)
        elif found.described is None:
            self.preview.set_images(np.zeros((0, 1, 1, 1), np.uint8))
        if found.problem:
            self._show_problem(found.problem)
        elif found.described is not None:
            described = found.described
            sentence = f"{described.title}: {described.count:,} × {described.image}."
            role = "warning" if described.warnings else "muted"
            self._show_words(" ".join(filter(None, (sentence, *described.warnings, described.conversion))), role)
        else:
            waits = "Waiting for the images …" if found.busy else ""
            self._show_words(waits if found.loading is None else loading_text(found.loading))

    def _show_problem(self, problem: str) -> None:
        self._show_words(problem, "error")

    def _show_words(self, words: str, role: str = "muted") -> None:
        self.words.setText(words)
        self.words.setToolTip(words)
        set_style_property(self.words, "role", role)
