"""What the window knows of pixel-by-pixel generation: the run, the walk through it, given images and forks."""

import random
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.client import EngineEvents
from gmstudio.messages import (
    Array,
    BrowseData,
    CommandFailed,
    DataBrowsed,
    EngineReported,
    ForkPixels,
    OpenPixels,
    PixelsForked,
)
from gmstudio.session.library import RunLibrary
from gmstudio.session.pixel_requests import Opening
from gmstudio.session.pixel_state import PixelState
from gmstudio.session.pixel_walk import PixelWalk

CAPABILITY = "pixel_session"
NUM_FORKS = 16
NUM_BROWSED = 32
MAX_SEED = 2**31 - 1
LOST = "The engine ended, and this generation with it. Open it again to go on from this pixel."
Split = Literal["train", "valid", "test"]


@dataclass(frozen=True)
class Completion:
    """A real image whose first sub-pixels are given.

    Args:
        split: of the data set.
        index: of the image in the split.
        levels: (C, H, W) uint8.
        first: sub-pixels that are given.
    """

    split: Split
    index: int
    levels: NDArray[np.uint8]
    first: int


class PixelsSession(QObject):
    """The state behind the Pixels panel; widgets call its methods and follow its signals.

    Attributes:
        events: the engine, for what belongs to a view of its own.
        library: the runs there are.
        walk: stepping, playing, scrubbing and choosing.
        run: path of the chosen run, or "".
        lost: the engine ended while a generation was open; ``reopen`` goes on.
        problem: what went wrong last, a sentence; "" when nothing did.
        completion: the real image that the generation continues, or None.
        data: images of the run's data to choose from, or None.
        data_problem: why there are none, a sentence, or "".
        forks: continuations so far, or None.
        forking: whether more of them are on their way.
        following: newer weights are taken over by themselves while the run trains.

    Signals:
        changed: run, problem, completion, newest weights or whether it is lost.
        data_changed: ``data`` or ``data_problem``.
        forks_changed: ``forks`` or ``forking``.
    """

    changed = Signal()
    data_changed = Signal()
    forks_changed = Signal()

    def __init__(self, events: EngineEvents, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.walk = PixelWalk(events, self)
        self.run = ""
        self.lost = False
        self.problem = ""
        self.completion: Completion | None = None
        self.data: DataBrowsed | None = None
        self.data_problem = ""
        self.forks: PixelsForked | None = None
        self.forking = False
        self.following = False
        self.events = events
        self.library = library
        self._active = False
        self._live_step = -1
        self._given_on_path = False
        self._browse_request = 0
        self._fork_request = 0
        self._num_forked = 0
        self.walk.opened.connect(self._on_opened)
        self.walk.moved.connect(self._on_moved)
        self.walk.failed.connect(self._on_problem)
        library.engine_lost.connect(self._on_engine_lost)
        library.changed.connect(self.changed)
        events.catalog.connect(self._on_catalog)
        events.engine_reported.connect(self._on_reported)
        events.data_browsed.connect(self._on_data_browsed)
        events.pixels_forked.connect(self._on_forked)
        events.command_failed.connect(self._on_failed)

    # ---- which model -------------------------------------------------------------------------------------------

    @property
    def state(self) -> PixelState | None:
        """Where the generation stands; None when none was opened."""
        return self.walk.state

    def choose_run(self, run: str) -> None:
        """Look at another run; it is opened when the panel is in use."""
        if run == self.run:
            return
        self.run = run
        self.completion, self.data, self.data_problem = None, None, ""
        self._browse_request = 0
        self._clear_forks()
        self.lost, self.problem = False, ""
        self.walk.close()
        self._open_if_needed()
        self.changed.emit()
        self.data_changed.emit()

    def activate(self) -> None:
        """The panel is in use: open the chosen run now, if that is still to be done."""
        self._active = True
        self._open_if_needed()

    def deactivate(self) -> None:
        """The panel is out of sight: stop playing."""
        self._active = False
        self.walk.pause()

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
        state = self.state
        if state is None:
            self._open(Opening(self._empty()))
            return
        command = OpenPixels(run=self.run, seed=self.walk.seed, given=Array.of(state.image), first=state.step)
        self._given_on_path = False
        self._open(Opening(command, aim=state.step, stale=True, same_prefix=True))

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
        if self.completion is not None:
            self._open_given(self.completion)
        else:
            self._given_on_path = False
            self._open(Opening(self._empty(), same_weights=True))

    def new_seed(self) -> None:
        """Take a random seed for the sub-pixels to come; a finished image is begun again."""
        self.walk.set_seed(random.randint(0, 9999))
        if self.state is not None and self.state.finished:
            self.reset()

    # ---- starting from a real image ----------------------------------------------------------------------------

    def browse(self, split: Split = "valid", start: int = 0) -> None:
        """Fetch images of the run's data to choose from."""
        info = self.library.info(self.run)
        if info is None:
            return
        command = BrowseData(
            data=info.data, data_config=info.data_config, split=split, start=max(0, start), count=NUM_BROWSED
        )
        self._browse_request = self.events.send(command)

    @property
    def browsing(self) -> bool:
        """Whether images were asked for that have not come yet."""
        return self._browse_request != 0

    def complete(self, position: int, first: int) -> None:
        """Continue a real image.

        Args:
            position: of the image among those in ``data``.
            first: sub-pixels that are given, 0 … D.
        """
        data = self.data
        if data is None or not 0 <= position < data.images.shape[0]:
            return
        levels = data.images.numpy()[position]
        first = max(0, min(first, data.image.num_dims))
        split: Split = data.split  # type: ignore[assignment]
        self._open_given(Completion(split, data.start + position, levels, first))

    def set_given(self, first: int) -> None:
        """Give more or fewer sub-pixels of the same real image; what was generated after them is dropped."""
        old, state = self.completion, self.state
        if old is None or state is None:
            return
        self.completion = Completion(old.split, old.index, old.levels, max(0, min(first, state.num_dims)))
        if self._given_on_path and self.walk.usable:
            self.walk.start = self.completion.first
            self.walk.go_to(self.completion.first)
            self.changed.emit()
        else:
            self._open_given(self.completion)

    def drop_completion(self) -> None:
        """Begin again from an empty image."""
        if self.completion is not None:
            self.completion = None
            self.reset()
            self.changed.emit()

    # ---- pointing at the image -----------------------------------------------------------------------------------

    def click(self, row: int, column: int) -> None:
        """Go to a pixel: back to it, or to where the given part ends, or generate up to it."""
        state = self.state
        if state is None or not self.walk.usable:
            return
        step = int(state.steps_of_pixel(row, column)[0])
        if self.completion is not None and self._given_on_path:
            self.set_given(step)
        elif step <= state.path:
            self.walk.pause()
            self.walk.go_to(step)
        else:
            self.walk.pause()
            self.walk.draw_to(step)

    # ---- forks -------------------------------------------------------------------------------------------------

    def fork(self) -> None:
        """Continue from here in sixteen ways; other ones each time."""
        state = self.state
        if state is None or not self.walk.usable or state.finished:
            return
        self.walk.pause()
        self._num_forked += 1
        seed = (self.walk.seed + self._num_forked) % (MAX_SEED + 1)
        command = ForkPixels(session=state.session, count=NUM_FORKS, seed=seed, temperature=self.walk.temperature)
        self._fork_request = self.events.send(command)
        self.forks, self.forking = None, True
        self.forks_changed.emit()

    def adopt(self, index: int) -> None:
        """Make a continuation the generation itself, as far as it has come."""
        forks = self.forks
        if forks is None or not self.run or not 0 <= index < forks.images.shape[0]:
            return
        image = Array.of(forks.images.numpy()[index])
        command = OpenPixels(run=self.run, seed=self.walk.seed, given=image, first=forks.step)
        self._given_on_path = False
        self._open(Opening(command, aim=forks.step, same_weights=True))

    # ---- within ------------------------------------------------------------------------------------------------

    def _empty(self) -> OpenPixels:
        return OpenPixels(run=self.run, seed=self.walk.seed)

    def _open_if_needed(self) -> None:
        if self._active and self.run and self.state is None and not self.walk.opening and not self.problem:
            self._open(Opening(self._empty()))

    def _open(self, opening: Opening) -> None:
        self.lost, self.problem = False, ""
        self.walk.start = self.completion.first if self.completion else 0
        self.walk.open(opening)
        self.changed.emit()

    def _open_given(self, completion: Completion) -> None:
        """The whole real image goes on the path, so that its part can be chosen, and scored, by moving along it."""
        self.completion = completion
        self._given_on_path = True
        size = completion.levels.size
        command = OpenPixels(run=self.run, seed=self.walk.seed, given=Array.of(completion.levels), first=size)
        self._open(Opening(command, aim=completion.first, stale=True, same_weights=True))

    def _clear_forks(self) -> None:
        self.forks, self.forking, self._fork_request = None, False, 0
        self.forks_changed.emit()

    # ---- events ------------------------------------------------------------------------------------------------

    def _on_opened(self) -> None:
        self.changed.emit()

    def _on_moved(self) -> None:
        """Once values other than the given ones are placed, the path is no longer the real image's."""
        if self._given_on_path and self.completion is not None and self.state is not None:
            self._given_on_path = self.state.path == self.completion.levels.size and not self.walk.chosen

    def _on_problem(self, message: str) -> None:
        self.problem = message
        self.changed.emit()

    def _on_engine_lost(self) -> None:
        if self.forking:
            self._clear_forks()
        self._browse_request = 0
        if self.state is not None or self.walk.opening:
            self.walk.lose()
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
        walk = self.walk
        idle = walk.usable and not (walk.busy or walk.playing or walk.finishing)
        if self.following and self._active and idle and self.has_newer_weights():
            self.use_current_weights()

    def _on_data_browsed(self, event: DataBrowsed) -> None:
        if event.request and event.request == self._browse_request:
            self.data, self.data_problem, self._browse_request = event, "", 0
            self.data_changed.emit()

    def _on_forked(self, event: PixelsForked) -> None:
        if event.request and event.request == self._fork_request:
            self.forks, self.forking = event, not event.done
            self.forks_changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        if event.request and event.request == self._browse_request:
            self.data, self.data_problem, self._browse_request = None, event.message, 0
            self.data_changed.emit()
        elif event.request and event.request == self._fork_request:
            self._clear_forks()
            self._on_problem(event.message)
