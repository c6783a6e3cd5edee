"""Page of a family: live samples, what it computes, formula, published figures, and the theory."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gmstudio.protocol.atlas import LiveKind
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.formula import Formula
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.theory_page import TheoryPage
from gmstudio.window.state.atlas.comparison import ComparedFigure
from gmstudio.window.state.atlas.facts import Fact
from gmstudio.window.state.atlas.live import LiveSamples
from gmstudio.window.state.atlas.state import AtlasState
from gmstudio.window.state.theory import family_theory

SAMPLES = 184
"""Side of the square of samples, pixels."""
LOW, LOW_SAMPLES = 560, 104
"""Height of the page below which the square is smaller."""
FORMULA, LOW_FORMULA = 160, 60
"""Largest height of the formula, pixels; in a low page, where it would press the facts into one another."""
KINDS: dict[LiveKind, str] = {
    "samples": "Samples, drawn now",
    "means": "Means of p(x | z) for random codes, drawn now",
    "decoded codes": "Random codes, decoded now: not samples",
}
NO_MODEL = "No model of this family yet. Train one: its samples appear here."
DRAWING = "Drawing …"
STARTING = "The engine is starting …"
MAX_FIGURES = 2


class FamilyPage(QWidget):
    """Page of the selected family.

    Args:
        state: state of the Atlas.
        buttons: Explore, Train and the pause of the samples, which belong to the panel.

    Signals:
        link_activated: kind and name of a link in the theory.
    """

    link_activated = Signal(str, str)

    def __init__(self, state: AtlasState, buttons: dict[str, QToolButton], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.title, self.source = ElidedLabel(self), ElidedLabel(self)
        self.title.setProperty("role", "title")
        self.source.setProperty("role", "muted")
        self.samples, self.caption = ImageGrid(self), ElidedLabel(self)
        self.samples.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.samples.setAccessibleName("Live samples")
        self.samples.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.caption.setProperty("role", "muted")
        self.origin = ElidedLabel(self)
        self.origin.setProperty("role", "muted")
        self.formula = Formula(17, self)
        self.theory = TheoryPage(self)
        self.theory.setObjectName("atlas.theory")
        self.theory.setAccessibleName("Theory of the family")
        self.theory.link_activated.connect(self.link_activated)
        self.values: dict[str, QLabel] = {}
        self._facts = QGridLayout()
        self._published = QWidget(self)
        self.figures: list[tuple[ElidedLabel, ElidedLabel, ElidedLabel]] = []
        self._lay_out(buttons)
        state.live.changed.connect(self.show_samples)
        state.facts_changed.connect(self.show_facts)

    # ---- layout ------------------------------------------------------------------------------------------------

    def _lay_out(self, buttons: dict[str, QToolButton]) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        header = QHBoxLayout()
        header.setSpacing(GRID)
        header.addWidget(self.title, 1)
        header.addWidget(buttons["explore"])
        header.addWidget(buttons["train"])
        column.addLayout(header)
        column.addWidget(self.source)
        middle = QHBoxLayout()
        middle.setSpacing(2 * GRID)
        middle.addWidget(self.samples, 0, Qt.AlignmentFlag.AlignTop)
        right = QVBoxLayout()
        right.setSpacing(GRID // 2)
        self._facts.setVerticalSpacing(2)
        self._facts.setHorizontalSpacing(GRID)
        self._facts.setColumnStretch(1, 1)
        right.addLayout(self._facts)
        right.addStretch(1)
        right.addWidget(self.origin)
        row = QHBoxLayout()
        row.addWidget(self.caption, 1)
        row.addWidget(buttons["pause"])
        right.addLayout(row)
        middle.addLayout(right, 1)
        column.addLayout(middle)
        column.addWidget(self.formula)
        self._make_figure_rows()
        column.addWidget(self._published)
        column.addWidget(self.theory, 1)

    def _make_figure_rows(self) -> None:
        """Rows for the published figures: data, figure, one's own."""
        grid = QGridLayout(self._published)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(0)
        grid.setHorizontalSpacing(GRID)
        for number, (title, stretch) in enumerate((("Published for", 4), ("Figure", 3), ("Your best run", 3))):
            label = QLabel(title, self)
            label.setProperty("role", "muted")
            grid.addWidget(label, 0, number)
            grid.setColumnStretch(number, stretch)
        for row in range(1, MAX_FIGURES + 1):
            labels = (ElidedLabel(self), ElidedLabel(self), ElidedLabel(self))
            for number, label in enumerate(labels):
                grid.addWidget(label, row, number)
            self.figures.append(labels)

    def set_low(self, low: bool) -> None:
        """Make samples and formula smaller where the page is low."""
        side = LOW_SAMPLES if low else SAMPLES
        self.samples.setFixedSize(side, side)
        self.formula.setMaximumHeight(LOW_FORMULA if low else FORMULA)

    # ---- showing -----------------------------------------------------------------------------------------------

    def show_family(self) -> None:
        """Show the selected family from the beginning."""
        entry = self._state.node.entry
        if entry is None:
            return
        card = entry.card
        self.title.set_words(card.title)
        self.source.set_words(card.source)
        self.formula.set_latex(card.objectives[0].latex if card.objectives else "")
        self.formula.setToolTip("Objective that training minimizes")
        self.theory.set_markdown(_without_title(family_theory(card)))
        self.show_samples()
        self.show_facts()

    def show_samples(self) -> None:
        """Show the live samples, or why there are none."""
        live: LiveSamples = self._state.live
        if live.images is not None:
            self.samples.set_images(live.images)
        else:
            self.samples.set_images(self.samples.images[:0])
        waiting = DRAWING if self._state.has_engine else STARTING
        self.samples.set_placeholder(live.problem or (waiting if live.run else NO_MODEL))
        self.caption.set_words(
            KINDS[live.kind] + (" (paused)" if live.paused else "") if live.images is not None else ""
        )

    def show_facts(self) -> None:
        """Show facts, origin of the model and published figures."""
        facts = self._state.facts()
        if not self.values:
            self._make_rows(facts)
        for fact in facts:
            self.values[fact.name].setText(fact.value)
            self.values[fact.name].setToolTip(fact.tip)
        self.origin.set_words(self._state.ready_words)
        compared = self._state.figures()[:MAX_FIGURES]
        self._published.setVisible(bool(compared))
        for labels, figure in zip(self.figures, (*compared, *[None] * MAX_FIGURES), strict=False):
            _write_figure(labels, figure)

    def _make_rows(self, facts: tuple[Fact, ...]) -> None:
        for row, fact in enumerate(facts):
            name, value = QLabel(fact.name, self), QLabel(self)
            name.setProperty("role", "muted")
            value.setObjectName(f"atlas.fact.{fact.name.lower().replace(' ', '_')}")
            value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            name.setBuddy(value)
            self._facts.addWidget(name, row, 0)
            self._facts.addWidget(value, row, 1)
            self.values[fact.name] = value


def _write_figure(labels: tuple[ElidedLabel, ElidedLabel, ElidedLabel], compared: ComparedFigure | None) -> None:
    if compared is None:
        for label in labels:
            label.setVisible(False)
        return
    figure = compared.figure
    tip = f"{figure.source}, {figure.section}"
    data = f"{figure.data} ({figure.model})" if figure.model else figure.data
    for label, words in zip(labels, (data, compared.published, compared.own), strict=True):
        label.setVisible(True)
        label.set_words(words)
        label.setToolTip(f"{words}\n{tip}")


def _without_title(markdown: str) -> str:
    """Text without its heading, which the page has above."""
    head, _, rest = markdown.partition("\n")
    return rest.lstrip() if head.startswith("# ") else markdown
