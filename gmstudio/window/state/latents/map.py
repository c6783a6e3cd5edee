"""A map of a latent space: a plane of it as a grid of decoded images, with the data's codes scattered over it.

Rows of the grid are decoded one at a time, so that the image of a slider that is dragged need not wait long; while the
run trains they follow its weights in turn. Shapes: Z latent dimensions, N codes, S images along a side.
"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import CodesEncoded, Decode, Decoded, EncodeSplit
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.latents.annotations import Direction
from gmstudio.window.state.latents.plane import Plane, axis
from gmstudio.window.state.latents.space import LatentSpace

SIDES = (5, 7, 9, 11, 13, 15)
MIN_SPAN, MAX_SPAN = 0.5, 6.0
SCATTERED = 1000
"""Images of the validation split that are encoded."""
LIVE_PAUSE_S = 3.0
LIVE_SHARE = 0.1
"""While the model trains, encoding the data takes at most about this share of the engine's time."""

Axis = int | Direction
"""A dimension, or a direction."""


@dataclass(frozen=True, eq=False)
class Scatter:
    """Codes of the data.

    Args:
        step: training step of the weights.
        split: where the images are from, its first ones.
        codes: (N, Z) float32.
        labels: (N,) int64, or None.
        names: label → word.
    """

    step: int
    split: str
    codes: NDArray[np.float32]
    labels: NDArray[np.int64] | None
    names: tuple[str, ...]

    def title(self, index: int) -> str:
        """Of one image, for people: ``valid 17, label 3``."""
        title = f"{self.split} {index}"
        if self.labels is None:
            return title
        label = int(self.labels[index])
        return f"{title}, label {self.names[label] if 0 <= label < len(self.names) else label}"


@dataclass(frozen=True, eq=False)
class MapView:
    """What a map shows, to be shown again.

    Args:
        axes: to the right and up.
        span: see ``LatentMap``.
        side: likewise.
    """

    axes: tuple[Axis, Axis]
    span: float
    side: int


