"""Layers of every family as features: their shapes, what they depend on, and their gradients."""

from typing import Any

import pytest
import torch
from torch import nn

from gmstudio.engine.features.layers import layer_of, layers_of, values_of
from gmstudio.families import FAMILIES
from gmstudio.families.adversarial.gan import GAN
from gmstudio.families.autoregressive.gated_pixelcnn.model import GatedPixelCNN
from gmstudio.families.autoregressive.nade.model import NADE
from gmstudio.families.base import Family
from gmstudio.families.diffusion.ddpm import DDPM
from gmstudio.families.feature_layers import CODE, GRID, map_layers, map_values
from gmstudio.families.flow.realnvp import RealNVP
from gmstudio.families.variational.vae import VAE
from gmstudio.nn.captured import output_of
from gmstudio.nn.ema import MovingAverage
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import random_images

SPECS = (ImageSpec(1, 8, 8, 4), ImageSpec(3, 7, 9, 16), ImageSpec(1, 5, 6, 2), ImageSpec(1, 1, 2, 16))
SMALL: dict[str, list[dict[str, Any]]] = {
    "markov": [{"num_parents": 1}, {"num_parents": 3, "estimator": "logistic", "order": "spiral"}],
    "fvbn": [{"order": "snake"}],
    "nade": [
        {"num_hidden": 12},
        {"num_hidden": 9, "order_agnostic": True, "num_layers": 2, "order": "spiral", "activation": "sigmoid"},
    ],
    "made": [{"num_hidden": 20, "num_masks": 3, "num_averaged": 2}, {"num_hidden": 20, "num_layers": 1}],
    "pixelcnn": [{"num_channels": 4, "num_blocks": 2, "corner": "bottom right"}],
    "gated_pixelcnn": [{"num_channels": 6, "num_layers": 2}, {"num_channels": 6, "num_layers": 1, "num_classes": 3}],
    "pixelrnn_row": [{"num_channels": 4, "num_layers": 2, "corner": "top right"}],
    "pixelrnn_diagonal": [{"num_channels": 4, "num_layers": 1}],
    "realnvp": [{"num_channels": 4, "num_scales": 3}, {"architecture": "mlp", "num_hidden": 8}],
    "vae": [{"num_hidden": 16, "num_layers": 2}, {"architecture": "conv", "num_channels": 4, "num_hidden": 16}],
    "ddpm": [{"num_channels": 8, "num_timesteps": 40}, {"network": "dense", "num_hidden": 16, "num_timesteps": 40}],
    "rbm": [{"num_hidden": 12}],
    "gsn": [{"num_hidden": 12, "num_layers": 3}, {"num_hidden": 12, "num_layers": 1}],
    "gan": [{"num_hidden": 16}, {"architecture": "dcgan", "num_channels": 4, "spectral_norm": True}],
    "autoencoder": [{"num_hidden": 16}, {"architecture": "conv", "num_channels": 4, "sparsity": "kl"}],
}
CASES = [(name, number) for name in FAMILIES for number in range(len(SMALL[name]))]


