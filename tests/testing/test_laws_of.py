"""The laws of ``gmstudio.testing``: who has to obey them, that families of other packages do, and that they bite."""

from typing import Any

import pytest
import torch
from independent_pixels import IndependentPixels
from tiny_autoregressive import TinyAutoregressive
from torch import Tensor, nn

from gmstudio.families import FAMILIES
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import BINARY, GREY

SMALL = {
    "num_hidden": 8,
    "num_channels": 4,
    "num_head_channels": 4,
    "num_blocks": 1,
    "num_couplings": 1,
    "num_scales": 1,
    "num_latent": 3,
    "num_chains": 8,
    "num_temperatures": 20,
    "num_timesteps": 6,
}
"""Settings that make models small, where a family has them."""


def cases_of(name: str) -> list[Any]:
    family = FAMILIES[name]
    values = {key: value for key, value in SMALL.items() if key in family.Config.__struct_fields__}
    cases = laws.laws_of(family, parse_config(family.Config, values), images=[GREY])
    return [pytest.param(case, id=f"{name}-{case}") for case in cases]


@pytest.mark.parametrize("case", [case for name in FAMILIES for case in cases_of(name)])
def test_every_family_obeys_its_laws(case: laws.LawCase) -> None:
    case()


@pytest.mark.parametrize("law", laws.laws_of(IndependentPixels), ids=str)
def test_independent_pixels_obey_every_law_that_is_demanded(law: laws.LawCase) -> None:
    law()


def test_that_pixels_matter_is_a_law_on_request() -> None:
    demanded = {case.law.name for case in laws.laws_of(IndependentPixels)}
    assert {"probabilities_sum_to_one", "autoregression", "sessions_follow_the_order"} <= demanded
    assert not {"earlier_pixels_matter", "order_matters"} & demanded
    asked = laws.laws_of(IndependentPixels, also=[laws.earlier_pixels_matter, laws.order_matters])
    for case in asked:
        if case.law.name not in demanded:
            with pytest.raises(AssertionError, match=r"influence on a later one|the same in another order"):
                case()


def test_laws_apply_to_what_a_model_has() -> None:
    names = {name: {param.values[0].law.name for param in cases_of(name)} for name in FAMILIES}
    for name, family in FAMILIES.items():
        has = names[name]
        assert ("stepping_equals_scoring" in has) == hasattr(family, "pixel_session")
        assert ("bounds_bound" in has) == (hasattr(family, "elbo") and hasattr(family, "log_prob_estimate"))
        assert ("decoding_has_a_gradient" in has) == hasattr(family, "decode")
        assert ("chains_go_through_images" in has) == hasattr(family, "chain")
        assert ("a_discriminator_gives_probabilities" in has) == hasattr(family, "discriminate")
        assert ("flows_invert" in has) == (name == "realnvp")
        assert {"every_parameter_gets_a_gradient", "a_seed_repeats", "saving_and_loading_change_nothing"} <= has
    demanded = {name for name, law in laws.LAWS.items() if law.demanded}
    assert demanded - set().union(*names.values()) == {"each_image_has_its_own_label", "sessions_follow_the_order"}


def test_laws_of_orders_and_labels_are_examined_with_them() -> None:
    family = FAMILIES["gated_pixelcnn"]
    config = parse_config(family.Config, {"num_layers": 1, "num_channels": 4, "num_head_channels": 4, "num_classes": 2})
    names = {str(case) for case in laws.laws_of(family, config, images=[GREY])}
    assert {"autoregression-1x2x2x4", "autoregression-1x2x2x4-labelled", "autoregression-1x2x2x4-unlabelled"} <= names
    assert "each_image_has_its_own_label-1x2x2x4" in names
    shuffled = {str(case) for case in laws.laws_of(IndependentPixels, images=[GREY])}
    assert {"fast_equals_plain-1x2x2x4", "fast_equals_plain-1x2x2x4-shuffled"} <= shuffled
    assert len(shuffled) == len(laws.laws_of(IndependentPixels, images=[GREY])), "names tell cases apart"


