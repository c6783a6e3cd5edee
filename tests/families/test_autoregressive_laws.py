"""Laws that every autoregressive family obeys; a family joins by being in ``FAMILIES`` with a ``pixel_session``.

Parameters are drawn at random and large, so that no law holds merely because a fresh network ignores its input.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor

from gmstudio.cards import ImageSpec
from gmstudio.families import FAMILIES
from gmstudio.families.base import Autoregressive

BINARY = ImageSpec(1, 3, 3, 2)
GREY = ImageSpec(1, 2, 2, 4)
COLOUR = ImageSpec(3, 1, 2, 3)
COUNTABLE = [BINARY, GREY, COLOUR]
LARGER = [ImageSpec(1, 5, 4, 2), ImageSpec(1, 4, 5, 5), ImageSpec(3, 3, 4, 2), ImageSpec(3, 2, 3, 4)]

CONFIGS: dict[str, list[dict[str, Any]]] = {
    "markov": [
        {"num_parents": 1},
        {"num_parents": 2, "order": "snake", "smoothing": 0.5},
        {"num_parents": 3, "estimator": "logistic"},
        {"num_parents": 40, "estimator": "logistic", "order": "spiral"},
    ],
    "fvbn": [{}, {"order": "spiral"}, {"order": "random", "order_seed": 3}],
    "nade": [
        {"num_hidden": 8, "activation": "sigmoid"},
        {"num_hidden": 5, "order": "spiral", "num_components": 2, "mixture": "gaussian"},
        {"num_hidden": 7, "order_agnostic": True, "num_components": 3},
        {
            "num_hidden": 6,
            "activation": "sigmoid",
            "order_agnostic": True,
            "num_layers": 3,
            "order": "centre",
            "num_components": 2,
        },
        {"num_hidden": 6, "order_agnostic": True, "num_layers": 2, "num_components": 2},
    ],
    "made": [
        {"num_hidden": 11, "num_layers": 1},
        {"num_hidden": 30, "num_layers": 2, "direct": True, "order": "spiral"},
        {"num_hidden": 16, "num_masks": 4, "num_averaged": 3, "order": "columns_bottom_right"},
        {"num_hidden": 16, "num_orders": 5, "num_masks": 2, "direct": True, "order": "centre"},
    ],
    "gated_pixelcnn": [
        {"num_layers": 2, "num_channels": 5, "num_head_channels": 4, "input_kernel_size": 5, "corner": "top right"},
        {
            "num_layers": 1,
            "num_channels": 2,
            "num_head_channels": 7,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "input_kernel_size": 3,
        },
    ],
    "pixelrnn_row": [
        {"num_layers": 2, "num_channels": 4, "num_head_channels": 5, "input_kernel_size": 3},
        {
            "num_layers": 2,
            "num_channels": 2,
            "num_head_channels": 7,
            "kernel_size": 5,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "corner": "bottom right",
        },
    ],
    "pixelrnn_diagonal": [
        {"num_layers": 2, "num_channels": 4, "num_head_channels": 5, "input_kernel_size": 3},
        {
            "num_layers": 2,
            "num_channels": 2,
            "num_head_channels": 7,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "corner": "top right",
        },
    ],
    "pixelcnn": [
        {"num_blocks": 2, "num_channels": 4, "num_head_channels": 5},
        {"num_blocks": 1, "num_channels": 7, "num_head_channels": 3, "kernel_size": 5, "input_kernel_size": 3},
        {
            "num_blocks": 1,
            "num_channels": 2,
            "num_head_channels": 7,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "corner": "bottom right",
        },
    ],
}
"""Small settings to try, by family; a family without any is tried with its defaults."""

OVERFITTING_CONFIGS: dict[str, dict[str, Any]] = {"markov": {"num_parents": 8, "smoothing": 1e-3}}
"""Settings for the overfitting test, where the defaults could not: a chain of order 1 forgets which image it is in."""

OVERFITTING_RATES = {"fvbn": 0.1}
"""Adam's learning rate in the overfitting test, where it is not 0.005: a pixel of these has few weights of its own."""

CASES = [
    pytest.param(name, values, id=f"{name}-{number}")
    for name, family in FAMILIES.items()
    if hasattr(family, "pixel_session")
    for number, values in enumerate(CONFIGS.get(name, [{}]))
]


def describe(image: ImageSpec) -> str:
    """A test's identifier, in ASCII."""
    return "x".join(map(str, msgspec.structs.astuple(image)))


every_family = pytest.mark.parametrize(("name", "values"), CASES)
every_image = pytest.mark.parametrize("image", LARGER, ids=describe)


