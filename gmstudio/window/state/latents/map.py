"""Map of a latent space: a plane as a grid of decoded images, and the encoded data scattered over it.

Rows of the grid are decoded one at a time, so that the image of a dragged slider waits little; while the run trains
they follow its weights in turn. Shapes: Z latent dimensions, N codes, S images along a side.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal

from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import BrowseData, DataBrowsed
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import CodesEncoded, Decode, Decoded, EncodeSplit
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.client.request import Request
from gmstudio.window.state.latents.active_part import ActivePart
from gmstudio.window.state.latents.annotations import LatentAnnotations
from gmstudio.window.state.latents.direction import Direction
from gmstudio.window.state.latents.plane import Plane, axis
from gmstudio.window.state.latents.scatter import Scatter
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
class MapView:
    """Axes and size of a map, to be restored later.

    Args:
        axes: horizontal and vertical.
        span: see ``LatentMap``.
        side: likewise.
    """

    axes: tuple[Axis, Axis]
    span: float
    side: int


class LatentMap(ActivePart):
    """A plane through the code, its images, and the encoded data on it.

    Args:
        link: the way to the engine.
        space: the selected run and its code.
        annotations: names of dimensions.

    Attributes:
        axes: horizontal and vertical.
        span: the map goes from -span to span; without meaning where units go from 0 to 1.
        side: images along a side.
        show_images: there is a grid of images.
        show_data: the data are scattered.
        hidden: labels of which no data are shown.
        original: image of the data under the pointer, (C, H, W) uint8, 0 … 255, with its index; None: none.
        images: (side², C, H, W) uint8, 0 … 255, rows from top to bottom; None before the first reply.
        scatter: codes of the data, or None.
        problem: why something is missing, or "".

    Signals:
        changed: ``axes``, ``span``, ``side`` or what is shown differ.
        images_changed: ``images`` differ.
        scatter_changed: ``scatter`` differs.
        encoding_begun: images of the data are being encoded.
        problem_changed: ``problem`` differs.
        original_changed: ``original`` differs.
    """

    original_changed = Signal()
    changed = Signal()
    images_changed = Signal()
    scatter_changed = Signal()
    encoding_begun = Signal()
    problem_changed = Signal()

    def __init__(self, link: EngineLink, space: LatentSpace, annotations: LatentAnnotations) -> None:
        super().__init__(space)
        self._space, self._annotations = space, annotations
        self.axes: tuple[Axis, Axis] = (0, 1)
        self.span = 3.0
        self.side = 9
        self.show_images, self.show_data = True, True
        self.images: NDArray[np.uint8] | None = None
        self.scatter: Scatter | None = None
        self.problem = ""
        self.hidden: frozenset[int] = frozenset()
        self.original: tuple[int, NDArray[np.uint8]] | None = None
        self._axes_chosen = False
        self._codes: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._waiting: list[int] = []
        self._row = 0
        self._budget = Budget(LIVE_SHARE, gap_s=LIVE_PAUSE_S)
        self._decoding, self._encoding = Request(link, self), Request(link, self)
        self._browsing = LatestWins(link, self)
        self._browsing.replied.connect(self._on_browsed)
        self._decoding.replied.connect(self._on_decoded)
        self._decoding.failed.connect(self._on_failed)
        self._encoding.replied.connect(self._on_encoded)
        self._encoding.failed.connect(self._on_encoding_failed)
        space.run_changed.connect(self._on_run_changed)
        space.halted.connect(self._halt)

    # ---- settings --------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        self._encoding.cancel()
        self._halt()

    def set_axes(self, horizontal: Axis, vertical: Axis) -> None:
        """Choose dimensions or directions to span the plane."""
        self.axes, self._axes_chosen = (horizontal, vertical), True
        self._settle()

    def suggest_axes(self, horizontal: int, vertical: int) -> None:
        """Span the plane by these dimensions unless others were chosen."""
        if not self._axes_chosen and horizontal != vertical:
            self.axes = (horizontal, vertical)
            self._settle()

    def set_span(self, span: float) -> None:
        """Show the plane from -span to span; clipped to ``MIN_SPAN`` … ``MAX_SPAN``."""
        self.span = min(MAX_SPAN, max(MIN_SPAN, span))
        self._settle()

    def set_side(self, side: int) -> None:
        """Set the number of images along a side, 5 to 15."""
        self.side, self.images = min(SIDES[-1], max(SIDES[0], side)), None
        self._settle()

    def show_view(self, view: MapView) -> None:
        """Restore axes and size."""
        self.span, self.images = min(MAX_SPAN, max(MIN_SPAN, view.span)), None
        self.side = min(SIDES[-1], max(SIDES[0], view.side))
        self.set_axes(*view.axes)

    def set_shown(self, *, images: bool, data: bool) -> None:
        """Show the grid of images, the data, or both."""
        self.show_images, self.show_data = images, data
        self._settle()
        if data and self.scatter is None:
            self._encode()

    def show_label(self, label: int, *, alone: bool = False) -> None:
        """Show or hide the data of a label.

        Args:
            label: whose data are hidden, or shown where they were.
            alone: hide all others, or show all again where it was alone already.
        """
        labels = self._labels()
        others = labels - {label}
        if alone:
            self.hidden = frozenset() if self.hidden >= others and label not in self.hidden else others
        else:
            self.hidden = (self.hidden ^ {label}) & labels
        self.scatter_changed.emit()

    def seen(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mask of the labels that are not hidden."""
        return ~np.isin(labels, list(self.hidden))

    def _labels(self) -> frozenset[int]:
        if self.scatter is None or self.scatter.labels is None:
            return frozenset()
        return frozenset(np.unique(self.scatter.labels).tolist())

    def show_original(self, index: int) -> None:
        """Have the image of a data point shown; -1: none."""
        opened = self._space.opened
        if self.original is not None and self.original[0] != index:
            self.original = None
            self.original_changed.emit()
        if index >= 0 and opened is not None and self.scatter is not None and self.original is None:
            spec = opened.info.spec
            self._browsing.submit(
                BrowseData(data=spec.data, data_config=spec.data_config, split=self.scatter.split, start=index, count=1)
            )
        elif index < 0:
            self._browsing.reset()

    def _on_browsed(self, event: DataBrowsed) -> None:
        if len(event.images.numpy()):
            self.original = event.start, to_display(event.images.numpy()[0], event.image.levels)
            self.original_changed.emit()

    @property
    def encoding(self) -> bool:
        """Images of the data are being encoded."""
        return self._encoding.busy

    # ---- the plane -------------------------------------------------------------------------------------------------

    @property
    def plane(self) -> Plane | None:
        """The plane; None without a latent space of two dimensions, or when the axes are parallel."""
        num_dims = self._space.code.num_dims
        if num_dims < 2 or any(isinstance(a, int) and a >= num_dims for a in self.axes):
            return None
        x, y = (axis(num_dims, a) if isinstance(a, int) else a.vector for a in self.axes)
        plane = Plane(x, y)
        return plane if len(x) == len(y) == num_dims and plane.possible else None

    @property
    def low(self) -> float:
        """Coordinate of the images on the left and the lower edge."""
        return 0.0 if self._space.code.range.prior == "bernoulli" else -self.span

    @property
    def high(self) -> float:
        """Coordinate of the images on the right and the upper edge."""
        return 1.0 if self._space.code.range.prior == "bernoulli" else self.span

    @property
    def position(self) -> tuple[float, float]:
        """Coordinates of the code on the map."""
        plane = self.plane
        if plane is None:
            return 0.0, 0.0
        x, y = plane.coordinates(self._space.code.values[np.newaxis])[0]
        return float(x), float(y)

    def go_to(self, x: float, y: float) -> None:
        """Move the code within the plane."""
        plane, code = self.plane, self._space.code
        if plane is not None:
            code.move_to(plane.codes(code.values, np.array([[x, y]]))[0])

    def codes(self, plane: Plane) -> NDArray[np.float32]:
        """(side², Z) codes of the images, rows from top to bottom."""
        values = np.linspace(self.low, self.high, self.side)
        points = np.stack(np.meshgrid(values, values[::-1]), -1).reshape(-1, 2)
        code = self._space.code
        return code.range.clip(plane.codes(code.values, points))

    def scattered(self) -> NDArray[np.float32]:
        """(N, 2) coordinates of the data's codes on the map."""
        plane = self.plane
        if self.scatter is None or plane is None or self.scatter.codes.shape[1] != self._space.code.num_dims:
            return np.zeros((0, 2), np.float32)
        return plane.coordinates(self.scatter.codes)

    def label(self, which: Axis) -> str:
        """Label of an axis."""
        return self._annotations.label(which) if isinstance(which, int) else which.name

    # ---- images ----------------------------------------------------------------------------------------------------

    @property
    def _can_request(self) -> bool:
        return self.active and self._space.opened is not None

    def show_code(self) -> None:
        """Request the rows of the grid whose codes differ from those that were requested."""
        plane = self.plane
        if not self._can_request or not self.show_images or plane is None:
            return
        codes = self.codes(plane)
        if codes.shape != self._codes.shape:
            self._waiting = list(range(self.side))
        elif not np.allclose(codes, self._codes, atol=1e-4):  # moving within the plane changes them by rounding only
            self._waiting = [*self._waiting, *(row for row in range(self.side) if row not in self._waiting)]
        else:
            return
        self._codes = codes
        self._decode_next()

    def refresh(self) -> None:
        """Request everything that is shown, with the weights as they are now; rows that still wait go first."""
        if self._can_request:
            self.show_code()
            if not self._waiting:
                self._waiting = list(range(self.side))
            self._decode_next()
            self._encode()

    def _decode_next(self) -> None:
        if self._waiting and not self._decoding.busy and self._can_request and self.show_images and len(self._codes):
            self._row = self._waiting.pop(0)
            self._decoding.send(Decode(run=self._space.run, codes=Array.of(self._codes[self._rows(self._row)])))

    def _rows(self, row: int) -> slice:
        return slice(row * self.side, (row + 1) * self.side)

    def _on_decoded(self, event: Decoded) -> None:
        images, shape = event.images.numpy(), event.images.shape
        self._report("")
        if shape[0] == self.side:
            if self.images is None or self.images.shape[1:] != shape[1:] or len(self.images) != self.side**2:
                self.images = np.zeros((self.side**2, *shape[1:]), np.uint8)
            self.images[self._rows(self._row)] = images
            self.images_changed.emit()
        self._decode_next()

    def _on_failed(self, event: CommandFailed) -> None:
        if event.reason is not Reason.ENGINE_GONE:
            self._report(event.message)

    # ---- data ------------------------------------------------------------------------------------------------------

    def _encode(self) -> None:
        wanted = self._can_request and self.show_data and self._space.can("encode") and not self.encoding
        if wanted and (self._budget.wait_s == 0 or self.scatter is None):
            self._budget.begin()
            self._encoding.send(EncodeSplit(run=self._space.run, split="valid", count=SCATTERED))
            self.encoding_begun.emit()

    def _on_encoded(self, event: CodesEncoded) -> None:
        self._budget.end()
        labels = None if event.labels is None else event.labels.numpy()
        self.scatter = Scatter(event.step, event.split, event.codes.numpy(), labels, event.label_names)
        self._report("")
        self.scatter_changed.emit()

    def _on_encoding_failed(self, event: CommandFailed) -> None:
        self._budget.end()
        self._on_failed(event)

    # ---- consistency -----------------------------------------------------------------------------------------------

    def _on_run_changed(self) -> None:
        self._encoding.cancel()
        self._halt()
        self.axes, self._axes_chosen = (0, 1), False
        self.images = self.scatter = self.original = None
        self.hidden = frozenset()
        self._budget.reset()
        self._report("")
        self.changed.emit()
        self.images_changed.emit()
        self.scatter_changed.emit()
        self.refresh()

    def _halt(self) -> None:
        """Expect no reply; what is shown stays."""
        self._decoding.drop()
        self._encoding.drop()
        self._browsing.reset()
        self._waiting, self._codes = [], np.zeros((0, 0), np.float32)

    def _settle(self) -> None:
        self.changed.emit()
        self.show_code()

    def _report(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self.problem_changed.emit()
