"""Growth of cost: exponents of known powers, what is left out by name, and a whole run on tiny images."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.scaling import axes, command, datasets, memory, plot
from benchmarks.scaling.growth import exponent
from benchmarks.scaling.measured import Cost, CostMeter


def test_the_exponent_of_a_power_is_its_power() -> None:
    values = [8, 16, 32, 64]
    assert exponent(values, [3 * value**2 for value in values]) == pytest.approx(2)
    assert exponent(values, [5.0] * 4) == pytest.approx(0)


@pytest.mark.parametrize("values, costs", [([8], [1.0]), ([8, 8], [1.0, 2.0]), ([8, 16], [0.0, 1.0])])
def test_numbers_without_an_exponent_are_refused(values: list[int], costs: list[float]) -> None:
    with pytest.raises(ValueError, match=r"measure two points or more|above 0"):
        exponent(values, costs)


def test_the_formula_of_memory_holds_weights_gradients_moments_and_activations() -> None:
    point = axes.points("made", "size")[0]
    taken, needed = memory.step_memory("made", point, torch.get_num_threads())
    stored = 16 * point.model("made").num_parameters() / memory.MIB
    assert stored < needed < 1.5 * stored and taken >= 0


class FixedMemory:
    def __init__(self) -> None:
        self.count = 0

    def measure(self, family: str, point: axes.Point) -> tuple[float, float]:
        self.count += 1
        return 12.5, 3.0


def test_what_is_foreseen_to_take_too_long_is_left_out_and_named() -> None:
    memory: Any = FixedMemory()
    meter = CostMeter("made", memory, 0.01, 100.0)
    small, large = axes.points("made", "size")[:2]
    before = meter.costs(small, {})
    after = meter.costs(large, {**before, "sample 64": Cost(1000.0, before["sample 64"].formula)})
    assert set(before) - set(after) == {"sample 64"}
    assert meter.costs(small, {}) == before and memory.count == 2, "measured once"
    assert set(meter.costs(small, {}, samples=False)) == {"step", "memory"}
    found = command.summary([8, 16], [before, after])
    assert found["left_out"] == ["sample 64 at 16"]
    assert found["sample 64"]["values"] == [8] and "exponent" not in found["sample 64"]
    assert found["step"]["exponent_of_formula"] == pytest.approx(2, abs=0.1)
    assert found["memory"]["measured"] == [12.5, 12.5]


def test_what_does_not_fit_into_the_minutes_is_left_out_and_named() -> None:
    memory: Any = FixedMemory()
    late = CostMeter("made", memory, 0.01, 100.0, end=0.0)
    assert late.costs(axes.points("made", "size")[0], {}) == {} and memory.count == 0
    found = command.measure(["made"], ["size", "data"], 0.01, 1.0, 8, minutes=0.0)["families"]["made"]
    assert found["size"]["left_out"] == found["data"]["left_out"] == ["everything"]
    assert plot.curve_of(found["data"], "step", "data").values == []


def test_axes_and_widths_are_those_of_the_family() -> None:
    assert [point.config["num_channels"] for point in axes.points("pixelcnn", "width")] == [2, 4, 8, 16]
    assert [point.batch for point in axes.points("vae", "batch")] == [1, 4, 16, 64, 256]
    assert axes.points("made", "levels")[-1].image.levels == 256
    with pytest.raises(ValueError, match="Markov"):
        axes.points("markov", "width")
    with pytest.raises(ValueError, match="--axis depth"):
        command.axis_names(["depth"])


def test_data_sets_are_compared_and_drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(axes.VALUES, "data", (100, 1000))
    monkeypatch.setattr(datasets, "WARM_UP_S", 0.01)
    monkeypatch.setattr(plot.draw, "__defaults__", (tmp_path / "plot.png",))
    arguments = ["scaling", "--family", "made", "--axis", "data", "--seconds", "0.1", "--size", "8", "--plot"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.output.splitlines()[-1])["families"]["made"]["data"]
    assert found["values"] == [100, 1000] and all(ms > 0 for ms in found["step_ms"])
    assert (tmp_path / "plot.png").stat().st_size > 5000


def test_widths_are_drawn_as_shares_beside_the_formula_scaled_to_the_largest_point() -> None:
    cost = {"values": [2, 16], "measured": [3.0, 10.0], "formula": [1e6, 4e6]}
    curve = plot.curve_of({"words": "width", "whole": 16, "step": cost}, "step", "width")
    assert curve == ([0.125, 1.0], [3.0, 10.0], [2.5, 10.0])
    assert [plot.tick(value, "width") for value in curve.values] == ["1/8", "1"]
    assert plot.curve_of({}, "memory", "batch").values == []
