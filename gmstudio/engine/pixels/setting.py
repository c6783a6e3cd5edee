"""Setting of a generation, checked: a model, an order that it can generate in, a label, observed sub-pixels.

Shapes: C channels, H height, W width, D sub-pixels (C·H·W).
"""

from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.autoregressive.base import NO_LABEL, AutoregressiveFamily
from gmstudio.families.autoregressive.orders import ORDER_NAMES, OrderName, name_of_order, named_order, painted_order
from gmstudio.families.base import Autoregressive, PixelSession
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import OpenPixels
from gmstudio.protocol.training_settings import MAX_SEED

PAINTED = "painted"


@runtime_checkable
class PixelModel(Autoregressive, Protocol):
    """Autoregressive model with the attributes that a generation needs; every ``Family`` has them."""

    image: ImageSpec

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""


@dataclass(frozen=True, eq=False)
class PixelSetting:
    """A model with fixed weights, and how images are generated with it.

    Args:
        model: in evaluation mode.
        order: (D, 3) int64 rows (channel, row, column) that the model can generate in; None: its own order.
        label: class that is conditioned on; −1: none.
        orders: names of the orders that can be chosen.
        order_name: of the chosen one.
        order_words: description of the only order that the model takes; empty when any can be chosen.
        num_observed: sub-pixels that come first because they are observed.
    """

    model: PixelModel
    order: Tensor | None = None
    label: int = NO_LABEL
    orders: tuple[str, ...] = ()
    order_name: str = ""
    order_words: str = ""
    num_observed: int = 0

    @property
    def image(self) -> ImageSpec:
        """Size and levels of the images."""
        return self.model.image

    @property
    def any_order(self) -> bool:
        """The model can be conditioned on any set of sub-pixels, and generate the rest in any order."""
        return isinstance(self.model, AutoregressiveFamily) and self.model.any_order

    @property
    def num_classes(self) -> int:
        """Classes that the model can be conditioned on."""
        return self.model.num_classes if isinstance(self.model, AutoregressiveFamily) else 0

    @property
    def classes(self) -> tuple[int, ...]:
        """Those of them that the model was trained with."""
        return self.model.labels if isinstance(self.model, AutoregressiveFamily) else ()

    def labels(self, batch: int) -> Tensor | None:
        """(batch,) int64, the label of each of ``batch`` images; None without one."""
        return None if self.label == NO_LABEL else torch.full((batch,), self.label, device=self.model.device)

    def open_session(self, batch: int, uniforms: Tensor) -> PixelSession:
        """Open a pixel session with (D, batch) uniforms; the global random state is unchanged."""
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
    """Check a seed.

    Raises:
        ValueError: when it is out of range.
    """
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"The seed is {seed}; it must be 0 to {MAX_SEED}.")


def setting_of(model: PixelModel, command: OpenPixels) -> PixelSetting:
    """Return the setting that a command requests.

    Args:
        model: in evaluation mode.
        command: the request; its image is checked by ``checked_levels``.

    Raises:
        ValueError: when the order, the observed sub-pixels or the label do not fit the model.
    """
    order_D3 = _ordered(model, command)
    own_D3 = model.own_order if isinstance(model, AutoregressiveFamily) else _order_of_session(model)
    own_name = name_of_order(own_D3, model.image) or ("random" if isinstance(model, AutoregressiveFamily) else "")
    order_D3, num_observed = _observed_first(model, order_D3, own_D3, command)
    any_order = isinstance(model, AutoregressiveFamily) and model.any_order
    return PixelSetting(
        model=model,
        order=order_D3,
        label=_checked_label(model, command.label),
        orders=(*ORDER_NAMES, PAINTED) if any_order else (own_name,),
        order_name=command.order or own_name,
        order_words="" if any_order else _order_words(model),
        num_observed=num_observed,
    )


