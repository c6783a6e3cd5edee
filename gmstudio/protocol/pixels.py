"""Messages about pixel-by-pixel generation."""

from typing import ClassVar, Literal

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.images import ImageSpec

# ---- commands: pixels ---------------------------------------------------------------------------------------


class OpenPixels(Command, frozen=True, kw_only=True):
    """Open a step-by-step generation with the run's current weights; answered with ``PixelsOpened``.

    The session keeps the weights that it was opened with, so its numbers remain exact while training continues.

    Args:
        seed: of the uniforms that turn probabilities into values.
        levels: (C, H, W) uint8 image whose first ``num_placed`` sub-pixels are placed; None: an empty image. As many
            as a few frames allow are placed at once; the others are on the recorded path (see ``RewindPixels``).
        num_placed: sub-pixels of ``levels`` that are placed, in the generation order.
        weights_of: an open generation of the same run whose weights are to be used; 0: the run's current weights.
        order: name of the generation order, one of ``PixelsOpened.orders``; ``painted`` for that of ``ranks``; empty:
            the model's own.
        order_seed: of the shuffled order.
        ranks: (H, W) float32, for ``painted``: pixels of lower rank come first, equal ones row by row.
        observed: (C, H, W) bool: sub-pixels of ``levels`` that are conditioned on. They come first, the others
            follow, both in the chosen order; so ``num_placed`` counts the observed ones first. Any set for
            order-agnostic models; for the others only one that is first in their order anyway.
        label: class to condition on, for class-conditional models; −1: none.
    """

    run: str
    seed: int = 0
    levels: Array | None = None
    num_placed: int = 0
    weights_of: int = 0
    order: str = ""
    order_seed: int = 0
    ranks: Array | None = None
    observed: Array | None = None
    label: int = -1


class AdvancePixels(Command, frozen=True, kw_only=True):
    """Generate up to ``count`` sub-pixels, for at most ``budget_ms``; answered with ``PixelsMoved``.

    Values on the recorded path (see ``RewindPixels``) are placed again; beyond it new ones are drawn. A breakpoint
    ends it early, and is passed by the first sub-pixel of the next command.

    Args:
        stop_entropy: stop before a sub-pixel whose conditional has a larger entropy, nats; None: never.
        stop_probability: stop after a sub-pixel whose value was less likely than this; None: never.
    """

    interactive: ClassVar[bool] = True

    session: int
    count: int = 1
    temperature: float = 1.0
    budget_ms: float = 12.0
    stop_entropy: float | None = None
    stop_probability: float | None = None


class PlacePixel(Command, frozen=True, kw_only=True):
    """Commit a value at the current position and drop the recorded path beyond; answered with ``PixelsMoved``."""

    interactive: ClassVar[bool] = True

    session: int
    value: int


class EditPixel(Command, frozen=True, kw_only=True):
    """Change the value of a placed sub-pixel; answered with ``PixelsMoved``.

    Args:
        step: of the sub-pixel, before the current one.
        value: its new level.
        keep: later values stay and are rescored; otherwise they are drawn again, from the same uniforms. Either
            takes place on the way back to the current step, a few frames at a time: the reply may be about an earlier
            step, with the kept values on the recorded path.
        temperature: of the values drawn again.
    """

    session: int
    step: int
    value: int
    keep: bool = True
    temperature: float = 1.0


class RewindPixels(Command, frozen=True, kw_only=True):
    """Move to ``step``, back or forward along the recorded path; answered with ``PixelsMoved``.

    Sub-pixels whose conditional was not computed yet are scored on the way; when that takes longer than a few frames
    the reply is about an earlier step, and the same command continues from there.
    """

    interactive: ClassVar[bool] = True

    session: int
    step: int


class ForgetPath(Command, frozen=True, kw_only=True):
    """Drop the recorded path beyond the current step and reseed the draws; answered with ``PixelsMoved``."""

    session: int
    seed: int


