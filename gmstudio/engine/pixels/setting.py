"""What a generation is opened with, checked: a model, an order that it can generate in, a label, levels that are given.

Shapes: C channels, H height, W width, D sub-pixels (C·H·W).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.autoregressive.base import NO_LABEL, AutoregressiveFamily
from gmstudio.families.autoregressive.orders import ORDER_NAMES, name_of_order, named_order, painted_order
from gmstudio.families.base import PixelSession
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import OpenPixels
from gmstudio.protocol.training_settings import MAX_SEED

PAINTED = "painted"


@dataclass(frozen=True, eq=False)
class PixelSetting:
    """A model whose weights nobody changes any more, and how images are generated with it.

    Args:
        model: an autoregressive model, in evaluation mode.
        order: (D, 3) int64 rows (channel, row, column) that the model can generate in; None: its own order.
        label: class that is conditioned on; −1: none.
        orders: names of the orders that can be chosen.
        order_name: of the chosen one.
        order_words: which order the model keeps to; empty when any can be chosen.
        num_given: sub-pixels that a given set put first.
    """

    model: Any
    order: Tensor | None = None
    label: int = NO_LABEL
    orders: tuple[str, ...] = ()
    order_name: str = ""
    order_words: str = ""
    num_given: int = 0

    @property
    def image(self) -> ImageSpec:
        """What the images are."""
        image: ImageSpec = self.model.image
        return image

    @property
    def any_order(self) -> bool:
        """Whether any set of sub-pixels can be given, and the rest generated in any order."""
        return isinstance(self.model, AutoregressiveFamily) and self.model.any_order

    @property
    def num_classes(self) -> int:
        """Classes that the model can be conditioned on."""
        return self.model.num_classes if isinstance(self.model, AutoregressiveFamily) else 0

    def labels(self, batch: int) -> Tensor | None:
        """(batch,) int64, the label of each of so many images; None without one."""
        return None if self.label == NO_LABEL else torch.full((batch,), self.label, device=self.model.device)

    def open_session(self, batch: int, uniforms: Tensor) -> PixelSession:
        """Open a pixel session that uses these (D, batch) uniforms; the global random state is left alone."""
        generator = torch.Generator(self.model.device)
        with torch.inference_mode():
            session: PixelSession
            if isinstance(self.model, AutoregressiveFamily):
                session = self.model.pixel_session(batch, self.order, generator, labels=self.labels(batch))
            else:
                session = self.model.pixel_session(batch, generator=generator)
            session.uniforms.copy_(uniforms)
        return session


def uniforms_of(seed: int, num_dims: int, batch: int) -> Tensor:
    """(D, B) float32 numbers in [0, 1) of a seed; drawn on the CPU, so a seed means the same on every device."""
    return torch.rand(num_dims, batch, generator=torch.Generator().manual_seed(seed))


def check_seed(seed: int) -> None:
    """Refuse what is no seed.

    Raises:
        ValueError: when it is out of range.
    """
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"The seed is {seed}; it must be 0 to {MAX_SEED}.")


def setting_of(model: Any, command: OpenPixels) -> PixelSetting:
    """How to generate with a model as a command asks.

    Args:
        model: an autoregressive model.
        command: what to open; its image is checked by ``given_levels``.

    Raises:
        ValueError: when the order, the given set or the label do not fit the model.
    """
    order_D3 = _ordered(model, command)
    own_D3 = model.own_order if isinstance(model, AutoregressiveFamily) else _order_of_session(model)
    own_name: str = name_of_order(own_D3, model.image) or ("random" if isinstance(model, AutoregressiveFamily) else "")
    order_D3, num_given = _given_first(model, order_D3, own_D3, command)
    any_order = isinstance(model, AutoregressiveFamily) and model.any_order
    return PixelSetting(
        model=model,
        order=order_D3,
        label=_checked_label(model, command.label),
        orders=(*ORDER_NAMES, PAINTED) if any_order else (own_name,),
        order_name=command.order or own_name,
        order_words="" if any_order else _order_words(model),
        num_given=num_given,
    )


def given_levels(command: OpenPixels, image: ImageSpec) -> NDArray[Any] | None:
    """The levels (C, H, W) that a command gives, or None.

    Raises:
        ValueError: when they are no image of the model's, or more are to be placed than there are.
    """
    if not 0 <= command.first <= image.num_dims:
        raise ValueError(f"{command.first} given pixels; this model's images have 0 to {image.num_dims}.")
    if command.given is None:
        if command.mask is not None:
            raise ValueError("A given set says which sub-pixels of an image are given, but no image came; send one.")
        if command.first:
            raise ValueError(f"{command.first} pixels are to be given, but no image came with them; send one.")
        return None
    given = command.given.numpy()
    if given.shape != image.shape:
        raise ValueError(f"The given image has shape {given.shape}; this model needs {image.shape}.")
    if not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"The given image holds {given.dtype} numbers; levels are whole numbers, send uint8.")
    low, high = int(given.min()), int(given.max())
    if low < 0 or high >= image.levels:
        bad = low if low < 0 else high
        raise ValueError(f"The given image holds the value {bad}; this model's levels are 0 … {image.levels - 1}.")
    return given


def _ordered(model: Any, command: OpenPixels) -> Tensor | None:
    """The order of that name, which the model can generate in; None: its own."""
    name: Any = command.order
    if command.ranks is not None and name != PAINTED:
        raise ValueError(f"Ranks belong to the order {PAINTED!r}, not to {name or 'the own one'!r}; leave them out.")
    if not name:
        return None
    if name == PAINTED:
        if command.ranks is None:
            raise ValueError("The painted order needs ranks, a number for each pixel; send them.")
        order_D3 = painted_order(torch.from_numpy(command.ranks.numpy().copy()), model.image)
    else:
        check_seed(command.order_seed)
        order_D3 = named_order(name, model.image, command.order_seed)
    if isinstance(model, AutoregressiveFamily):
        return model.check_order(order_D3)
    if not torch.equal(order_D3, _order_of_session(model)):
        raise ValueError(f"This model generates in {_order_words(model)}; leave the order out.")
    return None


def _given_first(model: Any, order_D3: Tensor | None, own_D3: Tensor, command: OpenPixels) -> tuple[Tensor | None, int]:
    """The order with the given set first, and how many sub-pixels that set has."""
    if command.mask is None:
        return order_D3, 0
    mask_CHW = command.mask.numpy()
    if mask_CHW.shape != model.image.shape or mask_CHW.dtype != np.bool_:
        raise ValueError(
            f"The given set is {mask_CHW.dtype} of shape {mask_CHW.shape}; it must say true or false for each "
            f"sub-pixel, bool {model.image.shape}."
        )
    chosen_D3 = own_D3 if order_D3 is None else order_D3
    is_given_D = torch.from_numpy(mask_CHW.copy())[tuple(chosen_D3.T)]
    num_given = int(is_given_D.sum())
    if bool(is_given_D[:num_given].all()):
        return order_D3, num_given
    if not (isinstance(model, AutoregressiveFamily) and model.any_order):
        num_first = int((~is_given_D).int().argmax())
        raise ValueError(
            f"This model generates in {_order_words(model)}, so only what comes first in it can be given: of these "
            f"{num_given} sub-pixels the first {num_first}. Give those, or choose a model that takes any order, like a "
            "NADE trained order-agnostically."
        )
    return torch.cat([chosen_D3[is_given_D], chosen_D3[~is_given_D]]), num_given


def _checked_label(model: Any, label: int) -> int:
    if label == NO_LABEL:
        return label
    if not isinstance(model, AutoregressiveFamily):
        raise ValueError("This model cannot be conditioned on a label; leave it out.")
    model.check_labels(torch.tensor([label]), 1)
    return label


def _order_words(model: Any) -> str:
    return model.order_words if isinstance(model, AutoregressiveFamily) else "an order of its own only"


def _order_of_session(model: Any) -> Tensor:
    """The order of a model that says it only by generating."""
    with torch.inference_mode():
        session: PixelSession = model.pixel_session(1, generator=torch.Generator(model.device))
    return session.order.cpu().long()
