"""The right side of the Latents panel: what sets the whole code, the order, and the sliders."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.sliders.bank import SliderBank
from gmstudio.window.gui.widgets.sliders.row import COLLAPSED
from gmstudio.window.gui.widgets.sliders.scale import QUANTILE, SHARE, SIGMA, SliderScale
from gmstudio.window.gui.widgets.sliders.typed_slider import fit_width
from gmstudio.window.state.latents.dimension_stats import COLLAPSED_NATS, Sort
from gmstudio.window.state.latents.space import Scale
from gmstudio.window.state.latents.state import LatentsState

SORTS: tuple[tuple[Sort, str, str], ...] = (
    ("kl", "KL", "First the dimensions that carry most: mean KL of the posterior from the prior, in nats"),
    ("effect", "effect", "First the dimensions that change the image most between -1σ and 1σ"),
    ("index", "index", "In the order of the code"),
)
SCALES: tuple[tuple[Scale, str, str], ...] = (
    ("sigma", "σ", "Standard deviations of the prior, -3 to 3; -6 to 6 can be typed"),
    ("quantile", "quantile", "Share of the prior's draws that are smaller, 0.1 % to 99.9 %"),
)
HIDE_TIP = "Leave out the dimensions that are below the threshold, or show all again"
THRESHOLD_TIP = "Dimensions with less KL (nats), or less effect, than this are left out."
MEASURING = "Measuring what each dimension does …"
RENAME_TIP = "Name the dimension that was touched last; the name is kept with the run"
RANDOMIZE_TIP = "Draw the code from the prior, a standard normal; locked dimensions stay"
VARY_TIP = "Draw a code near this one, as likely under the prior; locked dimensions stay"


class SlidersView(QWidget):
    """One slider per dimension, with KL or effect beside it.

    Args:
        panel: that it is part of.
        session: what it shows and changes.
    """

    def __init__(self, panel: Panel, session: LatentsState) -> None:
        super().__init__(panel)
        self._session = session
        add = panel.add_action
        self.reset = add("reset", "Reset", "R", session.reset, icon="reset", tip="Set all unlocked dimensions to 0")
        self.randomize = add("randomize", "Randomize", "N", session.randomize, icon="random", tip=RANDOMIZE_TIP)
        self.vary = add("vary", "Vary", "Shift+N", session.vary, icon="dice", tip=VARY_TIP)
        self.measure = add(
            "measure", "Measure", "M", session.measure, icon="refresh", tip="Measure KL and effect of each dimension"
        )
        self.sort = QComboBox()
        panel.name_widget(self.sort, "sort", "Sort dimensions by", "In which order the dimensions are shown.")
        self.scale = QComboBox()
        panel.name_widget(self.scale, "scale", "Scale of the sliders", "What the sliders are marked in.")
        for scale, title, tip in SCALES:
            self.scale.addItem(title, scale)
            self.scale.setItemData(self.scale.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.hide_weak = add("hide", "Hide below", "H", session.measures.hide, tip=HIDE_TIP, checkable=True)
        self.threshold = QDoubleSpinBox()
        self.threshold.setDecimals(3)
        self.threshold.setRange(0.0, 100.0)
        self.threshold.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.threshold.setKeyboardTracking(False)
        fit_width(self.threshold, "100.000")
        panel.name_widget(self.threshold, "threshold", "Threshold of the dimensions that are shown", THRESHOLD_TIP)
        self.rename = add("rename", "Name dimension", "F2", self._edit_name, tip=RENAME_TIP)
        self.bank = SliderBank(panel.name)
        self.summary = QLabel(" ")
        self.summary.setWordWrap(True)
        self.summary.setProperty("role", "muted")
        self._refusal = ""
        self._sorted = False
        self._lay_out(panel)
        self._connect()
        self._on_run_changed()

    def _lay_out(self, panel: Panel) -> None:
        whole = QHBoxLayout()
        for action in (self.reset, self.randomize, self.vary):
            whole.addWidget(panel.button(action))
        whole.addStretch(1)
        whole.addWidget(panel.button(self.measure, icon_only=True))
        order = QHBoxLayout()
        label = QLabel("Sort by")
        label.setBuddy(self.sort)
        for widget in (label, self.sort, panel.button(self.hide_weak), self.threshold):
            order.addWidget(widget)
        order.addStretch(1)
        order.addWidget(self.scale)
        kept = self.scale.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.scale.setSizePolicy(kept)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(whole)
        column.addLayout(order)
        column.addWidget(self.bank, 1)
        column.addWidget(self.summary)

    def _connect(self) -> None:
        session = self._session
        session.run_changed.connect(self._on_run_changed)
        session.code_changed.connect(self._on_code_changed)
        session.locks_changed.connect(lambda: self.bank.set_locked(session.locked))
        session.dim_changed.connect(lambda: self.bank.set_current(session.dim))
        session.gallery.encoding_changed.connect(self._on_encoding_changed)
        session.measures.changed.connect(self._on_measures_changed)
        session.measures.sort_changed.connect(self._on_sort_changed)
        self.bank.moved.connect(session.set_value)
        self.bank.locked.connect(session.set_locked)
        self.bank.chosen.connect(session.choose_dim)
        self.bank.refused.connect(self._on_refused)
        self.bank.left.connect(self._sort)
        self.bank.renamed.connect(session.annotations.rename)
        session.annotations.names_changed.connect(lambda: self.bank.set_names(session.annotations.names))
        session.annotations.problem_changed.connect(self._show_summary)
        session.scale_changed.connect(self._on_scale_changed)
        self.scale.activated.connect(lambda index: session.set_scale(self.scale.itemData(index)))
        self.threshold.valueChanged.connect(session.measures.set_threshold)
        self.sort.activated.connect(lambda index: session.measures.set_sort(self.sort.itemData(index)))

    def _edit_name(self) -> None:
        self.bank.edit_name(self._session.dim)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _on_run_changed(self) -> None:
        session = self._session
        self.bank.set_dims(session.num_dims, session.symbol, self._scale(), session.range.words)
        self.bank.set_names(session.annotations.names)
        self.bank.set_values(session.code)
        self.bank.set_locked(session.locked)
        self.bank.set_current(session.dim if session.num_dims else -1)
        self.scale.setVisible(session.range.prior == "normal")
        self._on_scale_changed()
        for action in (self.reset, self.randomize, self.vary, self.measure, self.rename, self.hide_weak):
            action.setEnabled(session.num_dims > 0)
        self.sort.setEnabled(session.num_dims > 0)
        self._refusal, self._sorted = "", False
        self._fill_sorts()
        self._on_measures_changed()
        self._on_encoding_changed()

    def _scale(self) -> SliderScale:
        """The scale that the prior, and the user's choice, ask for."""
        if self._session.range.prior == "bernoulli":
            return SHARE
        quantile = self._session.scale == "quantile" and self._session.range.prior == "normal"
        return QUANTILE if quantile else SIGMA

    def _on_scale_changed(self) -> None:
        self.scale.setCurrentIndex(self.scale.findData(self._session.scale))
        self.bank.set_scale(self._scale())

    def _fill_sorts(self) -> None:
        """Offer the orders that this family has."""
        opened = self._session.opened
        has_posterior = opened is not None and "posterior" in opened.info.capabilities
        self.sort.clear()
        for sort, title, tip in SORTS:
            if sort != "kl" or has_posterior:
                self.sort.addItem(title, sort)
                self.sort.setItemData(self.sort.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._show_sort()

    def _show_sort(self) -> None:
        found = self.sort.findData(self._session.measures.sort)
        self.sort.setCurrentIndex(found if found >= 0 else self.sort.findData("effect"))

    def _on_code_changed(self) -> None:
        self.bank.set_values(self._session.code)
        if self._refusal:
            self._on_refused("")

    def _on_encoding_changed(self) -> None:
        encoding = self._session.gallery.encoding
        if encoding is None or len(encoding.code) != self._session.num_dims:
            self.bank.set_bands(None, None)
        else:
            self.bank.set_bands(encoding.code, encoding.deviation)

    def _on_measures_changed(self) -> None:
        measures = self._session.measures
        if measures.sorted_by == "effect" or measures.kl is None:
            self.bank.set_measures("effect", measures.effect)
        else:
            self.bank.set_measures("KL (nats)", measures.kl, measures.collapsed)
        if not (self._sorted and self.bank.in_hand):
            self._sort()
        self._show_hiding()
        self._show_summary()

    def _on_sort_changed(self) -> None:
        self._show_sort()
        self._on_measures_changed()
        self._sort()
        self.bank.show_first()
        self._show_hiding()

    def _show_hiding(self) -> None:
        measures = self._session.measures
        self.hide_weak.setChecked(measures.hiding)
        self.threshold.setEnabled(measures.hiding and measures.hidden_by != "index")
        self.threshold.blockSignals(True)
        self.threshold.setValue(measures.thresholds[measures.hidden_by])
        self.threshold.blockSignals(False)

    def _sort(self) -> None:
        if self.bank.count == self._session.num_dims:
            self.bank.set_order(self._session.measures.shown(self._session.num_dims))
            self._sorted = self._session.measures.effect is not None

    def _on_refused(self, sentence: str) -> None:
        self._refusal = sentence
        self._show_summary()

    def _show_summary(self) -> None:
        measures = self._session.measures
        trouble = self._refusal or measures.problem or self._session.annotations.problem
        words = MEASURING if measures.busy and measures.effect is None else f"{self._collapse()} {self._hidden()}"
        self.summary.setText(trouble or words.strip() or " ")
        role = "error" if trouble else "muted"
        if self.summary.property("role") != role:
            self.summary.setProperty("role", role)
            self.summary.style().polish(self.summary)

    def _hidden(self) -> str:
        """How many dimensions are left out, in words."""
        session = self._session
        count = session.num_dims - len(session.measures.shown(session.num_dims))
        if not count:
            return ""
        return f"{count} of {session.num_dims} {'is' if count == 1 else 'are'} hidden; H shows all."

    def _collapse(self) -> str:
        """How many dimensions are collapsed, in words; empty where KL is not known."""
        measures = self._session.measures
        if measures.collapsed is None:
            return ""
        count, total = int(measures.collapsed.sum()), len(measures.collapsed)
        if not count:
            return f"KL over all dimensions: {measures.kl_total:.2f} nats. None is collapsed."
        named = "dimension is" if count == 1 else "dimensions are"
        limit = f"KL below {COLLAPSED_NATS:g} nats"
        return f"{COLLAPSED} {count} of {total} {named} collapsed: {limit}, the code tells nothing there."
