"""State of pixel-by-pixel generation: the run, navigation, conditioning, continuations, attribution, comparison."""

import random

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.engine import Catalog
from gmstudio.protocol.pixels import OpenPixels
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.data.page import DataPage
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.pixels.attribution import PixelAttribution
from gmstudio.window.state.pixels.comparison import PixelComparison
from gmstudio.window.state.pixels.conditioning import Conditioning
from gmstudio.window.state.pixels.continuations import PixelContinuations
from gmstudio.window.state.pixels.generation_edits import Choices, GenerationContent, GenerationEdits
from gmstudio.window.state.pixels.generation_link import NewGeneration
from gmstudio.window.state.pixels.guessing import PixelGuessing
from gmstudio.window.state.pixels.influence import PixelInfluence
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.newest_weights import NewestWeights
from gmstudio.window.state.pixels.opening import open_command
from gmstudio.window.state.pixels.order import PAINTED, OrderChoice
from gmstudio.window.state.pixels.phases import step_to_edit
from gmstudio.window.state.pixels.second_order import SecondOrder
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.tools import PixelTools
from gmstudio.window.state.runs.library import RunLibrary

NUM_CONTINUATIONS = 16
LOST = "The engine ended, and this generation with it. Reopen it to continue from this pixel."


class PixelsState(QObject):
    """State of the Pixels panel; widgets call its methods and follow its signals.

    Attributes:
        library: the runs.
        navigator: stepping, playing, scrubbing, choosing and editing.
        tools: the selected tool, and what was painted.
        edits: recorder of what can be undone: strokes, order, class, observed part, chosen values.
        images: real images of the run's data.
        conditioning: the observed part of a real image.
        continuations: of the current prefix.
        guessing: of all sub-pixels at once.
        attribution: of the next conditional.
        comparison: with another run's model.
        influence: of single pixels on the next conditional.
        weights: the newest ones of the run.
        second_order: the same model in a second order, beside the generation.
        run: path of the selected run, or "".
        order: the chosen order.
        label: class that is conditioned on; −1: none.
        lost: the engine ended while a generation was open; ``use_current_weights`` opens it again.
        problem: the last failure, a sentence; "" when there is none.
        active: the panel is shown; only then is the run opened.

    Signals:
        changed: run, order, label, problem, newest weights or ``lost``.
        run_changed: another run was selected.
    """

    changed = Signal()
    run_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.library = library
        self.navigator = PixelNavigator(events, self)
        self.edits = EditRecorder(self)
        self.tools = PixelTools(self, self.edits)
        self.images = DataPage(events, library, self)
        self.conditioning = Conditioning(self.tools, self)
        self.continuations = PixelContinuations(events, self.navigator, self)
        self.guessing = PixelGuessing(events, self.navigator, self.tools, lambda: self._accepted, self)
        self.attribution = PixelAttribution(events, library, self.navigator, self)
        self.comparison = PixelComparison(events, library, self.navigator, self)
        self.influence = PixelInfluence(events, self.navigator, self.comparison, self)
        self.second_order = SecondOrder(events, self.navigator, self.conditioning, self.tools, self)
        self.run = ""
        self.order = OrderChoice()
        self.label = -1
        self.lost, self.problem = False, ""
        self.active = False
        self._reopens = False
        self.weights = NewestWeights(events, library, self.navigator, lambda: self.run, self)
        self._accepted = Choices()
        self._generation_edits = GenerationEdits(self.edits, self.navigator, lambda: self._accepted, self._restore)
        self._image_on_path = False
        shown, usable = lambda: self.run, lambda: self.navigator.usable
        self.edits.about_run(shown, self.choose_run, library.has_run, self._is_ready, usable)
        self.navigator.opened.connect(self._on_opened)
        self.navigator.moved.connect(self._on_moved)
        self.navigator.failed.connect(self._on_refused)
        self.conditioning.requested.connect(self._on_conditioning_requested)
        self.continuations.failed.connect(self._on_problem)
        library.engine_lost.connect(self._on_engine_lost)
        library.changed.connect(self.changed)
        library.checkpoint_chosen.connect(self._on_checkpoint_chosen)
        events.on(Catalog).connect(self._on_catalog)
        self.weights.changed.connect(self.changed)
        self.weights.wanted.connect(self._on_weights_wanted)

    # ---- the model -------------------------------------------------------------------------------------------------

    @property
    def state(self) -> PixelSnapshot | None:
        """Position of the generation; None when none was opened."""
        return self.navigator.state

    def choose_run(self, run: str) -> None:
        """Select another run; it is opened while the panel is shown."""
        if run == self.run:
            return
        self.run, self._reopens = run, False
        self.order, self.label, self._accepted = OrderChoice(), -1, Choices()
        self.images.clear()
        self.continuations.clear()
        self.guessing.clear()
        self.lost, self.problem = False, ""
        self.navigator.close()
        self.conditioning.clear()
        self._generation_edits.drop()
        self._open_if_needed()
        self.run_changed.emit()
        self.changed.emit()

    def set_active(self, active: bool) -> None:
        """Open the selected run, if it is not open yet; or stop playing, because the panel is hidden."""
        self.active = active
        if active and self._reopens:
            self._reopens = False
            self.use_current_weights()
        elif active:
            self._open_if_needed()
        else:
            self.navigator.pause()

    def use_current_weights(self) -> None:
        """Open again with the run's current weights; the placed sub-pixels stay and are rescored."""
        state = self.navigator.shown
        if state is None:
            self._open(NewGeneration(self._command()))
            return
        command = self._command(levels=Array.of(state.image), num_placed=state.step)
        self._image_on_path = False
        self._open(NewGeneration(command, target=state.step, stale=True, same_prefix=True))

    def reset(self) -> None:
        """Begin again with the same weights and seed: from the observed sub-pixels, or from an empty image."""
        if not self.run:
            return
        if self.conditioning.image is not None:
            self._open_conditioned()
        else:
            self._image_on_path = False
            self._open(NewGeneration(self._command(), same_weights=True))

    def new_seed(self) -> None:
        """Choose a random seed for the sub-pixels to come; a finished image is begun again."""
        self.navigator.set_seed(random.randint(0, 9999))
        if self.state is not None and self.state.finished:
            self.reset()

    # ---- order and class -------------------------------------------------------------------------------------------

    def choose_order(self, name: str, seed: int | None = None) -> None:
        """Generate in another order, from the observed sub-pixels or an empty image.

        Args:
            name: one of ``PixelSnapshot.orders``; the painted one is that of ``tools.order``.
            seed: of the shuffled order; None: unchanged.
        """
        self._generation_edits.begin("Choose the order")
        ranks = self.tools.order.ranks() if name == PAINTED else None
        self.order = OrderChoice(name, self.order.seed if seed is None else seed, ranks)
        self.reset()

    def choose_label(self, label: int) -> None:
        """Condition on a class, or (−1) on none, and begin again with the same seed."""
        if label != self.label:
            self._generation_edits.begin("Choose the class")
            self.label = label
            self.reset()

    # ---- conditioning on a real image ------------------------------------------------------------------------------

    def browse(self, split: SplitName = "valid", start: int = 0) -> None:
        """Fetch images of the run's data to choose from."""
        self.images.browse(self.run, split, start)

    def condition_on(self, position: int) -> None:
        """Observe part of a real image, at a position among those in ``images.data``."""
        data = self.images.data
        if data is not None and 0 <= position < data.images.shape[0]:
            self.conditioning.choose_image(data.split, data.start + position, data.images.numpy()[position])

    def set_num_observed(self, num_observed: int) -> None:
        """For completion: observe more or fewer sub-pixels; those generated after them are dropped."""
        state = self.state
        if state is not None:
            self.conditioning.set_num_observed(max(0, min(num_observed, state.num_dims)))

    def resample_unlikely(self) -> None:
        """For denoising: resample the unlikely pixels, conditioned on all others."""
        if self.conditioning.unlikely is not None:
            self.conditioning.resample()
            self.navigator.finish()

    def clear_conditioning(self) -> None:
        """Begin again from an empty image."""
        if self.conditioning.image is not None:
            self._generation_edits.begin("Observe nothing")
            self.conditioning.clear()
            self.reset()

    # ---- clicks on the image ---------------------------------------------------------------------------------------

    def click(self, row: int, column: int) -> None:
        """Apply the selected tool to a pixel."""
        if self.tools.tool == "edit":
            self.edit(row, column)
        elif self.tools.tool == "go":
            self.go_to(row, column)

    def go_to(self, row: int, column: int) -> None:
        """Go back to a pixel, generate up to it, or make it the end of the observed sub-pixels."""
        state = self.navigator.shown
        if state is None or not self.navigator.usable:
            return
        step = int(state.steps_of_pixel(row, column)[0])
        if self._image_on_path and self.conditioning.preset == "completion":
            self.set_num_observed(step)
        elif step <= state.path:
            self.navigator.go_to(step)
        else:
            self.navigator.draw_to(step)

    def edit(self, row: int, column: int) -> None:
        """Change a placed pixel; called again for the same one, its next channel."""
        state, editing = self.navigator.shown, self.navigator.editing
        if state is None or not self.navigator.usable:
            return
        step = step_to_edit(state, editing, row, column)
        if step is not None:
            self.navigator.edit(step)

    def choose(self, value: int) -> None:
        """Choose the value of the sub-pixel whose conditional is shown: the next one, or the one that is edited."""
        self._generation_edits.begin_value(value)
        self.navigator.choose(value)

    # ---- images of several samples ---------------------------------------------------------------------------------

    def sample_continuations(self) -> None:
        """Sample sixteen continuations: of the most likely values, and fifteen draws, new ones each time."""
        self.continuations.start(NUM_CONTINUATIONS)

    def adopt(self, index: int) -> None:
        """Make a continuation the generation itself, as far as it was sampled."""
        sampled = self.continuations.sampled
        if sampled is not None and 0 <= index < sampled.images.shape[0]:
            self._generation_edits.begin("Adopt a continuation")
            levels = sampled.images.numpy()[index]
            self._show(GenerationContent(self._accepted, levels, sampled.step, frozenset()))

    def keep_guess(self) -> None:
        """Make the last round of a guess the generation itself, with the choices that it was guessed with."""
        film = self.guessing.film
        if film is not None and film.done:
            self._generation_edits.begin("Keep the guessed image")
            chosen = frozenset(step for step in self.navigator.chosen if step < film.start)
            self._show(GenerationContent(film.begun.choices, film.images[-1], film.state.num_dims, chosen))

    # ---- opening ---------------------------------------------------------------------------------------------------

    def _command(self, levels: Array | None = None, num_placed: int = 0) -> OpenPixels:
        """Return the command that opens the run with the chosen order, class and observed sub-pixels."""
        choices = Choices(self.order, self.label, self.conditioning.content())
        return open_command(self.run, self.navigator.seed, choices, levels, num_placed)

    def _open_if_needed(self) -> None:
        if self.active and self.run and self.state is None and not self.navigator.opening and not self.problem:
            self._open(NewGeneration(self._command()))

    def _open(self, new: NewGeneration) -> None:
        self.lost, self.problem = False, ""
        image = self.conditioning.image
        self.navigator.start = image.num_observed if image is not None else 0
        self.navigator.open(new)
        self.changed.emit()

    def _open_conditioned(self) -> None:
        """Begin from the observed sub-pixels.

        Where they are the first ones of the order, the whole real image is put on the path, so that the observed part
        can be chosen, and scored, by moving along it.
        """
        image = self.conditioning.image
        assert image is not None, "an image is observed"
        self._image_on_path = image.observed is None
        num_placed = image.levels.size if self._image_on_path else image.num_observed
        command = self._command(levels=Array.of(image.levels), num_placed=num_placed)
        self._open(NewGeneration(command, target=image.num_observed, stale=True, same_weights=True))

    def _restore(self, content: GenerationContent) -> None:
        """Show the content of an undone edit again."""
        self._generation_edits.drop()
        self._show(content)

    def _show(self, content: GenerationContent) -> None:
        """Open a content with the same weights."""
        self.order, self.label = content.choices.order, content.choices.label
        self.conditioning.restore(content.choices.conditioning)
        if self.run and content.levels is not None:
            self._image_on_path = False
            command = self._command(levels=Array.of(content.levels), num_placed=content.step)
            self._open(NewGeneration(command, target=content.step, same_weights=True, chosen=content.chosen))

    # ---- events ----------------------------------------------------------------------------------------------------

    def _on_opened(self) -> None:
        state = self.state
        self._accepted = Choices(self.order, self.label, self.conditioning.content())
        if state is not None:
            self.conditioning.forget_surprisal()
            self.tools.begin_image((state.spec.height, state.spec.width))
            if state.num_classes and self.images.data is None and not self.images.browsing:
                self.browse()  # for the names of the classes
        self.changed.emit()

    def _on_conditioning_requested(self, name: str, key: str) -> None:
        """Move along the path where only the number of observed sub-pixels changed; otherwise begin again."""
        self._generation_edits.begin(name, key)
        image, accepted = self.conditioning.image, self._accepted.conditioning.image
        same_image = image is not None and accepted is not None and image.levels is accepted.levels
        along_path = same_image and self._image_on_path and self.navigator.usable
        if image is not None and image.observed is None and along_path:
            self._accepted = Choices(self.order, self.label, self.conditioning.content())
            self.navigator.start = image.num_observed
            self.navigator.go_to(image.num_observed)
            self.changed.emit()
        else:
            self._open_conditioned()

    def _on_moved(self) -> None:
        """Note whether the path is still the real image's: no longer once other values are placed."""
        state, image = self.state, self.conditioning.image
        if self._image_on_path and image is not None and state is not None:
            self._image_on_path = state.path == image.levels.size and not self.navigator.chosen
        self.conditioning.update(state)
        if self._is_ready():
            self.edits.settle()

    def _is_ready(self) -> bool:
        """The generation rests, so that the content of an edit can be restored."""
        return self.state is not None and self.navigator.usable and not self.navigator.busy

    def _on_problem(self, message: str) -> None:
        self.problem = message
        self.changed.emit()

    def _on_refused(self, message: str) -> None:
        """Return to the choices of the generation that is still open."""
        self._generation_edits.drop()
        if self.state is None:
            self.edits.fail(message)
        self.order, self.label = self._accepted.order, self._accepted.label
        if self.conditioning.image is not self._accepted.conditioning.image:
            self.conditioning.restore(self._accepted.conditioning)
        self._on_problem(message)

    def _on_engine_lost(self) -> None:
        self.continuations.lose()
        self.second_order.lose()
        self.images.drop_request()
        if self.state is not None or self.navigator.opening:
            self.navigator.lose()
            self.lost, self.problem = True, LOST
        else:
            self.problem = ""
        self.changed.emit()

    def _on_checkpoint_chosen(self, run: str) -> None:
        """Use the weights of another checkpoint, now or when the panel is shown."""
        if run == self.run and self.state is not None:
            self._reopens = not self.active
            if self.active:
                self.use_current_weights()

    def _on_weights_wanted(self) -> None:
        if self.active:
            self.use_current_weights()

    def _on_catalog(self) -> None:
        """Drop what was open in an engine before this one."""
        self._on_engine_lost()
        self._open_if_needed()
