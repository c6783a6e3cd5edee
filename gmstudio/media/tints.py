"""Tints of an image's pixels by their state in exact parallel sampling: settled, changed, still wrong.

Every pixel is a square of 3×3. Where the round changed it, the middle is a dot. Grey values are mixed with the colour
of the state; of coloured pixels only a corner has that of wrong ones, so that their own colour can be seen.
Shapes: C channels, H height, W width.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 3
SETTLED: Final = (38, 166, 128)
CHANGED: Final = (255, 178, 36)
WRONG: Final = (224, 79, 134)
"""Colours (RGB) that colour-blind readers distinguish: their lightness differs, too, and one is a dot."""
OPACITY: Final = 100
"""Of a mixed colour, of 255."""
FAINT: Final = 50
"""Of that of settled pixels which have a colour of their own."""


def round_tints(
    settled_HW: NDArray[np.bool_], changed_HW: NDArray[np.bool_], wrong_HW: NDArray[np.bool_], *, coloured: bool
) -> NDArray[np.uint8]:
    """(3H, 3W, 4) RGBA of the tints; transparent where a pixel is in none of the states.

    Args:
        settled_HW: pixels that no later round changes.
        changed_HW: pixels that the round changed.
        wrong_HW: pixels that a later round changes.
        coloured: the image is not grey.
    """
    height, width = settled_HW.shape
    cells = np.zeros((height, width, SIDE, SIDE, 4), np.uint8)
    cells[settled_HW] = (*SETTLED, FAINT if coloured else OPACITY)
    if coloured:
        cells[wrong_HW, -1, 0] = (*WRONG, 255)
    else:
        cells[wrong_HW] = (*WRONG, OPACITY)
    cells[changed_HW, SIDE // 2, SIDE // 2] = (*CHANGED, 255)
    return cells.transpose(0, 2, 1, 3, 4).reshape(SIDE * height, SIDE * width, 4)


def tinted(image_CHW: NDArray[np.uint8], tints: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(3, 3H, 3W): an image of grey or RGB values 0 … 255 with its tints mixed in."""
    _, height, width = image_CHW.shape
    large = np.broadcast_to(image_CHW, (3, height, width)).repeat(SIDE, axis=1).repeat(SIDE, axis=2)
    share = tints[..., 3] / 255.0
    mixed: NDArray[np.uint8] = (
        (large * (1 - share) + tints[..., :3].transpose(2, 0, 1) * share).round().astype(np.uint8)
    )
    return mixed
