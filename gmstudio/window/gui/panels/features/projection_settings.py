"""Column of the Projection page: method, its settings, which images, and the work."""

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.data import SPLIT_TITLES, SPLITS
from gmstudio.protocol.features_projection import MAX_PROJECTED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.progress_text import duration_text, loading_text
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.number_input import IntegerField, NumberField
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.features.projection import QUICK, ProjectionState

METHODS = (
    ("pca", "PCA", "Two principal components: the linear view with the most variance."),
    ("tsne", "t-SNE", "Keeps near neighbours near; distances between clusters and their sizes mean little."),
    ("umap", "UMAP", "Keeps near neighbours near by a graph; clusters are packed by the minimal distance."),
    ("dimensions", "Two dimensions", "Two of the features themselves, for example of the latent code."),
)
METHOD_TIP = "How the features of each image become a point of the plane."
PERPLEXITY_TIP = "About the number of neighbours that each image is compared with, 2 to 200; lowered for few images."
NEIGHBOURS_TIP = "Neighbours of each image in the graph, 2 to 200: few show detail, many the whole."
DISTANCE_TIP = "Smallest distance of two points, 0 to 1: small packs clusters densely."
SEED_TIP = "Of the random numbers; the same seed gives the same map."
AXIS_TIP = "Number of the component or dimension, from 1."
SPLIT_TIP = "Images of the run's data: held out from training, or trained on."
COUNT_TIP = f"Number of images, from the first of the split on; 0: all, up to {MAX_PROJECTED:,}."
PROJECT_TIP = "Compute the map of the images with these settings."
MAX_AXIS = 100_000
STEPS = 1000


