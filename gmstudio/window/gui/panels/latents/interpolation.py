"""View of the interpolation: keyframes as a filmstrip, the position, and the path between keyframes."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QVBoxLayout

from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.traversal import flat, show_images
from gmstudio.window.gui.panels.latents.view import LatentView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.images.traversal_strip import TraversalStrip
from gmstudio.window.gui.widgets.number_input import IntegerField, NumberField
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider
from gmstudio.window.state.latents.interpolation import MAX_KEYFRAMES, MAX_SECONDS, MIN_SECONDS, PATHS
from gmstudio.window.state.latents.state import LatentsState

STRIP_TIP = "The keyframes, numbered, and images between them. Click an image, or drag, to go there."
PATH_TIPS = {
    "linear": "(1 - t) a + t b: codes in between have a smaller norm than samples of the prior",
    "spherical": "Rotation from a to b: codes in between have about the norm of the ends",
}
_SIGNS = {2: "½", 3: "⅓⅔", 5: "⅕⅖⅗⅘", 6: "⅙⅓½⅔⅚", 8: "⅛¼⅜½⅝¾⅞"}
FRACTIONS = {part / parts: sign for parts, signs in _SIGNS.items() for part, sign in enumerate(signs, 1)}
EMPTY = "No keyframes: append the current code, or sample two."
A_KEYFRAME = "There is no keyframe yet: append the current code first."
TWO_KEYFRAMES = "It takes two keyframes."


class InterpolationView(LatentView):
    """Keyframes, the images between them, and playing.

    Args:
        panel: that it belongs to.
        state: shown and changed.
    """

    def __init__(self, panel: Panel, state: LatentsState) -> None:
        super().__init__(panel)
        self._state, self._panel, self._interpolation = state, panel, state.interpolation
        self._captions: list[str] = []
        self.strip = TraversalStrip(1)
        self.strip.set_placeholder(EMPTY)
        panel.name_widget(self.strip, "path_strip", "Keyframes and images between them", STRIP_TIP)
        self.title = QLabel()
        self.title.setProperty("role", "muted")
        self.problem = QLabel()
        self.problem.setProperty("role", "error")
        self.problem.setWordWrap(True)
        self._add_actions(panel)
        self._add_settings(panel)
        self._lay_out(panel)
        self._connect()
        self._refresh()

    def _add_actions(self, panel: Panel) -> None:
        interpolation, add = self._interpolation, panel.add_action
        self.play = add(
            "interpolate",
            "Play",
            "P",
            self._toggle,
            icon="play",
            tip="Play the interpolation",
            needs=TWO_KEYFRAMES,
            everywhere=True,
        )
        self.play.setShortcuts([QKeySequence("P"), QKeySequence(Qt.Key.Key_Space)])
        self.back = add(
            "keyframe_back", "Previous keyframe", "[", lambda: interpolation.step(-1), icon="left", needs=A_KEYFRAME
        )
        self.forth = add(
            "keyframe_forth", "Next keyframe", "]", lambda: interpolation.step(1), icon="right", needs=A_KEYFRAME
        )
        self.append = add(
            "add_keyframe", "Append", "A", self._append, icon="add", tip="Append current code as keyframe"
        )
        self.replace = add(
            "replace_keyframe",
            "Replace",
            "Shift+A",
            lambda: interpolation.replace(self._state.code.values),
            icon="check",
            tip="Replace keyframe by current code",
            needs=A_KEYFRAME,
        )
        self.remove = add(
            "remove_keyframe",
            "Delete",
            "Delete",
            interpolation.remove,
            icon="remove",
            tip="Delete keyframe",
            needs=A_KEYFRAME,
        )
        self.earlier = add(
            "keyframe_earlier",
            "Move earlier",
            "Ctrl+[",
            lambda: interpolation.move(-1),
            icon="up",
            tip="Swap with the previous keyframe",
            needs=TWO_KEYFRAMES,
        )
        self.later = add(
            "keyframe_later",
            "Move later",
            "Ctrl+]",
            lambda: interpolation.move(1),
            icon="down",
            tip="Swap with the next keyframe",
            needs=TWO_KEYFRAMES,
        )
        self.sample = add(
            "sample_keyframes",
            "Sample two",
            "W",
            self._sample,
            icon="dice",
        )

    def _add_settings(self, panel: Panel) -> None:
        self.position = TypedSlider(1.0, 2.0)
        self.position.name(
            "latents.position",
            "Position on the interpolation",
            "Position in keyframes: 1.50 is halfway from keyframe 1 to keyframe 2.",
        )
        self.path = QComboBox()
        panel.name_widget(self.path, "path", "Path between keyframes", "Linear or spherical interpolation.")
        for path in PATHS:
            self.path.addItem(path, path)
            self.path.setItemData(self.path.count() - 1, PATH_TIPS[path], Qt.ItemDataRole.ToolTipRole)
        self.seconds = NumberField()
        self.seconds.setRange(MIN_SECONDS, MAX_SECONDS)
        self.seconds.setDecimals(1)
        self.seconds.setSuffix(" s per segment")
        panel.name_widget(self.seconds, "seconds", "Seconds per segment", "Playing time from a keyframe to the next.")
        self.loop = QCheckBox("Loop")
        panel.name_widget(
            self.loop,
            "loop",
            "Loop",
            "Return from the last keyframe to the first, and play on from there.",
        )
        self.seed = IntegerField()
        self.seed.setRange(0, MAX_SEED)
        self.seed.setPrefix("seed ")
        panel.name_widget(
            self.seed,
            "keyframe_seed",
            "Seed of sampled keyframes",
            "Seed of the two codes; the same seed gives the same two.",
        )
        self.seed.setFixedWidth(14 * GRID)

    def _lay_out(self, panel: Panel) -> None:
        self.title.setMinimumWidth(self.title.fontMetrics().horizontalAdvance(f"{MAX_KEYFRAMES} of {MAX_KEYFRAMES}"))
        self.position.setMinimumWidth(20 * GRID)
        steps = [flat(panel.button(action, icon_only=True)) for action in (self.back, self.forth)]
        edits = [
            panel.button(action, icon_only=True) for action in (self.replace, self.remove, self.earlier, self.later)
        ]
        play, append, sample = (panel.button(action) for action in (self.play, self.append, self.sample))
        play.setFixedWidth(11 * GRID)
        going = FoldingRow(
            group_of(play, self.position, stretch=1), group_of(self.seconds, self.path, self.loop), stretch=0
        )
        editing = FoldingRow(group_of(*steps, self.title, append, *edits), group_of(sample, self.seed))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(going)
        column.addWidget(editing)
        column.addWidget(self.problem)
        column.addWidget(self.strip, 1)

    def _connect(self) -> None:
        state, interpolation = self._state, self._interpolation
        state.run_changed.connect(self._refresh)
        state.strips.path.changed.connect(self._on_images)
        interpolation.changed.connect(self._refresh)
        interpolation.moved.connect(self._show_position)
        interpolation.unfollowed.connect(self._show_position)
        self.position.value_changed.connect(lambda value: self._go_to(value - 1))
        self.strip.clicked.connect(self._on_clicked)
        self.strip.scrubbed.connect(self._on_scrubbed)
        self.path.activated.connect(lambda index: interpolation.set_path(self.path.itemData(index)))
        self.seconds.valueChanged.connect(interpolation.set_seconds)
        self.loop.toggled.connect(interpolation.set_loop)

    # ---- the user's actions ------------------------------------------------------------------------------------------

    def _toggle(self) -> None:
        if self._interpolation.playing:
            self._interpolation.pause()
        else:
            self._interpolation.play()

    def _append(self) -> None:
        try:
            self._interpolation.add(self._state.code.values)
        except ValueError as error:
            self._report(str(error))

    def _report(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _sample(self) -> None:
        """Sample with the seed that is shown, or with the next one where that was used."""
        if self.seed.value() == self._interpolation.seed:
            self.seed.setValue((self.seed.value() + 1) % (MAX_SEED + 1))
        self._state.sampling.sample_keyframes(self.seed.value())

    def _go_to(self, position: float) -> None:
        self._interpolation.pause()
        self._interpolation.go_to(position)

    def _on_clicked(self, index: int) -> None:
        positions = self._interpolation.strip_positions()
        if index < len(positions):
            self._go_to(positions[index])

    def _on_scrubbed(self, place: float) -> None:
        positions = self._interpolation.strip_positions()
        if len(positions) > 1:
            self._go_to(place * self._interpolation.segments / (len(positions) - 1))

    # ---- showing -----------------------------------------------------------------------------------------------

    def _on_images(self) -> None:
        show_images(self.strip, self._state.strips.path.images)

    def _refresh(self) -> None:
        interpolation, dims = self._interpolation, self._state.code.num_dims
        count = len(interpolation.keyframes)
        for action in (self.back, self.forth, self.remove, self.replace):
            action.setEnabled(count > 0)
        for action in (self.earlier, self.later):
            action.setEnabled(count > 1)
        self.play.setEnabled(interpolation.segments > 0)
        self.append.setEnabled(dims > 0)
        self.sample.setEnabled(dims > 0)
        effect = self._state.sampling.description("keyframes")
        self._panel.set_action_tip(self.sample, f"{effect}; the seed goes on where it was used")
        self.position.setEnabled(interpolation.segments > 0)
        self.position.set_range(1.0, 1.0 + max(1, interpolation.segments))
        self.path.setCurrentIndex(self.path.findData(interpolation.path))
        if not self.seconds.hasFocus():
            self.seconds.setValue(interpolation.seconds)
        self.loop.setChecked(interpolation.loop)
        if interpolation.seed is not None and not self.seed.hasFocus():
            self.seed.setValue(interpolation.seed)
        self._report("")
        text = "Pause" if interpolation.playing else "Play"
        if self.play.text() != text:
            self.play.setText(text)
            self._panel.set_action_icon(self.play, "pause" if interpolation.playing else "play")
        self._show_captions()
        self._show_position()

    def _show_captions(self) -> None:
        captions = [self._caption(position) for position in self._interpolation.strip_positions()]
        if captions != self._captions:
            self._captions = captions
            self.strip.set_count(max(1, len(captions)))
            self.strip.set_captions(captions)

    def _caption(self, position: float) -> str:
        keyframe, part = divmod(position, 1.0)
        if not part:
            return str(int(keyframe) % len(self._interpolation.keyframes) + 1)
        return next((sign for share, sign in FRACTIONS.items() if abs(share - part) < 1e-6), "·")

    def _show_position(self) -> None:
        interpolation = self._interpolation
        self.position.set_value(interpolation.position + 1)
        count = len(interpolation.keyframes)
        self.title.setText(f"{interpolation.current + 1} of {count}" if count else "none")
        marks = len(interpolation.strip_positions()) - 1
        self.strip.set_position(
            interpolation.position * marks / interpolation.segments
            if interpolation.followed and interpolation.segments
            else None
        )
