"""Random codes of the selected run: one, one near the present code, and two keyframes.

A normal prior is sampled here. Where coordinates depend on each other (binary hidden units), or without a prior, the
engine samples images of the model or takes images of the data, and encodes them.
"""

from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.latents import CodesSampled, SampleCodes
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.latents.code_range import Code
from gmstudio.window.state.latents.encoded_images import EncodedImages, Encoding
from gmstudio.window.state.latents.interpolation import Interpolation
from gmstudio.window.state.latents.space import LatentSpace

Action = Literal["randomize", "perturb", "keyframes"]
DESCRIPTIONS: dict[str, dict[Action, str]] = {
    "normal": {
        "randomize": "Sample the code from the prior, a standard normal",
        "perturb": "Sample a nearby code, preserving the prior",
        "keyframes": "Replace the keyframes by two samples of the prior",
    },
    "bernoulli": {
        "randomize": "Sample an image x from the model by Gibbs sampling, and set the units to p(h = 1 | x)",
        "perturb": "One Gibbs step from this code: draw h, take the means of p(x | h), set the units to p(h = 1 | x)",
        "keyframes": "Replace the keyframes by p(h = 1 | x) of two images x of the model, from Gibbs sampling",
    },
    "none": {
        "randomize": "Encode a random validation image, which is shown as the original: there is no prior to sample",
        "perturb": "Add noise of 0.3 standard deviations of the encoded data: there is no prior to preserve",
        "keyframes": "Replace the keyframes by the codes of two random validation images: there is no prior to sample",
    },
}
"""Effects of the actions, by the prior of the latent space."""


class CodeSampling(QObject):
    """Sampling of codes.

    Args:
        link: the way to the engine.
        space: the selected run and its code.
        interpolation: whose keyframes are sampled.
        gallery: shows the image of the data that was encoded.

    Signals:
        failed: a ``CommandFailed``; no code was sampled.
    """

    failed = Signal(object)

    def __init__(
        self, link: EngineLink, space: LatentSpace, interpolation: Interpolation, gallery: EncodedImages
    ) -> None:
        super().__init__(space)
        self._space, self._interpolation, self._gallery = space, interpolation, gallery
        self._noise = np.random.default_rng()
        self._one, self._two = Request(link, self), Request(link, self)
        self._first = False
        self._near = False
        self._one.replied.connect(self._on_one)
        self._two.replied.connect(self._on_two)
        for request in (self._one, self._two):
            request.failed.connect(self._on_failed)
        space.run_changed.connect(self._drop)
        space.halted.connect(self._drop)

    @property
    def _local(self) -> bool:
        return self._space.spec.prior == "normal"

    def description(self, action: Action) -> str:
        """Effect of an action for this latent space, for a tooltip."""
        return DESCRIPTIONS[self._space.spec.prior][action]

    def randomize(self) -> None:
        """Set the code to a random one; an edit, as soon as it is sampled."""
        if self._local:
            self._space.code.randomize()
        else:
            self._ask_for_one(None)

    def perturb(self) -> None:
        """Set the code to a random one near it; an edit, as soon as it is sampled."""
        if self._space.spec.prior == "bernoulli":
            self._ask_for_one(self._space.code.values)
        else:
            self._space.code.perturb()

    def sample_keyframes(self, seed: int) -> None:
        """Begin an interpolation between two samples, at the first; the same seed gives the same two."""
        num_dims = self._space.code.num_dims
        if num_dims and self._local:
            pair = self._space.code.range.sample(2 * num_dims, seed).reshape(2, num_dims)
            self._set_keyframes(tuple(pair), seed)
        elif self._space.opened is not None:
            self._first = False
            self._two.send(SampleCodes(run=self._space.run, count=2, seed=seed))

    def sample_first_keyframes(self, seed: int) -> None:
        """Sample the two keyframes that an interpolation begins with, where there are none yet; no edit."""
        if self._space.opened is not None and not self._interpolation.keyframes:
            self._first = True
            self._two.send(SampleCodes(run=self._space.run, count=2, seed=seed))

    def _ask_for_one(self, near: Code | None) -> None:
        if self._space.opened is not None:
            self._near = near is not None
            seed = int(self._noise.integers(0, MAX_SEED + 1))
            code = None if near is None else Array.of(near[np.newaxis])
            self._one.send(SampleCodes(run=self._space.run, seed=seed, near=code))

    def _set_keyframes(self, keyframes: tuple[Code, ...], seed: int) -> None:
        with self._space.edits.recording("Sample two"):
            self._interpolation.set_keyframes(keyframes, seed)
            self._interpolation.go_to(0.0)

    def _on_one(self, event: CodesSampled) -> None:
        with self._space.edits.recording("Perturb" if self._near else "Randomize"):
            if event.split is None or event.images is None:
                self._space.code.set_values(event.codes.numpy()[0])
            else:
                self._gallery.adopt(self._encoding_of(event))

    def _encoding_of(self, event: CodesSampled) -> Encoding:
        description = self._space.description
        assert description is not None and event.split is not None and event.images is not None
        return Encoding(
            split=event.split,
            index=event.indices[0],
            label=event.labels[0] if event.labels else "",
            image=to_display(event.images.numpy()[0], description.info.image.levels),
            code=event.codes.numpy()[0],
            deviation=None,
        )

    def _on_two(self, event: CodesSampled) -> None:
        command = self._two.command
        assert isinstance(command, SampleCodes)
        keyframes = tuple(event.codes.numpy())
        if not self._first:
            self._set_keyframes(keyframes, command.seed)
        elif not self._interpolation.keyframes:
            self._interpolation.set_keyframes(keyframes, command.seed)

    def _on_failed(self, event: CommandFailed) -> None:
        self.failed.emit(event)

    def _drop(self) -> None:
        self._one.drop()
        self._two.drop()
