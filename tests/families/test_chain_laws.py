"""What every family that generates by a Markov chain over images promises, from 1×1 to 28×28, at every level count."""

import io
import itertools
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load, save
from tiny_families import random_images, seeded
from torch import Tensor

from gmstudio.engine.sampling.grids import draw_grid, grid_kind
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family, Illustrated, MarkovChain, Sampler, Trajectory, sample_in_pieces
from gmstudio.protocol.config import ConfigError, parse_config, schema_of
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.metrics import DISTANCE

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
SMALL = {"num_hidden": 12, "sample_steps": 6}

Make = Callable[..., Any]


@pytest.fixture(
    params=[(n, c) for n, cs in CASES.items() for c in cs], ids=lambda p: f"{p[0]}-{next(iter(p[1].values()))}"
)
def make(request: pytest.FixtureRequest) -> Make:
    """Builds a small model of one family for an image; its weights are large, so that images matter."""
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
    model = make(image)
    state = torch.get_rng_state()
    first = model.sample(6, generator=seeded(3))
    assert first.shape == (6, *image.shape) and first.dtype == torch.uint8 and int(first.max()) < image.levels
    assert torch.equal(model.sample(6, generator=seeded(3)), first)
    if image.num_dims > 8:
        assert not torch.equal(model.sample(6, generator=seeded(4)), first)
    *pieces, last = sample_in_pieces(model, 6, seeded(3))
    assert last is not None and torch.equal(last, first) and pieces == [None] * len(pieces)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_a_chain_goes_through_images(make: Make, image: ImageSpec) -> None:
    model = make(image)
    x = random_images(image, 3)
    states = list(islice(model.chain(x, seeded(1)), 4))
    assert all(s.shape == x.shape and s.dtype == torch.uint8 and int(s.max()) < image.levels for s in states)
    assert all(map(torch.equal, states, islice(model.chain(x.int(), seeded(1)), 4)))
    assert torch.equal(x, random_images(image, 3)), "the start is left alone"


@pytest.mark.parametrize("start", [True, False], ids=["from images", "from noise"])
@pytest.mark.parametrize("image", SPECS, ids=str)
def test_a_timeline_shows_the_chain(make: Make, image: ImageSpec, start: bool) -> None:
    model = make(image)
    x = random_images(image, 3) if start else None
    moments = list(model.trajectory(x, 3, 4, seeded()))
    assert len(moments) == 5 and len({m.label for m in moments}) == 5
    for moment in moments:
        assert moment.images.shape == (3, *image.shape)
        assert moment.images.min() >= 0.0 and moment.images.max() <= 1.0
        assert moment.metrics.keys() == moments[0].metrics.keys()
        assert all(v.shape == (3,) and torch.isfinite(v).all() for v in moment.metrics.values())
        assert not moment.images.requires_grad and not any(v.requires_grad for v in moment.metrics.values())
    assert torch.equal(moments[0].metrics[DISTANCE], torch.zeros(3))
    if x is not None:
        torch.testing.assert_close(moments[0].images, x / (image.levels - 1))
    if image.num_dims > 8:
        assert (moments[-1].metrics[DISTANCE] > 0).all()


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_figures_are_drawn_without_touching_the_model(make: Make, image: ImageSpec) -> None:
    model = make(image)
    before = save(model.state_dict())
    figures = model.figures(random_images(image, 10), seeded())
    assert save(model.state_dict()) == before
    assert len({f.name for f in figures}) == len(figures)
    for figure in figures:
        assert figure.title and figure.help.endswith(".")
        if figure.kind == "images":
            assert figure.images.shape[1:] == image.shape
            assert figure.images.min() >= 0.0 and figure.images.max() <= 1.0
            assert not figure.series or len(figure.series) == figure.columns
            assert not figure.columns or len(figure.images) % figure.columns == 0
        else:
            assert torch.isfinite(figure.values).all() and len(figure.values) == len(figure.series)
        if figure.kind == "histogram":
            assert len(figure.edges) == figure.values.shape[1] + 1 and bool((figure.edges.diff() > 0).all())


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_every_parameter_gets_a_gradient(make: Make, image: ImageSpec) -> None:
    model = make(image).train()
    (phase,) = model.phases()
    phase.loss(random_images(image, 16), seeded())["loss"].backward()
    assert {id(p) for p in phase.parameters} == {id(p) for p in model.parameters()}
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
        assert (parameter.grad != 0).any(), name


def test_losses_are_named_finite_scalars_and_the_card_explains_each(make: Make) -> None:
    image = ImageSpec(1, 5, 5, 4)
    model = make(image)
    explained = {t.name for t in model.card.objective(msgspec.structs.asdict(model.config)).terms}
    (phase,) = model.phases()
    terms = phase.loss(random_images(image, 4), seeded())
    assert terms.keys() == explained
    assert all(v.shape == () and torch.isfinite(v) for v in terms.values())


