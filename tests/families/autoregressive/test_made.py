"""Tests of MADE beyond the laws: degrees, masks, several orders."""

import pytest
import torch

from gmstudio.families.autoregressive.made.model import MADE
from gmstudio.families.autoregressive.masked_linear import one_block
from gmstudio.families.autoregressive.orders import ORDER_NAMES, named_order
from gmstudio.protocol.images import ImageSpec

IMAGE = ImageSpec(1, 4, 3, 2)


def make(image: ImageSpec = IMAGE, **config: object) -> MADE:
    torch.manual_seed(0)
    model = MADE(MADE.Config(**{"num_hidden": 20, **config}), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    return model


def images(image: ImageSpec, batch: int) -> torch.Tensor:
    return torch.randint(image.levels, (batch, *image.shape), generator=torch.Generator().manual_seed(1))


def stepped(model: MADE, x: torch.Tensor, order: torch.Tensor | None = None) -> torch.Tensor:
    """log p(x), collected from a session."""
    session = model.pixel_session(len(x), order)
    total = torch.zeros(len(x))
    while (position := session.position) is not None:
        values = x[:, *position]
        total += session.conditional().gather(1, values[:, None])[:, 0].log()
        session.place(values)
    return total


def paths(model: MADE, masks: list[torch.Tensor]) -> torch.Tensor:
    """(D, D): number of ways from input (column) to output (row) of the flattened image."""
    product = masks[0]
    for mask in masks[1 : 1 + model.config.num_layers]:
        product = mask @ product
    return product + (masks[-1] if model.direct is not None else 0)


@pytest.mark.parametrize("config", [{}, {"num_layers": 3, "direct": True}, {"num_masks": 5, "num_orders": 4}], ids=str)
def test_no_path_leads_from_a_pixel_to_itself_or_an_earlier_one(config):
    model = make(**config)
    for degrees in model.degrees:
        for positions in model.positions:
            ways = paths(model, model._masks(positions, degrees))
            earlier = positions.unsqueeze(0) < positions.unsqueeze(1)
            assert not ways[~earlier].any()


@pytest.mark.parametrize("config", [{"num_hidden": 4}, {"num_hidden": 3, "direct": True}, {"num_masks": 4}], ids=str)
def test_the_receptive_field_is_where_a_path_begins(config):
    model = make(
        num_layers=2, num_orders=2, num_averaged=min(2, config.get("num_masks", 1)), **{"num_hidden": 5, **config}
    )
    for order in (None, named_order("spiral", IMAGE)):
        order = model.check_order(order)
        positions = model.positions_in(order)
        ways = sum(paths(model, model._masks(positions, degrees)) for degrees in model.degrees[:2])
        for step, own in enumerate(positions.argsort()):
            assert torch.equal(model.receptive_field(step, order).flatten(), ways[own] > 0)


def test_with_units_enough_every_earlier_pixel_has_a_path():
    model = make()
    ways = paths(model, model._masks(model.positions[0], model.degrees[0]))
    assert torch.equal(ways > 0, torch.ones(12, 12).tril(-1) > 0)


@pytest.mark.parametrize("name", ORDER_NAMES)
def test_each_named_order_can_be_trained(name):
    model = make(order=name, num_layers=1)
    x = images(IMAGE, 2)
    torch.testing.assert_close(stepped(model, x), model.log_prob(x), rtol=1e-5, atol=1e-5)


def test_trained_in_several_orders_it_takes_any():
    model = make(num_orders=3, num_masks=2, num_averaged=2, direct=True)
    x = images(IMAGE, 2)
    painted = torch.randperm(12, generator=torch.Generator().manual_seed(5))
    scores = []
    for order in [None, named_order("spiral", IMAGE), model.own_order[painted]]:
        scores.append(model.log_prob(x, order))
        torch.testing.assert_close(stepped(model, x, order), scores[-1], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(scores[0], scores[1])
    assert torch.equal(
        model.sample(2, torch.Generator().manual_seed(0), order=model.own_order),
        model.sample(2, torch.Generator().manual_seed(0)),
    )


def test_trained_in_one_order_it_refuses_others_in_words():
    with pytest.raises(ValueError, match=r"MADE generates in the order of its training only \(snake\)"):
        make(order="snake").pixel_session(1, named_order("spiral", IMAGE))


def test_averaging_masks_averages_conditionals():
    both = make(num_masks=2, num_averaged=2)
    x = images(IMAGE, 3)
    singles = []
    for index in range(2):
        masks = [one_block(mask) for mask in both._masks(both.positions[0], both.degrees[index])]
        singles.append(both.output(both.features(x, masks)).softmax(1))
    expected = ((singles[0] + singles[1]) / 2).gather(1, x.flatten(1).unsqueeze(1)).log().sum((1, 2))
    torch.testing.assert_close(both.log_prob(x), expected)


def test_training_takes_orders_and_masks_in_turn_and_a_seed_repeats_them():
    model = make(num_masks=3, num_orders=3)
    x = images(IMAGE, 8)
    (phase,) = model.phases()

    def losses(seed: int) -> list[float]:
        generator = torch.Generator().manual_seed(seed)
        return [phase.loss(x, generator)["loss"].item() for _ in range(30)]

    model.train()
    assert len({round(loss, 4) for loss in losses(1)}) == 9
    assert losses(1) == losses(1) != losses(2)
    model.eval()
    assert losses(1) == pytest.approx([-model.log_prob(x).mean().item()] * 30)


def test_more_masks_averaged_than_drawn_is_refused_in_words():
    with pytest.raises(ValueError, match="3 masks cannot be averaged, because there are only 2"):
        make(num_masks=2, num_averaged=3)


def test_a_direct_connection_that_would_not_fit_is_refused_in_words():
    with pytest.raises(ValueError, match="Turn it off"):
        make(ImageSpec(1, 150, 150, 2), direct=True)


@pytest.mark.parametrize("image", [ImageSpec(1, 1, 1, 2), ImageSpec(1, 7, 11, 16), ImageSpec(3, 2, 2, 256)], ids=str)
@pytest.mark.parametrize("config", [{}, {"direct": True, "num_layers": 1, "num_masks": 2, "num_averaged": 2}], ids=str)
def test_it_works_on_single_pixels_primes_and_many_levels(image, config):
    model = make(image, **config)
    x = images(image, 2)
    torch.testing.assert_close(stepped(model, x), model.log_prob(x), rtol=1e-4, atol=1e-3)


def test_units_are_computed_once():
    """A step computes only the units whose last input it brought, and going back keeps those that stay known."""
    model = make()
    session = model.pixel_session(1)
    stepper = session._stepper
    counts = torch.bincount(model.degrees[0, 0], minlength=12).tolist()
    for step, program in enumerate(stepper._passes[0].hidden_programs):
        # Two layers; per layer one product and one ReLU where units have this degree.
        assert (len(program) > 0) == (counts[step] > 0)
    session.finish()
    session.rewind(5)
    session.conditional()
    assert stepper._num_computed == 6
