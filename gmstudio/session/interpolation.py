"""Going from one code to another: two slots, the path between them, and playing it back and forth."""

from typing import Literal

import numpy as np
from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from gmstudio.session.latent_code import Code

Path = Literal["linear", "spherical"]
PATHS: tuple[Path, ...] = ("linear", "spherical")
TICK_MS = 16
MIN_SECONDS, MAX_SECONDS = 0.5, 60.0
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


class Interpolation(QObject):
    """Two codes and where between them the viewer stands.

    Attributes:
        a: (Z,) code in slot A.
        b: (Z,) code in slot B.
        position: 0 (A) … 1 (B).
        path: ``linear`` or ``spherical``.
        seconds: playing takes from A to B.
        playing: whether it moves by itself, back and forth.
        followed: whether the code that is shown is the one at ``position``.

    Signals:
        moved: the viewer goes to ``position``; ``code()`` is to be shown.
        changed: a slot, the path, the time or playing is another.
    """

    moved = Signal()
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.a: Code = np.zeros(0, np.float32)
        self.b: Code = np.zeros(0, np.float32)
        self.position = 0.0
        self.path: Path = "linear"
        self.seconds = 4.0
        self.playing = False
        self.followed = False
        self._direction = 1.0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)

    @property
    def possible(self) -> bool:
        """Whether there are two codes to go between."""
        return len(self.a) > 0

    def code(self) -> Code:
        """The code at ``position``."""
        return self.code_at(self.position)

    def code_at(self, position: float) -> Code:
        """The code at any position of the path."""
        return interpolate(self.a, self.b, position, self.path)

    def set_slots(self, a: Code, b: Code) -> None:
        """Put two codes of one latent space into the slots, and go nowhere yet."""
        assert a.shape == b.shape
        self.leave()
        self.a, self.b, self.position = a.copy(), b.copy(), 0.0
        self.changed.emit()

    def store(self, slot: Literal["a", "b"], code: Code) -> None:
        """Put a code into slot A or B."""
        self.leave()
        setattr(self, slot, code.copy())
        self.changed.emit()

    def swap(self) -> None:
        """Exchange the slots; the viewer stays where they are."""
        self.a, self.b = self.b, self.a
        self.position = 1.0 - self.position
        self._direction = -self._direction
        self.changed.emit()

    def set_path(self, path: Path) -> None:
        """Go straight or along the sphere."""
        if path != self.path:
            self.path = path
            self.changed.emit()
            if self.followed:
                self.moved.emit()

    def set_seconds(self, seconds: float) -> None:
        """Time from A to B while playing, 0.5 to 60 s."""
        self.seconds = min(MAX_SECONDS, max(MIN_SECONDS, seconds))
        self.changed.emit()

    def go_to(self, position: float) -> None:
        """Go to a position, 0 … 1."""
        if self.possible:
            self.position = min(1.0, max(0.0, position))
            self.followed = True
            self.moved.emit()

    def play(self) -> None:
        """Move by itself, from ``position`` on."""
        if self.possible and not self.playing:
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

    def _on_tick(self) -> None:
        position = self.position + self._direction * self._clock.restart() / 1000 / self.seconds
        if not 0.0 <= position <= 1.0:
            self._direction = -1.0 if position > 1.0 else 1.0
        self.go_to(position)
