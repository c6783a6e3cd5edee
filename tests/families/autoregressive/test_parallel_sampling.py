"""Exact parallel sampling: each family obeys its laws, and a fixed point that stops too early breaks them."""

from collections.abc import Iterator
from itertools import islice
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from autoregressive_cases import CASES, make

from gmstudio.families.autoregressive import drawing, fvbn_blocks, sampling_plan
from gmstudio.families.autoregressive.block_sweep import BlockSweep
from gmstudio.families.autoregressive.fixed_point import JacobiRounds
from gmstudio.families.autoregressive.made import blocks as made_blocks
from gmstudio.families.autoregressive.nade import blocks as nade_blocks
from gmstudio.families.autoregressive.sampling_plan import BatchSampler
from gmstudio.nn.plain_adam import PlainAdam
from gmstudio.nn.stepping.compiling import STEP_KERNEL
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import seeded

BLOCKS = {"fvbn": fvbn_blocks, "made": made_blocks, "nade": nade_blocks}
BLOCKED = {*BLOCKS, "pixelcnn", "gated_pixelcnn"}
"""Families with blocks; those of a raster family are rows."""
IMAGES = (ImageSpec(1, 3, 3, 2), ImageSpec(3, 2, 2, 3))


@pytest.mark.parametrize(
    ("name", "values", "image"),
    [
        pytest.param(name, values, IMAGES[number % 2], id=f"{name}-{number}")
        for number, (name, _, values) in enumerate(CASES)
    ],
)
def test_every_sampler_gives_the_same_images(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    model = make(name, values, image)
    laws.parallel_equals_sequential(model, batch=3)
    laws.rounding_decides_nothing(model)


@pytest.mark.parametrize(
    ("name", "values"),
    [pytest.param(name, values, id=f"{name}-{number}") for name, number, values in CASES if name in BLOCKED],
)
def test_blocks_of_steps_give_the_same_images(
    name: str, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in BLOCKS:
        monkeypatch.setattr(BLOCKS[name], "BLOCK", 2 if name == "nade" else 4)
    model = make(name, values, IMAGES[1])
    laws.parallel_equals_sequential(model, batch=3)
    order_D3 = model.own_order.flip(0) if model.any_order else model.own_order
    session = model.pixel_session(3, order_D3, seeded(2))
    while session.step < 7:  # to the middle of a block
        session.place(session.draw())
    images = session.images.numpy().copy()
    session.finish()
    conditionals = model.block_conditionals(order_D3, 3)
    exact = drawing.ExactConditionals(model, order_D3, None, keep_weights=False)
    sweep = BlockSweep(conditionals, exact, IMAGES[1], images, session.uniforms.numpy(), order_D3, 1.0, num_given=7)
    assert list(sweep.run())[-1] == 12
    np.testing.assert_array_equal(images, session.images)


def test_a_sweep_that_leaves_its_blocks_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    model, settle = make("fvbn", {}, IMAGES[0]), BlockSweep._settle
    monkeypatch.setattr(fvbn_blocks, "BLOCK", 4)
    monkeypatch.setattr(BlockSweep, "_settle", lambda self, block: islice(settle(self, block), 1))
    with pytest.raises(AssertionError, match="sample by guesses"):
        laws.parallel_equals_sequential(model, batch=8)


@pytest.mark.parametrize(("step_s", "keeps_up"), [(None, True), (10.0, True), (1e-12, False)])
def test_the_plan_goes_on_in_steps_where_blocks_fall_behind(
    step_s: float | None, keeps_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_blocks, "BLOCK", 3)
    model = make("made", {"num_hidden": 16}, ImageSpec(1, 5, 3, 2))
    expected = model.sample(4, seeded(3), method="sequential")
    pace = sampling_plan.pace_of(model, 4)
    assert pace.step_s is not None and pace.is_of_images
    pace.step_s, pace.open_s, pace.is_of_images = step_s, 0.0, step_s is not None
    for _ in range(2):
        np.testing.assert_array_equal(model.sample(4, seeded(3)), expected)
    assert pace.is_of_images
    if step_s is not None:
        assert (pace.calls_without == 0) == keeps_up


def test_what_the_first_call_takes_once_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_blocks, "BLOCK", 3)
    clock, rounds = [0.0], BlockSweep.run

    def with_a_slow_first_round(sweep: BlockSweep) -> Iterator[int]:
        for number, num_final in enumerate(rounds(sweep)):
            clock[0] += 0.01 if number == 0 else 1e-9
            yield num_final

    monkeypatch.setattr(BlockSweep, "run", with_a_slow_first_round)
    monkeypatch.setattr(sampling_plan.time, "thread_time", lambda: clock[0])
    monkeypatch.setattr(BatchSampler, "_step", lambda self, session, until=None: session.finish(1.0, until) or 1e-6)
    model = make("made", {"num_hidden": 16}, ImageSpec(1, 5, 3, 2))
    pace = sampling_plan.pace_of(model, 1)
    for _ in range(2):  # a pilot and blocks, then a measurement
        model.sample(1, seeded(3))
        assert pace.failures == 0
    model.sample(1, seeded(3))
    assert pace.failures == 1


def test_a_call_that_takes_long_once_does_not_decide() -> None:
    model = make("made", {"num_hidden": 16}, ImageSpec(1, 5, 3, 2))
    pace = sampling_plan.pace_of(model, 1)
    for _ in range(2):
        model.sample(1, seeded(3), method="sequential")
    pace.step_s, pace.open_s = 10.0, 10.0
    model.sample(1, seeded(3), method="sequential")
    assert pace.step_s < 1.0 and pace.open_s < 1.0, "the next call corrects a figure that was too large"
    pace.step_s, pace.open_s = 1e-12, 1e-12
    model.sample(1, seeded(3), method="sequential")
    assert (pace.step_s, pace.open_s) == (1e-12, 1e-12), "and one that takes longer is left out"


@pytest.mark.parametrize(("fails_at", "goes_on"), [(3, False), (12, True)])
def test_blocks_that_fall_behind_late_are_guessed_to_the_end(
    fails_at: int, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_blocks, "BLOCK", 3)
    model = make("made", {"num_hidden": 16}, ImageSpec(1, 5, 3, 2))
    expected = model.sample(2, seeded(3), method="sequential")
    pace = sampling_plan.pace_of(model, 2)
    pace.step_s, pace.open_s, pace.is_of_images = 1.0, 0.0, True
    clock, rounds, opened = [0.0], BlockSweep.run, Mock(wraps=BatchSampler._open)

    def at_a_pace(sweep: BlockSweep) -> Iterator[int]:
        for num_final in rounds(sweep):
            clock[0] = num_final + (5.0 if num_final >= fails_at else 0.0)
            yield num_final

    monkeypatch.setattr(BlockSweep, "run", at_a_pace)
    monkeypatch.setattr(sampling_plan.time, "thread_time", lambda: clock[0])
    monkeypatch.setattr(BatchSampler, "_open", lambda sampler: opened(sampler))
    np.testing.assert_array_equal(model.sample(2, seeded(3)), expected)
    assert pace.failures == 1 and (opened.call_count == 0) == goes_on


@pytest.mark.parametrize("values", [{}, {"order_agnostic": True, "num_layers": 2}])
def test_blocks_of_a_nade_are_computed_in_groups_of_images(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make("nade", {"num_hidden": 8, **values}, IMAGES[1])
    most, largest = 2 * 9 * 9 * 16, [0]
    hidden = nade_blocks.NADEBlocks._hidden

    def noted(blocks: Any, values_Sn: Any, *arguments: Any) -> Any:
        largest[0] = max(largest[0], len(values_Sn))
        return hidden(blocks, values_Sn, *arguments)

    monkeypatch.setattr(nade_blocks.NADEBlocks, "_hidden", noted)
    laws.parallel_equals_sequential(model, batch=12)
    whole, largest[0] = largest[0], 0
    monkeypatch.setattr(nade_blocks, "MAX_FLOATS", most)
    laws.parallel_equals_sequential(model, batch=12)
    assert 0 < largest[0] < whole / 2


@pytest.mark.parametrize("name", sorted(BLOCKED))
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_of_any_precision_can_be_sampled(name: str, dtype: torch.dtype) -> None:
    model = make(name, {}, ImageSpec(1, 4, 4, 2)).to(dtype)
    images = [model.sample(3, seeded(5), method=method) for method in sampling_plan.METHODS]
    assert torch.equal(images[0], images[1]) and torch.equal(images[0], images[2])


def test_steps_are_measured_again_once_they_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make("pixelcnn", {"num_blocks": 1, "num_channels": 4}, IMAGES[0])
    monkeypatch.setattr(STEP_KERNEL, "kernel", None)
    plain = sampling_plan.pace_of(model, 1)
    assert sampling_plan.pace_of(model, 1) is plain
    monkeypatch.setattr(STEP_KERNEL, "kernel", object())
    compiled = sampling_plan.pace_of(model, 1)
    assert compiled is not plain and compiled.step_s is None


def test_a_fixed_point_that_stops_a_round_early(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make("pixelcnn", {"num_blocks": 1, "num_channels": 4}, IMAGES[0])
    run = JacobiRounds.run
    monkeypatch.setattr(JacobiRounds, "run", lambda self, *start: list(run(self, *start))[:-1])
    with pytest.raises(AssertionError, match="before all sub-pixels are final"):
        laws.parallel_equals_sequential(model)


def test_values_that_rounding_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make("pixelcnn", {"num_blocks": 2, "num_channels": 8}, ImageSpec(1, 6, 6, 2))
    laws.rounding_decides_nothing(model, batch=4)
    monkeypatch.setattr(drawing, "MARGIN", 0.0)
    monkeypatch.setattr(drawing, "RELATIVE_MARGIN", 0.0)
    with pytest.raises(AssertionError, match=r"threshold|in a batch|session"):
        laws.rounding_decides_nothing(model, batch=4)


def test_values_that_rounding_decides_are_those_of_the_present_weights() -> None:
    model = make("fvbn", {}, IMAGES[0])
    image = np.zeros((1, 3, 3), np.uint8)
    optimizer = PlainAdam(list(model.parameters()), lr=1.0, fused=True)
    values = []
    for _ in range(2):
        exact = drawing.ExactConditionals(model, model.own_order, None, keep_weights=False)
        values.append(exact.value(image, 0, 0, 0.5, 0.0))
        optimizer.zero_grad()
        (-model.log_prob(torch.ones(1, 1, 3, 3, dtype=torch.uint8) - values[-1])).sum().backward()
        optimizer.step()  # to the other value
    assert values[0] != values[1]


@pytest.mark.parametrize("levels", [2, 3])
@pytest.mark.parametrize("temperature", [0.0, 1e-30, 0.5, 1.0, 1e6])
def test_a_draw_without_doubt_is_the_one_in_double_precision(levels: int, temperature: float) -> None:
    noise = np.random.default_rng(0)
    logits_NL = noise.normal(0.0, 3.0, (2000, levels)).astype(np.float32)
    uniforms_N = noise.random(2000, dtype=np.float32)
    uniforms_N[:2] = 0.0, 1.0 - 2.0**-24
    values_N, doubtful = drawing.draw(logits_NL, drawing.thresholds(uniforms_N, levels, temperature))
    expected_N = [
        drawing.inverse_cdf(logits_L, uniform, temperature)
        for logits_L, uniform in zip(logits_NL.astype(np.float64), uniforms_N.tolist(), strict=True)
    ]
    sure_N = ~np.isin(np.arange(2000), doubtful)
    assert (values_N == expected_N)[sure_N].all() and sure_N.mean() > 0.99


def test_what_cannot_be_sampled_is_refused() -> None:
    model = make("fvbn", {}, IMAGES[0])
    uniforms_DB = torch.rand(9, 2, generator=seeded())
    with pytest.raises(ValueError, match="10 observed sub-pixels do not fit"):
        model.parallel_rounds(uniforms_DB, model.own_order, num_given=10)
    with pytest.raises(ValueError, match=r"images of shape \(2, 1, 3, 3\)"):
        model.parallel_rounds(uniforms_DB, model.own_order, num_given=1)
    with pytest.raises(ValueError, match="temperature is -1"):
        model.parallel_rounds(uniforms_DB, model.own_order, -1.0)
    with pytest.raises(ValueError, match="no method 'fast'"):
        model.sample(2, method="fast")


def test_the_copy_in_double_precision_follows_the_weights() -> None:
    model = make("fvbn", {}, IMAGES[0])
    images, uniform = np.zeros((1, 3, 3), np.uint8), 0.5
    exact = drawing.ExactConditionals(model, model.own_order, None, keep_weights=False)
    before = exact.value(images, 0, 0, uniform, 1.0)
    with torch.no_grad():
        model.bias_FD[:, 0] = -20.0 if before else 20.0
    fresh = drawing.ExactConditionals(model, model.own_order, None, keep_weights=False)
    assert fresh.value(images, 0, 0, uniform, 1.0) != before
    assert exact.value(images, 0, 0, uniform, 1.0) == before  # as long as a batch is sampled
