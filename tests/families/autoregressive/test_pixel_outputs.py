"""Outputs against the definition: sums, integrals of the logistic density, the colours' chain."""

import numpy as np
import pytest
import torch
from torch import Tensor

from gmstudio.families.autoregressive.pixel_outputs import (
    BernoulliOutput,
    LogisticMixtureOutput,
    OutputName,
    PixelOutput,
    SoftmaxOutput,
    pixel_output,
)
from gmstudio.protocol.images import ImageSpec

NAMES: list[OutputName] = ["softmax", "logistic mixture"]
IMAGES = [ImageSpec(c, 2, 3, levels) for c in (1, 3) for levels in (2, 4, 16, 256)]


def some_features(output: PixelOutput, batch: int, spread: float = 2.0) -> Tensor:
    noise = torch.randn(batch, output.num_features, 2, 3, generator=torch.Generator().manual_seed(0))
    bias = output.initial_bias()
    return spread * noise + (0.0 if bias is None else bias.view(-1, 1, 1))


def some_images(image: ImageSpec, batch: int) -> Tensor:
    return torch.randint(image.levels, (batch, *image.shape), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("image", IMAGES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_log_prob_is_the_chosen_level_of_all(name: OutputName, image: ImageSpec) -> None:
    output = pixel_output(name, image, 3)
    features, x = some_features(output, 4), some_images(image, 4)
    log_probs = output.log_probs(features, x).log_softmax(-1)
    assert log_probs.shape == (4, *image.shape, image.levels)
    chosen = log_probs.gather(-1, x.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(output.log_prob(features, x), chosen, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("num_mixtures", [1, 5])
@pytest.mark.parametrize("image", IMAGES, ids=str)
def test_a_logistic_mixture_is_normalized(image: ImageSpec, num_mixtures: int) -> None:
    output = LogisticMixtureOutput(image, num_mixtures)
    total = output.log_probs(some_features(output, 4), some_images(image, 4)).double().exp().sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total), atol=5e-5, rtol=0)


@pytest.mark.parametrize("image", IMAGES, ids=str)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", [1, 4])
def test_a_step_gives_the_same_as_the_whole(name: OutputName, image: ImageSpec, batch: int) -> None:
    output = pixel_output(name, image, 3)
    features, x = some_features(output, batch), some_images(image, batch)
    expected = output.log_probs(features, x).softmax(-1)[:, :, 1, 2]
    own = torch.arange(output.num_features).chunk(output.num_groups)
    for channel in range(image.channels):
        read = own[channel % output.num_groups]
        found = output.step_logits(features[:, read, 1, 2].T.numpy(), x[:, :channel, 1, 2].numpy().astype(np.uint8))
        assert found.shape == (batch, image.levels) and found.dtype == np.float32
        torch.testing.assert_close(torch.from_numpy(found.copy()).softmax(-1), expected[:, channel], atol=1e-5, rtol=0)


@pytest.mark.parametrize("temperature", [1.0, 10.0, 50.0])
def test_levels_far_from_all_means_are_the_same_in_a_step(temperature: float) -> None:
    output = LogisticMixtureOutput(ImageSpec(1, 2, 3, 256), 2)
    features = torch.tensor([0.0, 0.5, -1.0, 0.3, -4.5, -6.0]).view(1, -1, 1, 1).expand(1, -1, 2, 3).contiguous()
    expected = output.log_probs(features, torch.zeros(1, 1, 2, 3, dtype=torch.long))[0, 0, 1, 2]
    found = torch.from_numpy(output.step_logits(features[:, :, 1, 2].T.numpy(), np.zeros((1, 0), dtype=np.uint8))[0])
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close((found / temperature).softmax(0), (expected / temperature).softmax(0), atol=1e-5, rtol=0)


def test_a_bins_mass_is_the_integral_of_the_density() -> None:
    image = ImageSpec(1, 1, 1, 5)
    output = LogisticMixtureOutput(image, 2)
    features = torch.tensor([0.3, -0.4, 0.2, -0.9, -1.0, 0.1])
    weights = torch.tensor([0.3, -0.4], dtype=torch.float64).softmax(0)
    grid = torch.linspace(-60.0, 60.0, 1_200_001, dtype=torch.float64)
    density = torch.zeros_like(grid)
    for weight, mean, log_scale in zip(weights, (0.2, -0.9), (-1.0, 0.1), strict=True):
        z = (grid - mean) / np.exp(log_scale)
        density += weight * torch.sigmoid(z) * torch.sigmoid(-z) / np.exp(log_scale)
    bins = torch.bucketize(grid, torch.tensor([-0.75, -0.25, 0.25, 0.75], dtype=torch.float64))
    expected = torch.zeros(5, dtype=torch.float64).index_add(0, bins, density) * (grid[1] - grid[0])
    found = output.log_probs(features.view(1, -1, 1, 1), torch.zeros(1, 1, 1, 1, dtype=torch.int64)).exp().double()
    torch.testing.assert_close(found.flatten(), expected, atol=2e-4, rtol=0)


def test_components_are_shared_by_the_colours() -> None:
    image = ImageSpec(3, 1, 1, 4)
    output = LogisticMixtureOutput(image, 2)
    # Two sharp components, dark and bright, all colours alike: after red there is no doubt left about the others.
    means = torch.tensor([-1.0, 1.0]).repeat(3)
    features = torch.cat([torch.zeros(2), means, torch.full((6,), -4.0), torch.zeros(6)]).view(1, -1, 1, 1)
    for value in (0, 3):
        x = torch.full((1, 3, 1, 1), value)
        assert output.log_prob(features, x).exp().flatten().tolist() == pytest.approx([0.5, 1.0, 1.0], abs=1e-3)


def test_means_follow_the_earlier_colours() -> None:
    image = ImageSpec(3, 1, 1, 256)
    output = LogisticMixtureOutput(image, 1)
    coefficients = torch.tensor([20.0, 20.0, -20.0])  # tanh of these is 1, 1, -1
    features = torch.cat([torch.zeros(3), torch.full((3,), -5.0), coefficients]).view(1, -1, 1, 1)
    x = torch.tensor([150, 50, 0]).view(1, 3, 1, 1)
    most_likely = output.log_probs(features, x).argmax(-1).flatten().tolist()
    assert most_likely[0] in (127, 128)
    assert most_likely[1] == 150
    assert most_likely[2] == pytest.approx(150 + 127.5 - 50, abs=1)


@pytest.mark.parametrize("mean", [-30.0, 30.0])
def test_far_tails_stay_finite_and_have_gradients(mean: float) -> None:
    output = LogisticMixtureOutput(ImageSpec(1, 1, 1, 256), 1)
    features = torch.tensor([mean, -9.0]).view(1, 2, 1, 1).requires_grad_()
    for value in (0, 100, 255):
        (gradient,) = torch.autograd.grad(output.log_prob(features, torch.full((1, 1, 1, 1), value)).sum(), features)
        assert torch.isfinite(gradient).all()
    logits = output.step_logits(np.array([[mean], [-9.0]], dtype=np.float32), np.zeros((1, 0), dtype=np.uint8))
    assert np.isfinite(logits).all()
    assert logits.argmax() == (0 if mean < 0 else 255)


def test_outputs_by_name() -> None:
    binary, grey, colour = ImageSpec(1, 2, 2, 2), ImageSpec(1, 2, 2, 4), ImageSpec(3, 2, 2, 256)
    for name in ("auto", "softmax"):
        assert isinstance(pixel_output(name, binary, 5), BernoulliOutput)
        assert isinstance(pixel_output(name, grey, 5), SoftmaxOutput)
    mixture = pixel_output("logistic mixture", colour, 5)
    assert isinstance(mixture, LogisticMixtureOutput)
    assert mixture.num_features == 5 * 10  # as the paper has it: a weight, three means, scales and coefficients
    assert mixture.num_groups == 1 and pixel_output("auto", colour, 5).num_groups == 3