def checked_levels(command: OpenPixels, image: ImageSpec) -> NDArray[np.integer] | None:
    """(C, H, W) levels of a command's image, or None.

    Raises:
        ValueError: when they do not fit the model's images, or more are to be placed than there are.
    """
    if not 0 <= command.num_placed <= image.num_dims:
        raise ValueError(f"{command.num_placed} placed sub-pixels; this model's images have 0 to {image.num_dims}.")
    if command.levels is None:
        if command.observed is not None:
            raise ValueError("Observed sub-pixels are marked, but there is no image that holds them; send one.")
        if command.num_placed:
            raise ValueError(f"{command.num_placed} sub-pixels are to be placed, but there is no image; send one.")
        return None
    levels = command.levels.numpy()
    if levels.shape != image.shape:
        raise ValueError(f"The observed image has shape {levels.shape}; this model needs {image.shape}.")
    if not np.issubdtype(levels.dtype, np.integer):
        raise ValueError(f"The observed image holds {levels.dtype} numbers; levels are whole numbers, send uint8.")
    low, high = int(levels.min()), int(levels.max())
    if low < 0 or high >= image.levels:
        bad = low if low < 0 else high
        raise ValueError(f"The observed image holds the value {bad}; this model's levels are 0 … {image.levels - 1}.")
    return levels


def _ordered(model: PixelModel, command: OpenPixels) -> Tensor | None:
    """Order with the command's name, which the model can generate in; None: its own."""
    name = command.order
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
        order_D3 = named_order(cast(OrderName, name), model.image, command.order_seed)  # which checks the name
    if isinstance(model, AutoregressiveFamily):
        return model.check_order(order_D3)
    if not torch.equal(order_D3, _order_of_session(model)):
        raise ValueError(f"This model generates in {_order_words(model)}; leave the order out.")
    return None


def _observed_first(
    model: PixelModel, order_D3: Tensor | None, own_D3: Tensor, command: OpenPixels
) -> tuple[Tensor | None, int]:
    """Order with the observed sub-pixels first, and their number."""
    if command.observed is None:
        return order_D3, 0
    mask_CHW = command.observed.numpy()
    if mask_CHW.shape != model.image.shape or mask_CHW.dtype != np.bool_:
        raise ValueError(
            f"The mask of observed sub-pixels is {mask_CHW.dtype} of shape {mask_CHW.shape}; it must be bool of shape "
            f"{model.image.shape}."
        )
    chosen_D3 = own_D3 if order_D3 is None else order_D3
    is_observed_D = torch.from_numpy(mask_CHW.copy())[tuple(chosen_D3.T)]
    num_observed = int(is_observed_D.sum())
    if bool(is_observed_D[:num_observed].all()):
        return order_D3, num_observed
    if not (isinstance(model, AutoregressiveFamily) and model.any_order):
        num_first = int((~is_observed_D).int().argmax())
        raise ValueError(
            f"This model generates in {_order_words(model)}, so it can be conditioned only on the first sub-pixels of "
            f"that order: of these {num_observed} the first {num_first}. Choose those, or a model that takes any "
            "order, like a NADE trained order-agnostically."
        )
    return torch.cat([chosen_D3[is_observed_D], chosen_D3[~is_observed_D]]), num_observed


def _checked_label(model: PixelModel, label: int) -> int:
    if label == NO_LABEL:
        return label
    if not isinstance(model, AutoregressiveFamily):
        raise ValueError("This model cannot be conditioned on a label; leave it out.")
    model.check_labels(torch.tensor([label]), 1)
    model.check_trained([label])
    return label


def _order_words(model: PixelModel) -> str:
    return model.order_words if isinstance(model, AutoregressiveFamily) else "an order of its own only"


def _order_of_session(model: PixelModel) -> Tensor:
    """(D, 3) order of a model that declares it only by a session."""
    with torch.inference_mode():
        session = model.pixel_session(1, generator=torch.Generator(model.device))
    return session.order.cpu().long()
