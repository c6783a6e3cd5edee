"""Interpolation through a latent space: keyframes, the segments between them, and playing it.

Shapes: Z latent dimensions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.latents.code_range import Code
from gmstudio.window.state.play_clock import PlayClock

MIN_SECONDS, MAX_SECONDS = 0.2, 60.0
MAX_KEYFRAMES = 24
STRIP_SEGMENTS, MOST_BETWEEN = 12, 7
"""Images of a strip, about, and the most of them between two keyframes."""

Path = Literal["linear", "spherical"]
PATHS: tuple[Path, ...] = ("linear", "spherical")
NEARLY_PARALLEL = 1e-4
"""Sine of the angle below which two codes span no plane to rotate in."""


def interpolate(a: Code, b: Code, position: float, path: Path) -> Code:
    """Interpolate between two codes.

    ``linear`` is (1 - t) a + t b. ``spherical`` rotates from a to b in their plane by the share t of their angle ω,
    sin((1 - t) ω) / sin ω · a + sin(t ω) / sin ω · b, so that codes in between have about the norm of the ends, as
    samples of a Gaussian prior in many dimensions have; codes on one line through 0 span no plane and are
    interpolated linearly.

    Args:
        a: (Z,) start.
        b: (Z,) end.
        position: t, 0 … 1.
        path: ``linear`` or ``spherical``.

    Returns:
        (Z,) float32.

    Source: Shoemake, SIGGRAPH 1985; for latent codes White, Sampling Generative Networks, 2016, arXiv:1609.04468.
    """
    share_a, share_b = 1.0 - position, position
    if path == "spherical":
        lengths = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
        cosine = float(np.dot(a, b)) / lengths if lengths > 0 else 1.0
        angle = float(np.arccos(np.clip(cosine, -1.0, 1.0)))
        if np.sin(angle) > NEARLY_PARALLEL:
            share_a = float(np.sin((1.0 - position) * angle) / np.sin(angle))
            share_b = float(np.sin(position * angle) / np.sin(angle))
    code: Code = np.asarray(share_a * a + share_b * b, dtype=np.float32)
    return code


@dataclass(frozen=True, eq=False)
class KeyframePath:
    """An interpolation as it is saved with a view, or in a file.

    Args:
        keyframes: (Z,) codes.
        path: between two keyframes.
        loop: it returns to the first keyframe.
        seconds: per segment.
        position: of the viewer, in segments.
        seed: of the keyframes, or None.
    """

    keyframes: tuple[Code, ...]
    path: Path = "linear"
    loop: bool = False
    seconds: float = 3.0
    position: float = 0.0
    seed: int | None = None


class PathSnapshot(NamedTuple):
    """Content of an ``Interpolation``: the fields of ``KeyframePath``, and whether the view follows it."""

    keyframes: tuple[Code, ...]
    path: Path
    loop: bool
    seconds: float
    position: float
    seed: int | None
    followed: bool


class Interpolation(QObject):
    """Keyframes in order, and the position of the viewer between them.

    Positions are counted in segments from the first keyframe, 0 … ``segments``: 1.5 is halfway from the second keyframe
    to the third. A loop has one segment more, from the last keyframe to the first.

    Args:
        edits: recorder of the user's edits; None: one of its own.

    Attributes:
        keyframes: (Z,) codes, at most ``MAX_KEYFRAMES``; replaced, never written to.
        position: of the viewer.
        path: ``linear`` or ``spherical``.
        loop: it returns to the first keyframe.
        seconds: per segment while playing.
        seed: of the codes that were sampled last, or None.
        followed: the view shows the code at ``position``.

    Signals:
        moved: the view is to show ``code()``, at ``position``.
        changed: keyframes, path, loop, seconds or ``playing`` differ.
        unfollowed: the view shows another code.
    """

    moved = Signal()
    changed = Signal()
    unfollowed = Signal()

    def __init__(self, parent: QObject | None = None, edits: EditRecorder | None = None) -> None:
        super().__init__(parent)
        self._edits = EditRecorder(self) if edits is None else edits
        self.keyframes: tuple[Code, ...] = ()
        self.position = 0.0
        self.path: Path = "linear"
        self.loop = False
        self.seconds = 3.0
        self.seed: int | None = None
        self.followed = False
        self._direction = 1.0
        self._clock = PlayClock(self)
        self._clock.ticked.connect(self._on_tick)

    # ---- values ------------------------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """The position moves by itself: back and forth, or round and round in a loop."""
        return self._clock.running

    @property
    def segments(self) -> int:
        """Number of segments; 0 with fewer than two keyframes."""
        count = len(self.keyframes)
        return 0 if count < 2 else count if self.loop else count - 1

    @property
    def duration(self) -> float:
        """Seconds from the beginning to the end."""
        return self.segments * self.seconds

    @property
    def current(self) -> int:
        """Index of the keyframe nearest to the position; −1 when there is none."""
        return round(self.position) % len(self.keyframes) if self.keyframes else -1

    def code(self) -> Code:
        """(Z,) code at ``position``."""
        return self.code_at(self.position)

    def code_at(self, position: float) -> Code:
        """(Z,) code at a position; there must be a keyframe."""
        count = len(self.keyframes)
        position = min(max(position, 0.0), float(self.segments))
        segment = min(int(position), max(self.segments - 1, 0))
        return interpolate(
            self.keyframes[segment], self.keyframes[(segment + 1) % count], position - segment, self.path
        )

    def codes(self, count: int) -> NDArray[np.float32]:
        """(count, Z) codes at even positions; a loop's last code is not its first again."""
        return np.stack(
            [self.code_at(float(t)) for t in np.linspace(0.0, self.segments, count, endpoint=not self.loop)]
        )

    def strip_positions(self) -> list[float]:
        """Positions of a strip of images: the keyframes, and evenly between them as many as there is room for."""
        if not self.keyframes:
            return []
        parts = max(1, min(MOST_BETWEEN + 1, STRIP_SEGMENTS // max(self.segments, 1)))
        return [index / parts for index in range(self.segments * parts + 1)]

    @property
    def keyframe_path(self) -> KeyframePath:
        """The interpolation as it is saved."""
        return KeyframePath(self.keyframes, self.path, self.loop, self.seconds, self.position, self.seed)

    # ---- keyframes ---------------------------------------------------------------------------------------------

    def set_keyframes(self, keyframes: Sequence[Code], seed: int | None = None) -> None:
        """Replace all keyframes and go back to the beginning, without moving the view.

        Raises:
            ValueError: when there are more than ``MAX_KEYFRAMES``.
        """
        self.restore(KeyframePath(tuple(keyframes), self.path, self.loop, self.seconds, 0.0, seed))

    def restore(self, saved: KeyframePath) -> None:
        """Replace keyframes, settings and position by saved ones, without moving the view.

        Raises:
            ValueError: when there are more than ``MAX_KEYFRAMES`` keyframes.
        """
        _check_count(len(saved.keyframes))
        self._clock.stop()
        self.keyframes = tuple(np.array(code, np.float32) for code in saved.keyframes)
        self.path, self.loop, self.seed = saved.path, saved.loop, saved.seed
        self.seconds = min(MAX_SECONDS, max(MIN_SECONDS, saved.seconds))
        self.position, self._direction = min(max(saved.position, 0.0), float(self.segments)), 1.0
        self.followed = False
        self.changed.emit()
        self.unfollowed.emit()

    def add(self, code: Code) -> None:
        """Append a keyframe and go there.

        Raises:
            ValueError: when there are ``MAX_KEYFRAMES`` already.
        """
        _check_count(len(self.keyframes) + 1)
        with self._edits.recording("Append keyframe"):
            self._put((*self.keyframes, code.copy()), len(self.keyframes))

    def replace(self, code: Code) -> None:
        """Replace the current keyframe."""
        if self.keyframes:
            here = self.current
            with self._edits.recording("Replace keyframe"):
                self._put((*self.keyframes[:here], code.copy(), *self.keyframes[here + 1 :]), here)

    def remove(self) -> None:
        """Delete the current keyframe."""
        if self.keyframes:
            here = self.current
            with self._edits.recording("Delete keyframe"):
                self._clock.stop()
                self.keyframes = (*self.keyframes[:here], *self.keyframes[here + 1 :])
                self.position = float(max(0, min(here, len(self.keyframes) - 1)))
                self.changed.emit()
                self.unfollow()

    def move(self, places: int) -> None:
        """Move the current keyframe a number of places later (negative: earlier), at most to the ends."""
        if self.keyframes:
            here = self.current
            there = max(0, min(here + places, len(self.keyframes) - 1))
            order = list(self.keyframes)
            order.insert(there, order.pop(here))
            with self._edits.recording("Move keyframe"):
                self._put(tuple(order), there)

    # ---- settings ----------------------------------------------------------------------------------------------

    def set_path(self, path: Path) -> None:
        """Interpolate linearly or spherically."""
        if path != self.path:
            with self._edits.recording(f"Interpolate: {path}"):
                self.path = path
                self._settle()

    def set_loop(self, loop: bool) -> None:
        """Return to the first keyframe, or end at the last."""
        if loop != self.loop:
            with self._edits.recording("Loop" if loop else "No loop"):
                self.loop = loop
                self.position = min(self.position, float(self.segments))
                self._direction = 1.0
                self._settle()

    def set_seconds(self, seconds: float) -> None:
        """Set the time per segment while playing; clipped to ``MIN_SECONDS`` … ``MAX_SECONDS``."""
        with self._edits.recording("Set seconds per segment", key="seconds"):
            self.seconds = min(MAX_SECONDS, max(MIN_SECONDS, seconds))
            self.changed.emit()

    # ---- position ----------------------------------------------------------------------------------------------

    def go_to(self, position: float) -> None:
        """Go to a position; clipped to 0 … ``segments``."""
        if self.keyframes:
            with self._edits.recording("Move along the interpolation", key="position"):
                self.position = min(float(self.segments), max(0.0, position))
                self.followed = True
                self.moved.emit()

    def step(self, keyframes: int) -> None:
        """Go a number of keyframes forward (negative: back), round a loop."""
        if self.keyframes:
            self.pause()
            target = self.current + keyframes
            self.go_to(float(target % len(self.keyframes) if self.loop else target))

    def play(self) -> None:
        """Play from ``position`` on."""
        if self.segments and not self.playing:
            self._clock.start()
            self.changed.emit()
            self.go_to(self.position)

    def pause(self) -> None:
        """Stop playing."""
        if self.playing:
            self._clock.stop()
            self.changed.emit()

    def unfollow(self) -> None:
        """Stop playing, because the view shows another code."""
        followed, self.followed = self.followed, False
        self.pause()
        if followed:
            self.unfollowed.emit()

    # ---- consistency -------------------------------------------------------------------------------------------

    def snapshot(self) -> PathSnapshot:
        """Return the content to undo edits with."""
        return PathSnapshot(self.keyframes, self.path, self.loop, self.seconds, self.position, self.seed, self.followed)

    def restore_snapshot(self, snapshot: PathSnapshot) -> None:
        """Show the content of a snapshot again; the code is restored apart from it."""
        self.restore(KeyframePath(*snapshot[:-1]))
        self.followed = snapshot.followed
        self.unfollowed.emit()

    def _put(self, keyframes: tuple[Code, ...], position: int) -> None:
        """Replace the keyframes and go to one of them."""
        self._clock.stop()
        self.keyframes, self.position = keyframes, float(position)
        self.followed = True
        self.changed.emit()
        self.moved.emit()

    def _settle(self) -> None:
        """Announce another setting, and move the view where it changes the code that is followed."""
        self.changed.emit()
        if self.followed and self.keyframes:
            self.moved.emit()

    def _on_tick(self) -> None:
        position = self.position + self._direction * self._clock.elapsed() / self.seconds
        if self.loop:
            position %= self.segments
        elif not 0.0 <= position <= self.segments:
            self._direction = -1.0 if position > self.segments else 1.0
        self.go_to(position)


def _check_count(count: int) -> None:
    if count > MAX_KEYFRAMES:
        raise ValueError(f"{count} keyframes; an interpolation has at most {MAX_KEYFRAMES}: remove one first.")
