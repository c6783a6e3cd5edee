"""Page of anomalies: typical and anomalous images by a statistic, with a threshold that is dragged in all plots."""

import math

import msgspec
import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.image_sets import ImagesFetched
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.anomaly_numbers import AnomalyNumbers
from gmstudio.window.gui.panels.density.background_row import BackgroundRow
from gmstudio.window.gui.panels.density.image_detail import ImageDetail, words_of
from gmstudio.window.gui.panels.density.score_words import caption_text, number_text, scoring_text
from gmstudio.window.gui.panels.density.statistic_choice import StatisticChoice
from gmstudio.window.gui.panels.density.status_words import StatusWords
from gmstudio.window.gui.progress_text import loading_text
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.formula import Formula
from gmstudio.window.gui.widgets.images.contact_sheet import ContactSheet
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.plots.overlaid_histograms import Histogram, OverlaidHistograms
from gmstudio.window.gui.widgets.plots.rate_curve import RateCurve, Rates
from gmstudio.window.gui.widgets.progress_line import ProgressLine
from gmstudio.window.state.density.anomalies import AnomaliesState
from gmstudio.window.state.density.detection import OUTCOMES, Detection, Outcome
from gmstudio.window.state.density.state import DensityState

FORMULA_PX = 4 * GRID
MAX_GROUP = 1000
OUTCOME_TITLES: dict[Outcome, str] = {
    "found": "Anomalous, found",
    "missed": "Anomalous, missed",
    "false": "Typical, called anomalous",
    "passed": "Typical, passed",
}
EMPTY = "Detect anomalies: the scores of both sets appear here, with a threshold to be dragged."
EMPTY_SHEET = "The images that the threshold finds, misses or calls anomalous are shown here."


