"""Laws of every family that generates by a Markov chain over images, from 1×1 to 28×28, at every number of levels."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import torch

from gmstudio.engine.sampling.grids import draw_grid, grid_kind
from gmstudio.families import FAMILIES
from gmstudio.families.base import MarkovChain, Sampler, Trajectory
from gmstudio.families.diagnostics import Illustrated
from gmstudio.protocol.config import ConfigError, parse_config, schema_of
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.metrics import DISTANCE
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import random_images, seeded, train

SPECS = (
    ImageSpec(1, 1, 1, 2),
    ImageSpec(1, 3, 3, 2),
    ImageSpec(1, 2, 9, 5),
    ImageSpec(3, 5, 7, 4),
    ImageSpec(1, 8, 8, 16),
    ImageSpec(3, 4, 5, 256),
    ImageSpec(1, 28, 28, 2),
)
CASES: dict[str, list[dict[str, Any]]] = {
    "rbm": [
        {"negative_phase": "pcd", "num_chains": 8},
        {"negative_phase": "cd", "num_gibbs": 2, "weight_decay": 0.01, "sparsity_cost": 0.1},
    ],
    "gsn": [{"num_layers": 1, "num_walkback": 2}, {"num_layers": 3, "num_walkback": 6}],
}
SMALL = {"num_hidden": 12}

Make = Callable[..., Any]


@pytest.fixture(
    params=[(n, c) for n, cs in CASES.items() for c in cs], ids=lambda p: f"{p[0]}-{next(iter(p[1].values()))}"
)
def make(request: pytest.FixtureRequest) -> Make:
    """Factory of small models of one family for an image; weights are large, so that images matter."""
    name, settings = request.param

    def of(image: ImageSpec, seed: int = 0, **config: Any) -> Any:
        family = FAMILIES[name]
        torch.manual_seed(seed)
        model = family(parse_config(family.Config, {**SMALL, **settings, **config}), image)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=seeded(seed)))
        return model

    return of


def test_every_family_with_a_chain_is_held_to_these_laws() -> None:
    assert CASES.keys() == {n for n, f in FAMILIES.items() if issubclass(f, MarkovChain)} - {"ddpm"}


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_samples_are_images_and_follow_the_generator(make: Make, image: ImageSpec) -> None:
    laws.samples_are_images(make(image))
    laws.samples_follow_the_generator(make(image))


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_a_chain_goes_through_images(make: Make, image: ImageSpec) -> None:
    laws.chains_go_through_images(make(image))


@pytest.mark.parametrize("start", [True, False], ids=["from images", "from noise"])
@pytest.mark.parametrize("image", SPECS, ids=str)
def test_a_trajectory_shows_the_chain(make: Make, image: ImageSpec, start: bool) -> None:
    model = make(image)
    laws.trajectories_show_images(model)
    x = random_images(image, 3) if start else None
    steps = list(model.trajectory(x, 3, 4, seeded()))
    assert len(steps) == 5
    assert torch.equal(steps[0].metrics[DISTANCE], torch.zeros(3))
    if x is not None:
        torch.testing.assert_close(steps[0].images, x / (image.levels - 1))
    if image.num_dims > 8:
        assert (steps[-1].metrics[DISTANCE] > 0).all()


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_figures_are_drawn_without_touching_the_model(make: Make, image: ImageSpec) -> None:
    model = make(image)
    laws.figures_are_complete(model)
    for figure in model.figures(random_images(image, 10), seeded()):
        assert not figure.columns or len(figure.images) % figure.columns == 0, "a row is incomplete"


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_every_parameter_gets_a_gradient(make: Make, image: ImageSpec) -> None:
    laws.every_parameter_gets_a_gradient(make(image))


def test_losses_are_named_finite_scalars_and_the_card_explains_each(make: Make) -> None:
    laws.losses_are_explained(make(ImageSpec(1, 5, 5, 4)))


def test_noise_comes_from_the_generator_alone_and_any_integer_dtype_says_the_same(make: Make) -> None:
    laws.noise_comes_from_the_generator(make(ImageSpec(1, 8, 8, 16)), noisy=True)
    laws.integer_types_are_alike(make(ImageSpec(1, 8, 8, 16)))


def test_a_seed_repeats_and_what_is_stored_goes_on_as_if_nothing_had_happened(make: Make) -> None:
    laws.a_seed_repeats(make(ImageSpec(1, 8, 8, 16)))
    laws.saving_and_loading_change_nothing(make(ImageSpec(1, 8, 8, 16)))


def test_one_batch_can_be_learned_by_heart(make: Make) -> None:
    image = ImageSpec(1, 4, 4, 2)
    batch = random_images(image, 4)
    model = make(image, num_hidden=32)
    train(model, batch.repeat(8, 1, 1, 1), 250, learning_rate=1e-2)
    samples = model.eval().sample(60, seeded(), model.SamplerConfig(steps=60))
    nearest = (samples[:, None] != batch[None]).flatten(2).sum(2)
    assert nearest.min(1).values.float().mean() < 3.2, "pixels off; independent ones would be 5 or more"
    assert (nearest.argmin(1).bincount(minlength=4) > 0).sum() >= 3, "not of one image only"


def test_the_settings_of_sampling_are_none_of_training(make: Make) -> None:
    model = make(ImageSpec(1, 8, 8, 16))
    assert "sample_steps" not in schema_of(model.Config)["properties"]
    few, many = (model.SamplerConfig(steps=steps) for steps in (1, 40))
    assert not torch.equal(model.sample(5, seeded(), few), model.sample(5, seeded(), many))
    assert torch.equal(model.sample(5, seeded()), model.sample(5, seeded(), model.SamplerConfig()))
    *_, last = model.sample_pieces(5, seeded(), many)
    assert torch.equal(last, model.sample(5, seeded(), many))


def test_a_trajectory_shows_what_was_drawn_where_it_is_asked_to(make: Make) -> None:
    model = make(ImageSpec(1, 8, 8, 16))
    means, drawn = (
        list(model.trajectory(None, 3, 4, seeded(), model.SamplerConfig(shown=shown))) for shown in ("mean", "sample")
    )
    assert torch.equal(means[0].images, drawn[0].images), "the same start"
    assert not torch.equal(means[2].images, drawn[2].images)
    for step, other in zip(means, drawn, strict=True):
        levels = 15 * other.images
        torch.testing.assert_close(levels, levels.round())
        assert all(torch.equal(step.metrics[name], other.metrics[name]) for name in step.metrics), "the same chain"


def test_training_in_bfloat16_keeps_losses_in_float32(make: Make) -> None:
    laws.losses_stay_in_float32(make(ImageSpec(1, 8, 8, 16)))


def test_the_family_fits_its_protocols_and_the_grid_shows_samples(make: Make) -> None:
    model = make(ImageSpec(1, 4, 4, 2))
    assert isinstance(model, Sampler) and isinstance(model, MarkovChain)
    assert isinstance(model, Trajectory) and isinstance(model, Illustrated)
    assert grid_kind(model) == "samples"
    *_, grid = draw_grid(model, 3, seed=0)
    assert grid is not None and set(grid.flatten().tolist()) <= {0, 255}


def test_settings_are_explained_and_refused_in_words(make: Make) -> None:
    family = type(make(ImageSpec(1, 4, 4, 2)))
    laws.settings_are_explained(make(ImageSpec(1, 4, 4, 2)))
    with pytest.raises(ConfigError, match=r"Hidden units is 0; it must be a whole number from 1 to 8,192\."):
        family(msgspec.structs.replace(family.Config(), num_hidden=0), ImageSpec(1, 8, 8, 2))


def test_formulas_render(make: Make) -> None:
    laws.formulas_render(make(ImageSpec(1, 4, 4, 2)))
