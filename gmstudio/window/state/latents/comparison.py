"""Another run beside the selected one, on the same image or the same code.

Shapes: Z latent dimensions, C channels, H height, W width.
"""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal

from gmstudio.media.levels import quantize, to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import Decode, Decoded, Encoded, EncodeImage
from gmstudio.protocol.runs import RunOpened
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.latents.active_part import ActivePart
from gmstudio.window.state.latents.encoded_images import EncodedImages
from gmstudio.window.state.latents.space import LatentSpace
from gmstudio.window.state.runs.library import RunLibrary


class RunComparison(ActivePart):
    """Decoded image of another run.

    While the code is that of an encoded image, the other run reconstructs the same image with its own encoder;
    otherwise it decodes the same code, which needs as many dimensions.

    Args:
        link: the way to the engine.
        library: the runs.
        space: the selected run and its code.
        gallery: the image that was encoded.

    Attributes:
        run: name of the other run, or "".
        image: (C, H, W) uint8, 0 … 255, or None.
        description: what the image is: of the same code, or a reconstruction and its error.
        problem: why there is none, or "".

    Signals:
        changed: any of these differ.
    """

    changed = Signal()

    def __init__(self, link: EngineLink, library: RunLibrary, space: LatentSpace, gallery: EncodedImages) -> None:
        super().__init__(space)
        self._library, self._space, self._gallery = library, space, gallery
        self.run = ""
        self.image: NDArray[np.uint8] | None = None
        self.description = ""
        self.problem = ""
        self._target: NDArray[np.uint8] | None = None
        self._encoding, self._decoding = LatestWins(link, self), LatestWins(link, self)
        self._encoding.replied.connect(self._on_encoded)
        self._decoding.replied.connect(self._on_decoded)
        for request in (self._encoding, self._decoding):
            request.failed.connect(self._on_failed)
        library.run_opened.connect(self._on_run_opened)
        library.open_failed.connect(self._on_open_failed)
        space.run_changed.connect(self.refresh)
        space.code.values_changed.connect(self.refresh)
        gallery.encoding_changed.connect(self.refresh)
        space.halted.connect(self._halt)

    def choose_run(self, run: str) -> None:
        """Choose the other run; "": none."""
        if run != self.run:
            self._halt()
            self.run, self.image, self.description, self.problem = run, None, "", ""
            self.changed.emit()
            self.refresh()

    def refresh(self) -> None:
        """Request the image with the weights as they are now."""
        if not self.active or not self.run or self._space.opened is None:
            return
        other = self._library.open(self.run)
        if other is None or other.latent is None:
            return
        target = self._image_to_reconstruct(other)
        if target is not None:
            self._encoding.submit(EncodeImage(run=self.run, image=Array.of(target)))
        elif other.latent.num_dims == self._space.code.num_dims:
            self._decode(self._space.code.values, None)
        else:
            self._report(
                f"The codes of the other run have {other.latent.num_dims} dimensions, these "
                f"{self._space.code.num_dims}: encode an image, which both runs then reconstruct."
            )

    def _image_to_reconstruct(self, other: RunOpened) -> NDArray[np.uint8] | None:
        """Levels of the encoded image, where the code is its code and the other run can encode it; else None."""
        encoding, code, image = self._gallery.encoding, self._space.code, other.info.image
        if encoding is None or "encode" not in other.info.capabilities or encoding.image.shape != image.shape:
            return None
        if not np.array_equal(code.values, code.constrained(encoding.code)):
            return None
        return quantize(encoding.image, 255, image.levels)

    def _decode(self, code: NDArray[np.float32], target: NDArray[np.uint8] | None) -> None:
        self._target = target
        self._decoding.submit(Decode(run=self.run, codes=Array.of(code[np.newaxis])))

    def _on_encoded(self, event: Encoded) -> None:
        command, other = self._encoding.answered, self._library.opened.get(self.run)
        assert isinstance(command, EncodeImage)
        if other is not None and command.run == self.run:
            self._decode(event.code.numpy(), to_display(command.image.numpy(), other.info.image.levels))

    def _on_decoded(self, event: Decoded) -> None:
        self.image, self.problem = event.images.numpy()[0], ""
        if self._target is None or self._target.shape != self.image.shape:
            self.description = "Same code"
        else:
            difference = (self.image.astype(np.float32) - self._target.astype(np.float32)) / np.float32(255.0)
            self.description = f"Same image, RMS error {float(np.sqrt(np.mean(np.square(difference)))):.3f}"
        self.changed.emit()

    def _report(self, problem: str) -> None:
        self._halt()
        self.image, self.description, self.problem = None, "", problem
        self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        if event.reason is not Reason.ENGINE_GONE:
            self._report(event.message)

    def _on_run_opened(self, event: RunOpened) -> None:
        if event.info.run == self.run:
            self.refresh()

    def _on_open_failed(self, run: str, failure: CommandFailed) -> None:
        if run == self.run:
            self._on_failed(failure)

    def _halt(self) -> None:
        self._encoding.reset()
        self._decoding.reset()
