"""An interpolation through a latent space: keyframes, the way from each to the next, and playing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from gmstudio.window.state.latents.code import Code

TICK_MS = 16
MIN_SECONDS, MAX_SECONDS = 0.2, 60.0
MAX_KEYFRAMES = 24
STRIP_SEGMENTS, MOST_BETWEEN = 12, 7
"""A strip shows about so many images, and at most so many between two keyframes."""


Path = Literal["linear", "spherical"]
PATHS: tuple[Path, ...] = ("linear", "spherical")
NEARLY_PARALLEL = 1e-4
"""Sine of the angle below which two codes span no plane to turn in."""


def interpolate(a: Code, b: Code, position: float, path: Path) -> Code:
    """A code between two codes.

    ``linear`` is (1 - t) a + t b. ``spherical`` turns from a to b in their plane by the share t of their angle ω,
    sin((1 - t) ω) / sin ω · a + sin(t ω) / sin ω · b, so that codes in between are about as long as the ends, as
    draws from a Gaussian prior in many dimensions are; codes on one line through 0 have no such plane and go straight.

    Args:
        a: (Z,) where the path begins.
        b: (Z,) where it ends.
        position: t, 0 … 1.
        path: which way.

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
    """All of an interpolation that is kept while another run is looked at, or in a file.

    Args:
        keyframes: (Z,) codes.
        path: which way.
        closed: whether it returns.
        seconds: for a segment.
        position: of the viewer, in segments.
        seed: of the keyframes, or None.
    """

    keyframes: tuple[Code, ...]
    path: Path = "linear"
    closed: bool = False
    seconds: float = 3.0
    position: float = 0.0
    seed: int | None = None


