"""View of the export: interpolation, traversal, image or map as GIF, PNG or MP4, with its provenance."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QLabel, QVBoxLayout

from gmstudio.media.map_figure import MapFigure
from gmstudio.media.writing import FORMATS, MAX_FPS, NO_FFMPEG, Format, ffmpeg_path, picture_size
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.view import LatentView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.progress_line import ProgressLine
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.latents.export import MAX_IMAGES, MAX_SCALE, ExportPlan, check_settings, usual_scale
from gmstudio.window.state.latents.export_sources import SOURCES, Source, codes_of, figure_of, frame_count, origin_of
from gmstudio.window.state.latents.state import LatentsState

SOURCE_TITLES: dict[Source, str] = {
    "interpolation": "Interpolation",
    "traversal": "Latent traversal",
    "image": "Image",
    "map": "Map",
}
FORMAT_TITLES: dict[Format, str] = {"gif": "GIF", "png": "PNG", "mp4": "MP4"}
DEFAULT_FPS, DEFAULT_IMAGES, DEFAULT_COLUMNS = 25, 11, 24
SAVE_TIP = "Choose a name and write the file"
HINT = "Exports embed their settings; drop the file here to restore them."


class ExportView(LatentView):
    """Source, format and place of an export.

    Args:
        panel: that it belongs to.
        state: of the view that is exported.
    """

    def __init__(self, panel: Panel, state: LatentsState) -> None:
        super().__init__(panel)
        self._panel, self._state, self._export = panel, state, state.export
        self._folder = ""
        self.source_box = QComboBox()
        for source in SOURCES:
            self.source_box.addItem(SOURCE_TITLES[source], source)
        panel.name_widget(self.source_box, "export_source", "Source", "Images to export.")
        self.format_box = QComboBox()
        for form in FORMATS:
            self.format_box.addItem(FORMAT_TITLES[form], form)
        panel.name_widget(
            self.format_box, "export_format", "Format", "GIF and MP4 are films; a PNG shows the images side by side."
        )
        self.fps = self._spin(panel, 1, MAX_FPS, "export_fps", "Frames per second", " frames/s", DEFAULT_FPS)
        self.images = self._spin(panel, 1, MAX_IMAGES, "export_images", "Images", " images", DEFAULT_IMAGES)
        self.columns = self._spin(panel, 1, MAX_IMAGES, "export_columns", "Images per row", " per row", DEFAULT_COLUMNS)
        self.scale = self._spin(panel, 1, MAX_SCALE, "export_scale", "Screen pixels per pixel", " × size", 1)
        self._scale_chosen = False
        self.axes, self.dots = QCheckBox("Axes"), QCheckBox("Dots")
        panel.name_widget(self.axes, "export_axes", "Axes", "Draw the axes of the map around it.")
        panel.name_widget(self.dots, "export_dots", "Dots", "Draw the encoded data on the map, with a legend.")
        self.extent = QLabel()
        self.extent.setProperty("role", "muted")
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.progress = ProgressLine()
        self.progress.setRange(0, 1000)
        self.progress.setFixedHeight(GRID)
        panel.name_widget(self.progress, "export_progress", "Progress", "Share of the images that are decoded.")
        add = panel.add_action
        self.save = add("export", "Save as…", "Ctrl+E", self._ask, icon="save", tip=SAVE_TIP)
        self.replace = add(
            "export_replace", "Replace file", "", self._export.replace, tip="Replace the file of this name"
        )
        self.stop = add(
            "export_stop",
            "Stop",
            "",
            self._export.stop,
            icon="stop",
            tip="Stop the export; no file is left",
            needs="Nothing is being exported.",
        )
        self._lay_out(panel)
        self._connect()
        self._refresh()
        panel.remember(self.source_box, self.format_box, self.fps, self.images, self.columns, self.axes, self.dots)

    def _spin(
        self, panel: Panel, low: int, high: int, control: str, name: str, suffix: str, value: int
    ) -> IntegerField:
        spin = IntegerField()
        spin.setRange(low, high)
        spin.setValue(value)
        spin.setSuffix(suffix)
        panel.name_widget(spin, control, name, f"{name}, {low:,} to {high:,}.")
        return spin

    def _lay_out(self, panel: Panel) -> None:
        save, stop = panel.button(self.save), panel.button(self.stop)
        self._replace_button = panel.button(self.replace)
        numbers = group_of(self.fps, self.images, self.columns, self.scale, self.axes, self.dots)
        self._settings = FoldingRow(group_of(self.source_box, self.format_box), numbers)
        doing = FoldingRow(
            group_of(save, self._replace_button, stop), group_of(self.extent, self.progress, stretch=1, spacing=GRID)
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self._settings)
        column.addWidget(doing)
        column.addWidget(self.status)
        column.addStretch(1)

    def _connect(self) -> None:
        state = self._state
        for box in (self.source_box, self.format_box):
            box.activated.connect(self._refresh)
        self.scale.valueChanged.connect(self._on_scale)
        for spin in (self.fps, self.images, self.columns, self.scale):
            spin.valueChanged.connect(self._refresh)
        state.run_changed.connect(self._refresh)
        state.interpolation.changed.connect(self._refresh)
        state.map.changed.connect(self._refresh)
        self._export.changed.connect(self._refresh)

    def _on_scale(self) -> None:
        self._scale_chosen = True

    # ---- the user's actions ------------------------------------------------------------------------------------------

    @property
    def source(self) -> Source:
        """Source of the images."""
        return SOURCES[max(0, self.source_box.currentIndex())]

    @property
    def format(self) -> Format:
        """Format of the file."""
        return FORMATS[max(0, self.format_box.currentIndex())]

    def export_to(self, path: str, *, overwrite: bool = False) -> None:
        """Export the chosen images to a file; its name gets the suffix of the format.

        Args:
            path: of the file.
            overwrite: a file of this name may be replaced.
        """
        state = self._state
        target = Path(path)
        if target.suffix.lower() != f".{self.format}":
            target = target.with_name(f"{target.name}.{self.format}")
        try:
            count = frame_count(state, self.source, self.format, self.fps.value(), self.images.value())
            codes, origin = codes_of(state, self.source, count), origin_of(state, self.source)
        except ValueError as error:
            self._report(str(error), error=True)
            return
        assert state.space.opened is not None
        spec = state.space.opened.info.image
        self._folder = str(target.parent)
        plan = ExportPlan(
            run=state.run,
            codes=codes,
            origin=origin,
            path=target,
            form=self.format,
            height=spec.height,
            width=spec.width,
            fps=float(self.fps.value()),
            columns=self._columns(count),
            scale=self.scale.value(),
            overwrite=overwrite,
            figure=self._figure(),
        )
        self._export.start(plan)

    def _figure(self) -> MapFigure | None:
        if self.source != "map":
            return None
        return figure_of(self._state, axes=self.axes.isChecked(), dots=self.dots.isChecked())

    def _columns(self, count: int) -> int:
        return self._state.map.side if self.source == "map" else min(self.columns.value(), count)

    def _ask(self) -> None:
        """Open a non-modal file dialog; a name that exists is refused here, and can be replaced."""
        dialog = QFileDialog(self, "Save the export", self._folder, f"{FORMAT_TITLES[self.format]} (*.{self.format})")
        dialog.setObjectName("export_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setDefaultSuffix(self.format)
        dialog.selectFile(f"{self.source}.{self.format}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.export_to)
        dialog.setModal(False)
        dialog.show()

    # ---- showing -----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        ready = self._state.code.num_dims > 0
        if self.source == "map":
            self.format_box.setCurrentIndex(FORMATS.index("png"))
        self.format_box.setEnabled(self.source != "map")
        export, film, single = self._export, self.format != "png", self.source in ("image", "map")
        self._offer_mp4()
        self.fps.setVisible(film and not single)
        for box in (self.axes, self.dots):
            box.setVisible(self.source == "map")
        self.dots.setEnabled(self._state.space.can("encode"))
        for spin in (self.images, self.columns):
            spin.setVisible(not film and not single)
        self._settings.fold()
        problem = self._show_size()
        self.save.setEnabled(ready and not export.busy and not problem)
        self._panel.set_action_tip(self.save, problem or SAVE_TIP)
        self.stop.setEnabled(export.busy)
        self.progress.setVisible(export.busy)
        self.progress.setValue(round(1000 * export.share))
        self._replace_button.setVisible(not export.busy and export.replaceable is not None)
        if export.busy:
            self._report(f"Decoding {export.decoded:,} of {len(export.plan.codes):,} …" if export.plan else "")
        elif problem or export.problem:
            self._report(problem or export.problem, error=True)
        else:
            self._report(f"Written: {export.written}" if export.written else HINT)

    def _offer_mp4(self) -> None:
        model = self.format_box.model()
        assert isinstance(model, QStandardItemModel)
        available = bool(ffmpeg_path())
        item = model.item(FORMATS.index("mp4"))
        item.setEnabled(available)
        item.setToolTip("" if available else NO_FFMPEG)
        item.setText("MP4" if available else "MP4 (needs ffmpeg)")

    def _show_size(self) -> str:
        """Show the size of the file; return why such a file is not written, or ""."""
        opened = self._state.space.opened
        if opened is None:
            self.extent.setText("")
            return ""
        spec = opened.info.image
        count = frame_count(self._state, self.source, self.format, self.fps.value(), self.images.value())
        columns = self._columns(count) if self.format == "png" else 1
        rows = -(-count // columns) if self.format == "png" else 1
        if not self._scale_chosen:
            self.scale.blockSignals(True)
            self.scale.setValue(usual_scale(columns, rows, spec.height, spec.width))
            self.scale.blockSignals(False)
        scale = self.scale.value()
        tall, wide = picture_size(self.format, count, columns, spec.height, spec.width, scale)
        size = f"{wide:,}×{tall:,} pixels"
        if self.format == "png":
            self.extent.setText(size)
        else:
            self.extent.setText(f"{count:,} frames of {size}, {count / self.fps.value():.1f} s")
        try:
            check_settings(self.format, count, columns, spec.height, spec.width, scale, float(self.fps.value()))
        except ValueError as error:
            return str(error)
        return ""

    def _report(self, text: str, *, error: bool = False) -> None:
        self.status.setText(text)
        set_role(self.status, error=error)
