"""Page of scores: histograms, numbers, and all images from most to least likely."""

import math

import msgspec
from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.image_sets import ImagesFetched
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.image_detail import ImageDetail, words_of
from gmstudio.window.gui.panels.density.score_export import ScoreExport
from gmstudio.window.gui.panels.density.score_figures import score_histograms, score_rows
from gmstudio.window.gui.panels.density.score_table import ScoreTable
from gmstudio.window.gui.panels.density.score_words import caption_text, number_text, order_text, scoring_text
from gmstudio.window.gui.panels.density.statistic_choice import StatisticChoice
from gmstudio.window.gui.panels.density.status_words import StatusWords
from gmstudio.window.gui.progress_text import loading_text
from gmstudio.window.gui.run_text import run_name
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.formula import Formula
from gmstudio.window.gui.widgets.images.contact_sheet import ContactSheet
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.plots.overlaid_histograms import OverlaidHistograms
from gmstudio.window.gui.widgets.progress_line import ProgressLine
from gmstudio.window.state.density.scores import ScoresState
from gmstudio.window.state.density.state import DensityState

MAX_SAMPLES = 10_000
FORMULA_PX = 4 * GRID
EMPTY = "Score the images: the histogram of each model's scores appears here."
EMPTY_SHEET = "The images are shown here, from the most to the least likely one once they are scored."
NOTHING = "No images are being scored."


