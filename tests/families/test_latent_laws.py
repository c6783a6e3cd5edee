"""What every family with a latent space promises, on image sizes from 1×1 to 28×28 and in every architecture."""

import io
import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load, save
from tiny_families import random_images, seeded
from torch import Tensor

from gmstudio.families import FAMILIES
from gmstudio.families.base import Discriminator, Encoder, Family, Latent, Posterior, Sampler
from gmstudio.protocol.config import ConfigError, parse_config, schema_of
from gmstudio.protocol.images import ImageSpec

SPECS = (
    ImageSpec(1, 1, 1, 2),
    ImageSpec(1, 3, 3, 2),
    ImageSpec(1, 2, 9, 5),
    ImageSpec(3, 5, 7, 4),
    ImageSpec(1, 8, 8, 16),
    ImageSpec(1, 11, 13, 2),
    ImageSpec(3, 16, 17, 256),
    ImageSpec(1, 28, 28, 2),
)
SMALL = {"num_latent": 3, "num_hidden": 24, "num_channels": 4}
ARCHITECTURES = [
    (name, architecture)
    for name, family in FAMILIES.items()
    if hasattr(family, "decode") and "num_latent" in schema_of(family.Config)["properties"]
    for architecture in schema_of(family.Config)["properties"]["architecture"]["enum"]
]
GENERATIVE = [(name, architecture) for name, architecture in ARCHITECTURES if hasattr(FAMILIES[name], "sample")]
NOISY: dict[str, dict[str, Any]] = {"autoencoder": {"noise": "gaussian"}}
"""Settings with which a family's loss has noise, where it has none by default."""

Make = Callable[..., Any]


def random_codes(model: Any, n: int, seed: int = 0) -> Tensor:
    return 1.5 * torch.randn(n, model.latent.num_dims, generator=seeded(seed))


def build(name: str, image: ImageSpec, seed: int = 0, **config: Any) -> Family:
    """A model whose weights are larger than at their start, so that codes and images matter."""
    family = FAMILIES[name]
    torch.manual_seed(seed)
    model = family(parse_config(family.Config, config), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5 if config.get("architecture") == "conv" else 3.0)  # which starts with larger ones
    return model


def maker(name: str, architecture: str) -> Make:
    def of(image: ImageSpec, **config: Any) -> Any:
        return build(name, image, **{"architecture": architecture, **SMALL, **NOISY.get(name, {}), **config})

    return of


@pytest.fixture(params=ARCHITECTURES, ids=lambda pair: "-".join(pair))
def make(request: pytest.FixtureRequest) -> Make:
    """Builds a small model of one family and architecture for an image."""
    return maker(*request.param)


@pytest.fixture(params=GENERATIVE, ids=lambda pair: "-".join(pair))
def make_generative(request: pytest.FixtureRequest) -> Make:
    """The same, of the families that generate."""
    return maker(*request.param)


def test_there_are_a_variational_an_implicit_and_a_plain_family() -> None:
    assert {("vae", "mlp"), ("vae", "conv"), ("gan", "mlp"), ("gan", "dcgan")} <= set(GENERATIVE)
    assert {("autoencoder", "mlp"), ("autoencoder", "conv")} <= set(ARCHITECTURES) - set(GENERATIVE)


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_decode_gives_means_in_the_unit_interval(make: Make, image: ImageSpec) -> None:
    model = make(image)
    means = model.decode(20.0 * random_codes(model, 5))
    assert means.shape == (5, *image.shape)
    assert means.dtype == torch.float32
    assert means.min() >= 0.0 and means.max() <= 1.0
    assert model.decode(random_codes(model, 20)).std(0).max() > 1e-3, "the code matters"


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_decode_depends_on_its_code_alone(make: Make, image: ImageSpec) -> None:
    model = make(image)
    z = random_codes(model, 6)
    together = model.train().decode(z)
    assert torch.equal(model.decode(z), together)
    assert torch.equal(model.eval().decode(z), together)
    alone = torch.cat([model.decode(code[None]) for code in z])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)


