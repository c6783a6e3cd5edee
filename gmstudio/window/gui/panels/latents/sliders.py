"""Right side of the Latents panel: setting the whole code, the order of the dimensions, and the sliders."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.decoder import DecoderView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.number_input import NumberField
from gmstudio.window.gui.widgets.sliders.bank import SliderBank
from gmstudio.window.gui.widgets.sliders.row import COLLAPSED
from gmstudio.window.gui.widgets.sliders.scale import QUANTILE, SHARE, SIGMA, SliderScale
from gmstudio.window.gui.widgets.sliders.typed_slider import fit_width
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.latents.dimension_stats import COLLAPSED_NATS, Sort
from gmstudio.window.state.latents.space import Scale
from gmstudio.window.state.latents.state import LatentsState

SORTS: tuple[tuple[Sort, str, str], ...] = (
    ("kl", "KL", "By mean KL of the posterior from the prior, nats, largest first"),
    (
        "pixel_change",
        "pixel change (±1 σ)",
        "By root mean square change of the pixels (0 to 1) when the dimension goes from -1σ to 1σ, largest first",
    ),
    ("index", "index", "By index in the code"),
)
SCALES: tuple[tuple[Scale, str, str], ...] = (
    ("sigma", "σ", "Standard deviations of the prior, -3 to 3; -6 to 6 can be typed"),
    ("quantile", "quantile", "Quantiles of the prior, 0.1 % to 99.9 %"),
)
FULL_KL = 5.0
"""KL of a whole bar, nats: the same for all runs, so that their bars compare."""
SORT_TIP = f"Order of the dimensions. A bar is full at a KL of {FULL_KL:g} nats, or at the largest pixel change."
HIDE_TIP = "Hide the dimensions below the threshold, or show all again"
THRESHOLD_TIP = "Least KL (nats), or least pixel change, of a dimension that is shown."
SUMMARY_LINES = 2
COMPUTING = "Computing dimension statistics …"
RENAME_TIP = "Name the dimension that was set last; the name is kept with the run"


class SlidersView(QWidget):
    """One slider per dimension, with KL or pixel change beside it.

    Args:
        panel: that it belongs to.
        state: shown and changed.
    """

    def __init__(self, panel: Panel, state: LatentsState) -> None:
        super().__init__(panel)
        self._panel, self._state, self._stats = panel, state, state.dimension_stats
        self._add_actions(panel)
        self.sort = QComboBox()
        panel.name_widget(self.sort, "sort", "Sort dimensions by", SORT_TIP)
        self.scale = QComboBox()
        panel.name_widget(self.scale, "scale", "Slider units", "Slider units: σ or quantile.")
        for scale, title, tip in SCALES:
            self.scale.addItem(title, scale)
            self.scale.setItemData(self.scale.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.threshold = NumberField()
        self.threshold.setDecimals(3)
        self.threshold.setRange(0.0, 100.0)
        self.threshold.setStepType(NumberField.StepType.AdaptiveDecimalStepType)
        fit_width(self.threshold, "100.000")
        panel.name_widget(self.threshold, "threshold", "Threshold of hidden dimensions", THRESHOLD_TIP)
        self.bank = SliderBank(panel.name)
        self.summary = QLabel(" ")
        self.summary.setWordWrap(True)
        self.summary.setProperty("role", "muted")
        self.summary.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.summary.setMinimumHeight(SUMMARY_LINES * self.summary.fontMetrics().lineSpacing())
        self._refusal = ""
        self._sorted = False
        self._lay_out(panel)
        self._connect()
        self._on_run_changed()

    def _add_actions(self, panel: Panel) -> None:
        add, code, stats, sampling = panel.add_action, self._state.code, self._stats, self._state.sampling
        self.reset = add("reset", "Reset", "R", code.reset, icon="reset", tip="Set all unlocked dimensions to 0")
        self.randomize = add("randomize", "Randomize", "N", sampling.randomize, icon="random")
        self.perturb = add("perturb", "Perturb", "Shift+N", sampling.perturb, icon="dice")
        compute_tip = "Compute KL and pixel change of each dimension again"
        self.compute = add("compute_stats", "Compute statistics", "M", stats.compute, icon="refresh", tip=compute_tip)
        hide = stats.set_hiding
        self.hide_weak = add("hide", "Hide dimensions below", "H", hide, tip=HIDE_TIP, checkable=True)
        self.rename = add("rename", "Name dimension", "F2", self._edit_name, tip=RENAME_TIP)

    def _lay_out(self, panel: Panel) -> None:
        self.decoder = DecoderView(self._state.decoder, self)
        whole = QHBoxLayout()
        for action in (self.reset, self.randomize, self.perturb):
            whole.addWidget(panel.button(action))
        whole.addStretch(1)
        whole.addWidget(panel.button(self.compute, icon_only=True))
        label = QLabel("Sort by")
        label.setBuddy(self.sort)
        sorting = group_of(label, self.sort)
        sorting.addStretch(1)
        hiding = group_of(panel.button(self.hide_weak), self.threshold)
        hiding.addStretch(1)
        hiding.addWidget(self.scale)
        kept = self.scale.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.scale.setSizePolicy(kept)
        self._settings = QWidget()
        settings = QVBoxLayout(self._settings)
        settings.setContentsMargins(0, 0, 0, 0)
        settings.setSpacing(GRID)
        settings.addWidget(self.decoder)
        settings.addLayout(whole)
        settings.addWidget(self.summary)
        settings.addWidget(FoldingRow(sorting, hiding))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self._settings)
        column.addWidget(self.bank, 1)

    def set_settings_shown(self, shown: bool) -> None:
        """Show what stands above the sliders, or the sliders alone."""
        self._settings.setVisible(shown)

    def _connect(self) -> None:
        state, code, stats = self._state, self._state.code, self._stats
        state.run_changed.connect(self._on_run_changed)
        code.values_changed.connect(self._on_values_changed)
        code.locks_changed.connect(lambda: self.bank.set_locked(code.locked))
        code.dim_changed.connect(lambda: self.bank.set_current(code.dim))
        state.gallery.encoding_changed.connect(self._on_encoding_changed)
        stats.changed.connect(self._on_stats_changed)
        stats.sort_changed.connect(self._on_sort_changed)
        self.bank.moved.connect(code.set_value)
        self.bank.locked.connect(code.set_locked)
        self.bank.chosen.connect(code.choose_dim)
        self.bank.refused.connect(self._on_refused)
        self.bank.left.connect(self._sort)
        self.bank.renamed.connect(state.annotations.rename)
        state.annotations.names_changed.connect(lambda: self.bank.set_names(state.annotations.names))
        state.annotations.problem_changed.connect(self._show_summary)
        state.space.scale_changed.connect(self._on_scale_changed)
        self.scale.activated.connect(lambda index: state.space.set_scale(self.scale.itemData(index)))
        self.threshold.valueChanged.connect(stats.set_threshold)
        self.sort.activated.connect(lambda index: stats.set_sort(self.sort.itemData(index)))

    def _edit_name(self) -> None:
        self.bank.edit_name(self._state.code.dim)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _on_run_changed(self) -> None:
        state, code = self._state, self._state.code
        self.bank.set_dims(code.num_dims, state.space.spec.symbol, self._scale(), code.range.unit_text)
        self.bank.set_names(state.annotations.names)
        self.bank.set_values(code.values)
        self.bank.set_locked(code.locked)
        self.bank.set_current(code.dim if code.num_dims else -1)
        self.scale.setVisible(code.range.prior == "normal")
        self._on_scale_changed()
        for action in (self.reset, self.randomize, self.perturb, self.compute, self.rename, self.hide_weak):
            action.setEnabled(code.num_dims > 0)
        sampling = state.sampling
        self._panel.set_action_tip(self.randomize, f"{sampling.description('randomize')}; locked dimensions stay")
        self._panel.set_action_tip(self.perturb, f"{sampling.description('perturb')}; locked dimensions stay")
        self.sort.setEnabled(code.num_dims > 0)
        self._refusal, self._sorted = "", False
        self._fill_sorts()
        self._on_stats_changed()
        self._on_encoding_changed()

    def _scale(self) -> SliderScale:
        """Scale for the prior and the chosen units."""
        prior = self._state.code.range.prior
        if prior == "bernoulli":
            return SHARE
        return QUANTILE if self._state.space.scale == "quantile" and prior == "normal" else SIGMA

    def _on_scale_changed(self) -> None:
        self.scale.setCurrentIndex(self.scale.findData(self._state.space.scale))
        self.bank.set_scale(self._scale())

    def _fill_sorts(self) -> None:
        """Offer the orders that the family has."""
        self.sort.clear()
        for sort, title, tip in SORTS:
            if sort != "kl" or self._state.space.can("posterior"):
                self.sort.addItem(title, sort)
                self.sort.setItemData(self.sort.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._show_sort()

    def _show_sort(self) -> None:
        found = self.sort.findData(self._stats.sort)
        self.sort.setCurrentIndex(found if found >= 0 else self.sort.findData("pixel_change"))

    def _on_values_changed(self) -> None:
        self.bank.set_values(self._state.code.values)
        if self._refusal:
            self._on_refused("")

    def _on_encoding_changed(self) -> None:
        encoding = self._state.gallery.encoding
        if encoding is None or len(encoding.code) != self._state.code.num_dims:
            self.bank.set_bands(None, None)
        else:
            self.bank.set_bands(encoding.code, encoding.deviation)

    def _on_stats_changed(self) -> None:
        stats = self._stats
        if stats.sorted_by == "pixel_change" or stats.kl is None:
            self.bank.set_measures("Pixel change", stats.pixel_change)
        else:
            self.bank.set_measures(f"KL, 0–{FULL_KL:g} nats", stats.kl, stats.collapsed, FULL_KL)
        if not (self._sorted and self.bank.in_hand):
            self._sort()
        self._show_hiding()
        self._show_summary()

    def _on_sort_changed(self) -> None:
        self._show_sort()
        self._on_stats_changed()
        self._sort()
        self.bank.show_first()
        self._show_hiding()

    def _show_hiding(self) -> None:
        stats = self._stats
        self.hide_weak.setChecked(stats.hiding)
        self.threshold.setEnabled(stats.hiding and stats.hidden_by != "index")
        self.threshold.blockSignals(True)
        self.threshold.setValue(stats.thresholds[stats.hidden_by])
        self.threshold.blockSignals(False)

    def _sort(self) -> None:
        if self.bank.count == self._state.code.num_dims:
            self.bank.set_order(self._stats.shown())
            self._sorted = self._stats.pixel_change is not None

    def _on_refused(self, sentence: str) -> None:
        self._refusal = sentence
        self._show_summary()

    def _show_summary(self) -> None:
        stats = self._stats
        problem = self._refusal or stats.problem or self._state.annotations.problem
        if stats.busy and stats.pixel_change is None:
            text = COMPUTING
        else:
            text = " ".join(part for part in (self._kl_summary(), self._hidden_summary()) if part)
        self.summary.setText(problem or text or " ")
        set_role(self.summary, error=bool(problem))

    def _hidden_summary(self) -> str:
        """Number of hidden dimensions; empty where none is."""
        num_dims = self._state.code.num_dims
        count = num_dims - len(self._stats.shown())
        return f"{count} of {num_dims} hidden; H shows all." if count else ""

    def _kl_summary(self) -> str:
        """Total KL and number of collapsed dimensions; empty where KL is not known."""
        stats = self._stats
        if stats.collapsed is None:
            return ""
        count, total = int(stats.collapsed.sum()), len(stats.collapsed)
        text = f"Total KL: {stats.kl_total:.2f} nats · {count} of {total} dimensions collapsed"
        if not count:
            return f"No posterior collapse. {text}."
        verdict = "Posterior collapse" if count == total else "Partial posterior collapse"
        limit = f"(KL < {COLLAPSED_NATS:g} nats)"
        return f"{COLLAPSED} {verdict}. {text} {limit}: these dimensions carry no information about x."
