"""SOAP: Adam in the gradients' eigenbasis, only for matrices between features."""

import pytest
import torch

from benchmarks.soap import Soap, is_inner_matrix


def rotation(size: int, seed: int) -> torch.Tensor:
    return torch.linalg.qr(torch.randn(size, size, generator=torch.Generator().manual_seed(seed))).Q


def spreads(turn: bool, size: float = 1.0) -> torch.Tensor:
    """RMS step along each eigenvector of the gradients' covariance, whose eigenvalues differ by a factor of 100.

    Args:
        turn: True: the eigenvectors are oblique to the axes.
        size: of the gradients.
    """
    left, right = (rotation(8, 0), rotation(12, 1)) if turn else (torch.eye(8), torch.eye(12))
    scales = size * torch.logspace(0, -1, 8)[:, None] * torch.logspace(0, -1, 12)
    weight = torch.nn.Parameter(torch.zeros(8, 3, 4))
    soap = Soap([weight])
    generator = torch.Generator().manual_seed(2)
    steps = []
    for _ in range(400):
        gradient = left @ (scales * torch.randn(8, 12, generator=generator)) @ right.T
        before, weight.grad = weight.detach().clone(), gradient.view_as(weight)
        soap.update(1.0)
        steps.append(left.T @ (weight.detach() - before).flatten(1) @ right)
    return torch.stack(steps[200:]).pow(2).mean(0).sqrt()


def test_steps_are_alike_along_all_eigenvectors_however_oblique() -> None:
    oblique = spreads(turn=True)
    assert oblique.max() < 3 * oblique.min()
    torch.testing.assert_close(oblique.mean(), spreads(turn=False).mean(), rtol=0.2, atol=0)


def test_steps_do_not_depend_on_the_gradients_size() -> None:
    torch.testing.assert_close(spreads(turn=True, size=1e-3).mean(), spreads(turn=True).mean(), rtol=0.2, atol=0)


def test_steps_go_against_the_gradient() -> None:
    weight = torch.nn.Parameter(torch.ones(8, 8))
    soap = Soap([weight])
    for _ in range(20):
        weight.grad = weight.detach().clone()
        soap.update(0.01)
    moved = 1.0 - weight.detach()
    assert float(moved.min()) > 0.0 and float(moved.max()) < 0.1


def test_a_matrix_without_a_gradient_stays() -> None:
    weight = torch.nn.Parameter(torch.ones(8, 8))
    Soap([weight]).update(1.0)
    assert weight.eq(1).all()


@pytest.mark.parametrize(
    ("shape", "taken"),
    [
        ((8, 8), True),
        ((64, 32, 1, 1), True),
        ((8, 1, 4, 7), True),
        ((64,), False),
        ((1, 32, 1, 1), False),
        ((7, 100), False),
        ((500, 2000), False),
    ],
)
def test_only_matrices_between_features_are_taken(shape: tuple[int, ...], taken: bool) -> None:
    assert is_inner_matrix(torch.zeros(shape)) == taken