def test_noise_comes_from_the_generator_alone_and_any_integer_dtype_says_the_same(make: Make) -> None:
    image = ImageSpec(1, 8, 8, 16)
    model = make(image).eval()
    state, stored = torch.get_rng_state(), save(model.state_dict())
    (phase,) = model.phases()
    first = phase.loss(random_images(image, 8), seeded(5))["loss"]
    for dtype in (torch.int16, torch.int32, torch.int64):
        assert torch.equal(phase.loss(random_images(image, 8, dtype=dtype), seeded(5))["loss"], first)
    assert not torch.equal(phase.loss(random_images(image, 8), seeded(6))["loss"], first)
    assert torch.equal(torch.get_rng_state(), state)
    assert save(model.state_dict()) == stored, "looking at a loss moves nothing"


def train(model: Family, batches: Iterator[Tensor], steps: int, rate: float = 1e-2) -> list[float]:
    """A minimal training loop; the loss of each step."""
    noise = seeded(1)
    (phase,) = model.train().phases()
    adam = torch.optim.Adam(phase.parameters, rate)
    losses = []
    for batch in islice(batches, steps):
        adam.zero_grad()
        loss = phase.loss(batch, noise)["loss"]
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return losses


def test_a_seed_repeats_and_what_is_stored_goes_on_as_if_nothing_had_happened(make: Make) -> None:
    image = ImageSpec(1, 8, 8, 16)
    batch = random_images(image, 8)
    first, second = make(image), make(image)
    assert train(first, itertools.repeat(batch), 3) == train(second, itertools.repeat(batch), 3)
    other = make(image, seed=7)
    other.load_state_dict(load(io.BytesIO(save(first.state_dict())).getvalue()))
    assert train(first, itertools.repeat(batch), 3) == train(other, itertools.repeat(batch), 3)
    assert torch.equal(first.sample(5, seeded()), other.sample(5, seeded()))


def test_one_batch_can_be_learned_by_heart(make: Make) -> None:
    image = ImageSpec(1, 4, 4, 2)
    batch = random_images(image, 4)
    model = make(image, num_hidden=32, sample_steps=60)
    train(model, itertools.repeat(batch.repeat(8, 1, 1, 1)), 250)
    samples = model.eval().sample(60, seeded())
    nearest = (samples[:, None] != batch[None]).flatten(2).sum(2)
    assert nearest.min(1).values.float().mean() < 3.2, "pixels off; independent ones would be 5 or more"
    assert (nearest.argmin(1).bincount(minlength=4) > 0).sum() >= 3, "not of one image only"


def test_training_in_bfloat16_keeps_losses_in_float32(make: Make) -> None:
    image = ImageSpec(1, 8, 8, 16)
    model = make(image)
    (phase,) = model.phases()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = phase.loss(random_images(image, 32), seeded())
        terms["loss"].backward()
    assert all(v.dtype == torch.float32 and torch.isfinite(v) for v in terms.values())


def test_the_family_fits_its_protocols_and_the_grid_shows_samples(make: Make) -> None:
    model = make(ImageSpec(1, 4, 4, 2))
    assert isinstance(model, Sampler) and isinstance(model, MarkovChain)
    assert isinstance(model, Trajectory) and isinstance(model, Illustrated)
    assert grid_kind(model) == "samples"
    *_, grid = draw_grid(model, 3, seed=0)
    assert grid is not None and set(grid.flatten().tolist()) <= {0, 255}


def test_settings_are_explained_and_refused_in_words(make: Make) -> None:
    family = type(make(ImageSpec(1, 4, 4, 2)))
    assert parse_config(family.Config, {}) == family.Config()
    for name, prop in schema_of(family.Config)["properties"].items():
        assert prop["title"] and prop["description"].endswith("."), name
    for term in itertools.chain.from_iterable(o.terms for o in family.card.objectives):
        assert term.latex and term.help.endswith("."), term.name
    with pytest.raises(ConfigError, match=r"Hidden units is 0; it must be a whole number from 1 to 8192\."):
        family(msgspec.structs.replace(family.Config(), num_hidden=0), ImageSpec(1, 8, 8, 2))


def test_formulas_render(make: Make) -> None:
    ziamath = pytest.importorskip("ziamath")
    for objective in type(make(ImageSpec(1, 4, 4, 2))).card.objectives:
        for latex in (objective.latex, *(t.latex for t in objective.terms)):
            assert ziamath.Latex(latex).svg().startswith("<svg"), latex
