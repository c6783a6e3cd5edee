"""Every family on points of the line and the plane: one step of training, and proposals that reach their shape."""

import numpy as np
import pytest
import torch

from gmstudio.data import load
from gmstudio.families import FAMILIES
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.base import Family

STROKES = "40 200,500 800,500 800,800"
SETS = (
    "moons",
    "ring",
    "pinwheel",
    "swiss_roll",
    "checkerboard",
    "grid",
    "spirals",
    "mixture_2d",
    "mixture_1d",
    "drawn",
)
SMALL = {
    "num_hidden": 8,
    "num_channels": 4,
    "num_head_channels": 4,
    "num_blocks": 1,
    "num_chains": 4,
    "num_gibbs": 1,
    "num_timesteps": 10,
}
"""Settings that make any family small, where it has them."""


def small(name: str, shape: str) -> tuple[Family, torch.Tensor]:
    data = {"shape": shape, "strokes": STROKES, "num_points": 16, "num_valid": 1, "num_test": 1}
    dataset = load("points", data)
    family = FAMILIES[name]
    proposed = family.start_on_points.config if family.start_on_points is not None else {}
    fields = family.Config.__struct_fields__
    config = {key: value for key, value in {**proposed, **SMALL}.items() if key in fields}
    torch.manual_seed(0)
    return family(family.Config(**config), dataset.image), torch.from_numpy(dataset.train.images).long()


@pytest.mark.parametrize("shape", SETS)
@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_family_trains_on_points(name: str, shape: str) -> None:
    model, batch = small(name, shape)
    generator = torch.Generator().manual_seed(0)
    model.train()
    for phase in model.phases():
        if phase.before_update is not None:
            phase.before_update(batch, len(batch))
        optimizer = torch.optim.Adam(phase.parameters, lr=1e-3) if phase.parameters else None
        loss = phase.loss(batch, generator)["loss"]
        assert torch.isfinite(loss)
        if optimizer is not None and loss.requires_grad:
            loss.backward()
            optimizer.step()
        if phase.after_update is not None:
            phase.after_update()
    model.eval()
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())


def grid_log_prob(model: AutoregressiveFamily, levels: int) -> torch.Tensor:
    """(L₂, L₁) log-probabilities of the whole grid by the chain rule: one step for x₁, one for x₂ given each x₁."""
    session = model.pixel_session(levels)
    first = session.conditional()[0].double().log()
    session.place(torch.arange(levels))
    second = session.conditional().double().log()
    return (first[:, None] + second).T


REACHED = {"markov": 0.1, "made": 0.06}
"""Family → KL(p* ‖ p) in nats on two moons that its proposal goes below; the quickest ones."""


@pytest.mark.parametrize("name", list(REACHED))
def test_a_proposal_for_points_reaches_two_moons(name: str) -> None:
    dataset, family = load("points", {}), FAMILIES[name]
    start = family.start_on_points
    assert start is not None and dataset.truth is not None
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    model = family(family.Config(**start.config), dataset.image)
    images = torch.from_numpy(dataset.train.images).long()
    steps, size, rate = (start.training[key] for key in ("steps", "batch_size", "learning_rate"))
    (phase,) = model.phases()
    optimizer = torch.optim.Adam(phase.parameters, lr=rate) if phase.parameters else None
    order = torch.randperm(len(images), generator=generator)
    model.train()
    for step in range(steps):
        batch = images[order[torch.arange(step * size, (step + 1) * size) % len(order)]]
        if phase.before_update is not None:
            phase.before_update(batch, size if (step + 1) * size <= len(images) else 0)
        loss = phase.loss(batch, generator)["loss"]
        if optimizer is not None and loss.requires_grad:
            for group in optimizer.param_groups:
                group["lr"] = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if phase.after_update is not None:
            phase.after_update()
    model.eval()
    assert isinstance(model, AutoregressiveFamily)
    with torch.no_grad():
        log_prob = grid_log_prob(model, dataset.image.levels).numpy()
    assert np.exp(log_prob).sum() == pytest.approx(1, abs=1e-5)
    held = dataset.truth > 0
    divergence = float((dataset.truth[held] * (np.log(dataset.truth[held]) - log_prob[held])).sum())
    assert 0 < divergence < REACHED[name]
