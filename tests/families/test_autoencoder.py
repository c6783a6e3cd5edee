"""The autoencoder: what its code is, what corruption and sparsity do, and what it does not claim."""

import math
from typing import Any

import msgspec
import pytest
import torch
from tiny_families import fit

from gmstudio.engine.catalog import capabilities_of
from gmstudio.families.autoencoder import Autoencoder, Standardize
from gmstudio.families.diagnostics import Illustrated
from gmstudio.nn.corruption import CorruptionName, corrupt
from gmstudio.protocol.config import ConfigError, parse_config
from gmstudio.protocol.families import CAPABILITIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import random_images, seeded

IMAGE = ImageSpec(1, 6, 5, 4)


def build(image: ImageSpec = IMAGE, **config: Any) -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(parse_config(Autoencoder.Config, {"num_hidden": 48, "num_channels": 8, **config}), image)


def test_it_claims_no_generative_model() -> None:
    assert Autoencoder.card.branch == ("Not a generative model",)
    assert "not a generative model" in Autoencoder.card.summary
    assert set(capabilities_of(Autoencoder)) == {"encode", "decode", "figures"} <= set(CAPABILITIES)
    assert build().latent.prior == "none"


def test_the_default_for_28_by_28_is_784_512_10_512_784() -> None:
    model = Autoencoder(Autoencoder.Config(), ImageSpec(1, 28, 28, 2))
    assert model.num_parameters() == 784 * 512 + 512 + 512 * 10 + 10 * 512 + 512 + 512 * 784 + 784


@pytest.mark.parametrize("side", [28, 32])
def test_four_convolutions_of_128_to_1024_channels(side: int) -> None:
    model = Autoencoder(Autoencoder.Config(architecture="conv", num_channels=128), ImageSpec(1, side, side, 2))
    channels = [m.out_channels for m in model.encoder.modules() if isinstance(m, torch.nn.Conv2d)]
    mirrored = [m.in_channels for m in model.decoder.modules() if isinstance(m, torch.nn.ConvTranspose2d)]
    assert channels == mirrored[::-1] == [128, 256, 512, 1024]


@pytest.mark.parametrize(("size", "said"), [(0, "Latent dimensions is 0"), (10_000, "Latent dimensions is 10000")])
def test_a_bottleneck_of_no_use_is_refused_in_words(size: int, said: str) -> None:
    with pytest.raises(ConfigError, match=f"{said}; it must be a whole number from 1 to 512"):
        Autoencoder(Autoencoder.Config(num_latent=size), IMAGE)


def test_squared_error_is_that_of_grey_values_summed_over_the_image() -> None:
    model = build().eval()
    x = random_images(IMAGE, 7)
    expected = (model.decode(model.encode(x)) - x / 3).square().flatten(1).sum(1).mean()
    torch.testing.assert_close(model.loss(x, seeded())["loss"], expected)


@pytest.mark.parametrize("levels", [2, 4, 16])
def test_the_likelihood_is_that_of_the_integers_given_the_code(levels: int) -> None:
    image = ImageSpec(1, 4, 4, levels)
    model = build(image, reconstruction="likelihood").eval()
    x = random_images(image, 7)
    assert model.likelihood is not None
    expected = -model.likelihood.log_prob(model.decoder(model.encode(x)), x).mean()
    torch.testing.assert_close(model.loss(x, seeded())["loss"], expected)
    assert model.loss(x, seeded())["loss"].item() == pytest.approx(16 * math.log(levels), rel=0.2)


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
@pytest.mark.parametrize("reconstruction", ["squared error", "likelihood"])
def test_one_batch_can_be_overfitted_and_codes_are_standardized(architecture: str, reconstruction: str) -> None:
    model = build(architecture=architecture, reconstruction=reconstruction, num_layers=2)
    x = random_images(IMAGE, 12)
    fit(model, x, 300)
    model.eval()
    codes = model.encode(x)
    assert ((model.decode(codes) * 3).round() == x).float().mean() > 0.95
    torch.testing.assert_close(codes.mean(0), torch.zeros(10), atol=0.15, rtol=0)
    torch.testing.assert_close(codes.std(0), torch.ones(10), atol=0.15, rtol=0)
    torch.testing.assert_close(model.encode(x[:1]), codes[:1], atol=1e-5, rtol=1e-4)


def test_an_image_alone_can_be_learned() -> None:
    model = build()
    x = random_images(IMAGE, 1)
    fit(model, x, 200)
    model.eval()
    assert torch.isfinite(model.encode(x)).all()
    assert (model.decode(model.encode(x)) - x / 3).abs().max() < 0.1


def test_standardizing_is_batch_normalization_without_parameters() -> None:
    ours, theirs = Standardize(5), torch.nn.BatchNorm1d(5, affine=False)
    for seed in range(4):
        h = 3.0 + 2.0 * torch.randn(9, 5, generator=seeded(seed))
        torch.testing.assert_close(ours(h), theirs(h))
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(h), theirs(h))
    assert not list(ours.parameters())


def test_looking_moves_no_averages() -> None:
    model = build().train()
    x = random_images(IMAGE, 6)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.encode(x)
    model.figures(x, seeded())
    with torch.no_grad():
        model.loss(x, seeded())
    model.eval().loss(x, seeded())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# ---- corruption --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["none", "gaussian", "masking", "salt and pepper"])