def test_decode_leads_gradients_to_the_code(make: Make) -> None:
    model = make(ImageSpec(1, 8, 8, 4))
    z = random_codes(model, 2).requires_grad_()
    model.decode(z).sum().backward()
    assert z.grad is not None and bool((z.grad != 0).any())


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_samples_are_images(make_generative: Make, image: ImageSpec) -> None:
    samples = make_generative(image).sample(7, generator=seeded())
    assert samples.shape == (7, *image.shape)
    assert samples.dtype == torch.uint8
    assert int(samples.max()) < image.levels


def test_samples_follow_the_generator_and_leave_the_global_noise_alone(make_generative: Make) -> None:
    model = make_generative(ImageSpec(1, 8, 8, 16))
    state = torch.get_rng_state()
    first = model.sample(9, generator=seeded(3))
    assert torch.equal(model.sample(9, generator=seeded(3)), first)
    assert not torch.equal(model.sample(9, generator=seeded(4)), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not first.requires_grad


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_every_parameter_gets_a_gradient_from_its_phase_and_from_no_other(make: Make, image: ImageSpec) -> None:
    model = make(image)
    owners: dict[int, str] = {}
    for phase in model.phases():
        model.zero_grad(set_to_none=True)
        phase.loss(random_images(image, 16), seeded())["loss"].backward()
        own = {id(p) for p in phase.parameters}
        assert not own & owners.keys(), "two phases move the same parameter"
        owners |= dict.fromkeys(own, phase.name)
        for name, parameter in model.named_parameters():
            if id(parameter) in own:
                assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
                assert (parameter.grad != 0).any(), name
            else:
                assert parameter.grad is None, f"{phase.name} reaches {name}"
    assert owners.keys() == {id(p) for p in model.parameters()}
    assert all(p.requires_grad for p in model.parameters())


def test_losses_are_named_finite_scalars_and_the_card_explains_each(make: Make) -> None:
    image = ImageSpec(1, 5, 5, 4)
    model = make(image)
    explained = {t.name for t in model.card.objective(msgspec.structs.asdict(model.config)).terms}
    phases = model.phases()
    recorded = set()
    for phase in phases:
        for name, value in phase.loss(random_images(image, 4), seeded()).items():
            assert value.shape == () and torch.isfinite(value)
            recorded.add(f"{phase.name}_loss" if name == "loss" and len(phases) > 1 else name)
    assert recorded == explained


def test_noise_comes_from_the_generator_alone(make: Make) -> None:
    image = ImageSpec(1, 8, 8, 4)
    model = make(image)
    batch = random_images(image, 8)
    state = torch.get_rng_state()
    for phase in model.phases():
        first = phase.loss(batch, seeded(5))["loss"]
        assert torch.equal(phase.loss(batch, seeded(5))["loss"], first)
        assert not torch.equal(phase.loss(batch, seeded(6))["loss"], first)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.int64])
def test_any_integer_dtype_says_the_same(make: Make, dtype: torch.dtype) -> None:
    image = ImageSpec(1, 8, 8, 16)
    model = make(image)
    for phase in model.phases():
        plain = phase.loss(random_images(image, 4), seeded())["loss"]
        assert torch.equal(phase.loss(random_images(image, 4, dtype=dtype), seeded())["loss"], plain)


def train(model: Family, batch: Tensor, steps: int, learning_rate: float = 1e-3, seed: int = 0) -> list[float]:
    """A minimal training loop over one batch; the sum of the phases' losses at each step."""
    noise = seeded(seed)
    phases = model.phases()
    optimizers = [torch.optim.Adam(p.parameters, learning_rate, betas=p.betas, fused=True) for p in phases]
    losses = []
    for _ in range(steps):
        total = 0.0
        for phase, optimizer in zip(phases, optimizers, strict=True):
            optimizer.zero_grad()
            loss = phase.loss(batch, noise)["loss"]
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total)
    return losses


