"""The labs' Adam makes the steps of torch's."""

import pytest
import torch

from gmstudio.labs.adam import Adam


def test_it_makes_the_steps_of_the_reference() -> None:
    start = torch.linspace(-1, 2, 5, dtype=torch.float64)
    ours, theirs = (start.clone().requires_grad_(True) for _ in range(2))
    adam, reference = Adam([ours], 0.1), torch.optim.Adam([theirs], lr=0.1)
    for _ in range(30):
        adam.step((ours**4 - ours).sum())
        reference.zero_grad()
        (theirs**4 - theirs).sum().backward()
        reference.step()
    assert ours.detach().numpy() == pytest.approx(theirs.detach().numpy(), abs=1e-9)
    assert float((ours.detach() - start).abs().max()) > 0.5