class AnomaliesPage(ActiveWidget):
    """Anomalies among the chosen images and the anomalous ones, by the first of the chosen models.

    Args:
        panel: that the controls belong to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: DensityState) -> None:
        super().__init__()
        self._panel, self._owner = panel, state
        self._state = state.page(AnomaliesState)
        self._sheet_of: object = None
        self._make_controls()
        self._make_views()
        self._lay_out()
        self._connect()
        self._show_offered()
        self._show_result()

    def set_active(self, active: bool) -> None:
        """List statistics and background models while the page is open."""
        self._state.set_active(active)

    # ---- controls ------------------------------------------------------------------------------------------------

    def _make_controls(self) -> None:
        panel, state = self._panel, self._state
        name, add = panel.name_widget, panel.add_action
        self.statistic = StatisticChoice(panel, "anomaly_statistic")
        self.coder, self.group, self.seed = QComboBox(), IntegerField(), IntegerField()
        name(self.coder, "anomaly_coder", "Coder of the complexity", "Coder whose code length is the complexity.")
        for title, value in (("smallest code", "smallest"), ("PNG", "png"), ("WebP", "webp")):
            self.coder.addItem(title, value)
        name(self.group, "anomaly_group", "Images a group", "Images whose mean is tested for typicality.")
        self.group.setRange(1, MAX_GROUP)
        self.group.setPrefix("groups of ")
        self.group.setFixedWidth(16 * GRID)
        name(self.seed, "anomaly_seed", "Seed", "Seed of all noise, and of the bootstrap.")
        self.seed.setRange(0, MAX_SEED)
        self.seed.setPrefix("seed ")
        self.seed.setFixedWidth(14 * GRID)
        self.detect = add(
            "anomaly_detect",
            "Detect",
            "Ctrl+Return",
            state.detect,
            icon="play",
            tip="Compare both sets by the statistic, under the first model",
        )
        self.all = add(
            "anomaly_all",
            "Try all",
            "Ctrl+Shift+Return",
            state.detect_all,
            icon="row",
            tip="Try every statistic that the model has, one after the other",
        )
        self.stop = add(
            "anomaly_stop",
            "Stop",
            "Ctrl+.",
            state.stop,
            icon="stop",
            tip="Stop; scores that were computed are kept",
            needs="No anomalies are being detected.",
        )
        self.background = BackgroundRow(panel, self._owner, state.background)
        self.progress = ProgressLine()
        self.progress.setFixedHeight(GRID)
        self.progress.setFixedWidth(12 * GRID)
        name(self.progress, "anomaly_progress", "Progress", "Images scored so far.")
        self.words = StatusWords()
        self.formula = Formula(16)
        self.formula.setFixedHeight(FORMULA_PX)
        panel.remember(self.coder, self.group, self.seed)

    def _make_views(self) -> None:
        panel = self._panel
        name = panel.name_widget
        self.histograms = OverlaidHistograms()
        self.histograms.set_placeholder(EMPTY)
        name(
            self.histograms,
            "anomaly_histogram",
            "Histograms of the anomaly scores",
            "Drag the threshold, or move it by the arrow keys; images at its right are called anomalous.",
        )
        self.roc = RateCurve("ROC", "False-positive rate", "True-positive rate", diagonal=True)
        self.precision = RateCurve("Precision–recall", "Recall", "Precision")
        drag = "Drag the point, or move it by the arrow keys: the threshold moves along."
        name(self.roc, "anomaly_roc", "ROC curve", drag)
        name(self.precision, "anomaly_precision_recall", "Precision–recall curve", drag)
        self.numbers = AnomalyNumbers(panel, self._state)
        self.outcome, self.counted = QComboBox(), ElidedLabel()
        name(
            self.outcome, "anomaly_outcome", "Images to list", "Which images the sheet shows, the clearest cases first."
        )
        for outcome in OUTCOMES:
            self.outcome.addItem(OUTCOME_TITLES[outcome], outcome)
        self.counted.setProperty("role", "muted")
        self.sheet = ContactSheet()
        name(self.sheet, "anomaly_sheet", "Images with this outcome", "Click an image to see it large.")
        self.sheet.set_placeholder(EMPTY_SHEET)
        self.sheet.set_captions(self._caption)
        self.sheet.set_tips(self._tip)
        self.detail = ImageDetail(panel, self._owner, self._state.inspected, "anomaly")
        panel.remember(self.outcome)

    def _lay_out(self) -> None:
        button = self._panel.button
        start = button(self.detect)
        start.setProperty("primary", True)
        title = QLabel("Statistic")
        title.setBuddy(self.statistic)
        controls = FoldingRow(
            group_of(title, self.statistic, self.coder, self.group, self.seed),
            group_of(start, button(self.all), button(self.stop), self.progress),
            spacing=2 * GRID,
        )
        words = QHBoxLayout()
        words.setSpacing(2 * GRID)
        words.addWidget(self.formula, 2)
        words.addWidget(self.words, 3)
        above = QWidget()
        plots = QHBoxLayout(above)
        plots.setContentsMargins(0, 0, 0, 0)
        plots.setSpacing(GRID)
        plots.addWidget(self.histograms, 4)
        plots.addWidget(self.roc, 3)
        plots.addWidget(self.precision, 3)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self._panel.name_widget(self.split, "anomaly_split", "Parts of the page", "")
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(above)
        self.split.addWidget(self._lower())
        self.split.setStretchFactor(0, 2)
        self.split.setStretchFactor(1, 3)
        self.split.setSizes([210, 290])
        self._panel.remember(self.split)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(controls)
        column.addLayout(words)
        column.addWidget(self.background)
        column.addWidget(self.split, 1)

    def _lower(self) -> QWidget:
        """Numbers at the left, the images at the right."""
        images = QVBoxLayout()
        images.setSpacing(GRID // 2)
        heading = QHBoxLayout()
        heading.setSpacing(GRID)
        heading.addWidget(self.outcome)
        heading.addWidget(self.counted, 1)
        images.addLayout(heading)
        images.addWidget(self.sheet, 1)
        below = QWidget()
        lower = QHBoxLayout(below)
        lower.setContentsMargins(0, 0, 0, 0)
        lower.setSpacing(GRID)
        lower.addWidget(self.numbers)
        lower.addLayout(images, 1)
        lower.addWidget(self.detail)
        return below

    def minimumSizeHint(self) -> QSize:
        """Least size in which all parts are legible; below it the page scrolls."""
        return QSize(80 * GRID, super().minimumSizeHint().height())

    def _connect(self) -> None:
        state, owner = self._state, self._owner
        self.statistic.activated.connect(lambda index: state.set_statistic(str(self.statistic.itemData(index))))
        self.coder.activated.connect(lambda _index: self._on_settings())
        self.group.valueChanged.connect(lambda _value: self._on_settings())
        self.seed.valueChanged.connect(lambda _value: self._on_settings())
        self.histograms.threshold_moved.connect(state.set_threshold)
        self.roc.moved.connect(self._on_point)
        self.precision.moved.connect(self._on_point)
        self.outcome.activated.connect(lambda index: state.set_outcome(self.outcome.itemData(index)))
        self.sheet.wanted.connect(state.pictures.fetch)
        self.sheet.opened.connect(state.open)
        state.offered.changed.connect(self._show_offered)
        state.changed.connect(self._show_work)
        state.detected.connect(self._show_result)
        state.threshold_changed.connect(self._show_threshold)
        state.outcome_changed.connect(self._show_images)
        state.pictures.arrived.connect(self._on_arrived)
        state.inspected.changed.connect(self._on_inspected)
        for change in (owner.described.changed, owner.described_against.changed):
            change.connect(self._on_described)
        theme().changed.connect(self._show_result)

    def _on_settings(self) -> None:
        state = self._state
        settings = msgspec.structs.replace(state.settings, coder=self.coder.currentData(), group=self.group.value())
        state.set_settings(settings, self.seed.value())

    def _on_point(self, point: int) -> None:
        detection = self._state.detection
        if detection is not None:
            self._state.set_threshold(detection.threshold_at(point))

    # ---- showing -------------------------------------------------------------------------------------------------

    def _show_offered(self) -> None:
        """List the statistics; those that only lack a background or an ensemble can be chosen, to be read about."""
        offered, run = self._state.offered, self._owner.run
        cards = {card: "" if card.needs else offered.refusal(run, card.name) for card in offered.cards()}
        self.statistic.fill(cards, self._state.statistic)
        self._show_work()

    def _show_work(self) -> None:
        state = self._state
        with QSignalBlocker(self.statistic):
            self.statistic.setCurrentIndex(self.statistic.findData(state.statistic))
        card = next((card for card in state.offered.cards() if card.name == state.statistic), None)
        self.formula.set_latex(card.latex if card is not None else "")
        help_words = " ".join(filter(None, (card.help, card.source))) if card is not None else ""
        self.words.help.set_words(help_words)
        busy = "Anomalies are being detected." if state.busy else ""
        self._panel.allow(self.detect, busy or state.refusal)
        self._panel.allow(self.all, busy or state.unavailable)
        self.stop.setEnabled(state.busy)
        self.progress.setVisible(state.busy)
        words, problem = state.problems.get(state.statistic, "") or state.pictures.problem, True
        if not words:  # while it cannot begin, statistics are still read about
            words, problem = f"{state.refusal} {help_words}" if state.refusal else "", False
        loading, progress = state.loading, state.progress
        if isinstance(loading, DataLoading):
            words, problem = loading_text(loading), False
            self.progress.setRange(0, loading.total)
            self.progress.setValue(loading.done)
        elif progress is not None:
            now, statistic = progress
            title = next((card.title for card in state.offered.cards() if card.name == statistic), statistic)
            words, problem = scoring_text(now, title, 0, 1), False
            self.progress.setRange(0, max(now.total, 1))
            self.progress.setValue(now.done)
        self.words.set_status(words, error=problem)

    def _show_result(self) -> None:
        """Draw histograms and curves of the result, or none."""
        detection = self._state.detection
        self.numbers.show_result()
        self._sheet_of = None
        if detection is None:
            self.histograms.set_histograms([])
            self.roc.set_rates(None)
            self.precision.set_rates(None)
        else:
            self._draw(detection)
        self._show_work()
        self._show_threshold()

    def _draw(self, detection: Detection) -> None:
        event = detection.event
        sign = "−" if event.sign < 0 else ""
        title = f"{sign}{event.statistic.title}, {event.statistic.unit}".rstrip(", ")
        self.histograms.set_title(f"{title} (more anomalous →)")
        typical, anomalous = theme().series(0), theme().series(1)
        self.histograms.set_histograms(
            [
                Histogram(f"typical: {event.typical_title}", detection.typical, typical),
                Histogram(f"anomalous: {event.anomalous_title}", detection.anomalous, anomalous),
            ]
        )
        curves = event.curves
        if curves is None:
            self.roc.set_rates(None)
            self.precision.set_rates(None)
            return
        found, false = curves.true_positive_rates.numpy(), curves.false_positive_rates.numpy()
        self.roc.set_rates(Rates(false, found, theme().color("accent")))
        self.precision.set_rates(Rates(found, curves.precisions.numpy(), theme().color("accent"), steps=True))

    def _show_threshold(self) -> None:
        """Show the threshold in all plots, the numbers and the images; nothing is asked of the engine."""
        state, detection = self._state, self._state.detection
        threshold = state.threshold
        self.histograms.set_threshold(threshold if detection is not None else math.nan)
        if detection is not None and not math.isnan(threshold):
            point = detection.point(threshold)
            self.roc.set_point(point)
            self.precision.set_point(point)
        self.numbers.show_threshold()
        self._show_images()

    def _show_images(self) -> None:
        """List the images with the chosen outcome."""
        state, detection = self._state, self._state.detection
        with QSignalBlocker(self.outcome):
            self.outcome.setCurrentIndex(self.outcome.findData(state.outcome))
        shown = (detection, state.listed_set)
        if shown != self._sheet_of:
            self.sheet.set_count(0)
        if detection is None:
            self._sheet_of = shown
            self.counted.set_words("")
            return
        images = detection.images(state.outcome, state.threshold)
        self.sheet.set_order(images, to_top=shown != self._sheet_of)
        self._sheet_of = shown
        scores = detection.anomalous if state.outcome in ("found", "missed") else detection.typical
        units = "groups" if detection.groups(state.outcome) is not None else "images"
        listed = len(detection.outcome(state.outcome, state.threshold))
        total = int(np.count_nonzero(~np.isnan(scores)))
        self.counted.set_words(f"{listed:,} of {total:,} {units}, the clearest first")
        is_anomalous = state.outcome in ("found", "missed")
        found = self._owner.described_against if is_anomalous else self._owner.described
        self.detail.set_described(found.described)

    def _caption(self, index: int) -> str:
        detection = self._state.detection
        return "" if detection is None else caption_text(detection.score_of(self._state.outcome, index))

    def _tip(self, index: int) -> str:
        state, detection = self._state, self._state.detection
        found = self._owner.described_against if state.outcome in ("found", "missed") else self._owner.described
        words = words_of(index, found.described)
        if detection is None:
            return words
        statistic = detection.event.statistic
        value = number_text(detection.score_of(state.outcome, index))
        return f"{words}\n{statistic.title}: {value} {statistic.unit}".rstrip()

    def _on_arrived(self, event: ImagesFetched) -> None:
        self.sheet.show_images(event.indices.numpy(), event.images.numpy(), event.image.levels)

    def _on_inspected(self) -> None:
        self.sheet.set_selected(self._state.inspected.index)

    def _on_described(self) -> None:
        described = self._owner.described.described
        if described is not None:
            self.sheet.set_image_size(described.image.height, described.image.width)
        self._show_work()