class LatentMap(QObject):
    """The plane that is looked at, its images, and the data on it.

    Attributes:
        axes: of the plane, to the right and up.
        span: the map goes from -span to span; without meaning where units go from 0 to 1.
        side: images along a side.
        show_images: whether there is a grid of images.
        show_data: whether the data are scattered.
        images: (side², C, H, W) uint8, 0 … 255, rows from top to bottom; None before the first are there.
        scatter: the data's codes, or None.
        problem: why something is missing, or "".

    Signals:
        changed: axes, span, side or what is shown.
        images_changed: ``images`` are others.
        scatter_changed: ``scatter`` is another.
        encoding_begun: images of the data are being encoded.
        problem_changed: ``problem`` is another.
    """

    changed = Signal()
    images_changed = Signal()
    scatter_changed = Signal()
    encoding_begun = Signal()
    problem_changed = Signal()

    def __init__(self, events: EngineLink, space: LatentSpace) -> None:
        super().__init__(space)
        self._space = space
        self.axes: tuple[Axis, Axis] = (0, 1)
        self.span = 3.0
        self.side = 9
        self.show_images, self.show_data = True, True
        self.images: NDArray[np.uint8] | None = None
        self.scatter: Scatter | None = None
        self.problem = ""
        self._chosen = False
        self._watching = False
        self._codes: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._old: list[int] = []
        self._asked_row = 0
        self._asked_s = 0.0
        self._encoded_s, self._took_s = float("-inf"), 0.0
        self._rows = LatestWins(events, self)
        self._split = LatestWins(events, self)
        self._rows.replied.connect(self._on_decoded)
        self._rows.failed.connect(self._on_failed)
        self._split.replied.connect(self._on_encoded)
        self._split.failed.connect(self._on_failed)
        space.run_changed.connect(self._on_run_changed)
        space.code_changed.connect(self._look)
        space.refreshed.connect(self._on_refreshed)
        space.halted.connect(self._on_halted)

    # ---- what is wanted --------------------------------------------------------------------------------------------

    def set_watching(self, watching: bool) -> None:
        """Say whether somebody looks at the map."""
        if watching != self._watching:
            self._watching = watching
            if watching:
                self._on_refreshed()
            else:
                self._on_halted()

    def set_axes(self, x: Axis, y: Axis) -> None:
        """Span the plane by other dimensions or directions."""
        self._chosen = True
        self._set_axes(x, y)

    def suggest_axes(self, x: int, y: int) -> None:
        """These dimensions matter most; they are the axes until others are chosen."""
        if not self._chosen and x != y:
            self._set_axes(x, y)

    def set_span(self, span: float) -> None:
        """See more of the plane, or less: -span to span."""
        self.span = min(MAX_SPAN, max(MIN_SPAN, span))
        self._change()

    def set_side(self, side: int) -> None:
        """Have so many images along a side, 5 to 15."""
        self.side, self.images = min(SIDES[-1], max(SIDES[0], side)), None
        self._change()

    def show_map_view(self, map_view: MapView) -> None:
        """Show what a map showed once."""
        self.span, self.images = min(MAX_SPAN, max(MIN_SPAN, map_view.span)), None
        self.side = min(SIDES[-1], max(SIDES[0], map_view.side))
        self.set_axes(*map_view.axes)

    def set_shown(self, *, images: bool, data: bool) -> None:
        """Show the grid of images, the data, or both."""
        self.show_images, self.show_data = images, data
        self._change()
        if data and self.scatter is None:
            self._encode()

    @property
    def encoding(self) -> bool:
        """Whether images of the data are being encoded."""
        return self._split.busy

    # ---- the plane -------------------------------------------------------------------------------------------------

    @property
    def plane(self) -> Plane | None:
        """The plane; None without a latent space of two dimensions, or when the axes are one direction."""
        num_dims = self._space.num_dims
        if num_dims < 2 or any(isinstance(a, int) and a >= num_dims for a in self.axes):
            return None
        x, y = (axis(num_dims, a) if isinstance(a, int) else a.vector for a in self.axes)
        plane = Plane(x, y)
        return plane if len(x) == len(y) == num_dims and plane.possible else None

    @property
    def low(self) -> float:
        """Coordinate of the left and the lower edge's images."""
        return 0.0 if self._space.range.prior == "bernoulli" else -self.span

    @property
    def high(self) -> float:
        """Coordinate of the right and the upper edge's images."""
        return 1.0 if self._space.range.prior == "bernoulli" else self.span

    @property
    def position(self) -> tuple[float, float]:
        """Where the code is on the map."""
        plane = self.plane
        if plane is None:
            return 0.0, 0.0
        x, y = plane.coordinates(self._space.code[np.newaxis])[0]
        return float(x), float(y)

    def go_to(self, x: float, y: float) -> None:
        """Move the code within the plane."""
        plane = self.plane
        if plane is not None:
            self._space.move_code(plane.codes(self._space.code, np.array([[x, y]]))[0])

    def go_to_image(self, index: int) -> None:
        """Take the code of an image of the data."""
        if self.scatter is not None and 0 <= index < len(self.scatter.codes):
            self._space.set_code(self.scatter.codes[index])

    def codes(self, plane: Plane) -> NDArray[np.float32]:
        """(side², Z) codes of the images, rows from top to bottom."""
        values = np.linspace(self.low, self.high, self.side)
        points = np.stack(np.meshgrid(values, values[::-1]), -1).reshape(-1, 2)
        return self._space.range.clip(plane.codes(self._space.code, points))

    def scattered(self) -> NDArray[np.float32]:
        """(N, 2) where the data's codes are on the map."""
        plane = self.plane
        if self.scatter is None or plane is None or self.scatter.codes.shape[1] != self._space.num_dims:
            return np.zeros((0, 2), np.float32)
        return plane.coordinates(self.scatter.codes)

    def name(self, which: Axis) -> str:
        """What an axis is called."""
        return self._space.label(which) if isinstance(which, int) else which.name

    # ---- to the engine and back --------------------------------------------------------------------------------------

    @property
    def _active(self) -> bool:
        return self._watching and self._space.opened is not None

    def _look(self) -> None:
        """Fetch the rows of the grid whose codes are others than those that were fetched."""
        plane = self.plane
        if not self._active or not self.show_images or plane is None:
            return
        codes = self.codes(plane)
        if codes.shape != self._codes.shape:
            self._old = list(range(self.side))
        elif not np.allclose(codes, self._codes, atol=1e-4):  # moving within the plane changes them by rounding only
            self._old = [*self._old, *(row for row in range(self.side) if row not in self._old)]
        else:
            return
        self._codes = codes
        self._next_row()

    def _next_row(self) -> None:
        if self._old and not self._rows.busy and self._active and self.show_images:
            self._asked_row = self._old.pop(0)
            part = self._codes[self._asked_row * self.side : (self._asked_row + 1) * self.side]
            self._rows.submit(Decode(run=self._space.run, codes=Array.of(part)))

    def _on_decoded(self, event: Decoded) -> None:
        row, shape = event.images.numpy(), event.images.shape
        self._tell("")
        if shape[0] == self.side:
            if self.images is None or self.images.shape[1:] != shape[1:] or len(self.images) != self.side**2:
                self.images = np.zeros((self.side**2, *shape[1:]), np.uint8)
            self.images[self._asked_row * self.side : (self._asked_row + 1) * self.side] = row
            self.images_changed.emit()
        self._next_row()

    def _encode(self) -> None:
        due = time.monotonic() - self._encoded_s > max(LIVE_PAUSE_S, self._took_s / LIVE_SHARE)
        wanted = self._active and self.show_data and self._space.can("encode") and not self._split.busy
        if wanted and (due or self.scatter is None):
            self._asked_s = time.monotonic()
            self._split.submit(EncodeSplit(run=self._space.run, split="valid", count=SCATTERED))
            self.encoding_begun.emit()

    def _on_encoded(self, event: CodesEncoded) -> None:
        self._encoded_s = time.monotonic()
        self._took_s = self._encoded_s - self._asked_s
        labels = None if event.labels is None else event.labels.numpy()
        self.scatter = Scatter(event.step, event.split, event.codes.numpy(), labels, event.label_names)
        self._tell("")
        self.scatter_changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        if event.reason is not Reason.ENGINE_GONE:
            self._encoded_s = time.monotonic()
            self._tell(event.message)

    def _on_refreshed(self) -> None:
        """Everything that is shown, with the newest weights; rows that still wait go first."""
        if self._active:
            self._look()
            if not self._old:
                self._old = list(range(self.side))
            self._next_row()
            self._encode()

    def _on_halted(self) -> None:
        self._rows.reset()
        self._split.reset()
        self._old, self._codes = [], np.zeros((0, 0), np.float32)

    def _on_run_changed(self) -> None:
        self.axes, self._chosen = (0, 1), False
        self.images = self.scatter = None
        self._encoded_s, self._took_s = float("-inf"), 0.0
        self._tell("")
        self.changed.emit()
        self.images_changed.emit()
        self.scatter_changed.emit()
        self._on_refreshed()

    def _set_axes(self, x: Axis, y: Axis) -> None:
        self.axes = (x, y)
        self._change()

    def _change(self) -> None:
        self.changed.emit()
        self._look()

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self.problem_changed.emit()