class Interpolation(QObject):
    """Keyframes in order, and where on the way the viewer stands.

    Positions are counted in segments from the first keyframe, 0 … ``segments``: 1.5 is halfway from the second keyframe
    to the third. A closed interpolation has one segment more, from the last keyframe to the first.

    Attributes:
        keyframes: (Z,) codes, at most ``MAX_KEYFRAMES``. Not to be written to.
        position: where the viewer stands.
        path: ``linear`` or ``spherical``.
        closed: it returns to the first keyframe.
        seconds: playing takes for a segment.
        seed: of the codes that were drawn last, or None.
        playing: whether it moves by itself: back and forth, or round and round when closed.
        followed: whether the code that is shown is the one at ``position``.

    Signals:
        moved: the viewer goes to ``position``; ``code()`` is to be shown.
        changed: a keyframe, the path, the time or playing is another.
    """

    moved = Signal()
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.keyframes: tuple[Code, ...] = ()
        self.position = 0.0
        self.path: Path = "linear"
        self.closed = False
        self.seconds = 3.0
        self.seed: int | None = None
        self.playing = False
        self.followed = False
        self._direction = 1.0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)

    # ---- what there is -----------------------------------------------------------------------------------------

    @property
    def segments(self) -> int:
        """Ways from a keyframe to the next; 0 with fewer than two keyframes."""
        count = len(self.keyframes)
        return 0 if count < 2 else count if self.closed else count - 1

    @property
    def duration(self) -> float:
        """Seconds from the beginning to the end."""
        return self.segments * self.seconds

    @property
    def current(self) -> int:
        """The keyframe nearest to the position; −1 when there is none."""
        return round(self.position) % len(self.keyframes) if self.keyframes else -1

    def code(self) -> Code:
        """The code at ``position``."""
        return self.code_at(self.position)

    def code_at(self, position: float) -> Code:
        """The code at any position of an interpolation that has a keyframe."""
        count = len(self.keyframes)
        position = min(max(position, 0.0), float(self.segments))
        segment = min(int(position), max(self.segments - 1, 0))
        return interpolate(
            self.keyframes[segment], self.keyframes[(segment + 1) % count], position - segment, self.path
        )

    def codes(self, count: int) -> NDArray[np.float32]:
        """(count, Z) codes at even positions; the last one of a closed path is not its first again."""
        return np.stack(
            [self.code_at(float(t)) for t in np.linspace(0.0, self.segments, count, endpoint=not self.closed)]
        )

    def strip_positions(self) -> list[float]:
        """Positions for a strip of images: the keyframes, and as many between them as there is room for."""
        if not self.keyframes:
            return []
        parts = max(1, min(MOST_BETWEEN + 1, STRIP_SEGMENTS // max(self.segments, 1)))
        return [index / parts for index in range(self.segments * parts + 1)]

    @property
    def keyframe_path(self) -> KeyframePath:
        """What is to be kept of it."""
        return KeyframePath(self.keyframes, self.path, self.closed, self.seconds, self.position, self.seed)

    # ---- keyframes ---------------------------------------------------------------------------------------------

    def set_keyframes(self, keyframes: Sequence[Code], seed: int | None = None) -> None:
        """Another interpolation of one latent space, from its beginning; nothing is followed yet.

        Raises:
            ValueError: when there are more than ``MAX_KEYFRAMES``.
        """
        _check_count(len(keyframes))
        self.leave()
        self.keyframes = tuple(np.array(code, np.float32) for code in keyframes)
        self.position, self._direction, self.seed = 0.0, 1.0, seed
        self.changed.emit()

    def restore(self, kept: KeyframePath) -> None:
        """Be as it was."""
        self.path, self.closed = kept.path, kept.closed
        self.seconds = min(MAX_SECONDS, max(MIN_SECONDS, kept.seconds))
        self.set_keyframes(kept.keyframes, kept.seed)
        self.position = min(max(kept.position, 0.0), float(self.segments))
        self.changed.emit()

    def add(self, code: Code) -> None:
        """Put a code behind the last keyframe, and stand there.

        Raises:
            ValueError: when there are ``MAX_KEYFRAMES`` already.
        """
        _check_count(len(self.keyframes) + 1)
        self._put((*self.keyframes, code.copy()), len(self.keyframes))

    def replace(self, code: Code) -> None:
        """Put a code in the place of the current keyframe."""
        if self.keyframes:
            here = self.current
            self._put((*self.keyframes[:here], code.copy(), *self.keyframes[here + 1 :]), here)

    def remove(self) -> None:
        """Take the current keyframe out."""
        if self.keyframes:
            here = self.current
            self.leave()
            self.keyframes = (*self.keyframes[:here], *self.keyframes[here + 1 :])
            self.position = float(max(0, min(here, len(self.keyframes) - 1)))
            self.changed.emit()

    def move(self, places: int) -> None:
        """Bring the current keyframe so many places further on; beyond the ends it stays at the end."""
        if self.keyframes:
            here = self.current
            there = max(0, min(here + places, len(self.keyframes) - 1))
            order = list(self.keyframes)
            order.insert(there, order.pop(here))
            self._put(tuple(order), there)

    # ---- how ---------------------------------------------------------------------------------------------------

    def set_path(self, path: Path) -> None:
        """Go straight or along the sphere."""
        if path != self.path:
            self.path = path
            self.changed.emit()
            self._follow()

    def set_closed(self, closed: bool) -> None:
        """Return to the first keyframe, or end at the last."""
        if closed != self.closed:
            self.closed = closed
            self.position = min(self.position, float(self.segments))
            self._direction = 1.0
            self.changed.emit()
            self._follow()

    def set_seconds(self, seconds: float) -> None:
        """Time for a segment while playing, ``MIN_SECONDS`` to ``MAX_SECONDS``."""
        self.seconds = min(MAX_SECONDS, max(MIN_SECONDS, seconds))
        self.changed.emit()

    # ---- going -------------------------------------------------------------------------------------------------

    def go_to(self, position: float) -> None:
        """Go to a position, 0 … ``segments``."""
        if self.keyframes:
            self.position = min(float(self.segments), max(0.0, position))
            self.followed = True
            self.moved.emit()

    def step(self, keyframes: int) -> None:
        """Go to the keyframe so many further on, round a closed interpolation."""
        if self.keyframes:
            self.pause()
            target = self.current + keyframes
            self.go_to(float(target % len(self.keyframes) if self.closed else target))

    def play(self) -> None:
        """Move by itself, from ``position`` on."""
        if self.segments and not self.playing:
            self.playing = True
            self._clock.start()
            self._timer.start()
            self.changed.emit()
            self.go_to(self.position)

    def pause(self) -> None:
        """Stand still."""
        if self.playing:
            self._timer.stop()
            self.playing = False
            self.changed.emit()

    def leave(self) -> None:
        """The viewer went elsewhere: another code is shown."""
        self.pause()
        self.followed = False

    def _put(self, keyframes: tuple[Code, ...], position: int) -> None:
        """Keyframes of which the one at a position is the code that is shown, or was."""
        self.pause()
        self.keyframes, self.position = keyframes, float(position)
        self.followed = True
        self.changed.emit()
        self.moved.emit()

    def _follow(self) -> None:
        if self.followed and self.keyframes:
            self.moved.emit()

    def _on_tick(self) -> None:
        position = self.position + self._direction * self._clock.restart() / 1000 / self.seconds
        if self.closed:
            position %= self.segments
        elif not 0.0 <= position <= self.segments:
            self._direction = -1.0 if position > self.segments else 1.0
        self.go_to(position)


def _check_count(count: int) -> None:
    if count > MAX_KEYFRAMES:
        raise ValueError(f"{count} keyframes; an interpolation has at most {MAX_KEYFRAMES}: remove one first.")
