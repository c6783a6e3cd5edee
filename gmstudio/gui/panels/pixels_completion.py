"""The Pixels panel's completion: a real image from the run's data, of which the first pixels are given."""

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.gui.panels.panel import Panel
from gmstudio.gui.theme import GRID
from gmstudio.gui.widgets.image_grid import ImageGrid
from gmstudio.gui.widgets.typed_slider import KeyKeeper, TypedSlider
from gmstudio.messages import DataBrowsed
from gmstudio.session.pixels import NUM_BROWSED, PixelsSession, Split

SPLITS: dict[Split, str] = {"valid": "Validation", "train": "Training", "test": "Test"}
PICK_TIP = "Click an image to give its first pixels and let the model continue."
GIVEN_TIP = (
    "k: how many sub-pixels of the real image are given, in generation order; the model continues from there. Or click "
    "the pixel in the large image from which to continue."
)


class CompletionView(QWidget):
    """Images to pick from, and how much of the picked one is given.

    Args:
        panel: whose controls these are.
        session: what they show and change.
    """

    def __init__(self, panel: Panel, session: PixelsSession) -> None:
        super().__init__(panel)
        self._session = session
        self.split = QComboBox()
        for split, title in SPLITS.items():
            self.split.addItem(title, split)
        self.split.installEventFilter(KeyKeeper(self))
        panel.name_widget(self.split, "complete.split", "Split", "Part of the data set to pick a real image from.")
        self.images = ImageGrid()
        panel.name_widget(
            self.images,
            "complete",
            "Real images",
            "Click an image to give its first pixels and let the model continue.",
        )
        self._range = QLabel()
        self._range.setProperty("role", "muted")
        self.given = TypedSlider(0, 1, decimals=0)
        self.given.name("pixels.given", "Given pixels k", GIVEN_TIP)
        self._add_actions(panel)
        self._lay_out(panel)
        self.split.currentIndexChanged.connect(lambda _index: self._browse(0))
        self.images.clicked.connect(self._on_picked)
        self.given.value_changed.connect(lambda first: session.set_given(round(first)))
        session.data_changed.connect(self._show_data)
        session.changed.connect(self.refresh)
        session.walk.opened.connect(self.refresh)
        self._show_data()
        self.refresh()

    def _add_actions(self, panel: Panel) -> None:
        self._earlier = panel.add_action(
            "complete.earlier", "Earlier images", "", lambda: self._page(-1), icon="left", tip="Earlier images"
        )
        self._later = panel.add_action(
            "complete.later", "Later images", "", lambda: self._page(1), icon="right", tip="Later images"
        )
        self._drop = panel.add_action(
            "complete.none",
            "Empty image",
            "",
            self._session.drop_completion,
            icon="close",
            tip="Give nothing: begin again from an empty image",
        )

    def _lay_out(self, panel: Panel) -> None:
        top = QHBoxLayout()
        top.addWidget(self.split)
        top.addWidget(self._range, 1)
        top.addWidget(panel.button(self._earlier, icon_only=True))
        top.addWidget(panel.button(self._later, icon_only=True))
        bottom = QHBoxLayout()
        label = QLabel("Given k")
        label.setBuddy(self.given.slider)
        bottom.addWidget(label)
        bottom.addWidget(self.given, 1)
        bottom.addWidget(panel.button(self._drop, icon_only=True))
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, GRID, GRID)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addWidget(self.images, 1)
        column.addLayout(bottom)

    def load(self) -> None:
        """Fetch images, unless they are there already."""
        if self._session.data is None and not self._session.browsing:
            self._browse(0)

    def refresh(self) -> None:
        """Show which image is completed, and from where."""
        completion, state, data = self._session.completion, self._session.state, self._session.data
        self.given.setEnabled(completion is not None)
        self._drop.setEnabled(completion is not None)
        if state is not None:
            self.given.set_range(0, state.num_dims)
        if completion is not None:
            self.given.set_value(completion.first)
        here = completion is not None and data is not None and completion.split == data.split
        self.images.set_selected(completion.index - data.start if here and completion and data else -1)

    def _show_data(self) -> None:
        data = self._session.data
        self._earlier.setEnabled(data is not None and data.start > 0)
        if data is None:
            self._later.setEnabled(False)
            self._range.setText("")
            self.images.set_images(self.images.images[:0])
            self.images.set_placeholder(self._session.data_problem or "Loading the run's data …")
            return
        shown, size = data.images.shape[0], data.sizes.get(data.split, 0)
        self._later.setEnabled(data.start + shown < size)
        self._range.setText(f"{data.start + 1}–{data.start + shown} of {size:,}" if shown else "no images")
        self.images.set_placeholder("There are no images in this split; choose another one.")
        self.images.set_levels_images(data.images.numpy(), data.image.levels)
        self.images.setAccessibleDescription(_labels(data))
        self.refresh()

    def _browse(self, start: int) -> None:
        self._session.browse(self.split.currentData(), start)

    def _page(self, direction: int) -> None:
        data = self._session.data
        if data is not None:
            self._browse(max(0, data.start + direction * NUM_BROWSED))

    def _on_picked(self, position: int) -> None:
        state, completion = self._session.state, self._session.completion
        if state is not None:
            first = completion.first if completion is not None else state.num_dims // 2
            self._session.complete(position, first)


def _labels(data: DataBrowsed) -> str:
    if data.labels is None or not data.label_names:
        return ""
    return ", ".join(data.label_names[label] for label in data.labels.numpy().tolist())
