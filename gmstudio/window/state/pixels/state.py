"""What the window knows of pixel-by-pixel generation: the run, navigation, conditioning, continuations."""

import random
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.engine import Catalog, EngineReported
from gmstudio.protocol.pixels import OpenPixels, PixelsContinued
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.data.page import PixelImages
from gmstudio.window.state.pixels.conditioning import Conditioning, Given
from gmstudio.window.state.pixels.continuations import PixelContinuations
from gmstudio.window.state.pixels.generation_link import NewGeneration
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.order import PAINTED, OrderChoice
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.tools import PixelTools
from gmstudio.window.state.runs.library import RunLibrary

CAPABILITY = "pixel_session"
NUM_CONTINUATIONS = 16
LOST = "The engine ended, and this generation with it. Open it again to go on from this pixel."


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a generation was opened with, to go back to when the engine refuses another."""

    order: OrderChoice = field(default_factory=OrderChoice)
    label: int = -1
    given: Given | None = None


class PixelsState(QObject):
    """The state behind the Pixels panel; widgets call its methods and follow its signals.

    Attributes:
        events: the engine, for what belongs to a view of its own.
        library: the runs there are.
        navigator: stepping, playing, scrubbing, choosing and editing.
        tools: what clicking and dragging on the image does, and what was painted.
        images: real images of the run's data to begin from.
        givens: which part of a real image is given.
        run: path of the chosen run, or "".
        order: the order that was chosen.
        label: class that is conditioned on; −1: none.
        lost: the engine ended while a generation was open; ``reopen`` goes on.
        problem: what went wrong last, a sentence; "" when nothing did.
        following: newer weights are taken over by themselves while the run trains.

    Signals:
        changed: run, order, label, problem, newest weights or whether it is lost.
        run_changed: another run was chosen.
        continuations_changed: ``continuations`` or ``forking``.
    """

    changed = Signal()
    run_changed = Signal()
    continuations_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.events = events
        self.library = library
        self.navigator = PixelNavigator(events, self)
        self.tools = PixelTools(self)
        self.images = PixelImages(events, library, self)
        self.givens = Conditioning(self.tools, self)
        self.run = ""
        self.order = OrderChoice()
        self.label = -1
        self.lost = False
        self.problem = ""
        self.following = False
        self._active = False
        self._live_step = -1
        self._accepted = _Asked()
        self._given_on_path = False
        self._continuations = PixelContinuations(events, self.navigator, self)
        self.navigator.opened.connect(self._on_opened)
        self.navigator.moved.connect(self._on_moved)
        self.navigator.failed.connect(self._on_refused)
        self.givens.wanted.connect(self._on_conditioning_wanted)
        library.engine_lost.connect(self._on_engine_lost)
        library.changed.connect(self.changed)
        events.on(Catalog).connect(self._on_catalog)
        events.on(EngineReported).connect(self._on_reported)
        self._continuations.changed.connect(self.continuations_changed)
        self._continuations.failed.connect(self._on_problem)

    # ---- which model -------------------------------------------------------------------------------------------

    @property
    def state(self) -> PixelSnapshot | None:
        """Where the generation stands; None when none was opened."""
        return self.navigator.state

    def choose_run(self, run: str) -> None:
        """Look at another run; it is opened when the panel is in use."""
        if run == self.run:
            return
        self.run = run
        self.order, self.label, self._accepted = OrderChoice(), -1, _Asked()
        self.images.clear()
        self._continuations.clear()
        self.lost, self.problem = False, ""
        self.navigator.close()
        self.givens.drop()
        self._open_if_needed()
        self.run_changed.emit()
        self.changed.emit()

    def activate(self) -> None:
        """The panel is in use: open the chosen run now, if that is still to be done."""
        self._active = True
        self._open_if_needed()

    def deactivate(self) -> None:
        """The panel is out of map_view: stop playing."""
        self._active = False
        self.navigator.pause()

    def newest_step(self) -> int:
        """Training step of the newest weights of the run; −1 when unknown."""
        if self.run and self.run == self.library.live:
            return self._live_step
        info = self.library.info(self.run)
        return max(info.checkpoint_steps, default=-1) if info is not None else -1

    def has_newer_weights(self) -> bool:
        """Whether the run was trained further than the weights that are in use."""
        return self.state is not None and self.newest_step() > self.state.weights_step

    def use_current_weights(self) -> None:
        """Open again with the run's current weights; the sub-pixels placed so far stay and are scored anew."""
        state = self.navigator.shown
        if state is None:
            self._open(NewGeneration(self._command()))
            return
        command = self._command(given=Array.of(state.image), first=state.step)
        self._given_on_path = False
        self._open(NewGeneration(command, target=state.step, stale=True, same_prefix=True))

    def set_following(self, following: bool) -> None:
        """Take over newer weights by itself, about twice a second, whenever nothing else moves; or stop that."""
        self.following = following
        self._follow()
        self.changed.emit()

    def reopen(self) -> None:
        """After the engine ended or refused: go on where it stood, with the run's current weights."""
        self.use_current_weights()

    def reset(self) -> None:
        """Begin again with the same weights and the seed: from the given sub-pixels, or from an empty image."""
        if not self.run:
            return
        if self.givens.given is not None:
            self._open_conditioned()
        else:
            self._given_on_path = False
            self._open(NewGeneration(self._command(), same_weights=True))

    def new_seed(self) -> None:
        """Take a random seed for the sub-pixels to come; a finished image is begun again."""
        self.navigator.set_seed(random.randint(0, 9999))
        if self.state is not None and self.state.finished:
            self.reset()

    # ---- order and class ---------------------------------------------------------------------------------------

    def choose_order(self, name: str, seed: int | None = None) -> None:
        """Generate in another order, from the given sub-pixels or an empty image.

        Args:
            name: one of ``PixelSnapshot.orders``; for the painted one, ``tools.order`` says what was painted.
            seed: of the shuffled order; None: the present one.
        """
        ranks = self.tools.order.ranks() if name == PAINTED else None
        self.order = OrderChoice(name, self.order.seed if seed is None else seed, ranks)
        self.reset()

    def choose_label(self, label: int) -> None:
        """Condition on a class, or (−1) on none, and begin again with the same seed."""
        if label != self.label:
            self.label = label
            self.reset()

    # ---- starting from a real image ----------------------------------------------------------------------------

    def browse(self, split: SplitName = "valid", start: int = 0) -> None:
        """Fetch images of the run's data to choose from."""
        self.images.browse(self.run, split, start)

    def give(self, position: int) -> None:
        """Begin from a part of a real image, at a position among those in ``images.data``."""
        data = self.images.data
        if data is not None and 0 <= position < data.images.shape[0]:
            split: SplitName = data.split
            self.givens.pick(split, data.start + position, data.images.numpy()[position])

    def set_conditioning(self, first: int) -> None:
        """For completion: give more or fewer sub-pixels; what was generated after them is dropped."""
        state = self.state
        if state is not None:
            self.givens.set_first(max(0, min(first, state.num_dims)))

    def regenerate_unlikely(self) -> None:
        """For denoising: generate the unlikely pixels anew, given all others."""
        if self.givens.unlikely is not None:
            self.givens.regenerate()
            self.navigator.finish()

    def drop_conditioning(self) -> None:
        """Begin again from an empty image."""
        if self.givens.given is not None:
            self.givens.drop()
            self.reset()

    # ---- pointing at the image -----------------------------------------------------------------------------------

    def click(self, row: int, column: int) -> None:
        """Do to a pixel what the tool in hand does."""
        if self.tools.tool == "edit":
            self.edit(row, column)
        elif self.tools.tool == "go":
            self.go_to(row, column)

    def go_to(self, row: int, column: int) -> None:
        """Go to a pixel: back to it, or to where the given part ends, or generate up to it."""
        state = self.navigator.shown
        if state is None or not self.navigator.usable:
            return
        step = int(state.steps_of_pixel(row, column)[0])
        if self._given_on_path and self.givens.preset == "completion":
            self.set_conditioning(step)
        elif step <= state.path:
            self.navigator.pause()
            self.navigator.go_to(step)
        else:
            self.navigator.pause()
            self.navigator.draw_to(step)

    def edit(self, row: int, column: int) -> None:
        """Change a placed pixel; again on the same one, its next channel."""
        state, editing = self.navigator.shown, self.navigator.editing
        if state is None or not self.navigator.usable:
            return
        steps = [step for step in state.steps_of_pixel(row, column).tolist() if step < state.step]
        if steps:
            at = steps.index(editing.step) + 1 if editing is not None and editing.step in steps else 0
            self.navigator.edit(steps[at % len(steps)])

    # ---- continuations -----------------------------------------------------------------------------------------------

    @property
    def continuations(self) -> PixelsContinued | None:
        """Continuations so far, or None."""
        return self._continuations.found

    @property
    def forking(self) -> bool:
        """Whether more of them are on their way."""
        return self._continuations.running

    def continuation(self) -> None:
        """Continue from here in sixteen ways: the most likely one, and fifteen draws, other ones each time."""
        self._continuations.start(NUM_CONTINUATIONS)

    def adopt(self, index: int) -> None:
        """Make a continuation the generation itself, as far as it has come."""
        continuations = self.continuations
        if continuations is None or not self.run or not 0 <= index < continuations.images.shape[0]:
            return
        image = Array.of(continuations.images.numpy()[index])
        command = self._command(given=image, first=continuations.step)
        self._given_on_path = False
        self._open(NewGeneration(command, target=continuations.step, same_weights=True))

    # ---- within ------------------------------------------------------------------------------------------------

    def _command(self, given: Array | None = None, first: int = 0) -> OpenPixels:
        """Open the run with order, class and given set as they are chosen."""
        mask = self.givens.given.mask if self.givens.given is not None else None
        return OpenPixels(
            run=self.run,
            seed=self.navigator.seed,
            given=given,
            first=first,
            order=self.order.name,
            order_seed=self.order.seed,
            ranks=self.order.sent_ranks,
            mask=None if mask is None or given is None else Array.of(mask),
            label=self.label,
        )

    def _open_if_needed(self) -> None:
        if self._active and self.run and self.state is None and not self.navigator.opening and not self.problem:
            self._open(NewGeneration(self._command()))

    def _open(self, opening: NewGeneration) -> None:
        self.lost, self.problem = False, ""
        given = self.givens.given
        self.navigator.start = given.first if given is not None else 0
        self.navigator.open(opening)
        self.changed.emit()

    def _open_conditioned(self) -> None:
        """Begin from the given part.

        Where that is the first sub-pixels of the order, the whole real image goes on the path, so that its part can be
        chosen, and scored, by moving along it.
        """
        given = self.givens.given
        assert given is not None, "nothing is given"
        along_path = given.mask is None
        self._given_on_path = along_path
        size = given.levels.size if along_path else given.first
        command = self._command(given=Array.of(given.levels), first=size)
        self._open(NewGeneration(command, target=given.first, stale=True, same_weights=True))

    # ---- events ------------------------------------------------------------------------------------------------

    def _on_opened(self) -> None:
        state = self.state
        self._accepted = _Asked(self.order, self.label, self.givens.given)
        if state is not None:
            self.givens.forget_surprisal()
            self.tools.begin_image((state.spec.height, state.spec.width))
            if state.num_classes and self.images.data is None and not self.images.browsing:
                self.browse()  # it has the names of the classes
        self.changed.emit()

    def _on_conditioning_wanted(self) -> None:
        """More or less of the image that is on the path is only a move along it."""
        given, accepted = self.givens.given, self._accepted.given
        same_image = given is not None and accepted is not None and given.levels is accepted.levels
        if same_image and given is not None and given.mask is None and self._given_on_path and self.navigator.usable:
            self._accepted = _Asked(self.order, self.label, given)
            self.navigator.start = given.first
            self.navigator.go_to(given.first)
            self.changed.emit()
        else:
            self._open_conditioned()

    def _on_moved(self) -> None:
        """Once values other than the given ones are placed, the path is no longer the real image's."""
        state, given = self.state, self.givens.given
        if self._given_on_path and given is not None and state is not None:
            self._given_on_path = state.path == given.levels.size and not self.navigator.chosen
        self.givens.reach(state)

    def _on_problem(self, message: str) -> None:
        self.problem = message
        self.changed.emit()

    def _on_refused(self, message: str) -> None:
        """The generation that was open before still is; so are its order, its class and what it was given."""
        self.order, self.label = self._accepted.order, self._accepted.label
        if self.givens.given is not self._accepted.given:
            self.givens.restore(self._accepted.given)
        self._on_problem(message)

    def _on_engine_lost(self) -> None:
        if self.forking:
            self._continuations.clear()
        self.images.give_up()
        if self.state is not None or self.navigator.opening:
            self.navigator.lose()
            self.lost, self.problem = True, LOST
        else:
            self.problem = ""
        self.changed.emit()

    def _on_catalog(self) -> None:
        """A new engine knows nothing of what was open in an old one."""
        self._on_engine_lost()
        self._open_if_needed()

    def _on_reported(self, event: EngineReported) -> None:
        if event.state in ("training", "paused"):
            had_newer = self.has_newer_weights()
            self._live_step = event.step
            if self.has_newer_weights() or had_newer:
                self._follow()
                self.changed.emit()

    def _follow(self) -> None:
        navigator = self.navigator
        idle = navigator.usable and not (navigator.busy or navigator.playing or navigator.finishing)
        if self.following and self._active and idle and self.has_newer_weights():
            self.use_current_weights()
