"""Export: the interpolation, the traversal, the image or the map as GIF, PNG or MP4, with their provenance."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QProgressBar, QSpinBox, QVBoxLayout

from gmstudio.media.writing import FORMATS, MAX_FPS, NO_FFMPEG, Format, ffmpeg_path
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.tab import LatentView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.sliders.typed_slider import KeyKeeper
from gmstudio.window.state.latents.export import MAX_IMAGES, MAX_SCALE, ExportPlan
from gmstudio.window.state.latents.export_sources import SOURCES, Source, codes_of, frame_count, origin_of
from gmstudio.window.state.latents.state import LatentsState

SOURCE_WORDS: dict[Source, str] = {
    "interpolation": "Interpolation",
    "traversal": "Along the dimension",
    "image": "The image",
    "map": "The map",
}
FORMAT_WORDS: dict[Format, str] = {"gif": "GIF", "png": "PNG", "mp4": "MP4"}
DEFAULT_FPS, DEFAULT_SCALE, DEFAULT_IMAGES, DEFAULT_COLUMNS = 25, 8, 11, 24
HINT = "The file says what it shows: drop it on the window, and run, codes and path come back."


class ExportView(LatentView):
    """What to write, how, and where.

    Args:
        panel: whose controls these are.
        session: what is exported.
    """

    def __init__(self, panel: Panel, session: LatentsState) -> None:
        super().__init__(panel)
        self._session, self._export = session, session.export
        self._waiting: ExportPlan | None = None
        self._folder = ""
        self.what = QComboBox()
        for source in SOURCES:
            self.what.addItem(SOURCE_WORDS[source], source)
        panel.name_widget(self.what, "export_what", "What to export", "Which images are written.")
        self.form = QComboBox()
        for form in FORMATS:
            self.form.addItem(FORMAT_WORDS[form], form)
        panel.name_widget(self.form, "export_form", "Format", "GIF and MP4 play; a PNG shows the images side by side.")
        self.fps = self._spin(panel, 1, MAX_FPS, "export_fps", "Frames per second", " frames/s", DEFAULT_FPS)
        self.images = self._spin(
            panel, 1, MAX_IMAGES, "export_images", "Images of the strip", " images", DEFAULT_IMAGES
        )
        self.columns = self._spin(panel, 1, MAX_IMAGES, "export_columns", "Images in a row", " a row", DEFAULT_COLUMNS)
        self.scale = self._spin(
            panel, 1, MAX_SCALE, "export_scale", "Screen pixels per pixel", " × size", DEFAULT_SCALE
        )
        self.extent = QLabel()
        self.extent.setProperty("role", "muted")
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(GRID)
        panel.name_widget(self.progress, "export_progress", "Progress of the export", "How much is decoded.")
        add = panel.add_action
        self.save = add("export", "Save as…", "Ctrl+E", self._ask, icon="save", tip="Choose a name and write the file")
        self.replace = add("export_replace", "Replace it", "", self._replace, tip="Write over the file of this name")
        self.stop = add(
            "export_stop", "Stop", "", self._export.stop, icon="stop", tip="End the export; no file is left"
        )
        self._lay_out(panel)
        self._connect()
        self._refresh()

    def _spin(self, panel: Panel, low: int, high: int, control: str, name: str, suffix: str, value: int) -> QSpinBox:
        spin = QSpinBox()
        spin.setRange(low, high)
        spin.setValue(value)
        spin.setSuffix(suffix)
        spin.setKeyboardTracking(False)
        spin.installEventFilter(KeyKeeper(spin))
        panel.name_widget(spin, control, name, f"{name}, {low:,} to {high:,}.")
        return spin

    def _lay_out(self, panel: Panel) -> None:
        save, stop = panel.button(self.save), panel.button(self.stop)
        self._replace_button = panel.button(self.replace)
        numbers = group_of(self.fps, self.images, self.columns, self.scale)
        self._settings = FoldingRow(group_of(self.what, self.form), numbers)
        doing = FoldingRow(
            group_of(save, self._replace_button, stop), group_of(self.extent, self.progress, stretch=1, spacing=GRID)
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self._settings)
        column.addWidget(doing)
        column.addWidget(self.told)
        column.addStretch(1)
        kept = self.progress.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(kept)

    def _connect(self) -> None:
        session = self._session
        for box in (self.what, self.form):
            box.activated.connect(self._refresh)
        for spin in (self.fps, self.images, self.columns, self.scale):
            spin.valueChanged.connect(self._refresh)
        session.run_changed.connect(self._refresh)
        session.interpolation.changed.connect(self._refresh)
        session.map.changed.connect(self._refresh)
        self._export.changed.connect(self._refresh)

    # ---- what is done ------------------------------------------------------------------------------------------

    @property
    def source(self) -> Source:
        """What is exported."""
        return SOURCES[max(0, self.what.currentIndex())]

    @property
    def format(self) -> Format:
        """Of the file."""
        return FORMATS[max(0, self.form.currentIndex())]

    def export_to(self, path: str, *, overwrite: bool = False) -> None:
        """Write the chosen images to a file; its process_exit is made that of the format."""
        session = self._session
        target = Path(path)
        if target.suffix.lower() != f".{self.format}":
            target = target.with_name(f"{target.name}.{self.format}")
        try:
            count = frame_count(session, self.source, self.format, self.fps.value(), self.images.value())
            codes, origin = codes_of(session, self.source, count), origin_of(session, self.source)
        except ValueError as error:
            self._tell(str(error), bad=True)
            return
        assert session.opened is not None
        spec = session.opened.info.image
        self._folder = str(target.parent)
        self._waiting = ExportPlan(
            run=session.run,
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
        )
        self._export.start(self._waiting)

    def _columns(self, count: int) -> int:
        return self._session.map.side if self.source == "map" else min(self.columns.value(), count)

    def _ask(self) -> None:
        """A file dialog beside the window, not in its way; a name that exists is asked about here."""
        dialog = QFileDialog(self, "Save the export", self._folder, f"{FORMAT_WORDS[self.format]} (*.{self.format})")
        dialog.setObjectName("export_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setDefaultSuffix(self.format)
        dialog.selectFile(f"{self.source}.{self.format}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.export_to)
        dialog.setModal(False)
        dialog.show()

    def _replace(self) -> None:
        if self._waiting is not None:
            self.export_to(str(self._waiting.path), overwrite=True)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        ready = self._session.num_dims > 0
        if self.source == "map":
            self.form.setCurrentIndex(FORMATS.index("png"))
        self.form.setEnabled(self.source != "map")
        export, film, single = self._export, self.format != "png", self.source in ("image", "map")
        self._offer_mp4()
        self.fps.setVisible(film and not single)
        for spin in (self.images, self.columns):
            spin.setVisible(not film and not single)
        self._settings.fold()
        self.save.setEnabled(ready and not export.busy)
        self.stop.setEnabled(export.busy)
        self.progress.setVisible(export.busy)
        self.progress.setValue(round(1000 * export.share))
        exists = not export.busy and bool(export.problem) and self._waiting is not None and self._waiting.path.exists()
        self._replace_button.setVisible(exists and "already" in export.problem)
        self._show_size()
        if export.busy:
            self._tell(f"Decoding {export.decoded:,} of {len(export.plan.codes):,} …" if export.plan else "")
        elif export.problem:
            self._tell(export.problem, bad=True)
        else:
            self._tell(f"Written: {export.written}" if export.written else HINT)

    def _offer_mp4(self) -> None:
        model = self.form.model()
        assert isinstance(model, QStandardItemModel)
        there = bool(ffmpeg_path())
        item = model.item(FORMATS.index("mp4"))
        item.setEnabled(there)
        item.setToolTip("" if there else NO_FFMPEG)
        item.setText("MP4" if there else "MP4 (needs ffmpeg)")

    def _show_size(self) -> None:
        opened = self._session.opened
        if opened is None:
            self.extent.setText("")
            return
        spec, scale = opened.info.image, self.scale.value()
        count = frame_count(self._session, self.source, self.format, self.fps.value(), self.images.value())
        columns = self._columns(count) if self.format == "png" else 1
        rows = -(-count // columns) if self.format == "png" else 1
        words = f"{columns * spec.width * scale:,}×{rows * spec.height * scale:,} pixels"
        if self.format == "png":
            self.extent.setText(words)
        else:
            self.extent.setText(f"{count:,} frames of {words}, {count / self.fps.value():.1f} s")

    def _tell(self, text: str, *, bad: bool = False) -> None:
        self.told.setText(text)
        role = "error" if bad else "muted"
        if self.told.property("role") != role:
            self.told.setProperty("role", role)
            self.told.style().polish(self.told)
