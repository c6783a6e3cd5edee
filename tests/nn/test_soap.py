"""SOAP: Adam in the gradients' eigenbasis, only for matrices between features."""

import pytest
import torch

from gmstudio.nn.soap import Soap, is_inner_matrix


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


def test_updates_are_those_of_the_published_algorithm() -> None:
    """Written out in 64-bit floats, with the bases updated at each tenth update."""
    weight = torch.nn.Parameter(rotation(8, 3).reshape(8, 2, 4).clone())
    soap, expected = Soap([weight], weight_decay=0.1), rotation(8, 3).double()
    sums, bases = [torch.zeros(8, 8).double() for _ in range(2)], list[torch.Tensor]()
    mean, square = (torch.zeros(8, 8).double() for _ in range(2))
    generator = torch.Generator().manual_seed(4)
    for count in range(1, 26):
        weight.grad = torch.randn(8, 2, 4, generator=generator)
        soap.update(0.01)
        gradient = weight.grad.double().flatten(1)
        products = (gradient @ gradient.T, gradient.T @ gradient)
        sums = [0.95 * kept + 0.05 * product for kept, product in zip(sums, products, strict=True)]
        bases = bases or [torch.linalg.eigh(kept).eigenvectors.flip(1) for kept in sums]
        left, right = bases
        mean = 0.95 * mean + 0.05 * gradient
        square = 0.95 * square + 0.05 * (left.T @ gradient @ right) ** 2
        step = (left.T @ mean @ right / (1 - 0.95**count)) / ((square / (1 - 0.95**count)).sqrt() + 1e-8)
        if count > 1:
            expected = (1 - 0.01 * 0.1) * expected - 0.01 * left @ step @ right.T
        if count % 10 == 0:
            moved = [kept @ basis for kept, basis in zip(sums, bases, strict=True)]
            rows, columns = ((b * m).sum(0).argsort(descending=True) for b, m in zip(bases, moved, strict=True))
            bases = [torch.linalg.qr(moved[0][:, rows]).Q, torch.linalg.qr(moved[1][:, columns]).Q]
            square = square[rows][:, columns]
    torch.testing.assert_close(weight.detach().double().flatten(1), expected, rtol=1e-3, atol=1e-4)


def test_a_gradient_that_is_not_finite_leaves_weights_that_show_it() -> None:
    weight = torch.nn.Parameter(torch.ones(8, 8))
    weight.grad = torch.full((8, 8), float("inf"))
    soap = Soap([weight])
    soap.update(0.01)
    soap.update(0.01)
    assert not weight.isfinite().any()


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


def test_a_matrix_that_cannot_be_decomposed_begins_with_its_own_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    """LAPACK gave up on the first gradient of a convolutional VAE, most of whose eigenvalues are zero."""

    def refuse(_matrix: torch.Tensor) -> None:
        raise torch.linalg.LinAlgError(  # type: ignore[attr-defined]
            "The algorithm failed to converge."
        )

    weight = torch.nn.Parameter(torch.ones(8, 8))
    soap = Soap([weight])
    monkeypatch.setattr(torch.linalg, "eigh", refuse)
    for _ in range(20):
        weight.grad = weight.detach().clone()
        soap.update(0.01)
    state, eye = soap.state(0), torch.eye(8)
    assert float(weight.detach().max()) < 1.0
    torch.testing.assert_close(state["soap_left_basis"].T @ state["soap_left_basis"], eye)
    assert not torch.equal(state["soap_left_basis"], eye), "the iteration turns it"


def test_gradients_that_are_mostly_zero_have_bases_too() -> None:
    """Features that are not in use make them so; ``eigh`` in single precision fails for this one."""
    generator = torch.Generator().manual_seed(0)
    gradient = torch.randn(8, 1024, generator=generator) * torch.rand(1024, generator=generator) ** 8
    gradient[:, torch.rand(1024, generator=generator) < 0.5] = 0.0
    weight = torch.nn.Parameter(torch.ones(8, 1024))
    soap = Soap([weight])
    for _ in range(3):
        weight.grad = gradient.clone()
        soap.update(0.01)
    basis = soap.state(0)["soap_right_basis"]
    torch.testing.assert_close(basis.T @ basis, torch.eye(1024))
    assert float(((weight.detach() - 1.0) * gradient).sum()) < 0.0, "steps go against the gradient"
