"""Layers of a model whose values are features of an image."""

from collections.abc import Callable

import torch
from torch import Tensor

from gmstudio.engine.runtime.inspection import exploring
from gmstudio.families.base import Encoder, Family, Latent
from gmstudio.families.feature_layers import CODE, LayeredFeatures
from gmstudio.protocol.features import FeatureLayer


def layers_of(model: Family) -> tuple[FeatureLayer, ...]:
    """Return the layers of a model, exactly one of them the default; none where it has no features.

    A family that says nothing of its layers has its code, where it can encode.
    """
    with exploring(model):
        if isinstance(model, LayeredFeatures):
            return model.feature_layers()
        if not isinstance(model, Encoder):
            return ()
        size = model.latent.num_dims if isinstance(model, Latent) else model.encode(_blank(model)).shape[1]
    return (FeatureLayer(name=CODE, title="Code", num_dims=size, help="The code of the image.", default=True),)


def layer_of(model: Family, name: str) -> FeatureLayer:
    """Return the layer of a name; empty: the default one.

    Raises:
        ValueError: when the model has no features, or none of that name.
    """
    layers = layers_of(model)
    if not layers:
        raise ValueError(
            f"{model.card.title} has no hidden layers or codes that could be features; choose another run, or the "
            "pixels."
        )
    for layer in layers:
        if layer.name == name or (not name and layer.default):
            return layer
    known = ", ".join(layer.name for layer in layers)
    raise ValueError(f"{model.card.title} has no layer {name!r}; choose one of {known}.")


def values_of(model: Family, layer: FeatureLayer, timestep: int = 0, seed: int = 0) -> Callable[[Tensor], Tensor]:
    """Return the function from images (B, C, H, W) integers to features (B, F) of a layer.

    Raises:
        ValueError: for a timestep that the layer does not have.
    """
    if timestep and not layer.max_timestep:
        raise ValueError(f"The layer {layer.title} takes no timestep, but {timestep} was given; leave it out.")
    if not 0 <= timestep <= layer.max_timestep:
        raise ValueError(f"The timestep is {timestep}; the layer {layer.title} takes 1 to {layer.max_timestep}.")
    if isinstance(model, LayeredFeatures):
        layered: LayeredFeatures = model
        return lambda x: layered.layer_values(x, layer.name, timestep, seed)
    assert isinstance(model, Encoder)
    return model.encode


def _blank(model: Family) -> Tensor:
    return torch.zeros(1, *model.image.shape, dtype=torch.int64, device=model.device)
