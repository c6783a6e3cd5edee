"""Families of another package with mistakes; each costs a sentence and never the program."""

from typing import Any, ClassVar

import msgspec
from independent_pixels import IndependentPixels
from torch import Tensor

from gmstudio.protocol.images import ImageSpec


class RaisesInLoss(IndependentPixels):
    """Its conditionals cannot be computed."""

    card = msgspec.structs.replace(IndependentPixels.card, name="raises_in_loss", title="Raises in loss")

    def logits(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        raise ZeroDivisionError("a mistake in the loss")


class WrongSignature(IndependentPixels):
    """Its constructor takes something else."""

    card = msgspec.structs.replace(IndependentPixels.card, name="wrong_signature", title="Wrong signature")

    def __init__(self, width: int, height: int, depth: int) -> None:
        super().__init__(IndependentPixels.Config(), ImageSpec(depth, height, width, 2))


class WrongConfig(IndependentPixels):
    """Its config is no Struct."""

    class Config:  # type: ignore[assignment]
        """Nothing that can be described."""

    card = msgspec.structs.replace(IndependentPixels.card, name="wrong_config", title="Wrong config")


class WrongCard(IndependentPixels):
    """Its card holds what cannot be sent."""

    card: ClassVar[Any] = msgspec.structs.replace(IndependentPixels.card, name="wrong_card", summary=object())