def test_a_model_of_the_bare_protocol_is_enough() -> None:
    model = TinyAutoregressive(BINARY)
    laws.probabilities_sum_to_one(model)
    laws.stepping_equals_scoring(model)
    laws.rewinding_repeats(model)
    laws.temperature_zero_gives_the_mode(model)


def test_every_law_is_public_documented_and_says_on_whom_it_is() -> None:
    assert set(laws.LAWS) < set(laws.__all__)
    for name, law in laws.LAWS.items():
        assert getattr(laws, name) is law.check
        assert (law.check.__doc__ and law.check.__doc__[0].isalpha()) or law.check.__doc__.startswith("``")


def test_a_family_that_takes_no_image_is_refused_in_words() -> None:
    class Picky(IndependentPixels):
        def __init__(self, config: Any, image: ImageSpec) -> None:
            raise ValueError("Nothing is good enough.")

    with pytest.raises(ValueError, match=r"Picky takes none of the images .* Nothing is good enough\."):
        laws.laws_of(Picky)


def test_a_family_may_refuse_some_images() -> None:
    class BinaryOnly(IndependentPixels):
        def __init__(self, config: Any, image: ImageSpec) -> None:
            if image.levels > 2:
                raise ValueError("Binary images only.")
            super().__init__(config, image)

    assert {case.image for case in laws.laws_of(BinaryOnly)} == {BINARY}


def test_models_are_the_same_each_time_and_the_global_noise_is_left_alone() -> None:
    state = torch.get_rng_state()
    first, second = (laws.built(FAMILIES["vae"], FAMILIES["vae"].Config(), GREY) for _ in range(2))
    assert all(map(torch.equal, first.parameters(), second.parameters()))
    assert torch.equal(torch.get_rng_state(), state)


# ---- broken models -------------------------------------------------------------------------------------------------


class Unnormalized(IndependentPixels):
    def log_prob_per_dim(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        return 0.9 * super().log_prob_per_dim(x_BCHW, order_D3, labels_B)


class OfGlobalNoise(IndependentPixels):
    def _uniforms(self, batch: int, generator: torch.Generator | None) -> Tensor:
        return torch.rand(self.image.num_dims, batch)


class WithAnIdleParameter(IndependentPixels):
    def __init__(self, config: Any, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.idle = nn.Parameter(torch.zeros(3))


class WithAnUnstoredTable(IndependentPixels):
    def __init__(self, config: Any, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.seen = 0.0

    def log_prob_per_dim(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        if self.training and torch.is_grad_enabled():
            self.seen += 1.0
        return super().log_prob_per_dim(x_BCHW, order_D3, labels_B) * (1.0 + self.seen)


class ThatNeverLearns(IndependentPixels):
    def log_prob_per_dim(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        nats = super().log_prob_per_dim(x_BCHW, order_D3, labels_B)
        return nats if not self.training else 2.0 * nats.detach() - nats


class ThatSeesTheNextPixel(IndependentPixels):
    def logits(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        return super().logits(x_BCHW, order_D3) * (1.0 + x_BCHW.roll(-1, -1).unsqueeze(-1))


@pytest.mark.parametrize(
    ("family", "law"),
    [
        (Unnormalized, "probabilities_sum_to_one"),
        (Unnormalized, "stepping_equals_scoring"),
        (OfGlobalNoise, "samples_follow_the_generator"),
        (WithAnIdleParameter, "every_parameter_gets_a_gradient"),
        (WithAnUnstoredTable, "saving_and_loading_change_nothing"),
        (ThatNeverLearns, "one_batch_can_be_overfitted"),
        (ThatSeesTheNextPixel, "autoregression"),
        (ThatSeesTheNextPixel, "probabilities_sum_to_one"),
        (ThatSeesTheNextPixel, "conditionals_depend_on_their_context"),
    ],
)
def test_a_broken_model_breaks_its_law_with_a_sentence(family: type[IndependentPixels], law: str) -> None:
    (case,) = [case for case in laws.laws_of(family, images=[BINARY]) if str(case) == f"{law}-1x3x3x2"]
    with pytest.raises(AssertionError) as broken:
        case()
    assert str(broken.value).endswith(".") and " " in str(broken.value)
