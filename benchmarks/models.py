"""Models that the benchmarks measure: by default at the published comparison's sizes, and those of public code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from gmstudio.engine.runtime.building import build_model, family_class
from gmstudio.engine.runtime.device import choose_device
from gmstudio.families.base import Family
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec

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


@dataclass(frozen=True)
class Comparison:
    """A model of the sizes of public code (``benchmarks.peers`` times packages beside ours).

    Args:
        family: key in ``FAMILIES``.
        settings: of its config; defaults where not named.
        public: description of that code.
        differs: differences in architecture and arithmetic; empty: none known.
        size: rows and columns of the images.
    """

    family: str
    settings: Mapping[str, Any]
    public: str
    differs: str = ""
    size: int = 28


_ONE_NETWORK = "One network gives shifts and scales, where some public code has two."

COMPARISONS: dict[str, Comparison] = {
    "vae_mlp": Comparison(
        "vae", {"num_hidden": 512, "num_latent": 10}, "PyTorch VAE of dense layers 784-512-10-512-784"
    ),
    "vae_conv": Comparison(
        "vae",
        {"architecture": "conv", "num_channels": 128, "num_latent": 10},
        "PyTorch VAE of convolutions with maps of 128-256-512-1024",
        "Ours mirrors the encoder in the decoder, maps of 14-7-3-1, with a dense layer of 512 units next to the code.",
    ),
    "autoencoder_mlp": Comparison(
        "autoencoder",
        {"num_hidden": 512, "num_latent": 10},
        "PyTorch autoencoder of dense layers 784-512-10-512-784",
    ),
    "gan_mlp": Comparison(
        "gan",
        {"num_latent": 100, "num_hidden": 528, "num_layers": 3, "instance_noise": 0.0},
        "the script of PyTorch-GAN: G 100-128-256-512-1024-784 with batch normalization, D 784-512-256-1",
        "As many parameters (2.0 M) and dense layers, but all hidden ones are of one width, in G and D alike, without "
        "normalization; D gets generated images of its own. Ours computes about 1.3 times as much.",
    ),
    "dcgan": Comparison(
        "gan",
        {"architecture": "dcgan", "num_latent": 100, "num_channels": 32, "instance_noise": 0.0},
        "PyTorch DCGAN for 32×32, 1.1 M parameters",
        "Ours has 1.1 M parameters in G (transposed convolutions, group normalization) and 0.7 M more in D, its "
        "mirror, which is tiny in the public code.",
        size=32,
    ),
    "rbm_cd1": Comparison(
        "rbm",
        {"num_hidden": 500, "negative_phase": "cd", "num_gibbs": 1},
        "PyTorch RBM 784×500 trained by CD-1",
        "Ours keeps free energies, reconstruction and pseudo-likelihood of every step.",
    ),
    "nice": Comparison(
        "realnvp",
        {"architecture": "mlp", "coupling": "additive", "num_couplings": 4, "num_layers": 5, "num_hidden": 1000},
        "PyTorch NICE: 4 couplings with networks of 5 layers of 1000 units",
    ),
    "realnvp_mlp5": Comparison(
        "realnvp",
        {"architecture": "mlp", "num_couplings": 5, "num_layers": 2, "num_hidden": 1024},
        "PyTorch RealNVP: 5 couplings with dense networks of 1024 units",
        _ONE_NETWORK,
    ),
    "realnvp_mlp8": Comparison(
        "realnvp",
        {"architecture": "mlp", "num_couplings": 8, "num_layers": 2, "num_hidden": 512},
        "PyTorch RealNVP: 8 couplings with dense networks of 512-512 units",
        _ONE_NETWORK,
    ),
    "realnvp_image": Comparison(
        "realnvp",
        {"architecture": "conv", "num_channels": 32, "num_blocks": 2},
        "PyTorch RealNVP for images: two scales, 32 base channels, 2 residual blocks",
        "No batch or weight normalization in the residual networks.",
    ),
}
"""Name → model of the sizes of public code (docs/benchmarks.md)."""


def comparison(name: str) -> Comparison:
    """Return the comparison of that name.

    Raises:
        ValueError: when there is none.
    """
    if name not in COMPARISONS:
        raise ValueError(f"--model {name}: there is no such model to compare; choose from {', '.join(COMPARISONS)}.")
    return COMPARISONS[name]


def table_config(family: str, settings: list[str]) -> dict[str, Any]:
    """Config to measure: ``settings`` (``field=value``) if any, else that of ``TABLE``.

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
    """Build a model with random weights.

    Args:
        family: key in ``FAMILIES``.
        image: shape and levels of the images.
        settings: see ``table_config``.
        default: build the family's default size.
        device: see ``choose_device``.

    Raises:
        ConfigError: for settings outside their range.
        ValueError: when this machine has no such device.
    """
    return configured_model(family, image, {} if default else table_config(family, settings), device)


def configured_model(family: str, image: ImageSpec, config: Mapping[str, Any], device: str = "cpu") -> Family:
    """Build a model like ``table_model``, from some fields of the config, the others at their defaults."""
    kind = family_class(family)
    return build_model(kind, parse_config(kind.Config, dict(config)), image, choose_device(device))


def randomize(model: torch.nn.Module) -> None:
    """Move the weights away from their initial values, so that conditionals differ from pixel to pixel."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator).to(parameter.device)
            parameter.add_(noise * (0.5 * parameter.std() if parameter.numel() > 1 else 0.1))
