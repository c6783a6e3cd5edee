"""Laws that every autoregressive family obeys; a family joins by being in ``FAMILIES`` with a ``pixel_session``.

Parameters are drawn at random and large, so that no law holds merely because a fresh network ignores its input.
"""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from autoregressive_cases import CASES, LARGER, describe, make
from torch import Tensor

from gmstudio.families import FAMILIES
from gmstudio.families.base import Autoregressive
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import BINARY, COLOUR_ROW, COUNTABLE, GREY, random_images, seeded

NARROW = {"num_channels": 16}
OVERFITTING_CONFIGS: dict[str, dict[str, Any]] = {
    "markov": {"num_parents": 8, "smoothing": 1e-3},  # a chain of order 1 forgets which image it is in
    "pixelrnn_row": NARROW | {"num_layers": 2},
    "pixelrnn_diagonal": NARROW | {"num_layers": 2},
    "pixelcnn": NARROW | {"num_blocks": 2},
    "gated_pixelcnn": NARROW | {"num_layers": 3},
}
"""Settings for the overfitting test, where the defaults could not, or take longer."""

OVERFITTING_RATES = {"fvbn": 0.1}
"""Adam's learning rate in the overfitting test, where it is not 0.005: a pixel of these has few weights of its own."""

every_family = pytest.mark.parametrize(
    ("name", "values"), [pytest.param(name, values, id=f"{name}-{number}") for name, number, values in CASES]
)
every_image = pytest.mark.parametrize("image", LARGER, ids=describe)


@every_family
@pytest.mark.parametrize("image", COUNTABLE, ids=describe)
def test_probabilities_sum_to_one_over_every_image(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    laws.probabilities_sum_to_one(make(name, values, image))


@every_family
@every_image
def test_changing_a_subpixel_leaves_its_own_and_earlier_conditionals(
    name: str, values: dict[str, Any], image: ImageSpec
) -> None:
    laws.autoregression(make(name, values, image))
    laws.earlier_pixels_matter(make(name, values, image))


@every_family
@every_image
def test_a_conditional_depends_on_its_context_only(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    laws.conditionals_depend_on_their_context(make(name, values, image))


@every_family
@every_image
def test_stepping_equals_scoring(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    laws.stepping_equals_scoring(make(name, values, image), batch=3)


@every_family
@every_image
@pytest.mark.parametrize("batch", [1, 3])
def test_fast_equals_plain(name: str, values: dict[str, Any], image: ImageSpec, batch: int) -> None:
    laws.fast_equals_plain(make(name, values, image), batch=batch)


@every_family
@every_image
def test_rewinding_and_going_on_repeats_what_was_there(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    laws.rewinding_repeats(make(name, values, image))


@every_family
@every_image
def test_another_path_after_rewinding_is_computed_afresh(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    laws.rewinding_recomputes(make(name, values, image))


@every_family
def test_a_session_keeps_the_weights_of_its_opening(name: str, values: dict[str, Any]) -> None:
    laws.a_session_keeps_its_weights(make(name, values, BINARY))


@every_family
@pytest.mark.parametrize("image", [BINARY, GREY, ImageSpec(3, 2, 2, 3)], ids=describe)  # in one row, nothing is above
def test_every_parameter_gets_a_gradient(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    laws.every_parameter_gets_a_gradient(make(name, values, image))


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if hasattr(family, "pixel_session")])
@pytest.mark.parametrize("image", [BINARY, COLOUR_ROW], ids=describe)
def test_one_batch_can_be_overfitted(name: str, image: ImageSpec) -> None:
    torch.manual_seed(0)
    model = FAMILIES[name](FAMILIES[name].Config(**OVERFITTING_CONFIGS.get(name, {})), image)
    uniform = image.num_dims * math.log(image.levels)
    share = 1.0 / uniform  # at most 1 nat is left: two images at probability one half each are log 2 = 0.69
    rate = OVERFITTING_RATES.get(name, 5e-3)
    laws.one_batch_can_be_overfitted(model, random_images(image, 2, seed=1), learning_rate=rate, share=share)


@every_family
def test_the_loss_is_the_mean_nll(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, GREY)
    (phase,) = model.phases()
    assert phase.name == "model" and model.card.objectives[0].terms[0].per_image_nats
    laws.losses_are_explained(model)
    laws.a_loss_called_a_likelihood_is_one(model)


@every_family
def test_a_seed_repeats_and_another_differs(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, LARGER[0])
    laws.samples_are_images(model)
    laws.samples_follow_the_generator(model)


@every_family
def test_saving_and_loading_change_nothing(name: str, values: dict[str, Any]) -> None:
    laws.saving_and_loading_change_nothing(make(name, values, GREY))


@every_family
@pytest.mark.parametrize("temperature", [0.0, 1e-30, 1e-4])
def test_temperature_zero_gives_the_mode(name: str, values: dict[str, Any], temperature: float) -> None:
    laws.temperature_zero_gives_the_mode(make(name, values, ImageSpec(1, 3, 3, 4)), temperature)


@every_family
def test_samples_follow_the_distribution(name: str, values: dict[str, Any]) -> None:
    laws.samples_follow_the_distribution(make(name, values, ImageSpec(1, 1, 2, 3)))


@every_family
def test_a_high_temperature_makes_levels_equal(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, GREY)
    session = model.pixel_session(4000, generator=seeded())
    counts = torch.bincount(session.draw(temperature=1e6), minlength=4)
    assert counts.min() > 900


@every_family
def test_integer_types_score_alike(name: str, values: dict[str, Any]) -> None:
    laws.integer_types_are_alike(make(name, values, GREY))


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
        (torch.full((1, 1, 2, 2), 4, dtype=torch.uint8), "to 4; this model accepts 0 to 3"),
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
def test_orders_are_followed_or_refused(name: str, values: dict[str, Any]) -> None:
    model = make(name, values, GREY)
    own = model.pixel_session(1).order
    assert torch.equal(own, model.own_order)
    assert torch.equal(model.pixel_session(1, order=own.clone()).order, own)
    backwards = own.flip(0)
    if model.any_order:
        laws.sessions_follow_the_order(model, backwards)
    else:
        with pytest.raises(ValueError, match=values.get("order", "raster")):
            model.pixel_session(1, order=backwards)


@every_family
def test_colour_channels_follow_one_another_within_a_pixel(name: str, values: dict[str, Any]) -> None:
    order = make(name, values, COLOUR_ROW).pixel_session(1).order
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
    laws.losses_stay_in_float32(model, relative=0.02)


def test_a_flag_of_an_invalid_product_is_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make("nade", {"num_hidden": 5}, BINARY)
    expected, stepper = model.sample(2, seeded()), type(model).stepper

    class Flagging:
        """Raises the processor's flag of an invalid operation, as OpenBLAS does now and then."""

        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            self._stepper = stepper(*arguments, **keywords)

        def logits(self, step: int) -> Any:
            np.subtract(np.float32(np.inf), np.float32(np.inf))
            return self._stepper.logits(step)

    monkeypatch.setattr(type(model), "stepper", lambda *arguments, **keywords: Flagging(*arguments, **keywords))
    assert torch.equal(model.sample(2, seeded()), expected)
    session = model.pixel_session(2, generator=seeded())
    session.conditional()
    session.place(session.draw())
