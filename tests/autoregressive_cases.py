"""Autoregressive models to hold against the laws: small settings of every family, and images for them."""

from typing import Any

import msgspec
import torch

from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec

LARGER = [ImageSpec(1, 5, 4, 2), ImageSpec(1, 4, 5, 5), ImageSpec(3, 3, 4, 2), ImageSpec(3, 2, 3, 4)]

CONFIGS: dict[str, list[dict[str, Any]]] = {
    "markov": [
        {"num_parents": 1},
        {"num_parents": 2, "order": "snake", "smoothing": 0.5},
        {"num_parents": 3, "estimator": "logistic"},
        {"num_parents": 40, "estimator": "logistic", "order": "spiral"},
    ],
    "fvbn": [{}, {"order": "spiral"}, {"order": "random", "order_seed": 3}],
    "nade": [
        {"num_hidden": 8, "activation": "sigmoid"},
        {"num_hidden": 5, "order": "spiral", "num_components": 2, "mixture": "gaussian"},
        {"num_hidden": 7, "order_agnostic": True, "num_components": 3},
        {
            "num_hidden": 6,
            "activation": "sigmoid",
            "order_agnostic": True,
            "num_layers": 3,
            "order": "centre",
            "num_components": 2,
        },
        {"num_hidden": 6, "order_agnostic": True, "num_layers": 2, "num_components": 2},
    ],
    "made": [
        {"num_hidden": 11, "num_layers": 1},
        {"num_hidden": 30, "num_layers": 2, "direct": True, "order": "spiral"},
        {"num_hidden": 16, "num_masks": 4, "num_averaged": 3, "order": "columns_bottom_right"},
        {"num_hidden": 16, "num_orders": 5, "num_masks": 2, "direct": True, "order": "centre"},
    ],
    "gated_pixelcnn": [
        {"num_layers": 2, "num_channels": 5, "num_head_channels": 4, "input_kernel_size": 5, "corner": "top right"},
        {
            "num_layers": 1,
            "num_channels": 2,
            "num_head_channels": 7,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "input_kernel_size": 3,
        },
    ],
    "pixelrnn_row": [
        {"num_layers": 2, "num_channels": 4, "num_head_channels": 5, "input_kernel_size": 3},
        {
            "num_layers": 2,
            "num_channels": 2,
            "num_head_channels": 7,
            "kernel_size": 5,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "corner": "bottom right",
        },
    ],
    "pixelrnn_diagonal": [
        {"num_layers": 2, "num_channels": 4, "num_head_channels": 5, "input_kernel_size": 3},
        {
            "num_layers": 2,
            "num_channels": 2,
            "num_head_channels": 7,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "corner": "top right",
        },
    ],
    "pixelcnn": [
        {"num_blocks": 2, "num_channels": 4, "num_head_channels": 5},
        {"num_blocks": 1, "num_channels": 7, "num_head_channels": 3, "kernel_size": 5, "input_kernel_size": 3},
        {
            "num_blocks": 1,
            "num_channels": 2,
            "num_head_channels": 7,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "corner": "bottom right",
        },
    ],
}
"""Small settings to try, by family; a family without any is tried with its defaults."""

CASES = [
    (name, number, values)
    for name, family in FAMILIES.items()
    if hasattr(family, "pixel_session")
    for number, values in enumerate(CONFIGS.get(name, [{}]))
]
"""(family, number, settings) to try."""


def describe(image: ImageSpec) -> str:
    """A test's identifier, in ASCII."""
    return "x".join(map(str, msgspec.structs.astuple(image)))


def make(name: str, values: dict[str, Any], image: ImageSpec, seed: int = 0, spread: float = 0.4) -> Any:
    """A model whose parameters are all random and far from their initial values."""
    torch.manual_seed(seed)
    model = FAMILIES[name](FAMILIES[name].Config(**values), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(spread * torch.randn_like(parameter))
    return model
