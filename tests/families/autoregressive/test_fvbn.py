"""Tests of the fully visible belief network beyond the laws."""

import pytest
import torch

from gmstudio.engine.runtime.building import meta_model
from gmstudio.families.autoregressive.fvbn import FVBN
from gmstudio.families.autoregressive.orders import ORDER_NAMES
from gmstudio.protocol.images import ImageSpec

IMAGE = ImageSpec(1, 3, 4, 2)


def make(image: ImageSpec = IMAGE, **config: object) -> FVBN:
    torch.manual_seed(0)
    model = FVBN(FVBN.Config(**config), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("order", ORDER_NAMES)
def test_each_pixel_has_its_logistic_regression(order):
    model = make(order=order, order_seed=1)
    x = torch.randint(2, (3, 1, 3, 4), generator=torch.Generator().manual_seed(0))
    total = torch.zeros(3)
    channels, rows, columns = model.own_order.T
    for step in range(12):
        earlier = x[:, channels[:step], rows[:step], columns[:step]].float()
        odds = model.bias_FD[0, step] + earlier @ model.weight_FDD[0, step, :step]
        value = x[:, channels[step], rows[step], columns[step]]
        total += torch.where(value == 1, torch.sigmoid(odds), torch.sigmoid(-odds)).log()
    torch.testing.assert_close(model.log_prob(x), total)


@pytest.mark.parametrize("image", [IMAGE, ImageSpec(3, 2, 3, 5), ImageSpec(1, 3, 3, 256)], ids=str)
def test_parameters_are_those_that_a_likelihood_can_depend_on(image: ImageSpec) -> None:
    model = make(image)
    x = torch.randint(image.levels, (64, *image.shape), generator=torch.Generator().manual_seed(0)).clamp(min=1)
    model.log_prob(x).square().sum().backward()
    gradients = [p.grad for p in model.parameters()]
    assert model.num_parameters() == sum(int(g.count_nonzero()) for g in gradients if g is not None)


def test_binary_mnist_takes_a_regression_of_each_pixel_on_those_before_it() -> None:
    model = meta_model(FVBN, FVBN.Config(), ImageSpec(1, 28, 28, 2))
    assert model.num_parameters() == 784 * 783 // 2 + 784 == 307_720


def test_training_reaches_the_best_logistic_regressions():
    """On two pixels of known joint distribution the network can be exact: the loss becomes the entropy."""
    image = ImageSpec(1, 1, 2, 2)
    pairs = [(0, 0)] * 4 + [(0, 1)] * 1 + [(1, 0)] * 2 + [(1, 1)] * 3
    x = torch.tensor(pairs).view(-1, 1, 1, 2)
    model = FVBN(FVBN.Config(), image)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        (-model.log_prob(x).mean()).backward()
        optimizer.step()
    found = model.log_prob(torch.tensor([(0, 0), (0, 1), (1, 0), (1, 1)]).view(-1, 1, 1, 2)).exp()
    torch.testing.assert_close(found, torch.tensor([0.4, 0.1, 0.2, 0.3]), atol=1e-3, rtol=0)


def test_another_order_than_its_own_is_refused_in_words():
    with pytest.raises(ValueError, match=r"order of its training only \(spiral\); train another model"):
        make(order="spiral").log_prob(torch.zeros(1, 1, 3, 4, dtype=torch.uint8), make().own_order)


def test_a_matrix_that_would_not_fit_is_refused_in_words():
    with pytest.raises(ValueError, match=r"65536 sub-pixels.*Resize the images"):
        FVBN(FVBN.Config(), ImageSpec(1, 256, 256, 2))


@pytest.mark.parametrize("image", [ImageSpec(1, 1, 1, 2), ImageSpec(1, 7, 11, 16), ImageSpec(3, 2, 2, 256)], ids=str)
def test_it_works_on_single_pixels_primes_and_many_levels(image):
    model = make(image)
    session = model.pixel_session(2, generator=torch.Generator().manual_seed(0))
    total = torch.zeros(2)
    while session.position is not None:
        values = session.draw()
        total += session.conditional().gather(1, values[:, None])[:, 0].log()
        session.place(values)
    torch.testing.assert_close(model.log_prob(session.images), total, rtol=1e-4, atol=1e-3)


def test_going_back_needs_nothing_kept():
    """Images changed behind the session are what the next conditional sees, after a rewind."""
    model = make()
    session = model.pixel_session(1)
    for _ in range(12):
        session.place(torch.ones(1, dtype=torch.int64))
    session.rewind(4)
    session.place(torch.zeros(1, dtype=torch.int64))
    x = session.images.clone()
    assert x.flatten().tolist() == [1, 1, 1, 1, 0] + [0] * 7
    expected = model.logits(x, model.own_order)[0, 0, 1, 1].softmax(-1)
    torch.testing.assert_close(session.conditional()[0], expected)