class ContinuePixels(Command, frozen=True, kw_only=True):
    """Sample ``count`` continuations of the current prefix; answered with ``PixelsContinued`` until it is ``done``.

    Args:
        greedy_first: the first continuation takes the most likely value of each conditional instead of drawing one.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("session",)

    session: int
    count: int = 16
    seed: int = 0
    temperature: float = 1.0
    greedy_first: bool = False


class AttributePixel(Command, frozen=True, kw_only=True):
    """Attribute a conditional to its context, and split a mixture; answered with ``PixelAttributed``.

    Args:
        step: of the sub-pixel, at most the current one; −1: the next one.
        value: the level whose log-probability is attributed; −1: the placed one, or the most likely one of the next.
    """

    session: int
    step: int = -1
    value: int = -1


class ComparePixels(Command, frozen=True, kw_only=True):
    """Score the placed sub-pixels with another run's model, in the same order; answered with ``PixelsCompared``.

    Args:
        session: the generation whose placed sub-pixels are scored.
        run: of the other model, with its current weights; it must have the same kind of images, and generate in the
            session's order.
    """

    session: int
    run: str


class MeasureInfluence(Command, frozen=True, kw_only=True):
    """Change earlier sub-pixels, each alone, and measure the conditional again; answered with ``InfluenceMeasured``.

    Args:
        changed: steps of the sub-pixels to change, each before ``step``; they are set to the farther end of the levels.
        step: of the sub-pixel whose conditional is measured, at most the current one; −1: the next one.
        run: of another model, with its current weights, see ``ComparePixels``; empty: the generation's own model.
    """

    session: int
    changed: tuple[int, ...]
    step: int = -1
    run: str = ""


class ClosePixels(Command, frozen=True, kw_only=True):
    """Close a generation."""

    session: int


# ---- events: pixels -----------------------------------------------------------------------------------------


class PixelsOpened(Event, frozen=True, kw_only=True):
    """A generation is open; a ``PixelsMoved`` with the same request follows.

    Args:
        session: its number.
        weights_step: training step of its weights.
        order: (D, 3) int64 rows (channel, row, column).
        orders: names of the orders that can be chosen, ``painted`` among them; only the model's own when it has one.
        order_name: the chosen one.
        order_words: description of the only order that the model takes; empty when any can be chosen.
        num_observed: sub-pixels that come first because they are observed.
        any_order: the model is order-agnostic: it can be conditioned on any set of sub-pixels.
        num_classes: classes that it can be conditioned on; 0: none.
        classes: those of them that it was trained with, which are offered.
        label: the one that it is conditioned on; −1: none.
    """

    session: int
    run: str
    image: ImageSpec
    weights_step: int
    order: Array
    orders: tuple[str, ...] = ()
    order_name: str = ""
    order_words: str = ""
    num_observed: int = 0
    any_order: bool = False
    num_classes: int = 0
    classes: tuple[int, ...] = ()
    label: int = -1

    def ends_request(self) -> bool:
        """Return False: a ``PixelsMoved`` follows."""
        return False


class PixelsMoved(Event, frozen=True, kw_only=True):
    """Position of a generation.

    Args:
        step: sub-pixels placed.
        path: length of the recorded path, ≥ step.
        image: (C, H, W) uint8 levels.
        nats: (step,) float32, −log p of each placed sub-pixel in order, at temperature 1.
        conditional: (L,) float32 probabilities of the next sub-pixel at temperature 1; empty at the end.
        uniform: the number u in [0, 1) that selects the next value by the inverse CDF.
        context: (C, H, W) bool: sub-pixels that the next conditional can depend on.
        stopped: the breakpoint that ended an ``AdvancePixels``: ``entropy``, ``probability``; else empty.
        entropies: (step,) float32 nats, the entropy of each placed sub-pixel's conditional, in order.
    """

    session: int
    step: int
    path: int
    image: Array
    nats: Array
    conditional: Array
    uniform: float
    context: Array
    stopped: Literal["", "entropy", "probability"] = ""
    entropies: Array | None = None


class PixelsContinued(Event, frozen=True, kw_only=True):
    """Continuations so far.

    Args:
        images: (N, C, H, W) uint8 levels.
        nats: (N,) float32, −log p of the placed sub-pixels of each.
        start: sub-pixels that they have in common.
        step: sub-pixels placed.
        done: all are finished.
    """

    session: int
    images: Array
    nats: Array
    start: int
    step: int
    done: bool

    def ends_request(self) -> bool:
        """Return whether all are finished."""
        return self.done


class PixelAttributed(Event, frozen=True, kw_only=True):
    """Attribution of one conditional to its context.

    Args:
        step: of the sub-pixel.
        value: the level whose log-probability is attributed.
        sensitivity: (C, H, W) float32, nats: how log p(x_i = value | x_<i) changes with each sub-pixel of the context.
        kind: ``gradient``, for a change by the whole range of levels at the slope here, or ``difference``, measured by
            moving the sub-pixel to another level (where the conditional has no slope).
        receptive_field: (C, H, W) bool: sub-pixels that the architecture lets the conditional depend on.
        components: (K, L) float32: the conditional as a sum of mixture components; None when it is no mixture.
    """

    session: int
    step: int
    value: int
    sensitivity: Array
    kind: Literal["gradient", "difference"]
    receptive_field: Array
    components: Array | None = None


class PixelsCompared(Event, frozen=True, kw_only=True):
    """Scores of a generation under another model.

    Args:
        run: of the other model.
        weights_step: training step of its weights.
        step: sub-pixels that were scored.
        nats: (step,) float32, its −log p of each, in the session's order.
        conditional: (L,) float32, its probabilities of the next sub-pixel; empty at the end.
        context: (C, H, W) bool: sub-pixels that this conditional can depend on.
    """

    session: int
    run: str
    weights_step: int
    step: int
    nats: Array
    conditional: Array
    context: Array


class InfluenceMeasured(Event, frozen=True, kw_only=True):
    """Changes of a conditional by changes of N single earlier sub-pixels.

    Args:
        run: of the other model; empty: the generation's own.
        step: of the sub-pixel whose conditional it is.
        changed: (N) steps of the changed sub-pixels.
        before: (N) their levels.
        after: (N) the levels that they were set to.
        largest: (N,) float32, the largest absolute change of a probability; exactly 0 where nothing changed.
        kl: (N,) float32 nats, KL(before ‖ after) of the conditional.
    """

    session: int
    run: str
    step: int
    changed: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    largest: Array
    kl: Array
