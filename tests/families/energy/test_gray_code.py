"""Gray code: neighbours differ in one bit; machines of such units are machines of binary units, bit by bit."""

import math
from typing import Any

import pytest
import torch

from gmstudio.families.energy.annealed_importance import estimate_log_z
from gmstudio.families.energy.gray_code import gray_bits, levels_of_bits, mean_level, num_bits
from gmstudio.families.energy.gsn import GSN
from gmstudio.families.energy.rbm import RBM
from gmstudio.families.energy.visible_units import GrayUnits
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import every_image, seeded

LINE, PLANE, GREY = ImageSpec(1, 1, 1, 16), ImageSpec(1, 1, 2, 8), ImageSpec(1, 2, 2, 4)
RBM_CONFIG = parse_config(RBM.Config, {"visible": "gray", "num_hidden": 8, "num_chains": 8})
GSN_CONFIG = parse_config(GSN.Config, {"visible": "gray", "num_hidden": 32, "num_walkback": 2})


def machine(image: ImageSpec, **config: Any) -> RBM:
    model = RBM(parse_config(RBM.Config, {"num_hidden": 6, "num_chains": 8, **config}), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.7 * torch.randn(parameter.shape, generator=seeded(1)))
    return model


@pytest.mark.parametrize("levels", [2, 4, 64, 256])
def test_neighbours_differ_in_one_bit_and_all_patterns_are_levels(levels: int) -> None:
    bits = gray_bits(levels)
    assert bits.shape == (levels, num_bits(levels)) and len(bits.unique(dim=0)) == levels
    assert (bits.diff(dim=0).abs().sum(1) == 1).all()
    assert torch.equal(levels_of_bits(bits), torch.arange(levels))


def test_the_mean_level_is_that_of_independent_bits() -> None:
    logits = torch.randn(5, 3, generator=seeded(), dtype=torch.float64)
    bits = gray_bits(8).double()
    p = torch.sigmoid(logits).unsqueeze(1)
    shares = (p * bits + (1 - p) * (1 - bits)).prod(2)
    torch.testing.assert_close(mean_level(logits, bits), shares @ torch.arange(8).double() / 7)


@pytest.mark.parametrize("image", [LINE, PLANE, GREY], ids=str)
def test_a_machine_of_gray_units_is_the_binary_machine_of_the_bits(image: ImageSpec) -> None:
    model = machine(image, visible="gray")
    count = num_bits(image.levels)
    binary = machine(ImageSpec(1, 1, image.num_dims * count, 2))
    binary.load_state_dict(
        {
            **model.state_dict(),
            "machine.visible_bias": model.machine.visible_bias.view(-1, 1),
            "level_rates": model.level_rates.view(-1, 1),
        }
    )
    x = every_image(image)
    bits = gray_bits(image.levels)[x.flatten(1).long()].flatten(1)
    as_bits = bits.to(torch.uint8).view(-1, 1, 1, bits.shape[1])
    with torch.no_grad():
        torch.testing.assert_close(model.free_energy(x), binary.free_energy(as_bits), atol=1e-4, rtol=1e-5)
        torch.testing.assert_close(model.encode(x), binary.encode(as_bits))
    assert model.machine.log_z_exact() == pytest.approx(binary.machine.log_z_exact(), abs=1e-9)
    h = torch.randint(2, (50, 6), generator=seeded(2)).float()
    ours, theirs = model.machine.visible_logits(h), binary.machine.visible_logits(h)
    torch.testing.assert_close(ours.flatten(1), theirs)
    drawn = model.machine.units.sample(ours, seeded(3))
    assert torch.equal(gray_bits(image.levels)[drawn].flatten(1), binary.machine.units.sample(theirs, seeded(3)))
    units = model.machine.units
    torch.testing.assert_close(
        units.log_prob(ours, drawn), binary.machine.units.log_prob(theirs, gray_bits(image.levels)[drawn].flatten(1))
    )
    torch.testing.assert_close(units.log_normalizer(ours), binary.machine.units.log_normalizer(theirs))


def test_annealing_enumeration_and_the_table_agree_on_points() -> None:
    model = machine(ImageSpec(1, 1, 2, 64), visible="gray")
    exact = model.machine.log_z_exact()
    brute = float(torch.logsumexp(-model.free_energy(_all_points(64)).detach().double(), 0))
    assert exact == pytest.approx(brute, abs=1e-4)
    annealed = estimate_log_z(model.machine, model._base_bias(), 500, 1000, seeded())
    assert annealed.low - 0.02 < exact < annealed.high + 0.02
    assert model.log_prob_grid().exp().sum().item() == pytest.approx(1.0, abs=1e-9)
    x = _all_points(64)[::97]
    expected = (-model.free_energy(x).detach().double() - brute).float()
    torch.testing.assert_close(model.log_prob_estimate(x), expected, atol=1e-3, rtol=0)


def _all_points(levels: int) -> torch.Tensor:
    return torch.cartesian_prod(torch.arange(levels), torch.arange(levels)).view(-1, 1, 1, 2)


def test_before_training_all_levels_are_equally_likely() -> None:
    model = RBM(RBM_CONFIG, PLANE)
    assert isinstance(model.machine.units, GrayUnits)
    x = model.machine.independent(4000, model._base_bias(), seeded())
    share = torch.bincount(x.flatten(), minlength=8).double() / x.numel()
    assert (share - 1 / 8).abs().max() < 4 * math.sqrt(1 / 8 / x.numel())


@pytest.mark.parametrize(("family", "config"), [(RBM, RBM_CONFIG), (GSN, GSN_CONFIG)], ids=["rbm", "gsn"])
def test_other_numbers_of_levels_are_refused(family: Any, config: Any) -> None:
    with pytest.raises(ValueError, match="The images have 11 levels; a Gray code needs a power of two"):
        family(config, ImageSpec(1, 1, 2, 11))


CASES = [
    *laws.laws_of(RBM, RBM_CONFIG, images=(LINE, PLANE, GREY)),
    *laws.laws_of(GSN, GSN_CONFIG, images=(LINE, PLANE, GREY)),
]


@pytest.mark.parametrize("law", CASES, ids=lambda law: f"{law.family.__name__}-{law}")
def test_law(law: laws.LawCase) -> None:
    law()


def test_runs_from_before_the_setting_have_a_unit_per_sub_pixel() -> None:
    for family in (RBM, GSN):
        assert parse_config(family.Config, {"num_hidden": 8}).visible == "levels"
    names = set(GSN(parse_config(GSN.Config, {"num_hidden": 8}), PLANE).state_dict())
    assert names == {
        *(f"transition.{part}.{i}.weight" for part in ("up", "down") for i in (0, 1)),
        *("transition.up.0.bias", "transition.up.1.bias", "transition.down.0.bias", "level_rates", "rates_seen"),
    }
