"""Every family on a device: the losses of the CPU, and the laws of sampling and stepping."""

import pytest
import torch
from device_stage import DEVICE, IMAGE, HostNoise, chosen, small_model

from benchmarks.gpu.measurements import step_graphs
from gmstudio.families import FAMILIES

pytestmark = pytest.mark.cuda
BY_PIXEL = [name for name, kind in FAMILIES.items() if callable(getattr(kind, "pixel_session", None))]
SAMPLERS = [name for name, kind in FAMILIES.items() if callable(getattr(kind, "sample", None))]
NOISY = {"vae", "gan", "ddpm", "rbm", "gsn", "realnvp"}
STEPS = 4


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of 32-bit floats are not shortened, which a GPU does by default in convolutions."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def trained(family: str, device: torch.device) -> tuple[list[float], list[torch.Tensor], int]:
    """Losses of some steps, the parameters after them, and how often noise was drawn."""
    model = small_model(family, device).train()
    images = torch.randint(IMAGE.levels, (8, *IMAGE.shape), generator=torch.Generator().manual_seed(1))
    batch, generator = images.to(torch.uint8).to(device), torch.Generator(device).manual_seed(2)
    phases = model.phases()
    optimizers = [torch.optim.SGD(phase.parameters, 1e-2) for phase in phases]
    losses = []
    torch.manual_seed(4)
    with HostNoise(5) as noise:
        for step in range(STEPS):
            for phase, optimizer in zip(phases, optimizers, strict=True):
                if phase.before_update is not None:
                    phase.before_update(batch, 0 if step else len(batch))
                optimizer.zero_grad()
                loss = phase.loss(batch, generator)["loss"]
                loss.backward()
                optimizer.step()
                if phase.after_update is not None:
                    phase.after_update()
                losses.append(float(loss.detach()))
    return losses, [parameter.detach().cpu() for parameter in model.parameters()], noise.drawn


@pytest.mark.parametrize("family", chosen(FAMILIES))
def test_the_losses_are_those_of_the_cpu(family: str) -> None:
    found, weights, drawn = trained(family, DEVICE)
    expected, others, _ = trained(family, torch.device("cpu"))
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert bool(drawn) or family not in NOISY
    for weight, other in zip(weights, others, strict=True):
        torch.testing.assert_close(weight, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("family", chosen(BY_PIXEL))
def test_steps_have_the_conditionals_of_a_full_pass_and_add_up_to_the_likelihood(family: str) -> None:
    model = small_model(family, DEVICE)
    fast = model.pixel_session(3, generator=torch.Generator(DEVICE).manual_seed(1))
    plain = model.plain_pixel_session(3, generator=torch.Generator(DEVICE).manual_seed(1))
    total = torch.zeros(3)
    while fast.position is not None:
        conditional, values = fast.conditional(), fast.draw()
        torch.testing.assert_close(conditional.cpu(), plain.conditional().cpu(), rtol=1e-4, atol=1e-5)
        total += conditional.cpu().gather(1, values.cpu().long()[:, None])[:, 0].log()
        fast.place(values)
        plain.place(values)
    scored = model.log_prob(fast.images.to(DEVICE))
    assert scored.device.type == DEVICE.type
    torch.testing.assert_close(total, scored.detach().cpu().float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", chosen(SAMPLERS))
def test_a_seed_repeats_its_samples_and_another_does_not(family: str) -> None:
    model = small_model(family, DEVICE)
    first, again, other = (model.sample(16, generator=torch.Generator(DEVICE).manual_seed(s)) for s in (1, 1, 2))
    assert first.device.type == DEVICE.type and first.dtype == torch.uint8 and int(first.max()) < IMAGE.levels
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("family", chosen(BY_PIXEL))
def test_graphs_change_no_sample(family: str) -> None:
    model = small_model(family, DEVICE)
    with step_graphs("off"):
        plain = model.sample(16, generator=torch.Generator(DEVICE).manual_seed(1))
    assert torch.equal(model.sample(16, generator=torch.Generator(DEVICE).manual_seed(1)), plain)