def test_a_seed_repeats(make: Make) -> None:
    image = ImageSpec(1, 8, 8, 16)
    batch = random_images(image, 8)
    first, second = make(image), make(image)
    assert train(first, batch, 4) == train(second, batch, 4)
    assert torch.equal(first.decode(random_codes(first, 4)), second.decode(random_codes(second, 4)))


def test_saving_and_loading_changes_nothing(make: Make) -> None:
    image = ImageSpec(1, 9, 8, 16)
    batch = random_images(image, 8)
    model = make(image)
    train(model, batch, 2)
    stored = io.BytesIO(save(model.state_dict()))
    other = make(image)
    assert not torch.equal(other.decode(random_codes(other, 3)), model.decode(random_codes(model, 3)))
    other.load_state_dict(load(stored.getvalue()))
    assert torch.equal(other.decode(random_codes(other, 3)), model.decode(random_codes(model, 3)))
    if isinstance(model, Encoder):
        assert torch.equal(other.encode(batch), model.encode(batch))
    for mine, theirs in zip(model.phases(), other.phases(), strict=True):
        assert torch.equal(mine.loss(batch, seeded())["loss"], theirs.loss(batch, seeded())["loss"])


def test_training_in_bfloat16_keeps_losses_in_float32(make: Make) -> None:
    image = ImageSpec(1, 8, 8, 16)
    model = make(image)
    for phase in model.phases():
        exact = phase.loss(random_images(image, 32), seeded())["loss"]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = phase.loss(random_images(image, 32), seeded())["loss"]
        assert rough.dtype == torch.float32
        assert rough.item() == pytest.approx(exact.item(), rel=0.05)


def test_protocols_are_what_the_methods_claim(make: Make) -> None:
    model = make(ImageSpec(1, 4, 4, 2))
    assert isinstance(model, Latent) and isinstance(model, Sampler) == (model.latent.prior != "none")
    assert isinstance(model, Posterior) == hasattr(model, "elbo")
    assert isinstance(model, Encoder) == (isinstance(model, Posterior) or model.latent.prior == "none")
    assert isinstance(model, Discriminator) == (len(model.phases()) == 2)
    assert model.latent.num_dims == SMALL["num_latent"]


def test_default_settings_are_valid_and_a_config_alone_builds_a_model(make: Make) -> None:
    family = type(make(ImageSpec(1, 4, 4, 2)))
    assert parse_config(family.Config, {}) == family.Config()
    assert msgspec.convert(msgspec.to_builtins(family.training_defaults), type(family.training_defaults))
    model = family(family.Config(), ImageSpec(1, 8, 8, 16))
    assert model.decode(random_codes(model, 2)).shape == (2, 1, 8, 8)


def test_a_config_out_of_range_is_refused_in_words(make: Make) -> None:
    family = type(make(ImageSpec(1, 4, 4, 2)))
    broken = msgspec.structs.replace(family.Config(), num_latent=0)
    with pytest.raises(ConfigError) as refused:
        family(broken, ImageSpec(1, 8, 8, 2))
    assert refused.value.errors == {"num_latent": "Latent dimensions is 0; it must be a whole number from 1 to 512."}
    with pytest.raises(ConfigError, match=r"Architecture is 'none'; it must be one of (conv|dcgan), mlp"):
        parse_config(family.Config, {"architecture": "none"})


def test_every_field_and_term_is_explained(make: Make) -> None:
    family = type(make(ImageSpec(1, 4, 4, 2)))
    for name, prop in schema_of(family.Config)["properties"].items():
        assert prop["title"] and prop["description"].endswith("."), name
    for term in itertools.chain.from_iterable(o.terms for o in family.card.objectives):
        assert term.latex and term.help.endswith("."), term.name


def test_formulas_render(make: Make) -> None:
    ziamath = pytest.importorskip("ziamath")
    card = type(make(ImageSpec(1, 4, 4, 2))).card
    for objective in card.objectives:
        for latex in (objective.latex, *(t.latex for t in objective.terms)):
            assert ziamath.Latex(latex).svg().startswith("<svg"), latex
