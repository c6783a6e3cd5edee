"""Attribution of one conditional: how its log-probability depends on the context, and its receptive field.

Shapes: C channels, H height, W width, L levels, K mixture components.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.pixels import AttributePixel, PixelAttributed
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.pixels.follower import Answer, PixelFollower
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.receptive_field import FieldSize, blind_pixels, field_size
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.runs.library import RunLibrary

AttributedValue = Literal["most_likely", "next", "chosen"]
MIXTURE_LEVELS = 17
"""From this number of levels on, the components of a mixture are drawn."""


class PixelAttribution(PixelFollower):
    """Attributes the next conditional of a generation to its context; of a finished image, the last one.

    Attributes:
        attributed: the last attribution, or None.
        which: whose log-probability is attributed: the most likely value, the next one (recorded or drawn), or
            ``value``.
        value: the level that was chosen to be attributed.
        with_components: the mixture components of the next conditional are shown.

    Signals:
        value_chosen: a level was chosen to be attributed.
    """

    value_chosen = Signal()

    def __init__(
        self, link: EngineLink, library: RunLibrary, navigator: PixelNavigator, parent: QObject | None = None
    ) -> None:
        super().__init__(link, library, navigator, parent)
        self.attributed: PixelAttributed | None = None
        self.which: AttributedValue = "most_likely"
        self.value = 0
        self.with_components = False
        self._without_mixture: tuple[str, int] | None = None  # run and weights step
        self._navigator.moved.connect(self._drop_other)

    # ---- requests --------------------------------------------------------------------------------------------------

    def set_components_active(self, active: bool) -> None:
        """Request the mixture components of the next conditional from now on, or no more."""
        self.with_components = active
        self._update()

    def attribute(self, which: AttributedValue) -> None:
        """Attribute this value, wherever the generation moves."""
        self.which = which
        self.changed.emit()
        self.follow()

    def attribute_value(self, value: int) -> None:
        """Attribute this level, wherever the generation moves."""
        self.value = value
        self.attribute("chosen")
        self.value_chosen.emit()

    def _command(self, state: PixelSnapshot) -> AttributePixel | None:
        components = self.with_components and not self.moves_by_itself and self._may_be_mixture(state)
        if not (self.active or components):
            return None
        if state.finished:
            return AttributePixel(session=state.session, step=state.num_dims - 1)
        return AttributePixel(session=state.session, value=self._value(state))

    def _value(self, state: PixelSnapshot) -> int:
        if self.which == "chosen":
            return min(self.value, state.spec.levels - 1)
        upcoming = self._navigator.upcoming() if self.which == "next" else None
        return -1 if upcoming is None else upcoming

    def _may_be_mixture(self, state: PixelSnapshot) -> bool:
        many = state.spec.levels >= MIXTURE_LEVELS and not state.finished
        return many and self._without_mixture != (state.run, state.weights_step)

    def _on_answer(self, event: Answer, state: PixelSnapshot) -> None:
        assert isinstance(event, PixelAttributed)
        self.attributed = event
        if event.components is None:
            self._without_mixture = (state.run, state.weights_step)

    def _drop_other(self) -> None:
        """Drop the attribution of another generation."""
        state, attributed = self._navigator.state, self.attributed
        if attributed is not None and (state is None or attributed.session != state.session):
            self.attributed = None
            self.changed.emit()

    # ---- results ---------------------------------------------------------------------------------------------------

    def sensitivity(self, channel: int | None = None) -> NDArray[np.float64] | None:
        """(H, W) nats by which each pixel of the context moves log p; NaN outside the receptive field.

        Args:
            channel: of the context; None: the sum over its channels.
        """
        if self.attributed is None:
            return None
        values = self.attributed.sensitivity.numpy().astype(np.float64)
        field = self.attributed.receptive_field.numpy()
        if channel is not None:
            return np.where(field[channel], values[channel], np.nan)
        return np.where(field.any(axis=0), np.where(field, values, 0.0).sum(axis=0), np.nan)

    def outside(self) -> NDArray[np.bool_] | None:
        """(H, W): pixels of which a sub-pixel is earlier in the order and outside the receptive field."""
        earlier = self._earlier()
        if earlier is None or self.attributed is None:
            return None
        outside: NDArray[np.bool_] = (earlier & ~self.attributed.receptive_field.numpy()).any(axis=0)
        return outside

    def field_size(self) -> FieldSize | None:
        """Size of the receptive field."""
        earlier, state = self._earlier(), self._navigator.state
        if earlier is None or self.attributed is None or state is None:
            return None
        return field_size(state.order, self.attributed.step, self.attributed.receptive_field.numpy())

    def blind(self) -> NDArray[np.bool_] | None:
        """(H, W): pixels of which a sub-pixel is in the blind spot, and none in the receptive field."""
        state = self._navigator.state
        if self._earlier() is None or self.attributed is None or state is None:
            return None
        return blind_pixels(state.order, self.attributed.step, self.attributed.receptive_field.numpy())

    def components(self, state: PixelSnapshot) -> NDArray[np.float32] | None:
        """(K, L) mixture components of the next conditional of a state; None when there is one or none is known."""
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
