"""Moving through one generation: stepping, playing, scrubbing, choosing and editing."""

from dataclasses import dataclass

from PySide6.QtCore import QObject

from gmstudio.protocol.pixels import ClosePixels, EditPixel, PlacePixel, RewindPixels
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.pixels.path import PathMemory
from gmstudio.window.state.pixels.requests import Opening
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.target import PixelTarget
from gmstudio.window.state.play_clock import PlayClock

MIN_SPEED_HZ, MAX_SPEED_HZ = 1.0, 1000.0


@dataclass(frozen=True)
class Edit:
    """A placed sub-pixel whose value is to be changed.

    Args:
        step: of the sub-pixel; the generation stands there meanwhile, so that its conditional is shown.
        before: where it stood, and stands again afterwards.
    """

    step: int
    before: PixelSnapshot


class PixelNavigator(PixelTarget):
    """Where the viewer stands in a generation, and how it gets elsewhere.

    Attributes:
        speed_hz: sub-pixels per second while playing.
        start: where playing begins again: 0, or the number of given sub-pixels.
        editing: the sub-pixel whose value is being changed, or None.
        keep_following: an edit keeps what follows; otherwise that is drawn again.
    """

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(events, parent)
        self.speed_hz = 60.0
        self.start = 0
        self.editing: Edit | None = None
        self.keep_following = True
        self.clock = PlayClock(self)
        self.clock.ticked.connect(self._on_tick)

    @property
    def shown(self) -> PixelSnapshot | None:
        """The image to be shown: while a sub-pixel is edited, the one as far as it had come."""
        return self.editing.before if self.editing is not None else self.state

    # ---- opening -----------------------------------------------------------------------------------------------

    def open(self, opening: Opening) -> None:
        """Open another generation in place of this one."""
        self.pause()
        self.editing = self.stop = None
        self._queue.clear()
        self._set_target(None)
        self._queue.append(opening)
        self._go_on()
        self.changed.emit()

    def lose(self) -> None:
        """The engine is gone, and the generation with it; the last state stays to be looked at."""
        self.pause()
        self.state, self.editing, self.stop = self.shown, None, None
        self._lose_all()
        self._set_target(None)
        self.changed.emit()

    def close(self) -> None:
        """Let the generation go and show none."""
        if self._opened is not None:
            self._events.send(ClosePixels(session=self._opened.session))
        self.lose()
        self.state = None
        self._memory = PathMemory()
        self.moved.emit()

    # ---- moving ------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Go on by itself at ``speed_hz``; from the end, play it again from the start."""
        if self.playing or not (self.usable or self.opening):
            return
        self._stop_finishing()
        self._leave_edit()
        if self.usable and self.state is not None and self.state.finished:
            self.go_to(self.start)
        self.playing = True
        self.changed.emit()
        self.clock.start()  # not before what the window does about it, which would count as playing time
        self._on_tick()

    def pause(self) -> None:
        """Stand still: neither play nor run to the end."""
        self._stop_finishing()
        if self.playing:
            self.clock.stop()
            self.playing = False
            self._set_target(None)
            self.changed.emit()

    @property
    def target(self) -> int:
        """The step that it is going to, or stands at."""
        at = self.shown.step if self.shown is not None else 0
        return at if self._target is None or self.editing is not None else self._target

    def forward(self, count: int = 1) -> None:
        """Go ``count`` sub-pixels on, from where it is already going."""
        self._go_by(count)

    def back(self, count: int = 1) -> None:
        """Go ``count`` sub-pixels back, from where it is already going."""
        self._go_by(-count)

    def _go_by(self, count: int) -> None:
        if self.state is None or not (self.usable or self.opening):
            return
        self.pause()
        self._leave_edit()
        if self.opening or (self._target is None and self.busy):
            self._offset += count
            return
        target = (self.state.step if self._target is None else self._target) + count
        if target > self.state.step:
            self.draw_to(target)
        else:
            self.go_to(target)

    def finish(self) -> None:
        """Draw to the end as fast as the engine can; ``pause`` or a breakpoint stops it."""
        self._leave_edit()
        if self.usable and self.state is not None and not self.state.finished:
            self.pause()
            self.finishing = True
            self.changed.emit()
            self.draw_to(self.state.num_dims, stop_at_breakpoints=True)

    def draw_to(self, step: int, *, stop_at_breakpoints: bool = False) -> None:
        """Generate (or replay) up to a step; at most up to the first breakpoint where asked."""
        self._leave_edit()
        if self.usable and self.state is not None:
            self._set_target(
                max(0, min(step, self.state.num_dims)), draws=True, stops_at_breakpoints=stop_at_breakpoints
            )
            self._go_on()

    def go_to(self, step: int) -> None:
        """Go to a step of the remembered path; beyond its end, to its end."""
        self._leave_edit()
        if self.usable and self.state is not None:
            self._stop_finishing()
            self._set_target(max(0, min(step, self.state.path)))
            self._go_on()

    # ---- choosing and editing ------------------------------------------------------------------------------------

    def choose(self, value: int) -> None:
        """Commit this value at the sub-pixel whose conditional is shown, whatever is on its way.

        That is the next one; while a placed one is edited, it is that one.
        """
        state = self.state
        if not self.usable or state is None or state.finished or not 0 <= value < state.spec.levels:
            return
        if self.editing is not None:
            self._change(self.editing, value)
            return
        self.pause()
        if self.busy or self._queue:
            self._queue.append(RewindPixels(session=0, step=state.step))
        self._queue.append(PlacePixel(session=0, value=value))
        self._set_target(None)
        self._memory.choose(state.step)
        self._go_on()

    def edit(self, step: int) -> None:
        """Show the conditional of a placed sub-pixel, so that ``choose`` changes its value; the image stays."""
        before = self.shown
        if not self.usable or before is None or not 0 <= step < before.step:
            return
        self.pause()
        self.editing = Edit(step, before)
        self._set_target(step)
        self._go_on()
        self.changed.emit()

    def leave_edit(self) -> None:
        """Change nothing: stand where it stood before ``edit``."""
        if self.editing is not None:
            self._leave_edit()
            self._go_on()
            self.moved.emit()

    def set_keep_following(self, keep: bool) -> None:
        """Whether an edit keeps what follows, or draws it again."""
        self.keep_following = keep
        self.changed.emit()

    def _leave_edit(self) -> None:
        edit, self.editing = self.editing, None
        if edit is not None:
            self.state = edit.before
            self._set_target(None)
            self._queue.append(RewindPixels(session=0, step=edit.before.step))
            self.changed.emit()

    def _change(self, edit: Edit, value: int) -> None:
        keep, before = self.keep_following, edit.before
        if keep or not self._memory.stale:
            self._queue.append(RewindPixels(session=0, step=before.step))
            change = EditPixel(session=0, step=edit.step, value=value, keep=keep, temperature=self.temperature)
            self._queue.append(change)
        else:  # what follows is drawn with the new seed and temperature
            self._queue.append(RewindPixels(session=0, step=edit.step))
            self._queue.append(PlacePixel(session=0, value=value))
        self.editing, self.state = None, before
        self._set_target(before.step, draws=not keep)
        self._memory.choose(edit.step, keep=keep)
        self._go_on()
        self.changed.emit()

    # ---- settings ----------------------------------------------------------------------------------------------

    def set_speed(self, speed_hz: float) -> None:
        """Sub-pixels per second while playing, 1 … 1000."""
        self.speed_hz = min(MAX_SPEED_HZ, max(MIN_SPEED_HZ, speed_hz))
        self.changed.emit()

    # ---- what the clock and the engine say --------------------------------------------------------------------

    def _on_tick(self) -> None:
        free = self.state is not None and not self.busy and self._opened is not None
        count = self.clock.take(self.speed_hz, free=free)
        if not free or self.state is None:
            return
        if self.state.finished:
            self.pause()
        elif count:
            self.draw_to(self.state.step + count, stop_at_breakpoints=True)

    def _on_refused(self) -> None:
        self.editing = None
        self._set_target(None)
        self.pause()
        self.changed.emit()