def make(name: str, number: int, image: ImageSpec) -> Family:
    """A small model with random weights, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = FAMILIES[name](FAMILIES[name].Config(**SMALL[name][number]), image).eval()
        with torch.no_grad():
            for parameter in model.parameters():  # some begin at zero
                parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def features(model: Family, layer: str, x: torch.Tensor, **settings: int) -> torch.Tensor:
    with torch.no_grad():
        return values_of(model, layer_of(model, layer), **settings)(x)


@pytest.mark.parametrize("image", SPECS, ids=str)
@pytest.mark.parametrize(("name", "number"), CASES)
def test_every_family_has_features_of_the_size_that_it_says(name: str, number: int, image: ImageSpec) -> None:
    model, x = make(name, number, image), random_images(image, 5)
    layers = layers_of(model)
    assert [layer.default for layer in layers].count(True) == 1
    assert len({layer.name for layer in layers}) == len({layer.title for layer in layers}) == len(layers) >= 1
    for layer in layers:
        assert layer.help.endswith(".")
        values = features(model, layer.name, x)
        assert values.shape == (5, layer.num_dims) and values.is_floating_point() and values.isfinite().all()


@pytest.mark.parametrize(("name", "number"), CASES)
def test_features_of_an_image_depend_on_it_alone(name: str, number: int) -> None:
    image = SPECS[0]
    model, x = make(name, number, image), random_images(image, 6)
    for layer in layers_of(model):
        together = features(model, layer.name, x)
        torch.testing.assert_close(together[4:5], features(model, layer.name, x[4:5]), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(together, features(model, layer.name, x), rtol=0, atol=0)
        assert not torch.allclose(together[0], together[1]), layer.name


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_gradient_leads_from_features_to_weights(name: str, number: int) -> None:
    image = SPECS[0]
    model, x = make(name, number, image), random_images(image, 4)
    for module in model.modules():
        if isinstance(module, MovingAverage):
            module.thaw()
    for layer in layers_of(model):
        values = values_of(model, layer)(x)
        found = torch.autograd.grad(values.square().sum(), list(model.parameters()), allow_unused=True)
        assert any(grad is not None and grad.abs().max() > 0 for grad in found) == layer.differentiable, layer.name


def test_a_family_that_only_encodes_has_its_code() -> None:
    class Outside(Family):
        card, Config, training_defaults = VAE.card, VAE.Config, VAE.training_defaults

        def __init__(self) -> None:
            super().__init__(VAE.Config(), SPECS[0])
            self.weight = nn.Parameter(torch.ones(64, 3))

        def phases(self) -> list[Any]:
            return []

        def encode(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1).float() @ self.weight

    (layer,) = layers_of(Outside())
    assert (layer.name, layer.num_dims, layer.default) == (CODE, 3, True)
    assert features(Outside(), "", random_images(SPECS[0], 2)).shape == (2, 3)


def test_an_unknown_layer_is_refused_with_those_that_there_are() -> None:
    model = make("vae", 0, SPECS[0])
    with pytest.raises(ValueError, match=r"no layer 'deep'; choose one of hidden1, hidden2, code"):
        layer_of(model, "deep")
    assert layer_of(model, "").name == CODE


def test_the_code_of_a_vae_is_the_posterior_mean() -> None:
    model, x = make("vae", 0, SPECS[0]), random_images(SPECS[0], 3)
    assert isinstance(model, VAE)
    with torch.no_grad():
        torch.testing.assert_close(features(model, CODE, x), model.posterior(x)[0])


def test_scales_of_a_flow_are_disjoint_parts_of_its_code() -> None:
    image = ImageSpec(1, 8, 8, 4)
    model, x = make("realnvp", 0, image), random_images(image, 3)
    assert isinstance(model, RealNVP)
    sizes = {layer.name: layer.num_dims for layer in layers_of(model)}
    assert sizes == {"scale1": 32, "scale2": 16, "scale3": 16, "code": 64}
    parts = torch.cat([features(model, f"scale{number}", x) for number in (1, 2, 3)], dim=1)
    torch.testing.assert_close(parts.sort(dim=1).values, features(model, CODE, x).sort(dim=1).values)


def test_what_a_flow_factors_out_first_does_not_reach_the_last_scale_back() -> None:
    """Of the inverse: the last scale alone decides the coarse layers, the first one is passed by."""
    image = ImageSpec(1, 8, 8, 4)
    model = make("realnvp", 0, image)
    assert isinstance(model, RealNVP)
    calls = []
    inner = [module for module in model.flow.modules() if type(module).__name__ == "OnHalf"][-1]
    inner.register_forward_hook(lambda _module, inputs, _output: calls.append(inputs[0].shape))
    model.encode(random_images(image, 1))
    assert calls == [(1, 8, 2, 2)]  # half of 8 channels of 2×2 are the 16 entries of the last scale


def test_a_discriminators_layer_is_what_its_last_layer_reads() -> None:
    model, x = make("gan", 0, SPECS[0]), random_images(SPECS[0], 3)
    assert isinstance(model, GAN)
    last = next(module for module in reversed(list(model.critic.modules())) if isinstance(module, nn.Linear))
    with torch.no_grad():
        logits = last(features(model, "hidden2", x)).squeeze(1)
        torch.testing.assert_close(torch.sigmoid(logits), model.discriminate(x.float() / 3))


def test_noise_of_a_diffusion_model_follows_the_seed_and_the_timestep_matters() -> None:
    model, x = make("ddpm", 0, SPECS[0]), random_images(SPECS[0], 3)
    assert isinstance(model, DDPM)
    layer = layer_of(model, "")
    assert (layer.name, layer.max_timestep, layer.default_timestep) == ("middle-grid", 40, 2)
    first = features(model, "middle", x)
    torch.testing.assert_close(first, features(model, "middle", x, timestep=2), rtol=0, atol=0)
    assert not torch.allclose(first, features(model, "middle", x, seed=1))
    assert not torch.allclose(first, features(model, "middle", x, timestep=30))


@pytest.mark.parametrize(("family", "timestep", "words"), [("ddpm", 41, "takes 1 to 40"), ("vae", 1, "no timestep")])
def test_timesteps_that_do_not_exist_are_refused(family: str, timestep: int, words: str) -> None:
    model = make(family, 0, SPECS[0])
    with pytest.raises(ValueError, match=words):
        values_of(model, layer_of(model, ""), timestep)


def test_a_conditional_model_is_run_without_label() -> None:
    model, x = make("gated_pixelcnn", 1, SPECS[0]), random_images(SPECS[0], 2)
    assert isinstance(model, GatedPixelCNN)
    maps = output_of(model.head, lambda: model.features(x, torch.tensor([0, 1])))
    seen: list[torch.Tensor] = []
    model.input.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[2]))
    features(model, "", x)
    assert maps.shape[0] == 2 and seen[0].tolist() == [3, 3]


def test_hidden_units_of_nade_see_the_whole_image() -> None:
    model, x = make("nade", 0, SPECS[0]), random_images(SPECS[0], 2)
    assert isinstance(model, NADE)
    last = x.clone()
    channel, row, column = model.own_order[-1].tolist()
    last[:, channel, row, column] = (last[:, channel, row, column] + 2) % 4
    assert not torch.allclose(features(model, "hidden1", x), features(model, "hidden1", last))
    torch.testing.assert_close(features(model, "pooled", x), features(model, "pooled", last))


def test_maps_are_pooled_over_positions_or_in_cells() -> None:
    maps = torch.arange(2 * 3 * 8 * 8, dtype=torch.float32).view(2, 3, 8, 8)
    pooled, grid = map_layers("m", "Maps", (3, 8, 8), "Maps.")
    assert (pooled.num_dims, grid.num_dims, grid.name) == (6, 48, "m" + GRID)
    assert map_values(maps, "m")[0].tolist() == [31.5, 95.5, 159.5, 63.0, 127.0, 191.0]
    assert map_values(maps, "m" + GRID)[0, 0] == maps[0, 0, :2, :2].mean()
    (single,) = map_layers("m", "Maps", (3, 1, 1), "Maps.")
    assert single.num_dims == 3 and map_values(maps[:, :, :1, :1], "m").shape == (2, 3)
    assert map_layers("m", "Maps", (3, 1, 2), "Maps.")[1].num_dims == 6


def test_a_module_outside_the_network_has_no_output() -> None:
    with pytest.raises(ValueError, match="does not reach its module Linear"):
        output_of(nn.Linear(1, 1), lambda: None)
