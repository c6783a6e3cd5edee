"""Commands to a ``PixelExplorer``, sent as often as a busy machine needs, and small models to send them about."""

from typing import Any

import torch

from gmstudio.engine.pixels.explorer import PixelExplorer
from gmstudio.families import FAMILIES
from gmstudio.protocol.base import Event
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import AdvancePixels, OpenPixels, PixelsMoved, PixelsOpened, RewindPixels

EVERYTHING = 10_000
SMALL: dict[str, dict[str, Any]] = {
    "markov": {"num_parents": 2},
    "fvbn": {},
    "nade": {"num_hidden": 6, "num_components": 3, "order_agnostic": True},
    "made": {"num_hidden": 12, "num_orders": 3},
    "pixelrnn_row": {"num_layers": 1, "num_channels": 3, "num_head_channels": 3, "input_kernel_size": 3},
    "pixelrnn_diagonal": {"num_layers": 1, "num_channels": 3, "num_head_channels": 3, "input_kernel_size": 3},
    "pixelcnn": {"num_blocks": 1, "num_channels": 3, "num_head_channels": 4, "input_kernel_size": 3},
    "gated_pixelcnn": {"num_layers": 1, "num_channels": 3, "num_head_channels": 4, "input_kernel_size": 3},
}
"""Settings of a small model of each autoregressive family."""


def small_model(name: str, image: ImageSpec, spread: float = 0.4, **values: Any) -> Any:
    """A small model whose parameters are all random and far from their initial values, as if in training."""
    torch.manual_seed(0)
    family = FAMILIES[name]
    model = family(family.Config(**SMALL[name] | values), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(spread * torch.randn_like(parameter))
    return model


def open_one(explorer: PixelExplorer, model: Any, **fields: Any) -> tuple[PixelsOpened, PixelsMoved]:
    """Open a generation of the run ``run`` with weights of step 7."""
    opened, moved = explorer.open(model, "run", 7, OpenPixels(request=1, run="run", **fields))
    assert isinstance(opened, PixelsOpened) and isinstance(moved, PixelsMoved)
    return opened, moved


def one(events: list[Event]) -> PixelsMoved:
    """The only event, which says where a generation stands."""
    (moved,) = events
    assert isinstance(moved, PixelsMoved)
    return moved


def advance(explorer: PixelExplorer, session: int, count: int = 1, temperature: float = 1.0) -> PixelsMoved:
    """Go on by ``count`` or to the end."""
    left = count
    while True:
        at_once = left if count == EVERYTHING else 1  # one is always made, however little time there is
        command = AdvancePixels(session=session, count=at_once, temperature=temperature, budget_ms=100.0)
        moved = one(explorer.advance(command))
        left -= at_once if count < EVERYTHING else 0
        if not left or moved.conditional.shape == (0,):
            return moved


def rewind(explorer: PixelExplorer, session: int, step: int) -> PixelsMoved:
    """One command to go to a step of the path."""
    return one(explorer.rewind(RewindPixels(session=session, step=step)))


def arrive(explorer: PixelExplorer, session: int, step: int) -> PixelsMoved:
    """Go to a step of the path."""
    while (moved := rewind(explorer, session, step)).step < step:
        pass
    return moved
