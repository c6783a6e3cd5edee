"""Messages about pixel-by-pixel generation."""

from typing import ClassVar, Literal

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.images import ImageSpec

# ---- commands: pixels ---------------------------------------------------------------------------------------


class OpenPixels(Command, frozen=True, kw_only=True):
    """Open a step-by-step generation with the run's current weights; answered with ``PixelsOpened``.

    The session keeps the weights that it was opened with, so its numbers stay exact while training goes on.

    Args:
        seed: of the uniforms that turn probabilities into values.
        given: (C, H, W) levels whose first ``first`` sub-pixels are placed; None: an empty image. As many as fit in
            a few frames are placed at once; the others stand on the remembered path (see ``RewindPixels``).
        first: sub-pixels of ``given`` that are placed, in the generation order.
        weights_of: an open generation of the same run whose weights are to be used; 0: the run's current weights.
        order: name of the generation order (``PixelsOpened.orders`` says which there are), ``painted`` for that of
            ``ranks``; empty: the model's own.
        order_seed: of the shuffled order.
        ranks: (H, W) float32, for ``painted``: pixels of lower rank come first, equal ones row by row.
        mask: (C, H, W) bool: sub-pixels of ``given`` that are given. They come first, the others follow, both in the
            chosen order; so ``first`` counts the given ones first. Any set for order-agnostic models; for the others
            only one that comes first in their order anyway.
        label: class to condition on, for class-conditional models; −1: none.
    """

    run: str
    seed: int = 0
    given: Array | None = None
    first: int = 0
    weights_of: int = 0
    order: str = ""
    order_seed: int = 0
    ranks: Array | None = None
    mask: Array | None = None
    label: int = -1


class AdvancePixels(Command, frozen=True, kw_only=True):
    """Generate up to ``count`` sub-pixels, for at most ``budget_ms``; answered with ``PixelsMoved``.

    Values on the remembered path (see ``RewindPixels``) are placed again; beyond it new ones are drawn. A breakpoint
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
    """Commit this value at the current position; forgets the path beyond; answered with ``PixelsMoved``."""

    interactive: ClassVar[bool] = True

    session: int
    value: int


class EditPixel(Command, frozen=True, kw_only=True):
    """Change the value of a sub-pixel that is placed already; answered with ``PixelsMoved``.

    Args:
        step: of the sub-pixel, before the current one.
        value: its new level.
        keep: what was placed after it stays and is scored anew; otherwise it is drawn again, from the same uniforms.
            Either happens along the way back to where the generation stood, a few frames at a time: the reply may
            stand at an earlier step, with the kept values on the remembered path.
        temperature: of what is drawn again.
    """

    session: int
    step: int
    value: int
    keep: bool = True
    temperature: float = 1.0


class RewindPixels(Command, frozen=True, kw_only=True):
    """Go to ``step``, back or forward along the remembered path; answered with ``PixelsMoved``.

    Given sub-pixels that no conditional was computed for yet are scored on the way; when that takes longer than a
    few frames the reply stands at an earlier step, and the same command goes on from there.
    """

    interactive: ClassVar[bool] = True

    session: int
    step: int


class ForgetPath(Command, frozen=True, kw_only=True):
    """Drop the path beyond the current step (a new seed for what follows); answered with ``PixelsMoved``."""

    session: int
    seed: int


class ContinuePixels(Command, frozen=True, kw_only=True):
    """Continue the current prefix in ``count`` ways; answered with ``PixelsContinued`` many times, the last one done.

    Args:
        likeliest: the first continuation takes the most likely value of each conditional instead of drawing one.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("session",)

    session: int
    count: int = 16
    seed: int = 0
    temperature: float = 1.0
    likeliest: bool = False


class AttributePixel(Command, frozen=True, kw_only=True):
    """What a conditional looks at, and what it is made of; answered with ``PixelAttributed``.

    Args:
        step: of the sub-pixel, at most the current one; −1: the next one.
        value: the level whose log-probability is explained; −1: the placed one, or the most likely one of the next.
    """

    session: int
    step: int = -1
    value: int = -1


class ComparePixels(Command, frozen=True, kw_only=True):
    """What another run's model makes of the same sub-pixels in the same order; answered with ``PixelsCompared``.

    Args:
        session: the generation whose placed sub-pixels are scored.
        run: of the other model, with its current weights; it must have the same kind of images, and generate in the
            session's order.
    """

    session: int
    run: str


class ClosePixels(Command, frozen=True, kw_only=True):
    """Let a session go."""

    session: int


# ---- events: pixels -----------------------------------------------------------------------------------------


class PixelsOpened(Event, frozen=True, kw_only=True):
    """A generation is open; a ``PixelsMoved`` with the same request follows.

    Args:
        session: its number.
        weights_step: training step of the weights it uses.
        order: (D, 3) int64 rows (channel, row, column).
        orders: names of the orders that can be chosen, ``painted`` among them; only the model's own when it has one.
        order_name: the chosen one.
        order_words: which order the model keeps to, in words; empty when any can be chosen.
        num_given: sub-pixels that a given set put first.
        any_order: the model is order-agnostic: any set can be given.
        num_classes: classes that it can be conditioned on; 0: none.
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
    num_given: int = 0
    any_order: bool = False
    num_classes: int = 0
    label: int = -1

    def ends_request(self) -> bool:
        """A ``PixelsMoved`` follows."""
        return False


class PixelsMoved(Event, frozen=True, kw_only=True):
    """Where a generation stands.

    Args:
        step: sub-pixels placed.
        path: length of the remembered path, ≥ step.
        image: (C, H, W) uint8 levels.
        nats: (step,) float32, −log p of each placed sub-pixel in order, at temperature 1.
        conditional: (L,) float32 probabilities of the next sub-pixel at temperature 1; empty at the end.
        uniform: the number in [0, 1) that will choose the next value.
        context: (C, H, W) bool: what the next conditional can depend on.
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
    """Continuations so far: (N, C, H, W) uint8 levels, (N,) float32 total nats of the placed, steps done."""

    session: int
    images: Array
    nats: Array
    start: int
    step: int
    done: bool

    def ends_request(self) -> bool:
        """The last one is ``done``."""
        return self.done


class PixelAttributed(Event, frozen=True, kw_only=True):
    """What one conditional looks at.

    Args:
        step: of the sub-pixel.
        value: the level whose log-probability is explained.
        sensitivity: (C, H, W) float32, nats: how log p(x_i = value | x_<i) changes with each sub-pixel of the context.
        kind: ``gradient``, for a change by the whole range of levels at the slope here, or ``difference``, measured by
            moving the sub-pixel to another level (where the conditional has no slope).
        reach: (C, H, W) bool: the receptive field that the architecture allows.
        components: (K, L) float32: the conditional as a sum of mixture components; None when it is no mixture.
    """

    session: int
    step: int
    value: int
    sensitivity: Array
    kind: Literal["gradient", "difference"]
    reach: Array
    components: Array | None = None


class PixelsCompared(Event, frozen=True, kw_only=True):
    """Another model's view of a generation.

    Args:
        run: of the other model.
        weights_step: training step of its weights.
        step: sub-pixels that were scored.
        nats: (step,) float32, its −log p of each, in the session's order.
        conditional: (L,) float32, its probabilities of the next sub-pixel; empty at the end.
    """

    session: int
    run: str
    weights_step: int
    step: int
    nats: Array
    conditional: Array
