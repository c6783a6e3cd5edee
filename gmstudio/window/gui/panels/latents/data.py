"""View of the run's data: a row of images to encode."""

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy

from gmstudio.protocol.data import SPLIT_TITLES, SPLITS
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.traversal import flat, lay_out_strip, show_images
from gmstudio.window.gui.panels.latents.view import LatentView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.images.traversal_strip import TraversalStrip
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.latents.encoded_images import PAGE, STEPS
from gmstudio.window.state.latents.state import LatentsState

DATA_TIP = "Images of the run's data. Click one to set the sliders to its code."
ENCODE_TIP = "Set the sliders to the code of this image"
OPTIMIZE_TIP = f"Find the code by optimization: {STEPS} steps of gradient descent on the difference from this image"


class DataView(LatentView):
    """Images of the data to encode, a page at a time."""

    def __init__(self, panel: Panel, state: LatentsState) -> None:
        super().__init__(panel)
        self._panel, self._state, self._gallery = panel, state, state.gallery
        self.strip = TraversalStrip(PAGE)
        self.strip.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        panel.name_widget(self.strip, "data", "Images of the data", DATA_TIP)
        self.split = QComboBox()
        panel.name_widget(self.split, "split", "Subset", "Subset of the data: training, validation or test images.")
        for split in SPLITS:
            self.split.addItem(SPLIT_TITLES[split].capitalize(), split)
        self.index = IntegerField()
        panel.name_widget(self.index, "index", "Index of the image", "Index of the image in the subset.")
        self.total = QLabel()
        self.problem = QLabel()
        self.problem.setProperty("role", "error")
        self.problem.setWordWrap(True)
        self._add_actions(panel)
        self._lay_out(panel)
        self._connect()
        self._refresh()

    def _add_actions(self, panel: Panel) -> None:
        gallery, add = self._gallery, panel.add_action
        self.encode = add("encode", "Encode", "E", gallery.encode, icon="encode", tip=ENCODE_TIP)
        self.stop = add(
            "stop_data",
            "Stop",
            "",
            gallery.stop,
            icon="stop",
            tip="Stop; the best code so far stays",
            needs="Nothing is being optimized.",
        )
        self.earlier = add(
            "earlier",
            "Previous images",
            ",",
            lambda: gallery.turn_page(-1),
            icon="left",
            needs="There are no images before these.",
        )
        self.later = add(
            "later",
            "Next images",
            ".",
            lambda: gallery.turn_page(1),
            icon="right",
            needs="There are no images after these.",
        )

    def _lay_out(self, panel: Panel) -> None:
        title = QLabel("Data")
        title.setProperty("role", "target")
        head = QHBoxLayout()
        head.setSpacing(GRID)
        self._stop = panel.button(self.stop)
        for widget in (title, self.split, self.index, self.total, panel.button(self.encode), self._stop):
            head.addWidget(widget)
        head.addWidget(self.problem, 1)
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        row.addWidget(flat(panel.button(self.earlier, icon_only=True)), 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.strip, 1)
        row.addWidget(flat(panel.button(self.later, icon_only=True)), 0, Qt.AlignmentFlag.AlignVCenter)
        lay_out_strip(self, head, row)

    def _connect(self) -> None:
        gallery = self._gallery
        self._state.run_changed.connect(self._refresh)
        gallery.page_changed.connect(self._refresh)
        self.strip.clicked.connect(self._on_clicked)
        self.split.activated.connect(lambda index: gallery.choose_split(self.split.itemData(index)))
        self.index.valueChanged.connect(gallery.choose)

    def _on_clicked(self, place: int) -> None:
        if self._gallery.page is not None:
            self._gallery.choose(self._gallery.page.start + place)
            self._gallery.encode()

    def _refresh(self) -> None:
        gallery = self._gallery
        for control in (self.encode, self.split, self.index, self.strip):
            control.setEnabled(self._state.code.num_dims > 0)
        text = "Encode" if gallery.encodes else "Find code"
        if text != self.encode.text():
            self.encode.setText(text)
            self._panel.set_action_tip(self.encode, ENCODE_TIP if gallery.encodes else OPTIMIZE_TIP)
        self.stop.setEnabled(gallery.optimizing)
        self._stop.setVisible(not gallery.encodes)
        self.split.setCurrentIndex(self.split.findData(gallery.split))
        self.index.blockSignals(True)
        self.index.setRange(0, max(0, gallery.size - 1, gallery.index))
        self.index.setValue(gallery.index)
        self.index.blockSignals(False)
        self.total.setText(f"of {gallery.size:,}" if gallery.size else "")
        self.problem.setText(gallery.problem or self._progress())
        set_role(self.problem, error=bool(gallery.problem))
        self.earlier.setEnabled(gallery.has_earlier)
        self.later.setEnabled(gallery.has_later)
        self._show_page()

    def _progress(self) -> str:
        gallery = self._gallery
        if gallery.encodes or math.isnan(gallery.error):
            return ""
        return f"RMS error {gallery.error:.3f} after {gallery.step} of {STEPS} steps"

    def _show_page(self) -> None:
        page = self._gallery.page
        if page is None:
            show_images(self.strip, None)
            return
        self.strip.set_levels_images(page.images.numpy(), page.image.levels)
        self.strip.set_captions(self._gallery.labels)
        here = page.split == self._gallery.split
        self.strip.set_selected(self._gallery.index - page.start if here else -1)
