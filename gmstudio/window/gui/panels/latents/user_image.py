"""View of the user's image: drawing, pasting or opening it, finding its code, and the residual."""

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
)

from gmstudio.media.fit import Fitting
from gmstudio.media.levels import to_display
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.view import LatentView
from gmstudio.window.gui.picture_source import FILTER, PictureSource
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.canvas.brush_colour_button import BrushColour, BrushColourButton
from gmstudio.window.gui.widgets.canvas.drawing_canvas import DrawingCanvas
from gmstudio.window.gui.widgets.canvas.overlays import HeatOverlay, overlay_colours
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.images.heat import scale_top
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.progress_line import ProgressLine
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.latents.user_image import MAX_STEPS, Method

CANVAS_TIP = (
    "Draw with the left button, erase with the right one; with the keyboard, arrow keys, Space and Delete. "
    "A picture that is dropped here is fitted to the model."
)
RESIDUAL_TIP = "Decoded image minus your image: orange where it is too bright, blue where it is too dark."
FIT_TIPS = (
    "The whole picture, padded where its shape is another",
    "The center of the picture",
    "The ink, scaled to that of the data and centered by its mass, as MNIST was made",
)
CONTRAST_TIP = (
    "Stretch the contrast: the picture's background becomes that of the data and its ink the other end of the range, "
    "so that ink on paper becomes white on black where the data are."
)
HINT = "Draw on the canvas, paste or open a picture, or drop one there."
METHOD_TITLES: dict[Method, str] = {"encoder": "Encoder", "optimization": "Optimization"}
RESIDUAL_PX = 14 * GRID
SMALLEST_SCALE = 0.1
"""Least range ± of the residual's colours."""


