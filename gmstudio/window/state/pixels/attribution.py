"""What the model looks at for one sub-pixel: how its log-probability hangs on the context, and what it can see at all.

Shapes: C channels, H height, W width, L levels, K mixture components.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.pixels import ExplainPixel, PixelExplained
from gmstudio.window.state.pixels.follower import PixelFollower
from gmstudio.window.state.pixels.snapshot import PixelState
from gmstudio.window.state.pixels.state import PixelsSession

Which = Literal["likeliest", "coming", "chosen"]
MIXTURE_LEVELS = 17
"""From so many levels on, the components of a mixture are drawn."""


@dataclass(frozen=True)
class Seen:
    """How much of the context a conditional can depend on, in sub-pixels.

    Args:
        earlier: sub-pixels that come before it.
        inside: those of them in its receptive field.
        blind: those outside that lie nearer than the farthest one inside, as the larger of row and column distance.
    """

    earlier: int
    inside: int
    blind: int


class PixelInsight(PixelFollower):
    """Explains the conditional at which a generation stands; of a finished image, the last one.

    Args:
        session: whose generation it is.

    Attributes:
        explained: the explanation that came last, or None.
        which: whose log-probability is explained: the most likely value, the one that comes next on the path or by
            the draw, or ``value``.
        value: the level that was chosen to be explained.
        looking: somebody looks at the map.
        composing: somebody wants the mixture components of the next conditional.

    Signals:
        value_chosen: a level was chosen to be explained.
    """

    value_chosen = Signal()

    def __init__(self, session: PixelsSession) -> None:
        super().__init__(session, session.events.pixel_explained)
        self.explained: PixelExplained | None = None
        self.which: Which = "likeliest"
        self.value = 0
        self.looking = False
        self.composing = False
        self._plain: tuple[str, int] | None = None  # run and weights whose conditionals are no mixtures
        self._walk.moved.connect(self._drop_other)

    # ---- what is asked for ---------------------------------------------------------------------------------------

    def set_looking(self, looking: bool) -> None:
        """Somebody looks at the map, or nobody does any more."""
        self.looking = looking
        self._begin_or_rest()

    def set_composing(self, composing: bool) -> None:
        """Somebody wants the components of the next conditional, or nobody does any more."""
        self.composing = composing
        self._begin_or_rest()

    def explain(self, which: Which) -> None:
        """Explain the most likely value, the coming one or the chosen one, wherever the generation goes."""
        self.which = which
        self.changed.emit()
        self.follow()

    def explain_value(self, value: int) -> None:
        """Explain this level, wherever the generation goes."""
        self.value = value
        self.explain("chosen")
        self.value_chosen.emit()

    def _begin_or_rest(self) -> None:
        if self.looking or self.composing:
            self.follow()
        else:
            self.rest()

    def _command(self, state: PixelState) -> Command | None:
        mixture = self.composing and not self.moves_by_itself and self._may_be_mixture(state)
        if not (self.looking or mixture):
            return None
        if state.finished:
            return ExplainPixel(session=state.session, step=state.num_dims - 1)
        return ExplainPixel(session=state.session, value=self._value(state))

    def _value(self, state: PixelState) -> int:
        if self.which == "chosen":
            return min(self.value, state.spec.levels - 1)
        coming = self._walk.upcoming() if self.which == "coming" else None
        return -1 if coming is None else coming

    def _may_be_mixture(self, state: PixelState) -> bool:
        many = state.spec.levels >= MIXTURE_LEVELS and not state.finished
        return many and self._plain != (state.run, state.weights_step)

    def _learn(self, event: Event, state: PixelState) -> None:
        assert isinstance(event, PixelExplained)
        self.explained = event
        if event.components is None:
            self._plain = (state.run, state.weights_step)

    def _drop_other(self) -> None:
        """An explanation of another generation says nothing here."""
        state, explained = self._walk.state, self.explained
        if explained is not None and (state is None or explained.session != state.session):
            self.explained = None
            self.changed.emit()

    # ---- what is known -------------------------------------------------------------------------------------------

    def sensitivity(self, channel: int | None = None) -> NDArray[np.float64] | None:
        """(H, W) nats by which each pixel of the context moves log p; NaN outside the receptive field.

        Args:
            channel: of the context; None: the sum over its channels.
        """
        if self.explained is None:
            return None
        values, reach = self.explained.sensitivity.numpy().astype(np.float64), self.explained.reach.numpy()
        if channel is not None:
            return np.where(reach[channel], values[channel], np.nan)
        return np.where(reach.any(axis=0), np.where(reach, values, 0.0).sum(axis=0), np.nan)

    def unseen(self) -> NDArray[np.bool_] | None:
        """(H, W): pixels of which a sub-pixel comes earlier in the order and cannot be seen."""
        earlier = self._earlier()
        if earlier is None or self.explained is None:
            return None
        hidden: NDArray[np.bool_] = (earlier & ~self.explained.reach.numpy()).any(axis=0)
        return hidden

    def seen(self) -> Seen | None:
        """How much of the context the conditional can depend on."""
        earlier, state = self._earlier(), self._walk.state
        if earlier is None or self.explained is None or state is None:
            return None
        reach = self.explained.reach.numpy()
        _, row, column = state.place_of(self.explained.step)
        rows, columns = np.indices(reach.shape[1:])
        distance = np.maximum(abs(rows - row), abs(columns - column))
        farthest = int(distance[reach.any(axis=0)].max(initial=-1))
        blind = earlier & ~reach & (distance <= farthest)
        return Seen(int(earlier.sum()), int(reach.sum()), int(blind.sum()))

    def components(self, state: PixelState) -> NDArray[np.float32] | None:
        """(K, L) components of the next conditional of a state, when they are known and there are several."""
        explained = self.explained
        if explained is None or explained.components is None or state.finished:
            return None
        fits = explained.session == state.session and explained.step == state.step
        return explained.components.numpy() if fits else None

    def _earlier(self) -> NDArray[np.bool_] | None:
        state = self._walk.state
        if state is None or self.explained is None or self.explained.session != state.session:
            return None
        return state.placed(self.explained.step)


def insight_of(session: PixelsSession) -> PixelInsight:
    """The insight into a session's generation; made when it is first asked for."""
    found = session.findChild(PixelInsight)
    return found if isinstance(found, PixelInsight) else PixelInsight(session)
