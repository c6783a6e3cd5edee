"""The models that benchmarks measure: the table's sizes where no setting is given."""

from typing import Any

import torch

from gmstudio.cards import ImageSpec, parse_config
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


def table_model(family: str, image: ImageSpec, settings: list[str]) -> Family:
    """A model with random weights, on the CPU.

    Raises:
        ConfigError: for settings outside their range.
    """
    kind = family_class(family)
    return build_model(kind, parse_config(kind.Config, table_config(family, settings)), image, torch.device("cpu"))
