"""Page Bytes: a model as a lossless coder, beside PNG and WebP."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout

from gmstudio.media.csv_text import csv_text
from gmstudio.media.provenance import comment_lines
from gmstudio.media.writing import put_in_place
from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.density_bytes import MAX_CODED, Compressed
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.picture_source import file_in
from gmstudio.window.gui.progress_text import loading_text, progress_words, rate_words
from gmstudio.window.gui.run_chooser import WAITING
from gmstudio.window.gui.run_text import run_name
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.contact_sheet import ContactSheet
from gmstudio.window.gui.widgets.images.cost_map import CostMap, top_of
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.plots.size_bars import SizeBar, SizeBars
from gmstudio.window.gui.widgets.save_dialog import ask_path
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.density.bytes import DEFAULT_COUNT, SUFFIX, BytesState
from gmstudio.window.state.density.state import DensityState
from gmstudio.window.state.runs.library import folder_name

NO_CODER = (
    "None of the chosen models codes: a range coder needs exact conditionals. Choose an autoregressive model, like "
    "PixelCNN, NADE or MADE."
)
INTRODUCTION = "Compress codes the images with the model; each then has about −log₂ p(x) bits."
OWN = ("ideal", "code", "file")
MAX_INDEX = 10_000_000


class BytesPage(ActiveWidget):
    """Coding of images, their sizes, and what each pixel costs.

    Args:
        panel: that the controls belong to.
        state: of the panel.

    Attributes:
        sheet: the coded or decoded images.
        cost: image and bits of each pixel.
        bars: sizes.
    """

    def __init__(self, panel: Panel, state: DensityState) -> None:
        super().__init__()
        self._panel, self._owner = panel, state
        self._state = state.page(BytesState)
        self._shown: object = None
        self._index = -1
        self._message = ""
        self._make_controls()
        self._lay_out()
        self.setAcceptDrops(True)
        self._state.changed.connect(self._show)
        for change in (self._state.run_changed, state.library.changed):
            change.connect(self._show)
        self.sheet.wanted.connect(self._send_pictures)
        self.sheet.opened.connect(self._choose)
        self.cost.read.connect(self._show_reading)
        self._show()

    def _make_controls(self) -> None:
        add, name = self._panel.add_action, self._panel.name_widget
        self.compress = add(
            "bytes_compress",
            "Compress",
            "Ctrl+Return",
            self._state.compress,
            icon="play",
            tip="Code the images with the first chosen autoregressive model and a range coder",
        )
        self.stop = add(
            "bytes_stop",
            "Stop",
            "",
            self._state.stop,
            icon="stop",
            tip="End the coding; what was coded before stays",
            needs="Nothing is being coded.",
        )
        self.decode = add(
            "bytes_decode",
            "Decode and compare",
            "",
            self._state.decode,
            icon="check",
            tip="Decode the code with the model, and compare the images with those that were coded",
            needs="Compress images first.",
        )
        self.save = add(
            "bytes_save",
            "Save file…",
            "",
            self._ask_save,
            icon="save",
            tip=f"Save the coded images as a {SUFFIX} file, which gmstudio decode reads, too",
            needs="Compress images first.",
        )
        self.open = add(
            "bytes_open",
            "Open file…",
            "",
            self._ask_open,
            icon="folder",
            tip=f"Decode a {SUFFIX} file with the first chosen autoregressive model; or drop the file here",
        )
        self.table = add(
            "bytes_table",
            "Numbers as CSV…",
            "",
            self._ask_table,
            icon="log",
            tip="Save −log₂ p of each image and the sizes of all forms as a table",
            needs="Compress images first.",
        )
        self.count, self.start = IntegerField(), IntegerField()
        self.count.setRange(1, MAX_CODED)
        self.count.setValue(DEFAULT_COUNT)
        self.start.setRange(0, MAX_INDEX)
        self.start.setPrefix("from no. ")
        self.count.setSuffix(" images")
        name(
            self.count,
            "bytes_count",
            "Number of images",
            f"How many images are coded into one file, 1 to {MAX_CODED:,}.",
        )
        name(self.start, "bytes_start", "First image", "Number of the first image in the set, from 0.")
        for field in (self.count, self.start):
            field.valueChanged.connect(lambda _value: self._state.set_part(self.start.value(), self.count.value()))
        self._panel.remember(self.count, self.start)
        self.sheet, self.cost, self.bars = ContactSheet(), CostMap(), SizeBars()
        name(
            self.sheet, "bytes_sheet", "Coded images", "The coded images and −log₂ p of each; a click shows its pixels."
        )
        name(self.cost, "bytes_cost", "Bits of each pixel", "The image beside the bits that each of its pixels costs.")
        name(self.bars, "bytes_sizes", "Sizes", "Size of all the images in each form.")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setFixedHeight(GRID // 2)
        name(self.progress, "bytes_progress", "Progress", "Share of the sub-pixels that are coded.")

    def _lay_out(self) -> None:
        button = self._panel.button
        compress = button(self.compress)
        compress.setProperty("primary", True)
        self.words, self.title, self.verdict = ElidedLabel(), ElidedLabel(), ElidedLabel()
        self.reading = ElidedLabel()
        for label in (self.title, self.reading):
            label.setProperty("role", "muted")
        top = QHBoxLayout()
        top.setSpacing(GRID)
        for widget in (compress, button(self.stop), self.count, self.start):
            top.addWidget(widget)
        top.addStretch(1)
        images = QVBoxLayout()
        images.setSpacing(GRID // 2)
        images.addWidget(self.title)
        images.addWidget(self.sheet, 1)
        costs = QVBoxLayout()
        costs.setSpacing(GRID // 2)
        costs.addWidget(self.reading)
        costs.addWidget(self.cost, 1)
        sizes = QVBoxLayout()
        sizes.setSpacing(GRID // 2)
        heading = QLabel("All images: size · times smaller than raw")
        heading.setProperty("role", "muted")
        heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        sizes.addWidget(heading)
        sizes.addWidget(self.bars, 1)
        body = QHBoxLayout()
        body.setSpacing(2 * GRID)
        body.addLayout(images, 4)
        body.addLayout(costs, 3)
        body.addLayout(sizes, 3)
        bottom = QHBoxLayout()
        bottom.setSpacing(GRID)
        for action in (self.decode, self.save, self.open, self.table):
            bottom.addWidget(button(action))
        bottom.addWidget(self.verdict, 1)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID)
        page.addLayout(top)
        page.addWidget(self.progress)
        page.addWidget(self.words)  # a line of its own: beside the fields a sentence would be cut short
        page.addLayout(body, 1)
        page.addLayout(bottom)

    def set_active(self, active: bool) -> None:
        """Nothing is requested but by a button; a coding goes on while another page is shown."""

    # ---- what is shown -------------------------------------------------------------------------------------------

    def _show(self) -> None:
        state = self._state
        result, work = state.result, state.work
        reason = self._reason()
        self._panel.allow(self.compress, reason)
        for action, allowed in ((self.stop, bool(work)), (self.decode, result is not None and work == "")):
            action.setEnabled(allowed)
        for action in (self.save, self.table):
            action.setEnabled(result is not None)
        self._panel.allow(self.open, reason)
        done, total = state.progress.done, state.progress.total
        self.progress.setValue(round(1000 * done / total) if work and total else 0)
        self._show_words()
        self._show_verdict()
        self._show_images()

    def _reason(self) -> str:
        """Why nothing can be coded; "" where it can."""
        return "" if self._state.run else NO_CODER if self._owner.library.home else WAITING

    def _show_words(self) -> None:
        state, progress = self._state, self._state.progress
        error = bool(state.problem) and not state.work
        if error:
            words = state.problem
        elif isinstance(state.loading, DataLoading):
            words = loading_text(state.loading)
        elif state.work:
            stage = {"coding": "Coding", "measuring": "Measuring PNG and WebP", "decoding": "Decoding"}
            words = progress_words(stage.get(progress.stage, "Starting"), progress.done, progress.total, "images")
            words = " · ".join(filter(None, (words, rate_words(progress.rate, "images", progress.seconds_left))))
        elif not state.run:
            words = self._reason()
        elif state.coded is not None:
            words = " ".join(filter(None, (state.coded.conversion, *state.coded.warnings)))
        else:
            words = INTRODUCTION
        set_role(self.words, error=error)
        self.words.set_words(words)

    def _show_verdict(self) -> None:
        state = self._state
        error, words = False, self._message
        if state.decoded is not None and state.decoded.images is not None:
            count = state.decoded.images.shape[0]
            if state.identical is None:
                words = f"{state.file_name}: {count:,} images, bit for bit those that were coded (SHA-256 compared)."
            elif state.identical:
                words = f"Identical: yes, {count:,} images bit for bit."
            else:
                error, words = True, "Identical: no. Images and code don't belong together; compress again."
        set_role(self.verdict, error=error)
        self.verdict.set_words(words)

    def _show_images(self) -> None:
        state = self._state
        coded, result = state.coded, state.result
        shown: object = state.decoded if state.decoded is not None and state.file_name else coded
        if shown is None:
            self.sheet.set_placeholder(self._reason() or INTRODUCTION)
            self.bars.set_placeholder("Sizes of the coded images, as PNG and as WebP.")
            self.cost.set_placeholder("What each pixel of an image costs.")
        if shown is self._shown:
            return
        self._shown = shown
        self._message = ""
        images = self._images()
        if shown is coded and coded is not None and result is not None:
            info = self._owner.library.info(coded.run)
            model = run_name(info) if info is not None else folder_name(coded.run)
            self.title.set_words(f"{model}, {coded.weights_step:,} steps · {coded.title} · {len(images):,} images")
            self.sheet.set_captions(self._caption)
            self._show_sizes(result)
        elif state.decoded is not None:
            self.title.set_words(f"{state.file_name}, coded with {state.decoded.source} · {len(images):,} images")
            self.sheet.set_captions(None)
        self.sheet.set_count(len(images))
        self._choose(0 if len(images) else -1)

    def _show_sizes(self, result: Compressed) -> None:
        raw = next(size.bits for size in result.sizes if size.name == "raw")
        self.bars.set_bars(
            [SizeBar(size.title, size.bits, size_words(size.bits, raw), size.name in OWN) for size in result.sizes]
        )

    def _images(self) -> NDArray[np.uint8]:
        """(N, C, H, W) levels of the images in the sheet."""
        state = self._state
        source = state.decoded.images if state.decoded is not None and state.file_name else None
        if source is None and state.result is not None:
            source = state.result.images
        return np.zeros((0, 1, 1, 1), np.uint8) if source is None else source.numpy()

    def _levels(self) -> int:
        state = self._state
        reply = state.decoded if state.decoded is not None and state.file_name else state.coded
        return 2 if reply is None else reply.image.levels

    def _caption(self, index: int) -> str:
        result = self._state.result
        if result is None or index >= result.ideal.shape[0]:
            return ""
        return f"{result.ideal.numpy()[index]:,.0f} bits"

    def _send_pictures(self, indices: tuple[int, ...]) -> None:
        images = self._images()
        known = [index for index in indices if index < len(images)]
        if known:
            self.sheet.show_images(np.array(known), images[known], self._levels())

    def _choose(self, index: int) -> None:
        self._index = index
        self.sheet.set_selected(index)
        result = self._state.result
        if index < 0 or result is None or self._shown is not self._state.coded:
            self.cost.clear()
        else:
            bits = result.bits.numpy()
            self.cost.show_image(result.images.numpy()[index], self._levels(), bits[index], top_of(bits[index]))
        self._show_reading("")

    def _show_reading(self, words: str) -> None:
        """Show the pixel under the pointer; else the image."""
        result = self._state.result
        if not words and result is not None and self.cost.bits.size and self._index >= 0:
            number = int(result.indices.numpy()[self._index])
            words = f"Image {number}: −log₂ p(x) = {result.ideal.numpy()[self._index]:,.1f} bits"
        self.reading.set_words(words)

    # ---- files ---------------------------------------------------------------------------------------------------

    def _ask_save(self) -> None:
        result = self._state.result
        if result is not None:
            data = result.file.data
            ask_path(self, "Save coded images", "images", SUFFIX.removeprefix("."), partial(self._write, data))

    def _ask_table(self) -> None:
        if self._state.result is not None:
            text = self._table(self._state.result).encode()
            ask_path(self, "Save numbers", "bytes", "csv", partial(self._write, text))

    def _ask_open(self) -> None:
        dialog = QFileDialog(self, "Open coded images", "", f"Coded images (*{SUFFIX})")
        dialog.setObjectName("bytes_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._state.decode_file)
        dialog.setModal(False)
        dialog.show()

    def _write(self, data: bytes, path: str) -> None:
        place = Path(path)
        try:
            with put_in_place(place, overwrite=True) as partial_path:
                partial_path.write_bytes(data)
        except OSError as error:
            self._message = f"{place.name} cannot be written: {error.strerror or error}."
        else:
            self._message = f"Saved {len(data):,} bytes: {place}"
        set_role(self.verdict, error=False)
        self.verdict.set_words(self._message)

    def _table(self, result: Compressed) -> str:
        rows = [(size.title, size.bits) for size in result.sizes]
        images = zip(result.indices.numpy().tolist(), result.ideal.numpy().tolist(), strict=True)
        rows += [(f"image {number}", bits) for number, bits in images]
        about = comment_lines(self._panel.picture_details() | {"model": self.title.words})
        return about + csv_text(("what", "bits"), rows)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept a file of coded images."""
        if file_in(event.mimeData()).lower().endswith(SUFFIX):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Decode a dropped file."""
        event.acceptProposedAction()
        self._state.decode_file(file_in(event.mimeData()))


def size_words(bits: float, raw: float) -> str:
    """Describe a size: ``152.5 bytes · 8.0×``, the second being how many times as large it is without a model."""
    size = bits / 8
    text = f"{size:,.0f}" if size == int(size) else f"{size:,.1f}"
    return f"{text} bytes · {raw / max(bits, 1e-9):.1f}×"
