"""The models that benchmarks measure: the table's sizes where no setting is given."""

from typing import Any

import torch

from gmstudio.cards import ImageSpec, parse_config
from gmstudio.engine.device import choose_device
from gmstudio.engine.models import build_model, family_class
from gmstudio.families.base import Family

TABLE: dict[str, dict[str, Any]] = {
    "fvbn": {},
    "nade": {"num_hidden": 500, "activation": "sigmoid"},
    "made": {"num_hidden": 500, "num_layers": 1},
    "pixelrnn_row": {"num_layers": 7, "num_channels": 16, "num_head_channels": 32},
    "pixelrnn_diagonal": {"num_layers": 7, "num_channels": 16, "num_head_channels": 32},
    "pixelcnn": {"num_blocks": 15, "num_channels": 16, "num_head_channels": 32},
    "gated_pixelcnn": {"num_layers": 10, "num_channels": 128, "num_head_channels": 32},
    "rbm": {"num_hidden": 500, "negative_phase": "cd", "num_gibbs": 1},
}
"""Family → the config of the published comparison (docs/benchmarks.md); families not named use their defaults."""


def table_config(family: str, settings: list[str]) -> dict[str, Any]:
    """The settings to measure: ``settings`` (``field=value``) where given, else the table's.

    Raises:
        ValueError: when a setting is not of that form.
    """
    if not settings:
        return TABLE.get(family, {})
    config = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"--set {setting}: write field=value.")
        config[name] = value
    return config


def table_model(
    family: str, image: ImageSpec, settings: list[str], *, default: bool = False, device: str = "cpu"
) -> Family:
    """A model with random weights.

    Args:
        family: key in ``FAMILIES``.
        image: what the images are.
        settings: see ``table_config``.
        default: of the family's default size instead.
        device: where it is, see ``choose_device``.

    Raises:
        ConfigError: for settings outside their range.
        ValueError: when this machine has no such device.
    """
    kind = family_class(family)
    config = {} if default else table_config(family, settings)
    return build_model(kind, parse_config(kind.Config, config), image, choose_device(device))


def randomize(model: torch.nn.Module) -> None:
    """Move the weights away from their initial values, so that conditionals differ from pixel to pixel."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator).to(parameter.device)
            parameter.add_(noise * (0.5 * parameter.std() if parameter.numel() > 1 else 0.1))
