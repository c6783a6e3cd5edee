"""What the model looks at for one sub-pixel: how its log-probability hangs on the context, and what it can see at all.

Shapes: C channels, H height, W width, L levels, K mixture components.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.pixels import AttributePixel, PixelAttributed
from gmstudio.window.state.pixels.follower import PixelFollower
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

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


class PixelAttribution(PixelFollower):
    """Explains the conditional at which a generation stands; of a finished image, the last one.

    Args:
        session: whose generation it is.

    Attributes:
        attributed: the explanation that came last, or None.
        which: whose log-probability is attributed: the most likely value, the one that comes next on the path or by
            the draw, or ``value``.
        value: the level that was chosen to be attributed.
        looking: somebody looks at the map.
        composing: somebody wants the mixture components of the next conditional.

    Signals:
        value_chosen: a level was chosen to be attributed.
    """

    value_chosen = Signal()

    def __init__(self, session: PixelsState) -> None:
        super().__init__(session)
        self.attributed: PixelAttributed | None = None
        self.which: Which = "likeliest"
        self.value = 0
        self.looking = False
        self.composing = False
        self._plain: tuple[str, int] | None = None  # run and weights whose conditionals are no mixtures
        self._navigator.moved.connect(self._drop_other)

    # ---- what is asked for ---------------------------------------------------------------------------------------

    def set_looking(self, looking: bool) -> None:
        """Somebody looks at the map, or nobody does any more."""
        self.looking = looking
        self._begin_or_rest()

    def set_composing(self, composing: bool) -> None:
        """Somebody wants the components of the next conditional, or nobody does any more."""
        self.composing = composing
        self._begin_or_rest()

    def attribute(self, which: Which) -> None:
        """Explain the most likely value, the coming one or the chosen one, wherever the generation goes."""
        self.which = which
        self.changed.emit()
        self.follow()

    def attribute_value(self, value: int) -> None:
        """Explain this level, wherever the generation goes."""
        self.value = value
        self.attribute("chosen")
        self.value_chosen.emit()

    def _begin_or_rest(self) -> None:
        if self.looking or self.composing:
            self.follow()
        else:
            self.rest()

    def _command(self, state: PixelSnapshot) -> Command | None:
        mixture = self.composing and not self.moves_by_itself and self._may_be_mixture(state)
        if not (self.looking or mixture):
            return None
        if state.finished:
            return AttributePixel(session=state.session, step=state.num_dims - 1)
        return AttributePixel(session=state.session, value=self._value(state))

    def _value(self, state: PixelSnapshot) -> int:
        if self.which == "chosen":
            return min(self.value, state.spec.levels - 1)
        coming = self._navigator.upcoming() if self.which == "coming" else None
        return -1 if coming is None else coming

    def _may_be_mixture(self, state: PixelSnapshot) -> bool:
        many = state.spec.levels >= MIXTURE_LEVELS and not state.finished
        return many and self._plain != (state.run, state.weights_step)

    def _learn(self, event: Event, state: PixelSnapshot) -> None:
        assert isinstance(event, PixelAttributed)
        self.attributed = event
        if event.components is None:
            self._plain = (state.run, state.weights_step)

    def _drop_other(self) -> None:
        """An explanation of another generation says nothing here."""
        state, attributed = self._navigator.state, self.attributed
        if attributed is not None and (state is None or attributed.session != state.session):
            self.attributed = None
            self.changed.emit()

    # ---- what is known -------------------------------------------------------------------------------------------

    def sensitivity(self, channel: int | None = None) -> NDArray[np.float64] | None:
        """(H, W) nats by which each pixel of the context moves log p; NaN outside the receptive field.

        Args:
            channel: of the context; None: the sum over its channels.
        """
        if self.attributed is None:
            return None
        values, reach = self.attributed.sensitivity.numpy().astype(np.float64), self.attributed.reach.numpy()
        if channel is not None:
            return np.where(reach[channel], values[channel], np.nan)
        return np.where(reach.any(axis=0), np.where(reach, values, 0.0).sum(axis=0), np.nan)

    def unseen(self) -> NDArray[np.bool_] | None:
        """(H, W): pixels of which a sub-pixel comes earlier in the order and cannot be seen."""
        earlier = self._earlier()
        if earlier is None or self.attributed is None:
            return None
        hidden: NDArray[np.bool_] = (earlier & ~self.attributed.reach.numpy()).any(axis=0)
        return hidden

    def seen(self) -> Seen | None:
        """How much of the context the conditional can depend on."""
        earlier, state = self._earlier(), self._navigator.state
        if earlier is None or self.attributed is None or state is None:
            return None
        reach = self.attributed.reach.numpy()
        _, row, column = state.place_of(self.attributed.step)
        rows, columns = np.indices(reach.shape[1:])
        distance = np.maximum(abs(rows - row), abs(columns - column))
        farthest = int(distance[reach.any(axis=0)].max(initial=-1))
        blind = earlier & ~reach & (distance <= farthest)
        return Seen(int(earlier.sum()), int(reach.sum()), int(blind.sum()))

    def components(self, state: PixelSnapshot) -> NDArray[np.float32] | None:
        """(K, L) components of the next conditional of a state, when they are known and there are several."""
        attributed = self.attributed
        if attributed is None or attributed.components is None or state.finished:
            return None
        fits = attributed.session == state.session and attributed.step == state.step
        return attributed.components.numpy() if fits else None

    def _earlier(self) -> NDArray[np.bool_] | None:
        state = self._navigator.state
        if state is None or self.attributed is None or self.attributed.session != state.session:
            return None
        return state.placed(self.attributed.step)


def attribution_of(session: PixelsState) -> PixelAttribution:
    """The attribution into a session's generation; made when it is first asked for."""
    found = session.findChild(PixelAttribution)
    return found if isinstance(found, PixelAttribution) else PixelAttribution(session)