def make(name: str, values: dict[str, Any], image: ImageSpec, seed: int = 0, spread: float = 0.4) -> Any:
    """A model whose parameters are all random and far from their initial values."""
    torch.manual_seed(seed)
    model = FAMILIES[name](FAMILIES[name].Config(**values), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(spread * torch.randn_like(parameter))
    return model


def seeded(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def all_images(image: ImageSpec) -> Iterator[Tensor]:
    values = torch.tensor(list(itertools.product(range(image.levels), repeat=image.num_dims)), dtype=torch.uint8)
    yield from values.view(-1, *image.shape).split(4096)


def random_images(image: ImageSpec, batch: int, seed: int = 1) -> Tensor:
    return torch.randint(image.levels, (batch, *image.shape), generator=seeded(seed), dtype=torch.uint8)


def all_conditionals(session: Any, x: Tensor) -> Tensor:
    """(D, B, L): every conditional along the given images."""
    found = []
    while (position := session.position) is not None:
        found.append(session.conditional())
        session.place(x[:, *position].long())
    return torch.stack(found)


@every_family
@pytest.mark.parametrize("image", COUNTABLE, ids=describe)
def test_probabilities_sum_to_one_over_every_image(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    model = make(name, values, image)
    with torch.no_grad():
        total = sum(model.log_prob(x).double().exp().sum().item() for x in all_images(image))
    assert total == pytest.approx(1.0, abs=1e-5)


@every_family
@every_image
def test_changing_a_subpixel_leaves_its_own_and_earlier_conditionals(
    name: str, values: dict[str, Any], image: ImageSpec
) -> None:
    model = make(name, values, image)
    x = random_images(image, 1)
    before = all_conditionals(model.plain_pixel_session(1), x)
    order = model.check_order(None)
    later_changed = False
    for step, (channel, row, column) in enumerate(order.tolist()):
        changed = x.clone()
        changed[0, channel, row, column] = (changed[0, channel, row, column] + 1) % image.levels
        # The whole image is there at once, so that what lies ahead could leak.
        logits = model.logits(changed, order)[0, *order.T].softmax(-1)
        assert torch.allclose(logits[: step + 1], before[: step + 1, 0], atol=1e-6)
        later_changed |= not torch.allclose(logits[step + 1 :], before[step + 1 :, 0], atol=1e-4)
    assert later_changed


@every_family
@every_image
def test_a_conditional_depends_on_its_context_only(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    model = make(name, values, image)
    order = model.check_order(None)
    x = random_images(image, 1)
    with torch.no_grad():
        reference = model.logits(x, order)[0, *order.T].softmax(-1)
        session = model.pixel_session(1)
        contexts = []
        while (position := session.position) is not None:
            contexts.append(session.context())
            session.place(x[:, *position].long())
        for channel, row, column in order.tolist():
            changed = x.clone()
            changed[0, channel, row, column] = (changed[0, channel, row, column] + 1) % image.levels
            now = model.logits(changed, order)[0, *order.T].softmax(-1)
            for step, context in enumerate(contexts):
                if not context[channel, row, column]:
                    assert torch.allclose(now[step], reference[step], atol=1e-6)


@every_family
@every_image
def test_a_context_is_earlier_in_the_order(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    session = make(name, values, image).pixel_session(1)
    placed = torch.zeros(image.shape, dtype=torch.bool)
    while (position := session.position) is not None:
        context = session.context()
        assert context.shape == image.shape and context.dtype == torch.bool
        assert not (context & ~placed).any()
        session.place(torch.zeros(1, dtype=torch.int64))
        placed[position] = True


@every_family
@every_image
@pytest.mark.parametrize("batch", [1, 3])
def test_stepping_equals_scoring(name: str, values: dict[str, Any], image: ImageSpec, batch: int) -> None:
    model = make(name, values, image)
    session = model.pixel_session(batch, generator=seeded())
    total = torch.zeros(batch, dtype=torch.float64)
    while session.position is not None:
        drawn = session.draw()
        total += session.conditional().double().gather(1, drawn.unsqueeze(1)).squeeze(1).log()
        session.place(drawn)
    with torch.no_grad():
        scored = model.log_prob(session.images)
    assert torch.allclose(total.float(), scored, rtol=1e-5, atol=1e-4)


@every_family
@every_image
@pytest.mark.parametrize("batch", [1, 3])
def test_fast_equals_plain(name: str, values: dict[str, Any], image: ImageSpec, batch: int) -> None:
    model = make(name, values, image)
    fast = model.pixel_session(batch, generator=seeded())
    plain = model.plain_pixel_session(batch, generator=seeded())
    while fast.position is not None:
        assert fast.position == plain.position
        assert torch.allclose(fast.conditional(), plain.conditional(), rtol=0, atol=1e-5)
        fast.place(fast.draw())
        plain.place(plain.draw())
    assert plain.position is None
    assert torch.equal(fast.images, plain.images)
    assert torch.equal(model.sample(batch, seeded()), plain.images)


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
    model = make(name, values, image)
    session = model.pixel_session(2)
    walk = torch.Generator().manual_seed(5)
    for _ in range(12):  # back to somewhere, on to somewhere with other values, now and then without a look
        session.rewind(int(torch.randint(session.step + 1, (), generator=walk)))
        forward = int(torch.randint(image.num_dims - session.step + 1, (), generator=walk))
        for _ in range(forward):
            if torch.rand((), generator=walk) < 0.5:
                session.conditional()
            session.place(torch.randint(image.levels, (2,), generator=walk))
        if session.position is not None:
            order = model.check_order(None)
            with torch.no_grad():
                expected = model.logits(session.images, order)[:, *session.position].softmax(-1)
            assert torch.allclose(session.conditional(), expected, atol=1e-5)


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
