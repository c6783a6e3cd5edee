"""The stepping benchmark and the arithmetic that others are compared with."""

import pytest
import torch

from benchmarks import arithmetic, parallel_sampling, sampling, stepping
from benchmarks.models import table_model
from gmstudio.protocol.images import ImageSpec

IMAGE = ImageSpec(channels=1, height=6, width=5, levels=2)


def test_every_pixel_of_both_sizes_is_stepped_through() -> None:
    result = stepping.measure("made", 5, 2, 1, [])
    assert result["default"]["config"]["num_layers"] == 2 and result["table"]["config"]["num_layers"] == 1
    for name in ("default", "table"):
        assert 0 < result[name]["p50_ms"] <= result[name]["p95_ms"] <= result[name]["max_ms"]
    assert result["goal_met"] == (result["default"]["p95_ms"] < result["goal_p95_ms"])


def test_chosen_settings_are_measured_alone() -> None:
    result = stepping.measure("made", 5, 4, 1, ["num_hidden=3"])
    assert result["chosen"]["config"]["num_hidden"] == 3 and "default" not in result


def test_a_pixelcnns_arithmetic_is_that_of_its_kernels() -> None:
    settings = ["num_blocks=2", "num_channels=3", "num_head_channels=4", "input_kernel_size=3", "kernel_size=3"]
    model = table_model("pixelcnn", IMAGE, settings)
    positions = IMAGE.height * IMAGE.width
    weights = sum(p.numel() for p in model.parameters() if p.dim() == 4)
    assert arithmetic.forward_flops(model) == 2 * weights * positions  # so few channels are read by windows


@pytest.mark.parametrize("family", ["pixelrnn_row", "pixelrnn_diagonal"])
def test_recurrent_families_use_each_weight_once_per_pixel(family: str) -> None:
    model = table_model(family, ImageSpec(channels=1, height=28, width=28, levels=2), [])
    assert arithmetic.forward_flops(model) == pytest.approx(2 * 28**2 * model.num_parameters(), rel=0.01)


def test_products_that_are_added_in_place_are_counted() -> None:
    a, b, out = torch.ones(2, 3, 5), torch.ones(2, 5, 7), torch.ones(2, 3, 7)
    with arithmetic.flop_counter() as counter:
        out.baddbmm_(a, b)
        out[0].addmm_(a[0], b[0])
    assert counter.get_total_flops() == 3 * (2 * 3 * 5 * 7)


@pytest.mark.parametrize("family", ["fvbn", "nade", "made"])
def test_dense_families_use_each_weight_once(family: str) -> None:
    model = table_model(family, IMAGE, [])
    assert arithmetic.forward_flops(model) == 2 * model.num_parameters()


def test_the_distance_is_the_time_over_the_floor() -> None:
    model = table_model("made", IMAGE, [])
    flops = arithmetic.step_flops(model, 64)
    found = arithmetic.distance(flops, seconds=0.5)
    assert found["times_floor"] == pytest.approx(0.5 / found["arithmetic_floor_s"])
    assert flops == arithmetic.forward_flops(model) * 64 * 3
    assert found["arithmetic_floor_s"] == pytest.approx(flops / (found["product_gflops_per_s"] * 1e9))
    assert torch.get_num_threads() >= 1


def test_the_logistic_units_of_nade_count_once_per_pixel() -> None:
    assert arithmetic.logistic_functions(table_model("nade", IMAGE, ["num_hidden=7", "activation=relu"])) == 0
    settings = ["num_hidden=7", "activation=sigmoid"]
    number = arithmetic.logistic_functions(table_model("nade", IMAGE, settings))
    assert number == IMAGE.num_dims * 7
    agnostic = table_model("nade", IMAGE, [*settings, "order_agnostic=true", "num_layers=2"])
    assert arithmetic.logistic_functions(agnostic) == 2 * 7


def test_the_distance_has_the_logistic_functions_in_its_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "product_rate", lambda: 2e9)
    monkeypatch.setattr(arithmetic, "fastest_product_rate", lambda: 4e9)
    monkeypatch.setattr(arithmetic, "logistic_rate", lambda: 1e9)
    found = arithmetic.distance(4e9, seconds=12.0, logistics=4e9)
    assert found["arithmetic_floor_s"] == 6 and found["times_floor"] == 2 and found["times_products"] == 6
    assert found["times_fastest"] == 12 / 5


def test_sampling_measures_what_a_family_can() -> None:
    by_pixel = sampling.measure("fvbn", 4, 3, 2, 1, [])
    assert by_pixel["max_abs_diff"] < 1e-5 and by_pixel["ratio"] > 0
    whole = sampling.measure("rbm", 4, 3, 2, 1, ["num_hidden=3"])
    assert 0 < whole["sample_best_s"] <= whole["sample_s"] and whole["images_per_s"] == 3 / whole["sample_s"]
    assert "ratio" not in whole


def test_parallel_sampling_is_compared_with_the_same_bytes() -> None:
    result = parallel_sampling.measure("fvbn", 4, 3, 2, 1, [])
    assert result["identical"] and result["rounds"] <= result["image_rounds"] <= 16
    assert {"parallel_s", "sequential_s", "auto_s"} <= result["random"].keys() and "trained" not in result


@pytest.mark.parametrize(
    ("family", "run", "said"), [("vae", None, "pixel by pixel"), ("made", "examples/fvbn", "fvbn")]
)
def test_what_cannot_be_sampled_in_parallel_is_refused(family: str, run: str | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parallel_sampling.measure(family, 4, 1, 2, 1, [], run)
