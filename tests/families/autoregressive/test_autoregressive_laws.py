"""Laws that every autoregressive family obeys; a family joins by being in ``FAMILIES`` with a ``pixel_session``.

Parameters are drawn at random and large, so that no law holds merely because a fresh network ignores its input.
"""

from typing import Any

import msgspec
import pytest
import torch
from autoregressive_laws import (
    BINARY,
    CASES,
    COLOUR,
    COUNTABLE,
    GREY,
    LARGER,
    all_images,
    check_autoregression,
    check_contexts,
    check_fast_equals_plain,
    check_probabilities_sum_to_one,
    check_rewinding,
    check_stepping_equals_scoring,
    describe,
    make,
    random_images,
    seeded,
)
from torch import Tensor

from gmstudio.families import FAMILIES
from gmstudio.families.base import Autoregressive
from gmstudio.protocol.images import ImageSpec

OVERFITTING_CONFIGS: dict[str, dict[str, Any]] = {"markov": {"num_parents": 8, "smoothing": 1e-3}}
"""Settings for the overfitting test, where the defaults could not: a chain of order 1 forgets which image it is in."""

OVERFITTING_RATES = {"fvbn": 0.1}
"""Adam's learning rate in the overfitting test, where it is not 0.005: a pixel of these has few weights of its own."""

every_family = pytest.mark.parametrize(
    ("name", "values"), [pytest.param(name, values, id=f"{name}-{number}") for name, number, values in CASES]
)
every_image = pytest.mark.parametrize("image", LARGER, ids=describe)


