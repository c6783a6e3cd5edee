"""Commands to explore an autoregressive model pixel by pixel, trained or in training."""

from gmstudio.engine.pixels.explorer import PixelExplorer
from gmstudio.engine.runtime.compiled_code import compiled_code, worker_environment
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.nn.stepping.compiling import STEP_KERNEL
from gmstudio.protocol.base import Event
from gmstudio.protocol.pixels import (
    AdvancePixels,
    AttributePixel,
    ClosePixels,
    ComparePixels,
    ContinuePixels,
    EditPixel,
    ForgetPath,
    MeasureInfluence,
    OpenPixels,
    PlacePixel,
    RewindPixels,
)
from gmstudio.protocol.pixels_guessing import GuessPixels

MANY_STEPS = 400
"""Steps of single images from which on it is worth while to compile them."""


class PixelsFeature(Feature):
    """Explore a generation pixel by pixel; its weights are copies."""

    concurrent = (AdvancePixels, PlacePixel, RewindPixels)

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._pixels = PixelExplorer()

    def _on_open_pixels(self, command: OpenPixels) -> None:
        loaded = self.context.model(command.run, "pixel_session")
        self._send(self._pixels.open(loaded.model, command.run, loaded.step, command))

    def _on_advance_pixels(self, command: AdvancePixels) -> None:
        self._send(self._pixels.advance(command))
        if self._pixels.num_advanced >= MANY_STEPS and self.context.device.type == "cpu":
            STEP_KERNEL.load_beside(compiled_code(), worker_environment())

    def _on_place_pixel(self, command: PlacePixel) -> None:
        self._send(self._pixels.place(command))

    def _on_edit_pixel(self, command: EditPixel) -> None:
        self._send(self._pixels.edit(command))

    def _on_rewind_pixels(self, command: RewindPixels) -> None:
        self._send(self._pixels.rewind(command))

    def _on_forget_path(self, command: ForgetPath) -> None:
        self._send(self._pixels.forget(command))

    def _on_continue_pixels(self, command: ContinuePixels) -> Job:
        return self._pixels.continuations(command)

    def _on_guess_pixels(self, command: GuessPixels) -> Job:
        return self._pixels.guess(command)

    def _on_attribute_pixel(self, command: AttributePixel) -> None:
        self._send(self._pixels.attribute(command))

    def _on_compare_pixels(self, command: ComparePixels) -> None:
        loaded = self.context.model(command.run, "pixel_session")
        self._send(self._pixels.compare(loaded.model, command.run, loaded.step, command))

    def _on_measure_influence(self, command: MeasureInfluence) -> None:
        other = self.context.model(command.run, "pixel_session").model if command.run else None
        self._send(self._pixels.influence(other, command))

    def _on_close_pixels(self, command: ClosePixels) -> None:
        self._pixels.close(command)
        self.done(command)

    def _send(self, events: list[Event]) -> None:
        for event in events:
            self.context.send(event)