class ProjectionSettingsColumn(QWidget):
    """Controls that decide what is projected how, and the progress of it.

    Args:
        panel: names the controls.
        state: shown and changed.
    """

    def __init__(self, panel: Panel, state: ProjectionState) -> None:
        super().__init__(panel)
        self._panel, self._state = panel, state
        self._make_fields()
        self._project = panel.add_action(
            "projection_project", "Project", "J", state.project, icon="play", tip=PROJECT_TIP
        )
        self._stop = panel.add_action(
            "projection_stop", "Stop", "", state.stop, icon="stop", tip="Stop; the points that have arrived stay"
        )
        self.bar = QProgressBar()
        self.bar.setRange(0, STEPS)
        self.bar.setTextVisible(False)
        panel.name_widget(self.bar, "projection_bar", "Progress", "Share of the projection that is done.")
        self.line, self.note = ElidedLabel(), QLabel()
        self.note.setWordWrap(True)
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.note.setMinimumHeight(3 * self.fontMetrics().lineSpacing())
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        set_role(self.line, error=False)
        self._lay_out()
        self._connect()
        self._show_choice()
        self._show_work()

    def _make_fields(self) -> None:
        name = self._panel.name_widget
        self.method, self.split = QComboBox(), QComboBox()
        for key, title, tip in METHODS:
            self.method.addItem(title, key)
            self.method.setItemData(self.method.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        for split in reversed(SPLITS):
            self.split.addItem(SPLIT_TITLES[split], split)
        for combo in (self.method, self.split):
            combo.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        name(self.method, "projection_method", "Method of projection", METHOD_TIP)
        name(self.split, "projection_split", "Split", SPLIT_TIP)
        self.perplexity, self.min_dist = NumberField(), NumberField()
        self.neighbours, self.seed, self.count = IntegerField(), IntegerField(), IntegerField()
        self.first, self.second = IntegerField(), IntegerField()
        for field, low, high, control, title, tip in (
            (self.neighbours, 2, 200, "neighbours", "UMAP neighbours", NEIGHBOURS_TIP),
            (self.seed, 0, 2**31 - 1, "seed", "Seed", SEED_TIP),
            (self.count, 0, MAX_PROJECTED, "count", "Number of images", COUNT_TIP),
            (self.first, 1, MAX_AXIS, "first", "Horizontal component or dimension", AXIS_TIP),
            (self.second, 1, MAX_AXIS, "second", "Vertical component or dimension", AXIS_TIP),
        ):
            field.setRange(low, high)
            name(field, f"projection_{control}", title, tip)
        self.perplexity.setRange(2, 200)
        self.perplexity.setDecimals(1)
        self.min_dist.setRange(0, 1)
        self.min_dist.setSingleStep(0.05)
        name(self.perplexity, "projection_perplexity", "Perplexity", PERPLEXITY_TIP)
        name(self.min_dist, "projection_min_dist", "Minimal distance", DISTANCE_TIP)
        self.count.setSpecialValueText("all")
        for number in (self.perplexity, self.min_dist, self.neighbours, self.seed, self.count, self.first, self.second):
            number.setKeyboardTracking(False)
            number.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def _lay_out(self) -> None:
        self._pages = QStackedWidget()
        self._pages.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._page_of = {
            "pca": self._page(("Horizontal", self.first), ("Vertical", self.second)),
            "tsne": self._page(("Perplexity", self.perplexity)),
            "umap": self._page(("Neighbours", self.neighbours), ("Min. distance", self.min_dist)),
        }
        for page in self._page_of.values():
            self._pages.addWidget(page)
        self._seed_row = self._page(("Seed", self.seed))
        kept = self._seed_row.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self._seed_row.setSizePolicy(kept)
        buttons = QHBoxLayout()
        project = self._panel.button(self._project)
        project.setProperty("primary", True)
        project.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        buttons.addWidget(project, 1)
        buttons.addWidget(self._panel.button(self._stop))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self._page(("Method", self.method)))
        column.addWidget(self._pages)
        column.addWidget(self._seed_row)
        column.addWidget(self._page(("Images", self.split), ("Number", self.count)))
        column.addLayout(buttons)
        column.addWidget(self.bar)
        column.addWidget(self.line)
        column.addWidget(self.note)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _page(self, *rows: tuple[str, QWidget]) -> QWidget:
        """Labels and fields in two columns of one width on all pages."""
        page = QWidget()
        page.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        grid = QGridLayout(page)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID // 2)
        grid.setColumnMinimumWidth(0, self.fontMetrics().horizontalAdvance("Min. distance ") + 4)
        grid.setColumnStretch(1, 1)
        for row, (text, field) in enumerate(rows):
            label = QLabel(text)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        grid.setRowStretch(len(rows), 1)
        return page

    def _connect(self) -> None:
        state = self._state
        self.method.activated.connect(lambda index: state.choose(method=self.method.itemData(index)))
        self.split.activated.connect(lambda index: state.choose(split=self.split.itemData(index)))
        self.perplexity.valueChanged.connect(lambda value: state.choose(perplexity=value))
        self.min_dist.valueChanged.connect(lambda value: state.choose(min_dist=value))
        self.neighbours.valueChanged.connect(lambda value: state.choose(neighbours=value))
        self.seed.valueChanged.connect(lambda value: state.choose(seed=value))
        self.count.valueChanged.connect(lambda value: state.choose(count=value))
        self.first.valueChanged.connect(lambda value: state.choose(first=value - 1))
        self.second.valueChanged.connect(lambda value: state.choose(second=value - 1))
        state.choice_changed.connect(self._show_choice)
        state.progress_changed.connect(self._show_work)
        state.owner.run_changed.connect(self._show_work)
        self._panel.remember(
            self.method, self.split, self.perplexity, self.min_dist, self.neighbours, self.seed, self.count
        )
        self._panel.remember(self.first, self.second)

    def _show_choice(self) -> None:
        choice = self._state.choice
        settings = choice.settings
        self.method.setCurrentIndex(self.method.findData(choice.method))
        self.split.setCurrentIndex(self.split.findData(choice.split))
        for field, value in (
            (self.perplexity, settings.perplexity),
            (self.min_dist, settings.min_dist),
            (self.neighbours, settings.neighbours),
            (self.seed, settings.seed),
            (self.count, choice.count),
            (self.first, settings.first + 1),
            (self.second, settings.second + 1),
        ):
            with QSignalBlocker(field):
                field.setValue(value)  # type: ignore[arg-type]  # of each its own kind
        self._pages.setCurrentWidget(self._page_of.get(choice.method, self._page_of["pca"]))
        self._seed_row.setVisible(choice.method not in QUICK)
        self._show_work()

    def _show_work(self) -> None:
        state, panel = self._state, self._panel
        busy = state.progress is not None
        nothing = "Choose a model first." if not state.owner.run else "The layers of the model are listed first."
        panel.allow(self._project, "" if state.wanted() is not None else nothing)
        panel.allow(self._stop, "" if busy else "Nothing is computed.")
        share = state.progress.share if state.progress is not None else -1.0
        self.bar.setRange(0, 0 if busy and share < 0 else STEPS)
        self.bar.setValue(round(max(share, 0.0) * STEPS))
        self.line.set_words(self._work_words())
        set_role(self.note, error=bool(state.problem))
        self.note.setText(state.problem or self._note_words())

    def _work_words(self) -> str:
        state = self._state
        if state.progress is None:
            return ""
        if state.loading is not None:
            return loading_text(state.loading)
        left = state.progress.seconds_left
        return f"{state.progress.stage}{f' · {duration_text(left)} left' if left >= 0 else ''}"

    def _note_words(self) -> str:
        """Estimate of the time, or warnings of the projection on display."""
        state = self._state
        if state.progress is None and state.stale and state.wanted() is not None and state.choice.method not in QUICK:
            seconds = duration_text(max(1.0, state.estimated_s()))
            return f"Press Project: up to {state.count:,} images, about {seconds} and the time for their features."
        shown = state.shown
        return "" if shown is None else " ".join(shown.reply.warnings)
