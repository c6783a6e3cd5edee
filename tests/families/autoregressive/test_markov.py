"""Tests of the Markov chain beyond the laws: counting, smoothing, passes over the data, parameter counts."""

from pathlib import Path

import pytest
import torch
from msgspec import to_builtins

from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.runtime.building import meta_model
from gmstudio.engine.training.trainer import Trainer
from gmstudio.families.autoregressive.markov import MAX_TABLE, Markov
from gmstudio.families.autoregressive.orders import ORDER_NAMES, flat_index
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import new_record

IMAGE = ImageSpec(1, 3, 4, 2)


def make(image: ImageSpec = IMAGE, **config: object) -> Markov:
    torch.manual_seed(0)
    return Markov(Markov.Config(**{"num_parents": 1, **config}), image)


def images(image: ImageSpec, batch: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(image.levels, (batch, *image.shape), generator=torch.Generator().manual_seed(seed))


def stepped(model: Markov, x: torch.Tensor) -> torch.Tensor:
    """log p(x), collected from a session."""
    session = model.pixel_session(len(x))
    total = torch.zeros(len(x))
    while (position := session.position) is not None:
        values = x[:, *position]
        total += session.conditional().gather(1, values[:, None])[:, 0].log()
        session.place(values)
    return total


def train(model: Markov, batches: list[torch.Tensor]) -> None:
    """Steps as the trainer makes them of images that it never saw before, with its scaled learning rate."""
    (phase,) = model.phases()
    optimizer = torch.optim.Adam(phase.parameters, lr=0.1 * phase.learning_rate_scale)
    model.train()
    for batch in batches:
        if phase.before_update is not None:
            phase.before_update(batch, len(batch))
        optimizer.zero_grad()
        phase.loss(batch, torch.Generator())["loss"].backward()
        optimizer.step()
    model.eval()


@pytest.mark.parametrize("order", ORDER_NAMES)
@pytest.mark.parametrize("parents", [1, 2, 3])
def test_conditionals_are_smoothed_counts(order, parents):
    image = ImageSpec(1, 2, 3, 3)
    model = make(image, num_parents=parents, order=order, smoothing=0.5)
    data, x = images(image, 40).unique(dim=0), images(image, 5, seed=2)
    train(model, [data[:16], data[16:]])
    index = flat_index(model.own_order, image)
    seen, scored = data.flatten(1)[:, index].tolist(), x.flatten(1)[:, index].tolist()
    expected = []
    for values in scored:
        log_prob = 0.0
        for i, value in enumerate(values):
            context = values[max(0, i - parents) : i]
            alike = [row for row in seen if row[max(0, i - parents) : i] == context]
            hits = sum(row[i] == value for row in alike)
            log_prob += torch.tensor((hits + 0.5) / (len(alike) + 1.5)).log().item()
        expected.append(log_prob)
    torch.testing.assert_close(model.log_prob(x), torch.tensor(expected))
    torch.testing.assert_close(stepped(model, x), torch.tensor(expected))


def test_the_optimizer_leaves_the_counted_table_alone_and_it_is_the_maximum():
    model = make(smoothing=1e-6)
    x = images(IMAGE, 200)
    train(model, [x])
    counted = model.odds_TM.detach().clone()
    best = model.log_prob(x).mean()
    for _ in range(5):
        with torch.no_grad():
            model.odds_TM.copy_(counted + 0.05 * torch.randn_like(counted))
        assert model.log_prob(x).mean() < best


def test_more_visits_of_the_same_images_change_nothing():
    """As of images that each visit binarizes anew: what is new is counted, each image with the same weight."""
    once, often = make(num_parents=3, smoothing=1.0), make(num_parents=3, smoothing=1.0)
    x = images(IMAGE, 300)
    once.count(x, 300)
    for visit in range(7):
        often.count(x, 0 if visit else 300)
    torch.testing.assert_close(often.odds_TM, once.odds_TM)


@pytest.mark.parametrize("batch_size", [32, 50, 300])
def test_training_counts_each_image_once_however_many_are_equal(batch_size: int, tmp_path: Path) -> None:
    """300 images of which 8 differ, in batches that leave some images of an epoch out; the closed form is exact."""
    image = ImageSpec(1, 2, 2, 2)
    kinds_N = torch.randint(8, (300,), generator=torch.Generator().manual_seed(1))
    flat = (kinds_N.unsqueeze(1) >> torch.arange(4)) & 1
    split = Split(flat.view(-1, 1, 2, 2).to(torch.uint8).numpy())
    config = Markov.Config(num_parents=1, smoothing=0.5)
    training = {"steps": 60, "batch_size": batch_size, "learning_rate": 0.1}
    spec = RunSpec(family="markov", config=to_builtins(config), data="repeated", training=training)
    record = new_record(spec, image=image, device="cpu")
    model = Markov(config, image)
    trainer = Trainer(RunFolder.create(tmp_path, record), model, Dataset("repeated", {}, image, split, split, split))
    for _ in trainer.pieces():
        pass
    trainer.close()
    expected = [odds(flat[:, 0])]
    expected += [odds(flat[flat[:, i - 1] == context, i]) for i in range(1, 4) for context in (0, 1)]
    torch.testing.assert_close(model.odds_TM.detach()[:, 0], torch.stack(expected))


def odds(values_N: torch.Tensor) -> torch.Tensor:
    """Log odds of 1 by counting, with α = 0.5."""
    return torch.log((values_N.sum() + 0.5) / ((1 - values_N).sum() + 0.5))


def test_validation_is_never_counted():
    model = make().eval()
    (phase,) = model.phases()
    phase.loss(images(IMAGE, 8), torch.Generator())
    assert not model.counts.any() and not model.num_seen


def test_parameters_are_those_of_the_textbook():
    """2D - 1 for the binary chain, 2^D - 1 when every pixel depends on all before it."""
    assert make().parameter_counts() == {"model": 23, "chain": 23, "full_joint": 2**12 - 1}
    assert make(num_parents=11).parameter_counts()["model"] == 2**12 - 1
    assert make(num_parents=2).num_parameters() == 1 + 2 + 10 * 4
    levels = ImageSpec(1, 2, 2, 4)
    assert make(levels).parameter_counts() == {"model": 3 + 3 * 12, "chain": 39, "full_joint": 255}


@pytest.mark.parametrize(
    ("image", "settings", "said"),
    [
        (IMAGE, {}, "parameters: 23 = 2·12 - 1 of the chain of order 1, 2^12 - 1 = 4,095 of the full"),
        (
            ImageSpec(1, 2, 2, 4),
            {"num_parents": 2},
            "111 of this chain of order 2, 39 of the chain of order 1, 4^4 - 1 = 255 of",
        ),
        (ImageSpec(1, 28, 28, 2), {}, "1,567 = 2·784 - 1 of the chain of order 1, 2^784 - 1 ≈ 10^236 of the full"),
        (ImageSpec(3, 16, 16, 256), {"num_parents": 3}, "256^768 - 1 ≈ 10^1850 of the full joint table."),
    ],
    ids=str,
)
def test_its_parameters_are_compared_with_the_full_joints(image, settings, said):
    (remark,) = meta_model(Markov, Markov.Config(**{"num_parents": 1} | settings), image).remarks()
    assert said in remark


def test_regressions_count_the_weights_that_are_used():
    model = make(num_parents=3, estimator="logistic")
    assert model.num_parameters() == 12 + (0 + 1 + 2 + 9 * 3)


def test_regressions_are_what_they_say():
    model = make(num_parents=3, estimator="logistic")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    x = images(IMAGE, 4)
    flat, total = x.flatten(1).float(), torch.zeros(4)
    for i in range(12):
        odds = model.bias_FD[0, i].expand(4)
        for back in range(1, min(i, 3) + 1):
            odds = odds + model.weight_FDn[0, i, 3 - back] * flat[:, i - back]
        total += torch.where(flat[:, i] == 1, torch.sigmoid(odds), torch.sigmoid(-odds)).log()
    torch.testing.assert_close(model.log_prob(x), total)
    torch.testing.assert_close(stepped(model, x), total)


def test_large_tables_become_regressions():
    assert make(num_parents=8).is_counted
    grey = ImageSpec(1, 8, 8, 16)
    assert make(grey, num_parents=2).is_counted and not make(grey, num_parents=4).is_counted
    assert MAX_TABLE < 64 * 16**5


def test_the_context_is_the_parents():
    session = make(num_parents=2, order="snake").pixel_session(1)
    for _ in range(5):
        session.place(torch.zeros(1, dtype=torch.int64))
    assert session.context()[0].int().tolist() == [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_what_cannot_be_is_refused_in_words():
    with pytest.raises(ConfigError, match=r"order 6 for 8×8 grey, 16 levels.*Lower the order"):
        make(ImageSpec(1, 8, 8, 16), num_parents=6, estimator="counting")
    with pytest.raises(ValueError, match="Resize the images"):
        make(ImageSpec(1, 256, 256, 2), num_parents=20)
    with pytest.raises(ValueError, match=r"order of its training only \(spiral\)"):
        make(order="spiral").log_prob(images(IMAGE, 1), make().own_order)


@pytest.mark.parametrize("image", [ImageSpec(1, 1, 1, 2), ImageSpec(1, 7, 11, 16), ImageSpec(3, 2, 2, 256)], ids=str)
@pytest.mark.parametrize("estimator", ["auto", "logistic"])
def test_it_works_on_single_pixels_primes_and_many_levels(image, estimator):
    model = make(image, estimator=estimator)
    train(model, [images(image, 20)])
    x = images(image, 3)
    torch.testing.assert_close(stepped(model, x), model.log_prob(x), rtol=1e-4, atol=1e-3)
