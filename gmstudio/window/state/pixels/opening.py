"""Command that opens a generation with the choices of the user."""

from gmstudio.protocol.array import Array
from gmstudio.protocol.pixels import OpenPixels
from gmstudio.window.state.pixels.generation_edits import Choices


def open_command(run: str, seed: int, choices: Choices, levels: Array | None = None, num_placed: int = 0) -> OpenPixels:
    """Return the command that opens a run with the chosen order, class and observed sub-pixels.

    Args:
        run: its path.
        seed: of the sub-pixels to come.
        choices: order, class and conditioning.
        levels: (C, H, W) of an image to begin with; None: an empty one, of which nothing is observed.
        num_placed: its sub-pixels that count as placed.
    """
    image = choices.conditioning.image
    observed = image.observed if levels is not None and image is not None else None
    return OpenPixels(
        run=run,
        seed=seed,
        levels=levels,
        num_placed=num_placed,
        order=choices.order.name,
        order_seed=choices.order.seed,
        ranks=choices.order.sent_ranks,
        observed=None if observed is None else Array.of(observed),
        label=choices.label,
    )
