"""Companion of the decoded image: the original, random samples, or another run, with a line to choose among them."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QStackedWidget, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.traversal import flat
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.state.latents.companion import CompanionKind
from gmstudio.window.state.latents.state import CAPABILITY, LatentsState
from gmstudio.window.state.runs.library import RunLibrary

KINDS: tuple[tuple[CompanionKind, str, str], ...] = (
    ("original", "Original", "The image that was encoded"),
    ("samples", "Samples", "Random samples of this run, which follow its training; click one to go to its code"),
    ("run", "Other run", "Another run on the same image, while one is encoded, or on the same code"),
)
ORIGINAL_TIP = "The encoded image of the data, or your image."
SAMPLES_TIP = "Random samples of this run with the weights as they are now. Click one to go to its code."
OTHER_TIP = "Decoded image of the other run, of the same image or the same code."
NO_ORIGINAL = "No original: encode an image of the data, or your own."
COMBO_PX = 14 * GRID


class SampleGrid(ImageGrid):
    """Grid that uses its room also where no integer scale does."""

    least_share = 0.8


class CompanionView(QStackedWidget):
    """The companion, of the size of the decoded image.

    Args:
        panel: that it belongs to.
        state: shown and changed.
        library: runs to compare with.

    Attributes:
        head: line above it, to choose among the kinds and the runs.
        caption: of what is shown, in ``head``.
        below: line under it: of what the other run shows.
        original: the original.
        samples: random samples.
        other: decoded image of the other run.
        run: chooser of the other run.
    """

    def __init__(self, panel: Panel, state: LatentsState, library: RunLibrary) -> None:
        super().__init__(panel)
        self._state, self._companion = state, state.companion
        self._replaced = ""
        self._controls_shown = True
        self.original, self.samples, self.other = LiveImage(), SampleGrid(), LiveImage()
        self.original.set_placeholder(NO_ORIGINAL)
        for name, widget, title, tip in (
            ("original", self.original, "Original image", ORIGINAL_TIP),
            ("samples", self.samples, "Random samples", SAMPLES_TIP),
            ("other", self.other, "Image of the other run", OTHER_TIP),
        ):
            panel.name_widget(widget, name, title, tip)
            self.addWidget(widget)
        self.kind = QComboBox()
        panel.name_widget(self.kind, "companion", "Beside the decoded image", "What stands beside the decoded image.")
        for kind, title, tip in KINDS:
            self.kind.addItem(title, kind)
            self.kind.setItemData(self.kind.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.kind.setFixedWidth(COMBO_PX)
        self.run = RunChooser(library, CAPABILITY)
        panel.name_widget(self.run, "other_run", "Other run", "Run to compare with.")
        self.run.setMinimumWidth(0)
        self.caption = ElidedLabel()
        self.caption.setProperty("role", "muted")
        self.below = ElidedLabel()
        self.below.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.forget = panel.add_action(
            "forget",
            "Hide original",
            "X",
            state.gallery.forget,
            icon="close",
            tip="Show no original",
            needs="No original is shown.",
        )
        draw = self._companion.samples.draw
        self.draw = panel.add_action(
            "new_samples",
            "New samples",
            "Shift+W",
            draw,
            icon="dice",
            everywhere=True,
            needs="No samples are shown beside the image.",
        )
        self._forget, self._draw = (flat(panel.button(a, icon_only=True)) for a in (self.forget, self.draw))
        self.head = QWidget()
        row = QHBoxLayout(self.head)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        row.addWidget(self.kind)
        row.addWidget(self.run, 1)
        row.addWidget(self.caption, 1)
        row.addWidget(self._draw)
        row.addWidget(self._forget)
        self._connect()
        self.refresh()
        panel.remember(self.kind)

    def _connect(self) -> None:
        state, companion = self._state, self._companion
        self.kind.activated.connect(lambda index: companion.choose(self.kind.itemData(index)))
        self.run.chosen.connect(companion.comparison.choose_run)
        companion.comparison.choose_run(self.run.current())
        self.samples.clicked.connect(companion.samples.go_to)
        companion.kind_changed.connect(self.refresh)
        companion.samples.changed.connect(self.refresh)
        companion.comparison.changed.connect(self.refresh)
        state.gallery.encoding_changed.connect(self.refresh)
        state.run_changed.connect(self.refresh)

    def replace_by(self, title: str) -> None:
        """Show another title, of the view's widget that stands in its place; "": none does."""
        self._replaced = title
        self.refresh()

    def set_controls_shown(self, shown: bool) -> None:
        """Show the controls of the line above it, or its caption alone."""
        self._controls_shown = shown
        self.refresh()

    @property
    def is_empty(self) -> bool:
        """There is no image beside the decoded one."""
        return not self._replaced and self._companion.kind == "original" and self._state.gallery.encoding is None

    def refresh(self) -> None:
        """Show what the state has."""
        kind, shown = self._companion.kind, not self._replaced
        controls = shown and self._controls_shown
        self.kind.setCurrentIndex(self.kind.findData(kind))
        self.kind.setVisible(controls)
        self.run.setVisible(controls and kind == "run")
        self._draw.setVisible(controls and kind == "samples")
        self._forget.setVisible(controls and kind == "original")
        self.setCurrentIndex([name for name, _, _ in KINDS].index(kind))
        encoding = self._state.gallery.encoding
        self.forget.setEnabled(shown and kind == "original" and encoding is not None)
        self.draw.setEnabled(shown and kind == "samples" and self._state.code.num_dims > 0)
        image = None if encoding is None else encoding.image
        if image is not self.original.image:
            self.original.set_image(image)
        self._show_samples()
        comparison = self._companion.comparison
        self.other.set_image(comparison.image)
        self.other.set_placeholder(comparison.problem)
        captions = {
            "original": "" if encoding is None else encoding.title,
            "samples": f"seed {self._companion.samples.seed}",
            "run": "",
        }
        self.caption.set_words(self._replaced or captions[kind])
        self.caption.setVisible(not shown or kind != "run")
        self.below.set_words(comparison.description if shown and kind == "run" else "")

    def _show_samples(self) -> None:
        images = self._companion.samples.images
        if images is not None:
            self.samples.set_images(images)
        elif len(self.samples.images):
            self.samples.set_images(self.samples.images[:0])