class UserImageView(LatentView):
    """Controls of the user's image and of the method to find its code; a canvas and the residual beside the image.

    Args:
        panel: that it belongs to.
        state: shown and changed.
    """

    def __init__(self, panel: Panel, state: LatentsState) -> None:
        super().__init__(panel)
        self._state, self._user_image = state, state.user_image
        self.source = PictureSource(self)
        self.canvas = DrawingCanvas()
        panel.name_widget(self.canvas, "canvas", "Your image", CANVAS_TIP)
        self.residual = LiveImage()
        self.residual.set_placeholder("No residual yet.")
        panel.name_widget(self.residual, "residual", "Residual", RESIDUAL_TIP)
        self.residual.setFixedWidth(RESIDUAL_PX)
        self.residual.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Ignored)
        self.residual_caption = ElidedLabel()
        self.residual_caption.setProperty("role", "muted")
        self.residual_caption.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.residual_caption.setFixedWidth(RESIDUAL_PX)
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.brush = TypedSlider(0.25, 4.0, suffix=" strokes")
        self.brush.set_value(1.0)
        self.brush_colour = BrushColourButton()
        panel.name_widget(
            self.brush_colour, "brush_colour", "Brush colour", "Shade or colour that the left button paints."
        )
        self._kind: tuple[object, ...] = ()
        self._add_actions(panel)
        self._add_settings(panel)
        self._lay_out(panel)
        self.instead = self.canvas
        self.source.accept_drops(self, self.canvas)
        self._connect()
        self._fit_canvas()
        self._refresh()
        panel.remember(self.fit, self.contrast, self.invert, self.brush.field)

    def _add_actions(self, panel: Panel) -> None:
        add, user_image = panel.add_action, self._user_image
        self.open = add(
            "open_picture", "Open…", "O", self._ask, icon="folder", tip="Open a picture: PNG, JPEG, BMP, GIF"
        )
        self.paste = add(
            "paste_picture", "Paste", "Ctrl+V", self.source.paste, icon="copy", tip="Paste a copied picture"
        )
        self.clear = add("clear_canvas", "Clear", "Shift+C", self.canvas.clear, icon="remove", tip="Empty the canvas")
        self.find_code = add(
            "find_code", "Find code", "Y", user_image.find, icon="search", tip="Set the sliders to your image's code"
        )
        self.stop = add(
            "stop_optimization",
            "Stop",
            "Shift+Y",
            user_image.stop,
            icon="stop",
            tip="Stop; the best code so far stays",
            needs="No optimization is running.",
        )

    def _add_settings(self, panel: Panel) -> None:
        self.fit = QComboBox()
        panel.name_widget(
            self.fit,
            "fit",
            "Fitting of pictures",
            "Part of a picture that becomes the image: all of it, its center, or its ink, sized and centered like the "
            "data's.",
        )
        self.fit.addItem("Fit (pad)", "whole")
        self.fit.addItem("Center crop", "crop")
        self.fit.addItem("Crop to ink", "ink")
        for index, tip in enumerate(FIT_TIPS):
            self.fit.setItemData(index, tip, Qt.ItemDataRole.ToolTipRole)
        self.contrast = QCheckBox("Auto contrast")
        panel.name_widget(self.contrast, "contrast", "Auto contrast", CONTRAST_TIP)
        self.invert = QCheckBox("Invert")
        panel.name_widget(
            self.invert,
            "invert",
            "Invert pictures",
            "Black becomes white: for ink on paper, where the data are white on black.",
        )
        self.method = QComboBox()
        panel.name_widget(
            self.method, "method", "Method", "Encode the image, or optimize the code until its image is nearest."
        )
        self.steps = self._spin(panel, 1, MAX_STEPS, "optimization_steps", "Optimization steps", " steps")
        self.seed = self._spin(panel, 0, MAX_SEED, "optimization_seed", "Seed of the initial codes", "")
        self.seed.setPrefix("seed ")
        self.seed.setFixedWidth(14 * GRID)
        self.progress = ProgressLine()
        self.progress.setFixedHeight(GRID)
        panel.name_widget(self.progress, "optimization_progress", "Progress", "Steps of the optimization so far.")

    def _spin(self, panel: Panel, low: int, high: int, control: str, name: str, suffix: str) -> IntegerField:
        spin = IntegerField()
        spin.setRange(low, high)
        spin.setSuffix(suffix)
        panel.name_widget(spin, control, name, f"{name}, {low:,} to {high:,}.")
        return spin

    # ---- layout ------------------------------------------------------------------------------------------------

    def _lay_out(self, panel: Panel) -> None:
        brush = QLabel("Brush")
        brush.setBuddy(self.brush)
        self.brush.setMinimumWidth(18 * GRID)
        sources = [panel.button(action) for action in (self.open, self.paste)]
        clear = panel.button(self.clear, icon_only=True)
        image = FoldingRow(
            group_of(*sources, clear),
            group_of(self.fit, self.contrast, self.invert),
            group_of(brush, self.brush, self.brush_colour, stretch=1),
        )
        buttons = [panel.button(action) for action in (self.find_code, self.stop)]
        self._code = FoldingRow(
            group_of(self.method, self.steps, self.seed), group_of(*buttons, self.progress, stretch=2)
        )
        column = QVBoxLayout()
        column.setSpacing(GRID // 2)
        column.addWidget(image)
        column.addWidget(self._code)
        column.addWidget(self.status)
        column.addStretch(1)
        difference = QVBoxLayout()
        difference.setSpacing(0)
        difference.addWidget(self.residual, 1)
        difference.addWidget(self.residual_caption)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addLayout(column, 1)
        row.addLayout(difference)

    def _connect(self) -> None:
        state, user_image = self._state, self._user_image
        user_image.changed.connect(self._refresh)
        user_image.image_changed.connect(self._fit_canvas)
        state.shown_changed.connect(self._show_residual)
        self.source.taken.connect(user_image.take_picture)
        self.source.failed.connect(user_image.report)
        self.canvas.begun.connect(user_image.begin_edit)
        self.canvas.changed.connect(lambda: user_image.draw(self.canvas.image))
        self.canvas.stroked.connect(self._on_stroked)
        self.brush.value_changed.connect(self._on_brush)
        self.brush_colour.chosen.connect(self._on_brush_colour)
        self.fit.activated.connect(self._on_fitting)
        self.invert.clicked.connect(self._on_fitting)
        self.contrast.clicked.connect(self._on_fitting)
        self.method.activated.connect(lambda index: user_image.set_method(self.method.itemData(index)))
        self.steps.valueChanged.connect(lambda steps: user_image.set_optimization(steps, user_image.seed))
        self.seed.valueChanged.connect(lambda seed: user_image.set_optimization(user_image.steps, seed))

    # ---- the user's actions ------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Open a non-modal file dialog."""
        dialog = QFileDialog(self, "Open a picture", "", FILTER)
        dialog.setObjectName("open_picture_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.source.open)
        dialog.setModal(False)
        dialog.show()

    def _on_stroked(self) -> None:
        """Follow a stroke with the encoder; an optimization begins at its end."""
        if self._user_image.method == "encoder":
            self._user_image.draw(self.canvas.image)

    def _on_brush(self, value: float) -> None:
        self.canvas.brush = value * self._stroke

    @property
    def _stroke(self) -> float:
        """Stroke width of the data, pixels."""
        ink = self._user_image.ink.statistics
        return 1.0 if ink is None else ink.stroke

    def _on_brush_colour(self, brush_colour: BrushColour) -> None:
        self.canvas.colour = brush_colour

    def _on_fitting(self) -> None:
        self._user_image.set_fitting(
            Fitting(self.fit.currentData(), invert=self.invert.isChecked(), contrast=self.contrast.isChecked())
        )

    def set_active(self, active: bool) -> None:
        """Have the data's ground and strokes measured, which the canvas and the brush need."""
        if active:
            self._user_image.ink.need()

    # ---- showing -----------------------------------------------------------------------------------------------

    def _fit_canvas(self) -> None:
        spec, levels = self._user_image.spec, self._user_image.levels
        if spec is not None and levels is not None:
            ground = self._user_image.ground
            kind = (spec, tuple(ground.tolist()))
            if kind != self._kind:
                self._kind = kind
                self.canvas.set_blank(spec.shape, spec.levels, ground)
                self.brush_colour.choose(QColor("black" if 2 * ground.mean() > spec.levels - 1 else "white"))
            self.brush_colour.set_channels(spec.channels)
            self.canvas.show_image(levels)

    def _refresh(self) -> None:
        user_image = self._user_image
        ready = user_image.spec is not None and self._state.code.num_dims > 0
        for action in (self.open, self.paste, self.clear, self.find_code):
            action.setEnabled(ready)
        for widget in (self.canvas, self.brush_colour, self.fit, self.contrast, self.invert, self.method):
            widget.setEnabled(ready)
        self._refresh_method()
        self.brush_colour.setVisible(user_image.spec is None or user_image.spec.levels > 2)
        self.fit.setCurrentIndex(self.fit.findData(user_image.fitting.fit))
        self.invert.setChecked(user_image.fitting.invert)
        self.contrast.setChecked(user_image.fitting.contrast)
        self._on_brush(self.brush.value)
        tip = f"Diameter of the brush, in stroke widths of the data ({self._stroke:.1f} pixels)."
        self.brush.name("latents.brush", "Brush", tip)
        for field in (self.steps, self.seed):
            field.setVisible(user_image.method == "optimization")
        self._code.fold()
        for spin, value in ((self.steps, user_image.steps), (self.seed, user_image.seed)):
            if not spin.hasFocus():
                spin.setValue(value)
        self.stop.setEnabled(user_image.optimizing)
        self.progress.setRange(0, user_image.steps)
        self.progress.setValue(user_image.step)
        self.progress.setVisible(user_image.optimizing)
        self._show_status()

    def _refresh_method(self) -> None:
        methods = self._user_image.methods
        if tuple(self.method.itemData(index) for index in range(self.method.count())) != methods:
            self.method.clear()
            for method in methods:
                self.method.addItem(METHOD_TITLES[method], method)
        self.method.setCurrentIndex(self.method.findData(self._user_image.method))

    def _show_status(self) -> None:
        user_image = self._user_image
        text = user_image.problem or user_image.description or HINT
        if user_image.method == "optimization" and not user_image.problem and not math.isnan(user_image.error):
            steps = f"{user_image.step:,} of {user_image.steps:,} steps"
            text += f" Optimization: RMS error {user_image.error:.3f} after {steps}."
        self.status.setText(text)
        set_role(self.status, error=bool(user_image.problem))

    def _show_residual(self) -> None:
        shown, encoding = self._state.shown, self._state.gallery.encoding
        spec, levels = self._user_image.spec, self._user_image.levels
        encoded = encoding is not None and not encoding.split
        if shown is None or not encoded or spec is None or levels is None or shown.image.shape != spec.shape:
            self.residual.set_image(None)
            self.residual_caption.set_words("")
            return
        difference = (shown.image.astype(np.float32) - to_display(levels, spec.levels)) / 255.0
        values = difference.mean(axis=0)
        top = min(1.0, scale_top(values, SMALLEST_SCALE))
        colours = overlay_colours(HeatOverlay(values=values, top=top, diverging=True, legend=""))
        self.residual.set_image(np.ascontiguousarray(colours.transpose(2, 0, 1)))
        self.residual_caption.set_words(f"Residual ±{top:g}")
