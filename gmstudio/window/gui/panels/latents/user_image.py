"""Your image: draw it, paste it or open it; the encoder or a search finds its code, and the residual is shown."""

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLabel,
    QProgressBar,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gmstudio.media.levels import to_display
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.tab import LatentView
from gmstudio.window.gui.picture_source import FILTER, PictureSource
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.canvas.brush_colour_button import BrushColour, BrushColourButton
from gmstudio.window.gui.widgets.canvas.drawing_canvas import DrawingCanvas
from gmstudio.window.gui.widgets.canvas.overlays import HeatOverlay, overlay_colours
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.images.heat import scale_top
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.gui.widgets.sliders.typed_slider import KeyKeeper, TypedSlider
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.latents.user_image import MAX_STEPS

CANVAS_TIP = (
    "Draw with the left button, erase with the right one; with the keyboard, arrow keys, Space and Delete. "
    "A picture that is dropped here is fitted to the model."
)
RESIDUAL_TIP = "What is shown minus your image: orange where it is too bright, blue where it is too dark."
HINT = "Draw on the canvas, paste or open a picture, or drop one there."
SMALLEST_SCALE = 0.1


class UserImageView(LatentView):
    """An image of one's user_image and how its code is found.

    Args:
        panel: whose controls these are.
        session: what they show and change.
    """

    def __init__(self, panel: Panel, session: LatentsState) -> None:
        super().__init__(panel)
        self._session, self._user_image = session, session.user_image
        self.source = PictureSource(self)
        self.canvas = DrawingCanvas()
        panel.name_widget(self.canvas, "canvas", "Your image", CANVAS_TIP)
        self.residual = LiveImage()
        self.residual.set_placeholder("Its residual comes here.")
        panel.name_widget(self.residual, "residual", "Residual", RESIDUAL_TIP)
        self.residual_caption = QLabel()
        self.residual_caption.setProperty("role", "muted")
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.brush = TypedSlider(1.0, 8.0, decimals=1, suffix=" px")
        self.brush.name("latents.brush", "Brush", "Diameter of the brush, pixels of the image.")
        self.brush_colour = BrushColourButton()
        panel.name_widget(
            self.brush_colour, "brush_colour", "Brush colour", "What the left button paints with, a shade or a colour."
        )
        self._add_actions(panel)
        self._add_settings(panel)
        self._lay_out(panel)
        self.beside = self._beside()
        self.source.accept_drops(self, self.beside, self.canvas)
        self._connect()
        self._fit_canvas()
        self._refresh()

    def _add_actions(self, panel: Panel) -> None:
        add, user_image = panel.add_action, self._user_image
        self.open = add(
            "open_picture", "Open…", "O", self._ask, icon="folder", tip="Open a picture: PNG, JPEG, BMP, GIF"
        )
        self.paste = add(
            "paste_picture", "Paste", "Ctrl+V", self.source.paste, icon="copy", tip="Take the copied picture"
        )
        self.clear = add("clear_canvas", "Clear", "Shift+C", self.canvas.clear, icon="remove", tip="Empty the canvas")
        self.undo = add("undo_stroke", "Undo", "Ctrl+Z", self.canvas.undo, icon="undo", tip="Take the last stroke back")
        self.search = add(
            "find_code", "Find code", "Y", user_image.find, icon="search", tip="Set the sliders to your image's code"
        )
        self.stop = add(
            "stop_search", "Stop", "Shift+Y", user_image.stop, icon="stop", tip="End the search; the best code stays"
        )

    def _add_settings(self, panel: Panel) -> None:
        self.fit = QComboBox()
        panel.name_widget(
            self.fit,
            "fit",
            "How pictures are fitted",
            "A picture of another shape: the whole of it, or its middle.",
        )
        self.fit.addItem("Whole", "whole")
        self.fit.addItem("Crop", "crop")
        self.invert = QCheckBox("Invert")
        panel.name_widget(
            self.invert,
            "invert",
            "Invert pictures",
            "Black becomes white: ink on paper as the white-on-black digits are.",
        )
        self.way = QComboBox()
        panel.name_widget(
            self.way, "way", "How the code is found", "By the encoder, or by searching for the nearest image."
        )
        self.steps = self._spin(panel, 1, MAX_STEPS, "search_steps", "Steps of the search", " steps")
        self.seed = self._spin(panel, 0, MAX_SEED, "search_seed", "Seed of the search's starts", "")
        self.seed.setPrefix("seed ")
        self.seed.setFixedWidth(14 * GRID)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(GRID)
        panel.name_widget(self.progress, "search_progress", "Progress of the search", "How far the search has come.")

    def _spin(self, panel: Panel, low: int, high: int, control: str, name: str, suffix: str) -> QSpinBox:
        spin = QSpinBox()
        spin.setRange(low, high)
        spin.setSuffix(suffix)
        spin.setKeyboardTracking(False)
        spin.installEventFilter(KeyKeeper(spin))
        panel.name_widget(spin, control, name, f"{name}, {low:,} to {high:,}.")
        return spin

    # ---- layout ------------------------------------------------------------------------------------------------

    def _lay_out(self, panel: Panel) -> None:
        brush = QLabel("Brush")
        brush.setBuddy(self.brush)
        self.brush.setMinimumWidth(18 * GRID)
        sources = [panel.button(action) for action in (self.open, self.paste)]
        strokes = [panel.button(action, icon_only=True) for action in (self.undo, self.clear)]
        image = FoldingRow(
            group_of(*sources, *strokes, self.fit, self.invert),
            group_of(brush, self.brush, self.brush_colour, stretch=1),
        )
        buttons = [panel.button(action) for action in (self.search, self.stop)]
        self._code = FoldingRow(group_of(self.way, self.steps, self.seed), group_of(*buttons, self.progress, stretch=2))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(image)
        column.addWidget(self._code)
        column.addWidget(self.said)
        column.addStretch(1)

    def _beside(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        caption = QLabel("Your image")
        for label in (caption, self.residual_caption):
            label.setProperty("role", "muted")
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setFixedHeight(3 * GRID)
        column.addWidget(caption)
        column.addWidget(self.canvas, 3)
        column.addWidget(self.residual_caption)
        column.addWidget(self.residual, 2)
        return side

    def _connect(self) -> None:
        session, user_image = self._session, self._user_image
        user_image.changed.connect(self._refresh)
        user_image.image_changed.connect(self._fit_canvas)
        session.shown_changed.connect(self._show_residual)
        self.source.taken.connect(user_image.take_picture)
        self.source.failed.connect(user_image.tell)
        self.canvas.changed.connect(lambda: user_image.draw(self.canvas.image))
        self.canvas.stroked.connect(self._on_stroked)
        self.brush.value_changed.connect(self._on_brush)
        self.brush_colour.chosen.connect(self._on_brush_colour)
        self.fit.activated.connect(lambda index: user_image.set_fit(self.fit.itemData(index)))
        self.invert.toggled.connect(self._on_inverted)
        self.way.activated.connect(lambda index: user_image.set_way(self.way.itemData(index)))
        self.steps.valueChanged.connect(lambda steps: user_image.set_search(steps, user_image.seed))
        self.seed.valueChanged.connect(lambda seed: user_image.set_search(user_image.steps, seed))

    # ---- what is done ------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        """A file dialog beside the window, not in its way."""
        dialog = QFileDialog(self, "Open a picture", "", FILTER)
        dialog.setObjectName("open_picture_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.source.open)
        dialog.setModal(False)
        dialog.show()

    def _on_stroked(self) -> None:
        """While a stroke goes on, the encoder follows; a search waits for its end."""
        if self._user_image.way == "encoder":
            self._user_image.draw(self.canvas.image)

    def _on_brush(self, value: float) -> None:
        self.canvas.brush = value

    def _on_brush_colour(self, brush_colour: BrushColour) -> None:
        self.canvas.colour = brush_colour

    def _on_inverted(self, invert: bool) -> None:
        if invert != self._user_image.invert:
            self._user_image.set_invert(invert)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _fit_canvas(self) -> None:
        spec, levels = self._user_image.spec, self._user_image.levels
        if spec is not None and levels is not None:
            if self.canvas.image.shape != spec.shape or self.canvas.levels != spec.levels:
                self.canvas.set_blank(spec.shape, spec.levels)
            self.brush_colour.set_channels(spec.channels)
            self.canvas.show_image(levels)

    def _refresh(self) -> None:
        user_image = self._user_image
        ready = user_image.spec is not None and self._session.num_dims > 0
        for action in (self.open, self.paste, self.clear, self.undo, self.search):
            action.setEnabled(ready)
        for widget in (self.canvas, self.brush_colour, self.fit, self.invert, self.way):
            widget.setEnabled(ready)
        self._refresh_way()
        self.brush_colour.setVisible(user_image.spec is None or user_image.spec.levels > 2)
        self.fit.setCurrentIndex(self.fit.findData(user_image.fit))
        self.invert.setChecked(user_image.invert)
        self.brush.set_value(self.canvas.brush)
        searches = user_image.way == "search"
        for field in (self.steps, self.seed):
            field.setVisible(searches)
        self._code.fold()
        for spin, value in ((self.steps, user_image.steps), (self.seed, user_image.seed)):
            if not spin.hasFocus():
                spin.setValue(value)
        self.stop.setEnabled(user_image.searching)
        self.progress.setRange(0, user_image.steps)
        self.progress.setValue(user_image.step)
        kept = self.progress.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(kept)
        self.progress.setVisible(user_image.searching)
        self._show_said()

    def _refresh_way(self) -> None:
        ways = [("encoder", "Encoder")] if self._user_image.encodes else []
        ways.append(("search", "Search"))
        if [self.way.itemData(index) for index in range(self.way.count())] != [way for way, _ in ways]:
            self.way.clear()
            for way, title in ways:
                self.way.addItem(title, way)
        self.way.setCurrentIndex(self.way.findData(self._user_image.way))

    def _show_said(self) -> None:
        user_image = self._user_image
        text = user_image.problem or user_image.said or HINT
        if user_image.way == "search" and not user_image.problem and not math.isnan(user_image.error):
            text += (
                f" Search: RMS error {user_image.error:.3f} after {user_image.step:,} of {user_image.steps:,} steps."
            )
        self.said.setText(text)
        role = "error" if user_image.problem else "muted"
        if self.said.property("role") != role:
            self.said.setProperty("role", role)
            self.said.style().polish(self.said)

    def _show_residual(self) -> None:
        user_image, shown = self._user_image, self._session.shown
        encoding = self._session.gallery.encoding
        mine = (
            encoding is not None
            and not encoding.split
            and user_image.spec is not None
            and user_image.levels is not None
        )
        if (
            shown is None
            or not mine
            or user_image.levels is None
            or user_image.spec is None
            or shown.image.shape != user_image.spec.shape
        ):
            self.residual.set_image(None)
            self.residual_caption.setText("")
            return
        difference = (shown.image.astype(np.float32) - to_display(user_image.levels, user_image.spec.levels)) / 255.0
        values = difference.mean(axis=0)
        top = min(1.0, scale_top(values, SMALLEST_SCALE))
        colours = overlay_colours(HeatOverlay(values=values, top=top, diverging=True, legend=""))
        self.residual.set_image(np.ascontiguousarray(colours.transpose(2, 0, 1)))
        error = float(np.sqrt(np.mean(np.square(difference))))
        self.residual_caption.setText(f"Residual ±{top:g}, RMS error {error:.3f}")
