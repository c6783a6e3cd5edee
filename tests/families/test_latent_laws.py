"""Laws of every family with a latent space, on image sizes from 1×1 to 28×28 and in every architecture."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import torch

from gmstudio.families import FAMILIES
from gmstudio.families.base import Discriminator, Encoder, Family, Latent, Posterior, Sampler
from gmstudio.protocol.config import ConfigError, parse_config, schema_of
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import random_codes

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
    """Factory of small models of one family and architecture for an image."""
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
    laws.decoded_means_are_in_range(make(image))


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_decode_depends_on_its_code_alone(make: Make, image: ImageSpec) -> None:
    laws.decoding_depends_on_its_code_alone(make(image))


def test_decode_leads_gradients_to_the_code(make: Make) -> None:
    laws.decoding_has_a_gradient(make(ImageSpec(1, 8, 8, 4)))


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_samples_are_images(make_generative: Make, image: ImageSpec) -> None:
    laws.samples_are_images(make_generative(image), 7)


def test_samples_follow_the_generator_and_leave_the_global_noise_alone(make_generative: Make) -> None:
    laws.samples_follow_the_generator(make_generative(ImageSpec(1, 8, 8, 16)), 9)


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_every_parameter_gets_a_gradient_from_its_phase_and_from_no_other(make: Make, image: ImageSpec) -> None:
    model = make(image)
    laws.every_parameter_gets_a_gradient(model)
    assert all(p.requires_grad for p in model.parameters())


def test_losses_are_named_finite_scalars_and_the_card_explains_each(make: Make) -> None:
    laws.losses_are_explained(make(ImageSpec(1, 5, 5, 4)))


def test_noise_comes_from_the_generator_alone(make: Make) -> None:
    laws.noise_comes_from_the_generator(make(ImageSpec(1, 8, 8, 4)), noisy=True)


def test_any_integer_dtype_says_the_same(make: Make) -> None:
    laws.integer_types_are_alike(make(ImageSpec(1, 8, 8, 16)))


def test_a_seed_repeats(make: Make) -> None:
    laws.a_seed_repeats(make(ImageSpec(1, 8, 8, 16)), steps=4)


def test_saving_and_loading_changes_nothing(make: Make) -> None:
    laws.saving_and_loading_change_nothing(make(ImageSpec(1, 9, 8, 16)))


def test_training_in_bfloat16_keeps_losses_in_float32(make: Make) -> None:
    laws.losses_stay_in_float32(make(ImageSpec(1, 8, 8, 16)), relative=0.05)


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
    laws.settings_are_explained(make(ImageSpec(1, 4, 4, 2)))


def test_formulas_render(make: Make) -> None:
    laws.formulas_render(make(ImageSpec(1, 4, 4, 2)))