@every_family
@pytest.mark.parametrize("image", COUNTABLE, ids=describe)
def test_probabilities_sum_to_one_over_every_image(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    check_probabilities_sum_to_one(make(name, values, image))


@every_family
@every_image
def test_changing_a_subpixel_leaves_its_own_and_earlier_conditionals(
    name: str, values: dict[str, Any], image: ImageSpec
) -> None:
    check_autoregression(make(name, values, image))


@every_family
@every_image
def test_a_conditional_depends_on_its_context_only(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    check_contexts(make(name, values, image))


@every_family
@every_image
def test_stepping_equals_scoring(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    check_stepping_equals_scoring(make(name, values, image), 3)


@every_family
@every_image
@pytest.mark.parametrize("batch", [1, 3])
def test_fast_equals_plain(name: str, values: dict[str, Any], image: ImageSpec, batch: int) -> None:
    check_fast_equals_plain(make(name, values, image), batch)


@every_family
@every_image
def test_rewinding_and_going_on_repeats_what_was_there(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    model = make(name, values, image)
    session = model.pixel_session(2, generator=seeded())
    session.finish()
    finished = session.images.clone()
    for step in (image.num_dims - 1, image.num_dims // 2, 1, 0):
        session.rewind(step)
        assert session.step == step
        later = tuple(session.order[step:].T)
        assert not session.images[:, *later].any()
        session.finish()
        assert torch.equal(session.images, finished)


@every_family
@every_image
def test_another_path_after_rewinding_is_computed_afresh(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    check_rewinding(make(name, values, image))


@every_family
def test_a_session_keeps_the_weights_of_its_opening(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, BINARY)
    before = model.sample(4, seeded())
    session = model.pixel_session(4, generator=seeded())
    session.place(session.draw())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))
    session.finish()
    assert torch.equal(session.images, before)


@every_family
@pytest.mark.parametrize("image", [BINARY, GREY, ImageSpec(3, 2, 2, 3)], ids=describe)  # in one row, nothing is above
def test_every_parameter_gets_a_gradient(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    model = make(name, values, image)
    (phase,) = model.phases()
    phase.loss(random_images(image, 16), seeded())["loss"].backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, parameter_name
    assert {id(p) for p in phase.parameters} == {id(p) for p in model.parameters()}


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if hasattr(family, "pixel_session")])
@pytest.mark.parametrize("image", [BINARY, COLOUR], ids=describe)
def test_one_batch_can_be_overfitted(name: str, image: ImageSpec) -> None:
    torch.manual_seed(0)
    model = FAMILIES[name](FAMILIES[name].Config(**OVERFITTING_CONFIGS.get(name, {})), image)
    batch = random_images(image, 2)
    (phase,) = model.phases()
    optimizer = torch.optim.Adam(phase.parameters, lr=OVERFITTING_RATES.get(name, 5e-3))
    for _ in range(150):
        optimizer.zero_grad()
        loss = phase.loss(batch, seeded())["loss"]
        loss.backward()
        optimizer.step()
    assert loss.item() < 1.0  # two images at probability one half each: log 2 = 0.69


@every_family
def test_the_loss_is_the_mean_nll(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, GREY)
    x = random_images(GREY, 5)
    model.eval()  # training draws orders and masks where there are several
    (phase,) = model.phases()
    terms = phase.loss(x, seeded())
    assert phase.name == "model"
    assert set(terms) == {term.name for term in model.card.objectives[0].terms}
    assert terms["loss"].item() == pytest.approx(-model.log_prob(x).mean().item(), rel=1e-6)


@every_family
def test_a_seed_repeats_and_another_differs(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, LARGER[0])
    images = model.sample(6, seeded(1))
    assert images.shape == (6, *LARGER[0].shape) and images.dtype == torch.uint8
    assert torch.equal(images, model.sample(6, seeded(1)))
    assert not torch.equal(images, model.sample(6, seeded(2)))


@every_family
def test_saving_and_loading_change_nothing(name: str, values: dict[str, Any]) -> None:
    model, other = make(name, values, GREY), make(name, values, GREY, seed=9)
    x = random_images(GREY, 5)
    assert not torch.allclose(model.log_prob(x), other.log_prob(x), atol=1e-3)
    other.load_state_dict(model.state_dict())
    assert torch.equal(model.log_prob(x), other.log_prob(x))
    assert torch.equal(model.sample(3, seeded()), other.sample(3, seeded()))


@every_family
@pytest.mark.parametrize("temperature", [0.0, 1e-30, 1e-4])
def test_temperature_zero_gives_the_mode(name: str, values: dict[str, Any], temperature: float) -> None:
    model = make(name, values, ImageSpec(1, 3, 3, 4))
    session = model.pixel_session(3, generator=seeded())
    while session.position is not None:
        drawn = session.draw(temperature)
        assert torch.equal(drawn, session.conditional().argmax(1))
        session.place(drawn)


@every_family
def test_samples_follow_the_distribution(name: str, values: dict[str, Any]) -> None:
    image = ImageSpec(1, 1, 2, 3)
    model = make(name, values, image)
    (everything,) = all_images(image)
    expected = model.log_prob(everything).exp().detach()
    drawn = model.sample(4000, seeded()).flatten(1).long()
    counts = torch.bincount(drawn[:, 0] * 3 + drawn[:, 1], minlength=9)
    assert torch.allclose(counts / 4000, expected, atol=0.04)  # five standard deviations


@every_family
def test_a_high_temperature_makes_levels_equal(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, GREY)
    session = model.pixel_session(4000, generator=seeded())
    counts = torch.bincount(session.draw(temperature=1e6), minlength=4)
    assert counts.min() > 900


@every_family
def test_integer_types_score_alike(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, GREY)
    x = random_images(GREY, 3)
    for dtype in (torch.int8, torch.int16, torch.int32, torch.int64):
        assert torch.equal(model.log_prob(x.to(dtype)), model.log_prob(x))


@every_family
def test_it_is_autoregressive_by_protocol(name: str, values: dict[str, Any]) -> None:
    assert isinstance(make(name, values, GREY), Autoregressive)


@every_family
@pytest.mark.parametrize(
    ("x", "said"),
    [
        (torch.zeros(2, 1, 2, 2), "float32"),
        (torch.zeros(2, 1, 2, 3, dtype=torch.uint8), r"\(2, 1, 2, 3\)"),
        (torch.zeros(1, 2, 2, dtype=torch.uint8), r"\(1, 2, 2\)"),
        (torch.full((1, 1, 2, 2), 4, dtype=torch.uint8), "to 4; this model takes 0 to 3"),
        (torch.full((1, 1, 2, 2), -1), "from -1"),
    ],
)
def test_unsuitable_images_are_refused(name: str, values: dict[str, Any], x: Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make(name, values, GREY).log_prob(x)


@every_family
def test_unsuitable_requests_are_refused(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, GREY)
    session = model.pixel_session(2, generator=seeded())
    with pytest.raises(ValueError, match="0 images"):
        model.sample(0)
    with pytest.raises(ValueError, match="-1 images"):
        model.pixel_session(-1)
    with pytest.raises(ValueError, match="exactly once"):
        model.pixel_session(1, order=[(0, 0, 0)] * 4)
    with pytest.raises(ValueError, match="shape"):
        model.pixel_session(1, order=[(0, 0, 0)])
    with pytest.raises(ValueError, match="integers are placed"):
        session.place(torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match="integers are placed"):
        session.place(torch.zeros(2))
    with pytest.raises(ValueError, match="0 to 3"):
        session.place(torch.tensor([0, 4]))
    with pytest.raises(ValueError, match="temperature is -1"):
        session.draw(-1.0)
    with pytest.raises(ValueError, match="0 to 0"):
        session.rewind(1)
    session.finish()
    for ended in (session.conditional, session.draw, session.context):
        with pytest.raises(ValueError, match="All 4 sub-pixels"):
            ended()
    with pytest.raises(ValueError, match="All 4 sub-pixels"):
        session.place(torch.zeros(2, dtype=torch.int64))


@every_family
def test_orders_are_heeded_or_refused(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, GREY)
    own = model.pixel_session(1).order
    assert torch.equal(own, model.own_order)
    assert torch.equal(model.pixel_session(1, order=own.clone()).order, own)
    backwards = own.flip(0)
    if model.any_order:
        assert model.pixel_session(1, order=backwards).position == tuple(backwards[0].tolist())
    else:
        with pytest.raises(ValueError, match=values.get("order", "raster")):
            model.pixel_session(1, order=backwards)


@every_family
def test_colour_channels_follow_one_another_within_a_pixel(name: str, values: dict[str, Any]) -> None:
    order = make(name, values, COLOUR).pixel_session(1).order
    pixels = order[::3, 1:].tolist()
    assert sorted(pixels) == [[0, 0], [0, 1]]
    assert order.tolist() == [[channel, *pixel] for pixel in pixels for channel in range(3)]


@every_family
def test_large_samples_come_in_groups_with_the_same_images(
    name: str, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make(name, values, BINARY)
    at_once = model.sample(7, seeded())
    monkeypatch.setattr(type(model), "max_session", 3)
    assert torch.equal(model.sample(7, seeded()), at_once)


@every_family
def test_sessions_may_change_their_grad_mode(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, BINARY)
    expected = model.sample(2, seeded())
    with torch.inference_mode():
        session = model.pixel_session(2, generator=seeded())
        session.place(session.draw())
    session.place(session.draw())
    with torch.inference_mode():
        session.finish()
    assert torch.equal(session.images, expected)


def test_default_configs_stand_alone() -> None:
    for family in FAMILIES.values():
        if hasattr(family, "pixel_session"):
            assert isinstance(family.Config(), msgspec.Struct)


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if hasattr(family, "pixel_session")])
def test_training_in_bfloat16_is_close_to_training_in_float32(name: str) -> None:
    family = FAMILIES[name]
    torch.manual_seed(0)
    image = ImageSpec(1, 5, 4, 3)
    model = family(family.Config(), image)
    x = random_images(image, 4)
    (phase,) = model.phases()
    exact = phase.loss(x, seeded())["loss"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = phase.loss(x, seeded())["loss"]
    rough.backward()
    assert float(rough.detach()) == pytest.approx(float(exact.detach()), rel=0.02)
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in phase.parameters)
