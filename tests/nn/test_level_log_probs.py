"""Log-probabilities of all levels at once, against those of one level after another."""

import pytest
import torch

from gmstudio.nn.likelihoods import pixel_likelihood


@pytest.mark.parametrize(
    ("levels", "name"),
    [(2, "auto"), (6, "auto"), (32, "auto"), (32, "discretized gaussian"), (32, "discretized logistic")],
)
def test_the_levels_of_a_subpixel_have_the_log_probabilities_of_the_single_ones(levels: int, name: str) -> None:
    likelihood = pixel_likelihood(levels, name)  # type: ignore[arg-type]
    features = torch.randn(5, 1, 1, 2, likelihood.num_features, generator=torch.Generator().manual_seed(0))
    together = likelihood.level_log_probs(features)
    assert together.shape == (5, 1, 1, 2, levels)
    assert torch.allclose(together.exp().sum(-1), torch.ones(5, 1, 1, 2), atol=1e-5)
    image = torch.randint(levels, (5, 1, 1, 2), generator=torch.Generator().manual_seed(1))
    chosen = together.gather(-1, image.unsqueeze(-1)).squeeze(-1)
    assert torch.allclose(chosen, likelihood.subpixel_log_prob(features, image), atol=1e-5)