def test_corruption_does_what_its_name_says(name: CorruptionName) -> None:
    grey = torch.full((50, 3, 20, 20), 0.5)
    seen = corrupt(grey, name, 0.3, seeded())
    changed = seen != grey
    if name == "none":
        assert seen is grey
    elif name == "gaussian":
        assert (seen - grey).std().item() == pytest.approx(0.3, rel=0.02)
    else:
        assert changed.float().mean().item() == pytest.approx(0.3, abs=0.01)
        assert torch.equal(changed[:, :1].expand_as(changed), changed), "a pixel's colours go together"
        white = (seen[changed] == 1.0).float().mean().item()
        assert white == pytest.approx(0.5 if name == "salt and pepper" else 0.0, abs=0.02)
        assert set(seen.unique().tolist()) <= {0.0, 0.5, 1.0}
    assert torch.equal(corrupt(grey, name, 0.0, seeded()), grey)


def test_denoising_asks_for_the_clean_image() -> None:
    x = random_images(ImageSpec(1, 6, 5, 2), 8)
    plain, denoising = (build(ImageSpec(1, 6, 5, 2), num_latent=30, noise=noise) for noise in ("none", "masking"))
    for model in (plain, denoising):
        fit(model, x, 250)
        model.eval()
    grey = x.float().expand(8, -1, -1, -1).repeat(20, 1, 1, 1)
    seen = corrupt(grey, "masking", 0.3, seeded(5))
    errors = [(m.decode(m.encode_floats(seen)) - grey).square().mean().item() for m in (plain, denoising)]
    assert errors[1] < 0.5 * errors[0]


# ---- sparsity ----------------------------------------------------------------------------------------------


def test_an_l1_penalty_is_the_mean_size_of_standardized_entries() -> None:
    model = build(sparsity="l1", sparsity_weight=0.5)
    terms = model.loss(random_images(IMAGE, 40), seeded())
    torch.testing.assert_close(terms["loss"], terms["reconstruction"] + 0.5 * terms["sparsity"])
    assert 0.0 < terms["sparsity"].item() <= 10.0, "entries of deviation 1 have a mean size of 1 at most"
    sparse = build(sparsity="l1", sparsity_weight=5.0)
    x = random_images(IMAGE, 40)
    fit(sparse, x, 150)
    assert sparse.loss(x, seeded())["sparsity"] < 0.8 * terms["sparsity"]


def test_a_target_rate_is_reached() -> None:
    x = random_images(IMAGE, 40)
    model = build(sparsity="kl", sparsity_weight=20.0, sparsity_target=0.1)
    rates = model._units(x / 3).mean(0)
    expected = (0.1 * (0.1 / rates).log() + 0.9 * (0.9 / (1 - rates)).log()).sum()
    torch.testing.assert_close(model.loss(x, seeded())["sparsity"], expected)
    fit(model, x, 200)
    torch.testing.assert_close(model._units(x / 3).mean(0).detach(), torch.full((10,), 0.1), atol=0.03, rtol=0)


# ---- words and figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("reconstruction", ["squared error", "likelihood"])
@pytest.mark.parametrize("sparsity", ["none", "l1", "kl"])
@pytest.mark.parametrize("noise", ["none", "gaussian"])
def test_the_card_has_the_formula_of_every_variant(reconstruction: str, sparsity: str, noise: str) -> None:
    model = build(reconstruction=reconstruction, sparsity=sparsity, noise=noise)
    objective = Autoencoder.card.objective(msgspec.to_builtins(model.config))
    assert [term.name for term in objective.terms] == list(model.loss(random_images(IMAGE, 4), seeded()))
    assert (r"\tilde{x}" in objective.latex) == (noise != "none")
    assert (r"\log p" in objective.latex) == (reconstruction == "likelihood")
    assert (r"\hat\rho" in objective.latex) == (sparsity == "kl")
    assert not any(term.per_image_nats for term in objective.terms), "nothing here bounds log p(x)"


def test_figures_show_what_they_say() -> None:
    x = random_images(IMAGE, 9)
    model = build(noise="masking", sparsity="kl")
    assert isinstance(model, Illustrated)
    pictures, filters, rates = model.figures(x, seeded())
    assert pictures.images is not None and pictures.images.shape == (27, *IMAGE.shape)
    assert pictures.columns == len(pictures.series) and pictures.series[:3] == ("input", "corrupted", "reconstruction")
    torch.testing.assert_close(pictures.images[::3], x.float() / 3)
    assert ((pictures.images[1::3] == pictures.images[::3]) | (pictures.images[1::3] == 0)).all()
    torch.testing.assert_close(pictures.images[2::3], model.decode(model.encode_floats(pictures.images[1::3])).detach())
    assert filters.values is not None and filters.signed and filters.labels[:2] == ("unit 0", "unit 1")
    first = next(layer for layer in model.encoder.modules() if isinstance(layer, torch.nn.Linear))
    torch.testing.assert_close(filters.values.flatten(1), first.weight[:36].detach())
    assert rates.values is not None and rates.values.shape == (1, 10)
    plain = build(architecture="conv").figures(x, seeded())
    assert [figure.name for figure in plain] == ["reconstructions"]
    assert plain[0].images is not None and len(plain[0].images) == 18