class ScoresPage(ActiveWidget):
    """Scores of the chosen images under the chosen models.

    Args:
        panel: that the controls belong to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: DensityState) -> None:
        super().__init__()
        self._panel, self._owner = panel, state
        self._state = state.page(ScoresState)
        self._export = ScoreExport(panel, self._state)
        self._order_of: tuple[str, bool] = ("", True)
        self._make_controls()
        self._make_views()
        self._lay_out()
        self._connect()
        self._show_offered()
        self._show_work()
        self._show_scores()
        self._show_order()

    def set_active(self, active: bool) -> None:
        """List the statistics while the page is open."""
        self._state.set_active(active)

    # ---- controls ------------------------------------------------------------------------------------------------

    def _make_controls(self) -> None:
        panel, state = self._panel, self._state
        name = panel.name_widget
        self.statistic = StatisticChoice(panel, "score_statistic")
        self.samples, self.seed, self.labels = IntegerField(), IntegerField(), QComboBox()
        name(
            self.samples,
            "score_samples",
            "Samples an image",
            "Monte Carlo samples an image, for bounds and estimates; 0: the default of the family.",
        )
        self.samples.setRange(0, MAX_SAMPLES)
        self.samples.setSpecialValueText("default samples")
        self.samples.setSuffix(" samples")
        name(self.seed, "score_seed", "Seed", "Seed of all noise; a seed repeats the scores of bounds and estimates.")
        self.seed.setRange(0, MAX_SEED)
        self.seed.setPrefix("seed ")
        self.seed.setFixedWidth(14 * GRID)
        name(
            self.labels,
            "score_labels",
            "Labels of conditional models",
            "Likelihood of a class-conditional model: over all labels, given the image's own, or without labels.",
        )
        for title, value in (("over labels", "marginal"), ("given labels", "given"), ("no labels", "none")):
            self.labels.addItem(title, value)
        add = panel.add_action
        self.score = add(
            "score",
            "Score",
            "Ctrl+Return",
            state.score,
            icon="play",
            tip="Score the images, and those to compare with, under all checked models",
        )
        self.stop = add(
            "score_stop", "Stop", "Ctrl+.", state.stop, icon="stop", tip="Stop; what was scored is kept", needs=NOTHING
        )
        self.export = add(
            "score_export",
            "Export…",
            "Ctrl+E",
            self._export.ask,
            icon="save",
            tip="Write the scores of all images as CSV",
        )
        self.log = add(
            "score_log",
            "Log counts",
            "L",
            self._on_log,
            icon="log",
            tip="Show the histograms on a logarithmic axis, so that single images are seen",
            checkable=True,
        )
        self.turn = add(
            "score_turn",
            "Least likely first",
            "O",
            self._on_turn,
            icon="sort",
            tip="Show the least likely images first",
            checkable=True,
        )
        panel.remember(self.samples, self.seed, self.labels, self.log, self.turn)
        self.progress = ProgressLine()
        self.progress.setFixedHeight(GRID)
        self.progress.setFixedWidth(12 * GRID)
        name(self.progress, "score_progress", "Progress", "Images scored so far.")
        self.words = StatusWords()
        self.formula = Formula(16)
        self.formula.setFixedHeight(FORMULA_PX)

    def _make_views(self) -> None:
        panel, state = self._panel, self._state
        self.histograms = OverlaidHistograms()
        self.histograms.set_placeholder(EMPTY)
        panel.name_widget(
            self.histograms,
            "score_histogram",
            "Histograms of the scores",
            "Share of the images in each bin, a colour for each model; dashed: the images to compare with, dotted: the "
            "open image.",
        )
        self.table = ScoreTable()
        panel.name_widget(
            self.table,
            "score_table",
            "Scores of the models",
            "Click a row to order the images by the scores of its model.",
        )
        self.table.setToolTip("")  # it would lie over the rows
        self.sheet = ContactSheet()
        panel.name_widget(
            self.sheet,
            "score_sheet",
            "Images in their order",
            "All images in the order of their scores; click one to see it large.",
        )
        self.sheet.set_placeholder(EMPTY_SHEET)
        self.sheet.set_captions(self._caption)
        self.sheet.set_tips(self._tip)
        self.order = ElidedLabel()
        self.order.setProperty("role", "muted")
        self.detail = ImageDetail(panel, self._owner, state.inspected, "score")

    def _lay_out(self) -> None:
        button = self._panel.button
        start = button(self.score)
        start.setProperty("primary", True)
        title = QLabel("Statistic")
        title.setBuddy(self.statistic)
        controls = FoldingRow(
            group_of(title, self.statistic, self.samples, self.labels, self.seed),
            group_of(start, button(self.stop), self.progress),
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
        plots.addWidget(self.histograms, 2)
        plots.addWidget(self.table, 3)
        heading = QHBoxLayout()
        heading.setSpacing(GRID)
        heading.addWidget(self.order, 1)
        heading.addWidget(button(self.turn))
        heading.addWidget(button(self.log))
        heading.addWidget(button(self.export))
        below = QWidget()
        lower = QVBoxLayout(below)
        lower.setContentsMargins(0, 0, 0, 0)
        lower.setSpacing(GRID // 2)
        lower.addLayout(heading)
        images = QHBoxLayout()
        images.setSpacing(GRID)
        images.addWidget(self.sheet, 1)
        images.addWidget(self.detail)
        lower.addLayout(images, 1)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self._panel.name_widget(self.split, "score_split", "Parts of the page", "")
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(above)
        self.split.addWidget(below)
        self.split.setStretchFactor(0, 2)
        self.split.setStretchFactor(1, 3)
        self.split.setSizes([220, 330])
        self._panel.remember(self.split)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(controls)
        column.addLayout(words)
        column.addWidget(self.split, 1)

    def minimumSizeHint(self) -> QSize:
        """Least size in which all parts are legible; below it the page scrolls."""
        return QSize(60 * GRID, super().minimumSizeHint().height())

    def _connect(self) -> None:
        state, owner = self._state, self._owner
        self.statistic.activated.connect(lambda index: state.set_statistic(str(self.statistic.itemData(index))))
        self.samples.valueChanged.connect(lambda _value: self._on_settings())
        self.seed.valueChanged.connect(lambda _value: self._on_settings())
        self.labels.activated.connect(lambda _index: self._on_settings())
        self.table.chosen.connect(state.set_by)
        self.sheet.wanted.connect(state.pictures.fetch)
        self.sheet.opened.connect(state.open)
        state.offered.changed.connect(self._show_offered)
        state.changed.connect(self._show_work)
        self.refresh_on(state.scores_changed, self._show_scores)
        self.refresh_on(state.order_changed, self._show_order)
        state.pictures.arrived.connect(self._on_arrived)
        state.inspected.changed.connect(self._on_inspected)
        owner.described.changed.connect(self._on_described)
        owner.runs_changed.connect(self._show_offered)
        self._export.changed.connect(self._show_work)
        self.refresh_on(theme().changed, self._show_scores)

    def _on_settings(self) -> None:
        state = self._state
        labels = self.labels.currentData()
        settings = msgspec.structs.replace(state.settings, num_samples=self.samples.value(), labels=labels)
        state.set_settings(settings, self.seed.value())

    def _on_log(self, on: bool) -> None:
        self.histograms.set_log(on)

    def _on_turn(self, on: bool) -> None:
        self._state.set_likeliest_first(not on)

    # ---- showing -------------------------------------------------------------------------------------------------

    def _name(self, run: str) -> str:
        info = self._owner.library.info(run)
        return run_name(info) if info is not None else ""

    def _show_offered(self) -> None:
        offered = self._state.offered
        cards = {card: offered.refusal_of_all(card.name) for card in offered.cards()}
        self.statistic.fill(cards, self._state.statistic)
        self._show_work()
        self.when_active(self._show_scores)

    def _show_work(self) -> None:
        state = self._state
        with QSignalBlocker(self.statistic):
            self.statistic.setCurrentIndex(self.statistic.findData(state.statistic))
        card = next((card for card in state.offered.cards() if card.name == state.statistic), None)
        self.formula.set_latex(card.latex if card is not None else "")
        self.words.help.set_words(" ".join(filter(None, (card.help, card.source))) if card is not None else "")
        self._panel.allow(self.score, "The images are being scored." if state.busy else state.unavailable)
        self.stop.setEnabled(state.busy)
        progress, loading = state.progress, state.loading
        self.progress.setVisible(state.busy)
        words, error = self._export.message, self._export.failed
        if isinstance(loading, DataLoading):
            words, error = loading_text(loading), False
            self.progress.setRange(0, loading.total)
            self.progress.setValue(loading.done)
        elif progress is not None:
            now, run, done, total = progress
            words, error = scoring_text(now, self._name(run), done, total), False
            self.progress.setRange(0, max(1, total) * 1000)
            self.progress.setValue(round(1000 * (done + now.done / max(now.total, 1))))
        elif state.pictures.problem or state.unavailable:
            words, error = state.pictures.problem or state.unavailable, bool(state.pictures.problem)
        self.words.set_status(words, error=error)
        self._panel.allow(self.export, "" if self._scored() else "There are no scores yet.")
        self.when_active(self._show_table)

    def _scored(self) -> list[str]:
        return [run for run in self._owner.runs if self._state.result(run) is not None]

    def _show_table(self) -> None:
        self.table.show_rows(*score_rows(self._owner, self._state, self._name), self._state.ordered_by)

    def _show_scores(self) -> None:
        """Draw the histograms and the numbers."""
        sets, unit = score_histograms(self._owner, self._state, self._name)
        self.histograms.set_title(unit)
        self.histograms.set_histograms(sets)
        self._show_table()

    def _show_order(self) -> None:
        """Put the images into their order."""
        state = self._state
        run, order = state.ordered_by, state.order()
        same = (run, state.likeliest_first) == self._order_of and len(order) == self.sheet.count
        self._order_of = run, state.likeliest_first
        self.sheet.set_order(order, to_top=not same)
        self._sort_words(len(order))
        self._show_table()

    def _sort_words(self, count: int) -> None:
        run, state = self._state.ordered_by, self._state
        result = state.result(run) if run else None
        self.order.set_words(order_text(result, count, self._name(run), likeliest_first=state.likeliest_first))

    def _caption(self, index: int) -> str:
        result = self._state.result(self._state.ordered_by) if self._state.ordered_by else None
        if result is None or index >= result.values.shape[0]:
            return ""
        value = float(result.values.numpy()[index])
        return "" if math.isnan(value) and not result.done else caption_text(value)

    def _tip(self, index: int) -> str:
        lines = [words_of(index, self._owner.described.described)]
        for run in self._scored():
            result = self._state.result(run)
            if result is not None and index < result.values.shape[0]:
                value = number_text(float(result.values.numpy()[index]))
                lines.append(f"{self._name(run)}: {value} {result.statistic.unit}".rstrip())
        return "\n".join(lines)

    def _on_arrived(self, event: ImagesFetched) -> None:
        self.sheet.show_images(event.indices.numpy(), event.images.numpy(), event.image.levels)

    def _on_inspected(self) -> None:
        self.sheet.set_selected(self._state.inspected.index)
        self._show_scores()

    def _on_described(self) -> None:
        """Show other images: those of another set, or none while it is being described."""
        described = self._owner.described.described
        self.detail.set_described(described)
        self._order_of = ("", True)
        self.sheet.set_count(described.count if described is not None else 0)
        self.sheet.set_placeholder(self._owner.described.problem or EMPTY_SHEET)
        if described is not None:
            self.sheet.set_image_size(described.image.height, described.image.width)
        self._show_order()
        self._show_work()
