"""Page Samples: how good the samples of the chosen models are."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QToolTip,
    QVBoxLayout,
)

from gmstudio.media.writing import put_in_place
from gmstudio.protocol.density_samples import MAX_NEIGHBOUR, MAX_SAMPLES, MIN_SAMPLES, SampleSpace, SpaceKind
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.samples_figures import SampleFigures
from gmstudio.window.gui.panels.density.samples_sheet import SampleSheet
from gmstudio.window.gui.panels.density.samples_table import NumbersTable, csv_of
from gmstudio.window.gui.progress_text import duration_text, loading_text, progress_words, rate_words
from gmstudio.window.gui.run_text import run_name
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.save_dialog import ask_path
from gmstudio.window.gui.widgets.style_property import set_style_property
from gmstudio.window.state.density.samples import DEFAULT_COUNT, SamplesState
from gmstudio.window.state.density.state import DensityState
from gmstudio.window.state.runs.library import folder_name

SPACES: dict[SpaceKind, tuple[str, str]] = {
    "classifier": (
        "Classifier of the data",
        "The last hidden layer of a small convolutional classifier, trained here on the labelled training images and "
        "kept",
    ),
    "random": (
        "Random convolutions",
        "The same network with random weights, for data without labels; far less sensitive to what images show",
    ),
    "pixels": ("Pixels", "The pixels themselves"),
    "inception": (
        "Inception-v3 (your weights)",
        "Layer pool3 of the Inception network of the usual FID, with weights from a file; made for colour photographs, "
        "and slow",
    ),
}
NOTHING = "None of the chosen models generates images. Choose one that does, like VAE, GAN or PixelCNN."
FILTER = "Weights (*.safetensors *.pt *.pth)"


class SamplesPage(ActiveWidget):
    """Numbers, figures and pictures of samples, beside held-out images.

    Args:
        panel: that the controls belong to.
        state: of the panel.

    Attributes:
        table: the numbers.
        figures: their figures.
        sheet: samples and their nearest training images.
    """

    def __init__(self, panel: Panel, state: DensityState) -> None:
        super().__init__()
        self._panel, self._owner = panel, state
        self._state = state.page(SamplesState)
        self._message = ""
        self._make_actions()
        self._make_controls()
        self.table = NumbersTable(panel, self._state, self._name_of)
        self.figures = SampleFigures(panel, self._state, self._name_of)
        self.sheet = SampleSheet(panel, self._state, self._name_of)
        self._lay_out()
        self._state.changed.connect(self._show)
        self._show()

    def set_active(self, active: bool) -> None:
        """Estimate times only while the page is on the screen."""
        self._state.set_active(active)

    # ---- controls ------------------------------------------------------------------------------------------------

    def _make_actions(self) -> None:
        add = self._panel.add_action
        self.measure = add(
            "samples_measure",
            "Measure",
            "Ctrl+Return",
            self._measure,
            icon="play",
            tip="Draw samples of the chosen models, and compare them with training images and with held-out images",
        )
        self.stop = add(
            "samples_stop",
            "Stop",
            "",
            self._state.stop,
            icon="stop",
            tip="End the measurement; samples that were drawn are kept for the next one",
            needs="Nothing is being measured.",
        )
        self.save = add(
            "samples_csv",
            "Numbers as CSV…",
            "",
            self._ask_save,
            icon="log",
            tip="Save the numbers, the curves, the classes and each sample's distance from its nearest training image",
            needs="Measure samples first.",
        )
        self.find_weights = add(
            "samples_find_weights",
            "Choose…",
            "",
            self._ask_weights,
            icon="folder",
            tip="Choose the file of the Inception weights",
            needs="Only Inception-v3 has weights from a file.",
        )

    def _make_controls(self) -> None:
        name = self._panel.name_widget
        self.count, self.neighbour, self.coverage_neighbour = IntegerField(), IntegerField(), IntegerField()
        self.count.setRange(MIN_SAMPLES, MAX_SAMPLES)
        self.count.setValue(DEFAULT_COUNT)
        self.count.setSuffix(" samples")
        tip = f"Samples of each model, {MIN_SAMPLES} to {MAX_SAMPLES:,}; errors fall with their square root"
        name(self.count, "samples_count", "Number of samples", tip)
        for field, value, prefix, control, title in (
            (self.neighbour, 3, "precision k ", "samples_k", "k of precision and recall"),
            (self.coverage_neighbour, 5, "coverage k ", "samples_coverage_k", "k of density and coverage"),
        ):
            field.setRange(1, MAX_NEIGHBOUR)
            field.setValue(value)
            field.setPrefix(prefix)
            name(field, control, title, f"{title}: the ball around an image reaches to its k-th nearest neighbour")
        self.space = QComboBox()
        for kind, (title, help_text) in SPACES.items():
            self.space.addItem(title, kind)
            self.space.setItemData(self.space.count() - 1, help_text, Qt.ItemDataRole.ToolTipRole)
        name(
            self.space,
            "samples_space",
            "Feature space",
            "Features whose distributions are compared; they are part of each number's name",
        )
        self.weights, self.pickled = QLineEdit(), QCheckBox("Read .pt, .pth")
        self.weights.setMinimumWidth(6 * GRID)
        self.weights.setText(self._owner.inception_weights)
        self.weights.setPlaceholderText("Inception weights: .safetensors, .pt or .pth")
        name(self.weights, "samples_weights", "File of the Inception weights", "Path of a file on this computer")
        name(
            self.pickled,
            "samples_pickled",
            "Read pickled weights",
            "A .pt or .pth file is a pickle: only its tensors are read, and nothing in it is executed",
        )
        self._panel.remember(self.count, self.space, self.pickled, self.neighbour, self.coverage_neighbour)
        self.count.valueChanged.connect(self._state.set_count)
        self.space.currentIndexChanged.connect(lambda _index: self._set_space())
        self.weights.textChanged.connect(lambda _text: self._set_space())
        self.pickled.toggled.connect(lambda _on: self._set_space())
        for field in (self.neighbour, self.coverage_neighbour):
            field.valueChanged.connect(
                lambda _value: self._state.set_neighbours(self.neighbour.value(), self.coverage_neighbour.value())
            )
        self._set_space()

    def _lay_out(self) -> None:
        button = self._panel.button
        measure = button(self.measure)
        measure.setProperty("primary", True)
        self.words = ElidedLabel()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setFixedHeight(GRID // 2)
        self._panel.name_widget(self.progress, "samples_progress", "Progress", "Share of the present stage")
        top, second = QHBoxLayout(), QHBoxLayout()
        for row in (top, second):
            row.setSpacing(GRID)
        for widget in (measure, button(self.stop), self.count, QLabel("in"), self.space):
            top.addWidget(widget)
        top.addStretch(1)
        for widget in (self.neighbour, self.coverage_neighbour):
            second.addWidget(widget)
        second.addWidget(self.weights, 1)
        second.addWidget(button(self.find_weights, icon_only=True))
        second.addWidget(self.pickled)
        second.addWidget(button(self.save, icon_only=True))
        left = QVBoxLayout()
        left.setSpacing(GRID)
        left.addWidget(self.table)
        left.addWidget(self.figures, 1)
        body = QHBoxLayout()
        body.setSpacing(2 * GRID)
        body.addLayout(left, 11)
        body.addWidget(self.sheet, 9)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID)
        page.addLayout(top)
        page.addLayout(second)
        page.addWidget(self.progress)
        page.addWidget(self.words)
        page.addLayout(body, 1)

    def _set_space(self) -> None:
        self._owner.inception_weights = self.weights.text()
        kind = self.space.currentData()
        ours = kind == "inception"
        self.weights.setEnabled(ours)
        self.pickled.setEnabled(ours)
        self.find_weights.setEnabled(ours)
        weights = self.weights.text().strip() if ours else ""
        self._state.set_space(SampleSpace(kind=kind, weights=weights, pickled=ours and self.pickled.isChecked()))

    # ---- what is shown -------------------------------------------------------------------------------------------

    def _measure(self) -> None:
        self._message = ""
        self._state.measure()

    def _name_of(self, run: str) -> str:
        """Short name of a run."""
        info = self._owner.library.info(run)
        return run_name(info) if info is not None else folder_name(run)

    def _show(self) -> None:
        state = self._state
        self._panel.allow(self.measure, "" if state.runs else NOTHING)
        self.stop.setEnabled(bool(state.working))
        self.save.setEnabled(bool(state.measured))
        step = state.progress
        self.progress.setValue(round(1000 * step.done / step.total) if state.working and step and step.total else 0)
        role, words = self._status()
        set_style_property(self.words, "role", role)
        self.words.set_words(words)
        self.words.setToolTip(words)

    def _status(self) -> tuple[str, str]:
        """Role and words of the line on top."""
        state = self._state
        if state.working:
            return "muted", self._working_words()
        problems = [f"{self._name_of(run)}: {text}" for run, text in state.problems.items() if run in state.runs]
        if problems:
            return "error", " ".join(problems)
        if not state.runs:
            return "muted", NOTHING
        if self._message:
            return "muted", self._message
        warnings = [text for _run, report in state.measured for text in report.warnings]
        estimate = self._estimate_words()
        return "muted", " ".join(dict.fromkeys([estimate, *warnings] if estimate else warnings))

    def _working_words(self) -> str:
        state, step = self._state, self._state.progress
        if state.loading is not None:
            return loading_text(state.loading)
        number, total = state.place_in_queue
        which = f"{self._name_of(state.working)} ({number} of {total}): " if total > 1 else ""
        if step is None:
            return f"{which}starting …"
        words = which + progress_words(step.stage, step.done, step.total)
        return " · ".join(filter(None, (words, rate_words(step.rate, "", step.seconds_left).replace(" /s", "/s"))))

    def _estimate_words(self) -> str:
        """Time that drawing will take, and the settings of the samplers."""
        state = self._state
        known = [state.estimates[run] for run in state.runs if run in state.estimates]
        known = [estimate for estimate in known if estimate.count == state.count]
        if len(known) < len(state.runs):
            return "" if state.measured else "Estimating how long the samples take …"
        if all(estimate.kept >= estimate.count for estimate in known):
            return "" if state.measured else f"The {state.count:,} samples are drawn already."
        samplers = ", ".join(dict.fromkeys(estimate.sampler for estimate in known if estimate.sampler))
        if any(estimate.seconds < 0 for estimate in known):
            time = "takes so long that it could not be estimated; draw few first"
        else:
            seconds = sum(estimate.seconds for estimate in known)
            time = f"takes about {duration_text(seconds)}" if seconds >= 1 else "takes less than a second"
        return f"Drawing {state.count:,} samples {time}{f' (defaults: {samplers})' if samplers else ''}."

    # ---- files ---------------------------------------------------------------------------------------------------

    def _ask_weights(self) -> None:
        if elsewhere := self._owner.library.elsewhere:
            QToolTip.showText(QCursor.pos(), f"{elsewhere} Write the path of the file there.", self.weights)
            self.weights.setFocus()
            return
        dialog = QFileDialog(self, "Choose the Inception weights", "", FILTER)
        dialog.setObjectName("samples_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.weights.setText)
        dialog.setModal(False)
        dialog.show()

    def _ask_save(self) -> None:
        text = csv_of(self._state, self._name_of, self._panel.picture_details())
        ask_path(self, "Save numbers", "sample quality", "csv", partial(self._write, text))

    def _write(self, text: str, path: str) -> None:
        place = Path(path)
        try:
            with put_in_place(place, overwrite=True) as partial_path:
                partial_path.write_text(text, encoding="utf-8")
        except OSError as error:
            self._message = f"{place.name} cannot be written: {error.strerror or error}."
        else:
            self._message = f"Saved: {place}"
        self._show()
