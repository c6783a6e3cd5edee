"""Mixtures over levels: probabilities that are those of the bins, and sum to one however extreme the components."""

import pytest
import torch

from gmstudio.nn.level_mixture import LevelMixture


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
@pytest.mark.parametrize("levels", [3, 4, 16, 256])
@pytest.mark.parametrize("spread", [0.0, 1.0, 5.0])
def test_probabilities_sum_to_one(kind, levels, spread):
    mixture = LevelMixture(levels, 4, kind)
    noise = torch.randn(3, 12, 7, generator=torch.Generator().manual_seed(0))
    log_probs = mixture(mixture.initial_features()[:, None] + spread * noise)
    assert log_probs.shape == (3, levels, 7)
    assert torch.isfinite(log_probs).all()
    torch.testing.assert_close(log_probs.exp().sum(1), torch.ones(3, 7), atol=2e-5, rtol=0)


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
def test_they_are_the_masses_of_the_bins(kind):
    mixture = LevelMixture(5, 1, kind)
    mean, scale = 0.3, 0.4
    features = torch.tensor([0.0, mean, torch.tensor(scale).log()]).view(1, 3, 1)
    edges = (torch.tensor([-0.75, -0.25, 0.25, 0.75]) - mean) / scale
    cumulative = torch.sigmoid(edges) if kind == "logistic" else torch.special.ndtr(edges)
    expected = torch.diff(torch.cat([torch.zeros(1), cumulative, torch.ones(1)]))
    torch.testing.assert_close(mixture(features)[0, :, 0].exp(), expected)


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
def test_scoring_a_value_equals_looking_it_up(kind):
    mixture = LevelMixture(16, 3, kind)
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(4, 9, 10, generator=generator)
    x = torch.randint(16, (4, 10), generator=generator)
    torch.testing.assert_close(mixture.log_prob(features, x), mixture(features).gather(1, x[:, None])[:, 0])


@pytest.mark.parametrize("kind", ["logistic", "gaussian"])
def test_gradients_stay_finite_far_out(kind):
    mixture = LevelMixture(256, 1, kind)
    features = torch.tensor([0.0, -1.0, -7.0]).view(1, 3, 1).repeat(2, 1, 1).requires_grad_()
    log_prob = mixture.log_prob(features, torch.tensor([[255], [128]]))
    log_prob.sum().backward()
    assert torch.isfinite(log_prob).all() and torch.isfinite(features.grad).all()
