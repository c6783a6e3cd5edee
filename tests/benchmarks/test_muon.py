"""Muon: orthogonal steps of the right size and direction."""

import pytest
import torch

from benchmarks.muon import Muon, is_inner_matrix, orthogonal


@pytest.mark.parametrize("shape", [(8, 8), (8, 30), (30, 8)])
def test_steps_are_nearly_orthogonal_with_the_gradients_singular_vectors(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    found = torch.diagonal(left.T @ orthogonal(100 * matrix) @ right.T)
    kept = values > 0.1 * values[0]  # what is much smaller than the rest comes near 1 only after more iterations
    assert found[kept].min() > 0.6 and found.max() < 1.3
    torch.testing.assert_close(orthogonal(100 * matrix), left @ torch.diag(found) @ right, atol=1e-4, rtol=0)


def test_a_step_goes_down_by_about_what_adam_would_go() -> None:
    start = torch.randn(16, 3, 4, 2, generator=torch.Generator().manual_seed(1))
    parameter = torch.nn.Parameter(start.clone())
    (1000 * (parameter**2).sum()).backward()
    Muon([parameter]).update(0.01)
    moved = parameter.detach() - start
    assert (moved * start).sum() < 0 and parameter.grad is None
    assert float(moved.std()) == pytest.approx(0.2 * 0.01, rel=0.3)


def test_only_matrices_between_features_are_taken() -> None:
    taken = [(8, 8), (64, 32, 1, 1), (8, 1, 4, 7)]
    left = [(64,), (1, 32, 1, 1), (7, 100)]
    assert all(is_inner_matrix(torch.zeros(shape)) for shape in taken)
    assert not any(is_inner_matrix(torch.zeros(shape)) for shape in left)
