"""Exploring latent spaces: replies, refusals, and a model that is left as it was."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from gmstudio import data
from gmstudio.data.dataset import DataError, Dataset
from gmstudio.engine.latents import codes as latents
from gmstudio.engine.latents import dimension_stats
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.families import LatentSpec
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.latents import ComputeDimensionStats, Decode, Decoded, DimensionStatsComputed, Encode

DIMS = 6


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits", {"levels": 4})


def make(name: str, image: ImageSpec, **config: Any) -> Family:
    family = FAMILIES[name]
    torch.manual_seed(3)
    return family(family.Config(num_latent=DIMS, num_hidden=16, **config), image)


@pytest.fixture
def vae(digits: Dataset) -> Family:
    return make("vae", digits.image)


@pytest.fixture
def gan(digits: Dataset) -> Family:
    return make("gan", digits.image)


def codes(n: int = 3, dims: int = DIMS) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, dims)).astype(np.float32)


def symbols(event: Decoded) -> dict[str, NDArray[np.float32]]:
    """Values of each metric by its symbol."""
    return {found.metric.symbol: found.values.numpy() for found in event.metrics}


def decode(model: Family, array: np.ndarray, measure: bool = False) -> Decoded:
    return latents.decode(model, 7, Decode(request=5, run="r", codes=Array.of(array), measure=measure))


def run_stats(model: Family, dataset: Dataset) -> tuple[DimensionStatsComputed, int]:
    *pieces, last = dimension_stats.compute_stats(model, 9, dataset, ComputeDimensionStats(request=4, run="r"))
    assert all(piece is None for piece in pieces)
    assert isinstance(last, DimensionStatsComputed)
    return last, len(pieces)


def test_decode_gives_the_means_as_grey_values(vae: Family) -> None:
    z = codes()
    reply = decode(vae, z)
    with torch.no_grad():
        expected = vae.decode(torch.from_numpy(z)).numpy()
    assert (reply.request, reply.run, reply.step) == (5, "r", 7)
    shown = reply.images.numpy()
    assert shown.dtype == np.uint8 and shown.shape == (3, 1, 8, 8)
    assert np.abs(shown / 255 - expected).max() <= 0.5 / 255 + 1e-6
    assert reply.engine_ms > 0


def test_a_gan_scores_what_it_decodes(gan: Family) -> None:
    z = codes()
    assert decode(gan, z).metrics == (), "none were requested"
    found = symbols(decode(gan, z, measure=True))["D(x)"]
    with torch.no_grad():
        expected = gan.discriminate(gan.decode(torch.from_numpy(z))).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.shape == (3,)


@pytest.mark.parametrize(
    ("objective", "name"), [("minimax", "D(x)"), ("hinge", "σ(D(x))"), ("least squares", "σ(D(x))")]
)
def test_a_score_is_no_probability(digits: Dataset, objective: str, name: str) -> None:
    metrics = symbols(decode(make("gan", digits.image, objective=objective), codes(), measure=True))
    assert {"D(x)", "σ(D(x))"} & set(metrics) == {name}


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (codes().astype(np.float64), "float64"),
        (codes(dims=DIMS + 1), rf"\(3, {DIMS + 1}\).*\(N, {DIMS}\)"),
        (codes()[0], rf"\({DIMS},\)"),
        (codes(n=0), "0 codes"),
        (codes(n=latents.MAX_CODES + 1), f"{latents.MAX_CODES + 1} codes.*{latents.MAX_CODES}"),
        (np.full((1, DIMS), math.nan, np.float32), "nan"),
        (np.full((1, DIMS), math.inf, np.float32), "inf"),
    ],
)
def test_codes_that_do_not_fit_are_refused(vae: Family, array: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(vae, array)


def test_damaged_bytes_are_refused(vae: Family) -> None:
    with pytest.raises(ValueError, match="3 bytes"):
        latents.decode(vae, 0, Decode(run="r", codes=Array("float32", (1, DIMS), b"abc")))


def test_diverged_weights_are_named(vae: Family) -> None:
    with torch.no_grad():
        next(iter(vae.decoder.parameters())).fill_(math.nan)
    with pytest.raises(ValueError, match="step 7 have diverged"):
        decode(vae, codes())


def test_a_model_without_a_latent_space_is_refused(digits: Dataset) -> None:
    family = FAMILIES["pixelcnn"]
    model = family(family.Config(num_channels=2, num_blocks=1), digits.image)
    with pytest.raises(ValueError, match="PixelCNN has no latent space"):
        decode(model, codes())
    with pytest.raises(ValueError, match="no encoder"):
        latents.encode(model, digits, Encode(run="r"))
    with pytest.raises(ValueError, match="no latent space"):
        dimension_stats.compute_stats(model, 0, digits, ComputeDimensionStats(run="r"))


def test_encode_gives_the_posterior_of_that_image(vae: Family, digits: Dataset) -> None:
    reply = latents.encode(vae, digits, Encode(request=2, run="r", split="test", index=11))
    image = digits.view("test", [11])
    with torch.no_grad():
        mean, deviation = vae.posterior(torch.from_numpy(image))
    np.testing.assert_allclose(reply.code.numpy(), mean[0].numpy(), rtol=1e-6)
    assert reply.deviation is not None
    np.testing.assert_allclose(reply.deviation.numpy(), deviation[0].numpy(), rtol=1e-6)
    assert np.array_equal(reply.image.numpy(), image[0])
    assert reply.label == str(digits.test.labels[11])
    assert (reply.request, reply.split, reply.index) == (2, "test", 11)


def test_encode_names_the_image_that_is_not_there(vae: Family, digits: Dataset) -> None:
    with pytest.raises(DataError, match="valid image 180"):
        latents.encode(vae, digits, Encode(run="r", index=180))


def test_a_gan_has_no_encoder(gan: Family, digits: Dataset) -> None:
    with pytest.raises(ValueError, match="GAN has no encoder"):
        latents.encode(gan, digits, Encode(run="r"))


def test_data_that_changed_since_training_is_named(vae: Family) -> None:
    other = data.load("digits", {"levels": 16})
    with pytest.raises(ValueError, match=r"16 levels.*4 levels"):
        latents.encode(vae, other, Encode(run="r"))
    with pytest.raises(ValueError, match=r"16 levels.*4 levels"):
        dimension_stats.compute_stats(vae, 0, other, ComputeDimensionStats(run="r"))


def test_kl_is_the_mean_over_validation_images(vae: Family, digits: Dataset) -> None:
    reply, pieces = run_stats(vae, digits)
    with torch.no_grad():
        expected = vae.kl_per_dim(torch.from_numpy(digits.valid.images)).mean(0).numpy()
    assert reply.kl is not None
    np.testing.assert_allclose(reply.kl.numpy(), expected, rtol=1e-4)
    assert (reply.request, reply.run, reply.step) == (4, "r", 9)
    assert pieces >= 2


def test_pixel_change_is_that_of_moving_one_dimension(vae: Family, digits: Dataset) -> None:
    reply, _ = run_stats(vae, digits)
    base = dimension_stats._base_codes(vae, LatentSpec(DIMS), digits.valid.images)
    for dim in range(DIMS):
        low, high = base.clone(), base.clone()
        low[:, dim], high[:, dim] = -1, 1
        with torch.no_grad():
            expected = (vae.decode(high) - vae.decode(low)).square().mean().sqrt()
        assert reply.pixel_change.numpy()[dim] == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("family", ["rbm", "autoencoder"])
def test_without_a_normal_prior_dimensions_are_measured_around_codes_of_the_data(digits: Dataset, family: str) -> None:
    model = FAMILIES[family](FAMILIES[family].Config(num_hidden=8), digits.image)
    base = dimension_stats._base_codes(model, model.latent, digits.valid.images)
    with torch.no_grad():
        expected = model.encode(torch.from_numpy(digits.valid.images[: len(base)]))
    np.testing.assert_allclose(base.numpy(), expected.numpy(), atol=1e-5)


def test_a_dimension_that_the_decoder_ignores_changes_no_pixel(vae: Family, digits: Dataset) -> None:
    first = next(m for m in vae.decoder.modules() if isinstance(m, nn.Linear))
    with torch.no_grad():
        first.weight[:, 2] = 0
    change = run_stats(vae, digits)[0].pixel_change.numpy()
    assert change[2] == 0
    assert (np.delete(change, 2) > 0).all()


def test_a_gan_has_no_kl(gan: Family, digits: Dataset) -> None:
    reply, _ = run_stats(gan, digits)
    assert reply.kl is None
    assert reply.pixel_change.numpy().shape == (DIMS,)


def test_exploring_leaves_training_as_it_was(vae: Family, digits: Dataset) -> None:
    vae.train()
    vae.encoder.eval()  # a part that its family keeps frozen
    modes = [m.training for m in vae.modules()]
    torch.manual_seed(11)
    before = torch.get_rng_state()
    weights = {k: v.clone() for k, v in vae.state_dict().items()}
    decode(vae, codes())
    latents.encode(vae, digits, Encode(run="r"))
    for _ in dimension_stats.compute_stats(vae, 0, digits, ComputeDimensionStats(run="r")):
        assert [m.training for m in vae.modules()] == modes
        assert not torch.is_inference_mode_enabled()
    assert torch.equal(torch.get_rng_state(), before)
    assert [m.training for m in vae.modules()] == modes
    assert all(torch.equal(v, weights[k]) for k, v in vae.state_dict().items())
    (phase,) = vae.phases()
    loss = phase.loss(torch.from_numpy(digits.train.images[:4]), torch.Generator().manual_seed(0))["loss"]
    loss.backward()
    assert all(p.grad is not None for p in phase.parameters)


class Moody(Family):
    """Decodes differently in training mode; its weights are float64."""

    card = FAMILIES["gan"].card
    Config = FAMILIES["gan"].Config

    def __init__(self, image: ImageSpec) -> None:
        super().__init__(self.Config(), image)
        self.latent = LatentSpec(1)
        self.gain = nn.Parameter(torch.ones((), dtype=torch.float64))

    def phases(self) -> list[Any]:
        return []

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        value = torch.zeros((), dtype=torch.float64) if self.training else self.gain
        assert z.dtype == torch.float64
        return value.expand(len(z), *self.image.shape)


def test_a_model_in_training_is_explored_in_evaluation_mode() -> None:
    model = Moody(ImageSpec(3, 2, 2, 2)).train()
    shown = decode(model, np.zeros((2, 1), np.float32)).images.numpy()
    assert shown.shape == (2, 3, 2, 2) and (shown == 255).all()
    assert model.training


def test_the_original_is_sent_as_levels(vae: Family, digits: Dataset) -> None:
    image = latents.encode(vae, digits, Encode(run="r")).image.numpy()
    assert image.max() == 3
    assert to_display(image, 4).max() == 255


@pytest.mark.parametrize(("dims", "each"), [(1, 8), (10, 8), (128, 8), (129, 7), (500, 2), (784, 1), (5000, 1)])
def test_codes_of_many_dimensions_take_fewer_images(dims: int, each: int) -> None:
    assert dimension_stats.codes_each(dims) == each


def test_a_slow_decoder_is_measured_one_step_of_a_pair_a_piece_with_base_codes_in_turn(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A diffusion model of 784 dimensions took a minute, in first pieces of 16 images."""
    monkeypatch.setattr("gmstudio.engine.runtime.inspection.PIECE_S", 0.0)  # as if every image took long
    model = FAMILIES["ddpm"](parse_config(FAMILIES["ddpm"].Config, {"num_channels": 4}), digits.image)
    monkeypatch.setattr(dimension_stats, "MAX_PAIRS", 64)
    rows: list[int] = []
    bases = dimension_stats._base_codes(model, model.latent, digits.valid.images)
    used: set[int] = set()

    def decode_pieces(z: torch.Tensor) -> Iterator[torch.Tensor | None]:
        rows.append(len(z))
        used.add(int((bases - z[:1]).count_nonzero(dim=1).argmin()))
        yield None
        yield z.view(-1, 1, 8, 8)

    monkeypatch.setattr(model, "decode_pieces", decode_pieces)
    monkeypatch.setattr(dimension_stats, "STEPPED_PAIRS", 1)
    found, pieces = run_stats(model, digits)
    assert rows == [2] * 64 and pieces == 128 and used == set(range(8))
    np.testing.assert_allclose(found.pixel_change.numpy(), np.full(64, 2 / 8), rtol=1e-5)
