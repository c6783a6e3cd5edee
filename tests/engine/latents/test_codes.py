"""Codes of many images, directions, and the code nearest to an image."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gmstudio import data
from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.latents import codes as latents
from gmstudio.engine.latents import directions, encoded_split, projection
from gmstudio.engine.runtime import display
from gmstudio.families import FAMILIES
from gmstudio.families.base import Encoder, Family
from gmstudio.protocol.array import Array
from gmstudio.protocol.families import LatentSpec
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.latents import (
    CodesEncoded,
    Decode,
    Decoded,
    DirectionsFound,
    EncodeImage,
    EncodeSplit,
    FindDirections,
    ImageProjected,
    ProjectImage,
)

SPEC = ImageSpec(1, 2, 2, 2)


class Blind(Family):
    """Decodes two coordinates into four pixels; has no encoder."""

    card = FAMILIES["vae"].card
    Config = FAMILIES["vae"].Config
    training_defaults = FAMILIES["vae"].training_defaults

    def __init__(self, image: ImageSpec) -> None:
        super().__init__(self.Config(), image)
        self.latent = LatentSpec(2)
        self.scale = nn.Parameter(torch.tensor([3.0, 1.0]))

    def phases(self) -> list[Any]:
        return []

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(torch.cat([z, -z], dim=1)).view(-1, 1, 2, 2)

    def first_features(self, z: Tensor) -> Tensor:
        return z @ torch.tensor([[5.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


class Linear(Blind):
    """Encodes the first two pixels, with the first axis three times as long as the second."""

    def encode(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :2].float() * self.scale


def encoded(model: Family, x: Tensor) -> np.ndarray:
    assert isinstance(model, Encoder)
    return model.encode(x).detach().numpy()


def last(pieces: Iterator[Any]) -> Any:
    *before, event = pieces
    assert all(piece is None for piece in before)
    return event


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits", {"levels": 4})


@pytest.fixture
def vae(digits: Dataset) -> Family:
    torch.manual_seed(0)
    return FAMILIES["vae"](FAMILIES["vae"].Config(num_latent=5, num_hidden=16), digits.image)


def corners(n: int = 40) -> Dataset:
    images = np.random.default_rng(0).integers(0, 2, (n, 1, 2, 2), dtype=np.uint8)
    labels = images[:, 0, 0, 0].astype(np.int64)
    split = Split(images, labels)
    return Dataset("corners", {}, SPEC, split, split, split, label_names=("dark", "bright"))


def test_codes_of_a_split_are_those_of_its_images(vae: Family, digits: Dataset) -> None:
    found = last(encoded_split.encode_split(vae, 7, digits, EncodeSplit(request=3, run="r", count=70)))
    assert isinstance(found, CodesEncoded) and found.step == 7 and found.request == 3
    x = torch.from_numpy(digits.valid.images[:70])
    np.testing.assert_allclose(found.codes.numpy(), encoded(vae, x), rtol=1e-4, atol=1e-5)
    assert found.labels is not None and digits.valid.labels is not None
    np.testing.assert_array_equal(found.labels.numpy(), digits.valid.labels[:70])


def test_a_split_without_images_has_no_codes() -> None:
    dataset = corners()
    nothing = replace(dataset, test=Split(dataset.test.images[:0]))
    with pytest.raises(ValueError, match="has no test images to encode; choose another split"):
        encoded_split.encode_split(Linear(SPEC), 1, nothing, EncodeSplit(run="r", split="test", count=10))


def test_of_large_codes_fewer_are_held_together(vae: Family, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_split, "MAX_FLOATS", 5 * 30 + 4)
    found = last(encoded_split.encode_split(vae, 1, digits, EncodeSplit(run="r", count=70)))
    assert len(found.codes.numpy()) == len(found.labels.numpy()) == 30
    seen: list[int] = []

    def encode(_vae: Family, x: Tensor) -> Tensor:
        seen.append(len(x))
        return torch.randn(len(x), 5)

    monkeypatch.setattr(type(vae), "encode", encode)
    for command in (FindDirections(run="r", count=2), FindDirections(run="r", kind="labels", count=2)):
        seen.clear()
        last(directions.find_directions(vae, 1, digits, command))
        assert sum(seen) == 30


def test_many_codes_are_decoded_so_many_at_a_time(vae: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    command = Decode(run="r", codes=Array.of(np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)))
    together = latents.decode(vae, 1, command).images.numpy()
    seen: list[int] = []
    decoder = next(module for name, module in vae.named_modules() if name == "decoder")
    decoder.register_forward_hook(lambda _module, _inputs, out: seen.append(len(out)))
    monkeypatch.setattr(display, "MAX_FLOATS", 4 * 64 * 4)
    apart = latents.decode(vae, 1, command).images.numpy()
    assert max(seen) == 4 and sum(seen) == 9
    np.testing.assert_allclose(apart.astype(int), together, atol=1)


def test_components_are_the_axes_of_largest_variance() -> None:
    found = last(directions.find_directions(Linear(SPEC), 1, corners(400), FindDirections(run="r", count=2)))
    assert isinstance(found, DirectionsFound)
    axes = np.abs(found.directions.numpy())
    assert axes[0, 0] == pytest.approx(1.5, abs=0.1) and axes[0, 1] < 0.2
    assert found.shares is not None and found.shares.numpy().sum() == pytest.approx(1.0, abs=1e-5)
    assert found.names[0].startswith("PC 1 (") and found.names[0].endswith(" % of variance)")


@pytest.mark.parametrize(("size", "features"), [(1500, 784), (300, 784), (784, 784)])
def test_principal_axes_are_those_of_an_exact_singular_value_decomposition(size: int, features: int) -> None:
    """A flat spectrum, as codes near the prior have, is where randomized methods mix the axes."""
    random = np.random.default_rng(0)
    rows = (random.normal(size=(size, features)) * np.linspace(1.1, 0.9, features)).astype(np.float32)
    centred = rows - rows.mean(0)
    axes, shares = directions._principal(torch.from_numpy(centred), 10)
    _, singular, expected = np.linalg.svd(centred.astype(np.float64), full_matrices=False)
    lengths = np.linalg.norm(axes.numpy(), axis=1)
    np.testing.assert_allclose(lengths, singular[:10] / np.sqrt(size), rtol=1e-5)
    np.testing.assert_allclose(shares.numpy(), singular[:10] ** 2 / (singular**2).sum(), rtol=1e-5)
    cosines = np.abs((axes.numpy() / lengths[:, None] * expected[:10]).sum(1))
    np.testing.assert_allclose(cosines, 1.0, atol=1e-5)
    largest = np.take_along_axis(axes.numpy(), np.abs(axes.numpy()).argmax(1)[:, None], 1)
    assert (largest > 0).all()


def test_axes_beyond_the_rank_are_zero() -> None:
    rows = torch.randn(50, 1, generator=torch.Generator().manual_seed(0)) @ torch.ones(1, 80)
    axes, shares = directions._principal(rows - rows.mean(0), 3)
    assert axes[0].norm() > 1 and shares[0] == pytest.approx(1.0)
    assert axes[1:].norm() < 1e-5 and shares[1:].abs().max() < 1e-9


def test_feature_components_lead_back_to_codes() -> None:
    found = last(
        directions.find_directions(Linear(SPEC), 1, corners(), FindDirections(run="r", kind="features", count=2))
    )
    axes = np.abs(found.directions.numpy())
    np.testing.assert_allclose(axes, np.eye(2), atol=0.06)
    assert found.shares.numpy()[0] == pytest.approx(25 / 26, abs=0.01)


def test_a_label_direction_leads_from_one_mean_to_the_other() -> None:
    dataset = corners()
    found = last(
        directions.find_directions(Linear(SPEC), 1, dataset, FindDirections(run="r", kind="labels", labels=(0, 1)))
    )
    assert found.names == ("dark → bright",)
    assert found.directions.numpy()[0, 0] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (FindDirections(run="r", count=0), "0 directions"),
        (FindDirections(run="r", kind="labels", labels=(1, 1)), "bright and bright"),
        (FindDirections(run="r", kind="labels", labels=(0, 7)), "dark and 7"),
    ],
)
def test_directions_that_do_not_exist_are_refused(command: FindDirections, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        directions.find_directions(Linear(SPEC), 1, corners(), command)


def test_what_a_family_lacks_is_named(vae: Family, digits: Dataset) -> None:
    with pytest.raises(ValueError, match="no encoder"):
        encoded_split.encode_split(Blind(SPEC), 1, corners(), EncodeSplit(run="r"))
    with pytest.raises(ValueError, match="0 images to encode"):
        encoded_split.encode_split(vae, 1, digits, EncodeSplit(run="r", count=0))
    with pytest.raises(ValueError, match="shape"):
        latents.encode_image(vae, EncodeImage(run="r", image=Array.of(np.zeros((1, 3, 3), np.uint8))))
    with pytest.raises(ValueError, match="value 4"):
        latents.encode_image(vae, EncodeImage(run="r", image=Array.of(np.full((1, 8, 8), 4, np.uint8))))


def test_the_users_image_is_encoded_as_one_of_the_data(vae: Family, digits: Dataset) -> None:
    image = digits.valid.images[3]
    found = latents.encode_image(vae, EncodeImage(request=2, run="r", image=Array.of(image)))
    x = torch.from_numpy(image)[None]
    np.testing.assert_allclose(found.code.numpy(), encoded(vae, x)[0], rtol=1e-5)
    assert found.split == "" and found.index == -1 and found.deviation is not None


def test_the_optimization_finds_the_code_of_a_decoded_image_and_leaves_the_model_alone() -> None:
    model = Blind(ImageSpec(1, 2, 2, 256))
    wanted = torch.tensor([[0.8, -0.5]])
    levels = (model.decode(wanted)[0] * 255).round().to(torch.uint8).numpy()
    command = ProjectImage(request=9, run="r", image=Array.of(levels), steps=150, seed=1)
    events = [event for event in projection.project(model, command) if event is not None]
    assert all(isinstance(event, ImageProjected) for event in events)
    final = events[-1]
    assert isinstance(final, ImageProjected) and final.done and final.step == 150
    np.testing.assert_allclose(final.code.numpy(), wanted[0].numpy(), atol=0.05)
    assert final.error < 0.01
    target = torch.from_numpy(levels)[None] / 255
    for event in events:  # the code, its image and its error belong together
        assert isinstance(event, ImageProjected)
        means = model.decode(torch.from_numpy(event.code.numpy().copy())[None])
        assert event.error == pytest.approx(float((means - target).square().mean().sqrt()), abs=1e-6)
    assert all(parameter.grad is None for parameter in model.parameters()) and model.training


def test_decoding_computes_the_metrics_that_the_family_has(vae: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    z = np.array([[0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], np.float32)
    metrics = latents.decode(vae, 1, Decode(run="r", codes=Array.of(z), measure=True)).metrics
    by_symbol = {found.metric.symbol: found for found in metrics}
    density = by_symbol["log p(z)"].values.numpy()
    np.testing.assert_allclose(density, -2.5 * np.log(2 * np.pi) - np.array([0.0, 2.5]), rtol=1e-5)
    bound = by_symbol["ELBO"]
    assert bound.metric.relation == "≈", "an estimate of a bound is no bound"
    assert bound.metric.unit == "nats" and bound.values.numpy().shape == (2,)
    assert (bound.values.numpy() < 0).all()
    requested: list[tuple[int, int]] = []

    def elbo(_vae: Family, x: Tensor, draws: int, _noise: torch.Generator) -> Tensor:
        requested.append((len(x), draws))
        return torch.zeros(len(x))

    monkeypatch.setattr(type(vae), "elbo", elbo)
    for count in (1, 2, 9):
        latents.decode(vae, 1, Decode(run="r", codes=Array.of(np.zeros((count, 5), np.float32)), measure=True))
    assert requested == [(1, 8), (2, 4), (9, 1)], "one code's bound gets more samples"
    assert latents.decode(vae, 1, Decode(run="r", codes=Array.of(z))).metrics == ()


def test_every_timestep_of_a_diffusion_models_bound_is_measured_in_pieces() -> None:
    """Eight drawn timesteps differ by tens of nats from seed to seed; all of them agree."""
    torch.manual_seed(0)
    model = FAMILIES["ddpm"](FAMILIES["ddpm"].Config(num_channels=4, num_timesteps=200, num_scales=1), SPEC)
    command = Decode(run="r", codes=Array.of(np.zeros((1, 4), np.float32)), measure=True)
    assert latents.has_summed_bound(model, command)
    assert not latents.has_summed_bound(model, Decode(run="r", codes=command.codes)), "not measured"
    many = Decode(run="r", codes=Array.of(np.zeros((200, 4), np.float32)), measure=True)
    assert not latents.has_summed_bound(model, many)
    events = list(latents.decode_with_summed_bound(model.train(), 3, command))
    assert set(events[:-1]) == {None} and len(events) > 3 and model.training
    final = events[-1]
    assert isinstance(final, Decoded) and final.step == 3
    plain = latents.decode(model, 3, command)
    np.testing.assert_array_equal(final.images.numpy(), plain.images.numpy())
    assert [m.metric for m in final.metrics] == [m.metric for m in plain.metrics]
    (bound,) = [float(m.values.numpy()[0]) for m in final.metrics if m.metric is latents.BOUND]
    x = (final.images.numpy() / 255).round().astype(np.int64)
    elbos = model.eval().elbo(torch.from_numpy(x).expand(200, -1, -1, -1), 199, torch.Generator().manual_seed(1))
    few = model.elbo(torch.from_numpy(x).expand(200, -1, -1, -1), 8, torch.Generator().manual_seed(1))
    assert abs(bound - elbos.mean().item()) < 4 * elbos.std().item()
    assert few.std() > 3 * elbos.std()


def test_codes_that_do_not_fit_are_refused_before_anything_is_measured() -> None:
    model = FAMILIES["ddpm"](FAMILIES["ddpm"].Config(num_channels=4, num_timesteps=20, num_scales=1), SPEC)
    with pytest.raises(ValueError, match="this model needs"):
        latents.decode_with_summed_bound(
            model, 3, Decode(run="r", codes=Array.of(np.zeros((1, 3), np.float32)), measure=True)
        )
