"""The explorer moves through a generation exactly, keeps its weights, and refuses what does not fit."""

from typing import Any

import numpy as np
import pytest
import torch
from pixel_navigators import EVERYTHING, advance, arrive, one, open_one, rewind
from tiny_autoregressive import TinyAutoregressive

from gmstudio.engine.pixels import generation as generation_module
from gmstudio.engine.pixels.explorer import MAX_OPEN, PixelExplorer
from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Done
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import (
    AdvancePixels,
    ClosePixels,
    ContinuePixels,
    ForgetPath,
    OpenPixels,
    PixelsContinued,
    PixelsMoved,
    PixelsOpened,
    PlacePixel,
)

GREY = ImageSpec(channels=1, height=4, width=3, levels=4)
RGB = ImageSpec(channels=3, height=2, width=2, levels=2)


@pytest.fixture(params=[GREY, RGB], ids=["grey", "rgb"])
def model(request: pytest.FixtureRequest) -> TinyAutoregressive:
    return TinyAutoregressive(request.param)


def test_opening_names_the_weights_the_order_and_the_first_conditional(model: TinyAutoregressive) -> None:
    opened, moved = open_one(PixelExplorer(), model, seed=3)
    assert (opened.request, opened.run, opened.image, opened.weights_step) == (1, "run", model.image, 7)
    np.testing.assert_array_equal(opened.order.numpy(), model.raster().numpy())
    assert (moved.request, moved.session, moved.step, moved.path) == (1, opened.session, 0, 0)
    expected = model.logits(torch.zeros(1, model.image.num_dims), 0).softmax(1)[0]
    np.testing.assert_allclose(moved.conditional.numpy(), expected.detach(), rtol=1e-6)


