"""The same model, seed and number of sub-pixels in a second order, beside the generation."""

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.pixels import OpenPixels
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.pixels.conditioning import Conditioning, ObservedImage
from gmstudio.window.state.pixels.generation_link import NewGeneration
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.order import OrderChoice
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.tools import PixelTools


class SecondOrder(QObject):
    """Second generation that follows the first one, in another order of the same sub-pixels.

    It has the weights, the seed, the temperature, the class and the observed sub-pixels of the first, and as many
    sub-pixels placed.

    Args:
        link: the way to the engine.
        first: the generation that it follows.
        conditioning: observed sub-pixels of the first.
        tools: the painted order.

    Attributes:
        name: of the second order; "" when there is none.
        navigator: of the second generation.
        active: both are shown; only then does the second one follow.
        problem: why there is none, a sentence; "" when there is none.

    Signals:
        changed: the choice, the second generation, or ``problem``.
    """

    changed = Signal()

    def __init__(
        self,
        link: EngineLink,
        first: PixelNavigator,
        conditioning: Conditioning,
        tools: PixelTools,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.name = ""
        self.navigator = PixelNavigator(link, self)
        self.active = False
        self.problem = ""
        self._first, self._conditioning, self._tools = first, conditioning, tools
        self._seed = 0
        self._opened_for: tuple[object, ...] = ()
        first.moved.connect(self._follow)
        self.navigator.opened.connect(self._follow)
        self.navigator.moved.connect(self.changed)
        self.navigator.failed.connect(self._on_failed)

    @property
    def state(self) -> PixelSnapshot | None:
        """The second generation, while there is one."""
        return self.navigator.state if self.name else None

    def choose(self, name: str, seed: int = 0) -> None:
        """Choose the second order, with the seed of a shuffled one; "": none."""
        if (name, seed) != (self.name, self._seed):
            self.name, self._seed = name, seed
            self._close()
            self._follow()

    def set_active(self, active: bool) -> None:
        """Follow from now on, or no more."""
        self.active = active
        self._follow()

    def lose(self) -> None:
        """Forget the second generation, which is gone with the engine."""
        self._opened_for = ()
        self.navigator.lose()
        self.changed.emit()

    def _follow(self) -> None:
        """Go to the step of the first generation; begin again where that did."""
        state = self._first.shown
        if not self.active or not self.name:
            return
        if state is None or not (state.any_order and self._first.usable):
            self._close()
            return
        image = self._conditioning.image
        wanted = (state.session, self._first.seed, self.name, self._seed, image)
        if wanted != self._opened_for:
            self._opened_for, self.problem = wanted, ""
            self.navigator.open(NewGeneration(self._command(state, image)))
            self.changed.emit()
        self.navigator.set_temperature(self._first.temperature)
        self.navigator.draw_to(state.step)

    def _command(self, state: PixelSnapshot, image: ObservedImage | None) -> OpenPixels:
        """Return the command that opens the second generation, from the observed sub-pixels of the first."""
        choice = OrderChoice(self.name, self._seed, self._tools.order.ranks())
        command = OpenPixels(
            run=state.run,
            seed=self._first.seed,
            weights_of=state.session,
            order=choice.name,
            order_seed=choice.seed,
            ranks=choice.sent_ranks,
            label=state.label,
        )
        if image is None or image.levels.shape != state.spec.shape:
            return command
        observed = self._conditioning.observed_mask(state)
        return msgspec.structs.replace(
            command, levels=Array.of(image.levels), observed=Array.of(observed), num_placed=int(observed.sum())
        )

    def _close(self) -> None:
        self._opened_for, self.problem = (), ""
        self.navigator.close()
        self.changed.emit()

    def _on_failed(self, message: str) -> None:
        self.problem = message
        self.changed.emit()
