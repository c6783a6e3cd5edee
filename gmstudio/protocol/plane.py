"""Messages of the plane: the density of a model of points over the whole grid, and what the model has inside.

Grids are (L₂, L₁): row = level of x₂ from low to high, column = level of x₁; (1, L₁) where points have one dimension.
"""

from typing import ClassVar, Literal

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.plane_layers import PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Number

SurfaceMethod = Literal["exact", "quadrature", "importance weighting", "histogram"]
"""Computation of p(x): exact by the chain rule or by enumeration; by a rule of quadrature over codes or cells; from
weighted draws of codes; or as the histogram of samples."""


class PlaneSlider(msgspec.Struct, frozen=True, kw_only=True):
    """Number that a view takes, for example the timestep.

    Args:
        name: of the input.
        title: its label.
        low: smallest value.
        high: largest value.
        step: between values.
        value: first value.
        unit: of the value.
    """

    name: str
    title: str
    low: float
    high: float
    step: float
    value: float
    unit: str = ""


class PlaneView(msgspec.Struct, frozen=True, kw_only=True):
    """View of what a model has inside.

    Args:
        name: its key, for example ``chain_rule``.
        title: two to four words.
        help: one or two sentences on what is drawn.
        sliders: numbers that it takes; handles and guides come with its layers.
        axes: of the plane that it draws on, where that is no plane of points but for example one of codes.
        animated: it has a first and a last frame that the slider ``frame`` steps through.
    """

    name: str
    title: str
    help: str
    sliders: tuple[PlaneSlider, ...] = ()
    axes: tuple[PointAxis, ...] = ()
    animated: bool = False


class SurfaceMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Distances between the true p* and the model's p, in nats; NaN where they are unknown.

    Args:
        entropy: H(p*), the least possible cross-entropy.
        cross_entropy: H(p*, p) = H(p*) + KL(p* ‖ p).
        forward_kl: KL(p* ‖ p).
        reverse_kl: KL(p ‖ p*), with p* taken as at least 1e-12 in each cell.
        train_nll: mean −log p of training points.
        valid_nll: mean −log p of validation points.
        mass: sum of p over the grid.
    """

    entropy: float
    cross_entropy: float
    forward_kl: float
    reverse_kl: float
    train_nll: float
    valid_nll: float
    mass: float


# ---- commands ----------------------------------------------------------------------------------------------------


class OpenPlane(Command, frozen=True, kw_only=True):
    """Describe a run of points; answered with ``PlaneOpened``.

    Args:
        run: name of the run.
        num_points: largest number of points of each split.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str
    num_points: int = 2000


class DrawSurface(Command, frozen=True, kw_only=True):
    """Compute p(x) over the grid; answered with ``SurfaceDrawn``, several times where samples are counted.

    Args:
        run: name of the run.
        step: training step at which it was recorded; None: with the present weights.
        num_samples: points that are drawn from the model beside it; 0: none.
        seed: seed of all noise.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str
    step: int | None = None
    num_samples: int = 500
    seed: int = 0


class ListSurfaces(Command, frozen=True, kw_only=True):
    """List what was recorded while a run trained; answered with ``SurfacesListed``."""

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str


class DrawInside(Command, frozen=True, kw_only=True):
    """Draw a view of what a model has inside; answered with ``InsideDrawn``, several times where it takes long.

    Args:
        run: name of the run.
        view: key of the view.
        inputs: handles, guides and sliders, name → numbers; those that are missing have their defaults.
        point: chosen point of the plane, (D,), in the units of its axes, which views show in their own way, for example
            by its posterior in a plane of codes; empty: none.
        seed: seed of all noise.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str
    view: str
    inputs: dict[str, Array] = msgspec.field(default_factory=dict)
    point: tuple[float, ...] = ()
    seed: int = 0


class DescribePoint(Command, frozen=True, kw_only=True):
    """Compute all that a model says of a point; answered with ``PointDescribed``.

    Args:
        run: name of the run.
        point: its coordinates, (D,), in the units of the axes.
        seed: seed of all noise.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str
    point: tuple[float, ...]
    seed: int = 0


# ---- events ------------------------------------------------------------------------------------------------------


class PlaneOpened(Event, frozen=True, kw_only=True):
    """Description of a run of points.

    Args:
        run: name of the run.
        axes: one or two.
        levels: of each axis.
        truth: true p* on the grid, (L₂, L₁) float64; None: it is unknown.
        points: split → (N, D) float32 points in the units of the axes, at the centres of their cells.
        labels: split → (N,) int64 labels, for those that have them.
        method: how p(x) is computed.
        method_help: one sentence on that.
        views: of what the model has inside.
    """

    run: str
    axes: tuple[PointAxis, ...]
    levels: int
    truth: Array | None
    points: dict[SplitName, Array]
    labels: dict[SplitName, Array]
    method: SurfaceMethod | None
    method_help: str
    views: tuple[PlaneView, ...]


class SurfaceDrawn(Event, frozen=True, kw_only=True):
    """Density of a model over the grid.

    Args:
        run: name of the run.
        method: how it was computed; None: the model has no density and no samples.
        values: (L₂, L₁) float32 probability of each cell; NaN where there is no method.
        samples: (N, D) float32 points drawn from the model, within their cells; None: none were asked for.
        metrics: distances from the true p*.
        weights_step: training step of the weights.
        engine_ms: time that the engine computed, in milliseconds.
        note: one sentence, for example on the number of samples counted; empty: none.
        done: this is the last reply.
    """

    run: str
    method: SurfaceMethod | None
    values: Array
    samples: Array | None
    metrics: SurfaceMetrics
    weights_step: int
    engine_ms: float
    note: str = ""
    done: bool = True

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.done


class SurfacesListed(Event, frozen=True, kw_only=True):
    """Surfaces that were recorded while a run trained, and their distances from the true p*.

    Args:
        run: name of the run.
        steps: (S,) int64, rising.
        seconds: (S,) float64 training time, in seconds.
        metrics: field of ``SurfaceMetrics`` → (S,) float64 values.
    """

    run: str
    steps: Array
    seconds: Array
    metrics: dict[str, Array]


class SurfaceRecorded(Event, frozen=True, kw_only=True):
    """The run in training recorded a surface; unasked."""

    run: str
    step: int
    seconds: float
    metrics: SurfaceMetrics


class InsideDrawn(Event, frozen=True, kw_only=True):
    """View of what a model has inside.

    Args:
        run: name of the run.
        view: key of the view.
        layers: from back to front; they lie over the density where the view has no axes of its own.
        numbers: computed beside them.
        note: one sentence on what is seen; empty: none.
        weights_step: training step of the weights.
        engine_ms: time that the engine computed, in milliseconds.
        done: this is the last reply.
    """

    run: str
    view: str
    layers: tuple[PlaneLayer, ...]
    numbers: tuple[Number, ...] = ()
    note: str = ""
    weights_step: int
    engine_ms: float
    done: bool = True

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.done


class PointDescribed(Event, frozen=True, kw_only=True):
    """All that a model says of a point.

    Args:
        run: name of the run.
        point: its coordinates, (D,), at the centre of its cell.
        numbers: log p, conditionals, code, D(x) and so on, whichever the family has.
        layers: for example its code's path or its posterior; may be empty.
        weights_step: training step of the weights.
    """

    run: str
    point: tuple[float, ...]
    numbers: tuple[Number, ...]
    layers: tuple[PlaneLayer, ...]
    weights_step: int