def test_stepping_adds_up_to_scoring(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    opened, _ = open_one(explorer, model)
    moved = advance(explorer, opened.session, EVERYTHING, temperature=2.0)
    assert moved.step == moved.path == model.image.num_dims
    assert moved.conditional.shape == (0,) and not moved.context.numpy().any()
    x = torch.from_numpy(moved.image.numpy().copy())[None]
    assert moved.nats.numpy().sum() == pytest.approx(-model.log_prob(x).item(), rel=1e-5)


def test_pixel_by_pixel_equals_all_at_once(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    slow, fast = (open_one(explorer, model, seed=5)[0].session for _ in range(2))
    for _ in range(model.image.num_dims):
        moved = advance(explorer, slow)
    assert moved.image == advance(explorer, fast, EVERYTHING).image


def test_the_path_is_recorded_and_replayed(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    seen = [advance(explorer, session) for _ in range(model.image.num_dims)]
    back = rewind(explorer, session, 3)
    assert (back.step, back.path) == (3, model.image.num_dims)
    assert (back.image, back.nats, back.conditional, back.context, back.uniform) == (
        seen[2].image,
        seen[2].nats,
        seen[2].conditional,
        seen[2].context,
        seen[2].uniform,
    )
    again = advance(explorer, session, 2, temperature=0.0)
    assert (again.image, again.nats) == (seen[4].image, seen[4].nats)
    assert rewind(explorer, session, model.image.num_dims).image == seen[-1].image


def test_a_chosen_value_is_kept_and_what_follows_depends_on_it(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    whole = advance(explorer, session, EVERYTHING)
    channel, row, column = model.raster()[2].tolist()
    other = (int(whole.image.numpy()[channel, row, column]) + 1) % model.image.levels
    rewind(explorer, session, 2)
    placed = one(explorer.place(PlacePixel(session=session, value=other)))
    assert (placed.step, placed.path) == (3, 3)
    assert placed.image.numpy()[channel, row, column] == other
    finished = advance(explorer, session, EVERYTHING)
    x = torch.from_numpy(finished.image.numpy().copy())[None]
    assert finished.nats.numpy().sum() == pytest.approx(-model.log_prob(x).item(), rel=1e-5)


def test_forgetting_draws_the_rest_with_the_new_seed(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    first, second = (open_one(explorer, model, seed=seed)[0].session for seed in (0, 9))
    advance(explorer, first, EVERYTHING)
    rewind(explorer, first, 0)
    forgotten = one(explorer.forget(ForgetPath(session=first, seed=9)))
    assert (forgotten.step, forgotten.path) == (0, 0)
    assert advance(explorer, first, EVERYTHING).image == advance(explorer, second, EVERYTHING).image


def test_temperature_zero_takes_the_most_likely_value(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    opened, moved = open_one(explorer, model)
    for channel, row, column in model.raster().tolist():
        expected = int(moved.conditional.numpy().argmax())
        moved = advance(explorer, opened.session, 1, temperature=0.0)
        assert moved.image.numpy()[channel, row, column] == expected


def test_observed_pixels_are_placed_and_scored(model: TinyAutoregressive) -> None:
    generator = np.random.default_rng(1)
    levels = generator.integers(0, model.image.levels, model.image.shape).astype(np.uint8)
    explorer = PixelExplorer()
    opened, moved = open_one(explorer, model, levels=Array.of(levels), num_placed=5)
    assert moved.path == 5
    moved = arrive(explorer, opened.session, 5)
    channel, row, column = model.raster()[:5].numpy().T
    np.testing.assert_array_equal(moved.image.numpy()[channel, row, column], levels[channel, row, column])
    opened, _ = open_one(explorer, model, levels=Array.of(levels), num_placed=model.image.num_dims)
    finished = arrive(explorer, opened.session, model.image.num_dims)
    assert finished.nats.numpy().sum() == pytest.approx(
        -model.log_prob(torch.from_numpy(levels)[None]).item(), rel=1e-5
    )


def test_scoring_observed_pixels_stays_within_its_budget(
    model: TinyAutoregressive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(100_000))
    monkeypatch.setattr(generation_module.time, "perf_counter", lambda: next(ticks) * 0.010)
    levels = Array.of(np.zeros(model.image.shape, dtype=np.uint8))
    explorer = PixelExplorer()
    opened, moved = open_one(explorer, model, levels=levels, num_placed=model.image.num_dims)
    assert 0 < moved.step < moved.path == model.image.num_dims
    steps = [moved.step]
    while moved.step < moved.path:
        moved = rewind(explorer, opened.session, moved.path)
        steps.append(moved.step)
    assert steps == sorted(set(steps))


def test_looking_back_without_room_to_keep_things_gives_the_same(
    model: TinyAutoregressive, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = PixelExplorer()
    kept = open_one(explorer, model)[0].session
    monkeypatch.setattr(generation_module, "MAX_KEPT_BYTES", 0)
    forgetful = open_one(explorer, model)[0].session
    for session in (kept, forgetful):
        advance(explorer, session, 6)
    for step in (2, 6, 0, 4):
        assert rewind(explorer, kept, step).conditional == rewind(explorer, forgetful, step).conditional
    assert advance(explorer, kept, EVERYTHING).image == advance(explorer, forgetful, EVERYTHING).image


def test_a_generation_keeps_its_weights_while_the_model_learns(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    opened, before = open_one(explorer, model)
    with torch.no_grad():
        model.bias.add_(torch.randn_like(model.bias))
    assert rewind(explorer, opened.session, 0).conditional == before.conditional
    command = OpenPixels(run="run", weights_of=opened.session)
    reopened, moved = explorer.open(model, "run", 8, command)
    assert isinstance(reopened, PixelsOpened) and isinstance(moved, PixelsMoved)
    assert (reopened.weights_step, moved.conditional) == (7, before.conditional)
    fresh, moved = explorer.open(model, "run", 8, OpenPixels(run="run"))
    assert isinstance(fresh, PixelsOpened) and isinstance(moved, PixelsMoved)
    assert fresh.weights_step == 8 and moved.conditional != before.conditional
    assert model.training and model.bias.requires_grad, "exploring left a mark on the model"


def test_forks_continue_the_prefix_and_know_their_nats(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    prefix = advance(explorer, session, 4)
    events = list(explorer.continuations(ContinuePixels(request=6, session=session, count=16, seed=2)))
    assert None in events
    reports = [e for e in events if isinstance(e, PixelsContinued)]
    assert [r.done for r in reports] == [False] * (len(reports) - 1) + [True]
    last = reports[-1]
    assert (last.request, last.start, last.step) == (6, 4, model.image.num_dims)
    images = last.images.numpy()
    channel, row, column = model.raster()[:4].numpy().T
    assert (images[:, channel, row, column] == prefix.image.numpy()[channel, row, column]).all()
    assert len({image.tobytes() for image in images}) > 4
    np.testing.assert_allclose(last.nats.numpy(), -model.log_prob(torch.from_numpy(images.copy())).detach(), rtol=1e-4)
    assert rewind(explorer, session, 4).image == prefix.image, "sampling continuations moved the generation"


def test_closing_a_generation_ends_its_continuation(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    job = explorer.continuations(ContinuePixels(session=session))
    assert explorer.close(ClosePixels(request=4, session=session)) == [Done(request=4)]
    (last,) = job
    assert isinstance(last, PixelsContinued) and last.done and last.step == 0


def test_the_generation_unused_for_longest_is_closed() -> None:
    explorer, model = PixelExplorer(), TinyAutoregressive(GREY)
    numbers = [open_one(explorer, model)[0].session for _ in range(MAX_OPEN)]
    advance(explorer, numbers[0])
    open_one(explorer, model)
    advance(explorer, numbers[0])
    with pytest.raises(ValueError, match=f"Generation {numbers[1]} is not open any more"):
        advance(explorer, numbers[1])


def test_global_random_numbers_are_left_alone(model: TinyAutoregressive) -> None:
    before = torch.get_rng_state()
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    advance(explorer, session, 3)
    list(explorer.continuations(ContinuePixels(session=session)))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"num_placed": 3}, "there is no image"),
        ({"num_placed": -1}, "-1 placed sub-pixels"),
        ({"num_placed": 13, "levels": Array.of(np.zeros((1, 4, 3), np.uint8))}, "have 0 to 12"),
        ({"num_placed": 1, "levels": Array.of(np.zeros((3, 4), np.uint8))}, "needs \\(1, 4, 3\\)"),
        ({"num_placed": 1, "levels": Array.of(np.zeros((1, 4, 3), np.float32))}, "whole numbers"),
        (
            {"num_placed": 1, "levels": Array.of(np.full((1, 4, 3), 4, np.uint8))},
            "value 4; this model's levels are 0 … 3",
        ),
        ({"num_placed": 1, "levels": Array.of(np.full((1, 4, 3), -2, np.int64))}, "value -2"),
        ({"seed": -1}, "seed is -1"),
        ({"weights_of": 99}, "Generation 99"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_a_sentence(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        open_one(PixelExplorer(), TinyAutoregressive(GREY), **fields)


def test_a_model_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="autoregressive"):
        PixelExplorer().open(torch.nn.Linear(1, 1), "run", 0, OpenPixels(run="run"))


def test_moves_that_make_no_sense_are_refused_and_change_nothing() -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, TinyAutoregressive(GREY))[0].session
    before = advance(explorer, session, 2)
    with pytest.raises(ValueError, match="Step 3 is not on the path; go to 0 … 2"):
        rewind(explorer, session, 3)
    with pytest.raises(ValueError, match="Level 4 does not exist; choose 0 … 3"):
        explorer.place(PlacePixel(session=session, value=4))
    with pytest.raises(ValueError, match="temperature is -1"):
        advance(explorer, session, 1, temperature=-1.0)
    with pytest.raises(ValueError, match="temperature is nan"):
        advance(explorer, session, 1, temperature=float("nan"))
    with pytest.raises(ValueError, match="generate 1 or more"):
        explorer.advance(AdvancePixels(session=session, count=0))
    with pytest.raises(ValueError, match="sample 1 to 256"):
        explorer.continuations(ContinuePixels(session=session, count=0))
    after = rewind(explorer, session, 2)
    assert (after.step, after.path, after.image) == (before.step, before.path, before.image)


def test_a_finished_image_can_be_neither_set_nor_continued() -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, TinyAutoregressive(GREY))[0].session
    advance(explorer, session, EVERYTHING)
    with pytest.raises(ValueError, match="finished"):
        explorer.place(PlacePixel(session=session, value=0))
    with pytest.raises(ValueError, match="finished"):
        explorer.continuations(ContinuePixels(session=session))
