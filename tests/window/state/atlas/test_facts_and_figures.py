"""Facts follow from capabilities and measurements; figures of papers stand beside runs that compare with them."""

import math

import pytest
from atlas_scene import FIGURE, SPEC, entry, info

from gmstudio.protocol.atlas import SamplingMeasured
from gmstudio.protocol.families import PublishedFigure
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.window.state.atlas.comparison import NONE_YET, NOT_COMPARED, compared_figures
from gmstudio.window.state.atlas.facts import facts, likelihood


@pytest.mark.parametrize(
    ("family", "word"), [("pixelcnn", "exact"), ("vae", "lower bound"), ("gan", "none"), ("foreign", "none")]
)
def test_the_likelihood_follows_from_the_capabilities(family: str, word: str) -> None:
    assert likelihood(entry(family))[0] == word


def values(
    family: str, measured: SamplingMeasured | None, ms: float | None, *, has_model: bool = True
) -> dict[str, str]:
    return {fact.name: fact.value for fact in facts(entry(family), measured, ms, 9, has_model=has_model)}


def test_measurements_are_written_with_their_units() -> None:
    measured = SamplingMeasured(run="/r", passes=784, by_pixel=True, num_parameters=130497, latent_dims=0)
    found = values("pixelcnn", measured, 12.34)
    assert found["Passes per sample"] == "784, one per sub-pixel"
    assert found["Time per sample"] == "12.3 ms, 9 at a time"
    assert found["Latent code"] == "no"
    assert found["Parameters"] == "130,497"


@pytest.mark.parametrize(("ms", "text"), [(0.054, "0.05 ms"), (99.94, "99.9 ms"), (1234.0, "1.23 s")])
def test_times_are_written_in_a_fitting_unit(ms: float, text: str) -> None:
    assert values("vae", None, ms)["Time per sample"].startswith(text)


def test_latent_dimensions_are_those_of_the_model() -> None:
    measured = SamplingMeasured(run="/r", passes=1, by_pixel=False, num_parameters=5, latent_dims=10)
    assert values("vae", measured, None)["Latent code"] == "yes, 10 dimensions"


def test_what_is_not_measured_is_not_made_up() -> None:
    assert values("vae", None, None)["Passes per sample"] == "…"
    assert values("vae", None, None, has_model=False)["Time per sample"] == "–"


def test_the_best_run_on_the_same_data_is_compared_in_the_unit_of_the_paper() -> None:
    runs = [
        info("/worse", "pixelcnn", best_bits=0.30),
        info("/best", "pixelcnn", best_bits=0.20),
        info("/other", "vae", best_bits=0.01),
        info("/elsewhere", "pixelcnn", best_bits=0.02, spec=RunSpec(family="pixelcnn", data="digits")),
        info(
            "/levels",
            "pixelcnn",
            best_bits=0.03,
            spec=RunSpec(family="pixelcnn", data="binarized_mnist", data_config={"levels": 4}),
        ),
        info("/none", "pixelcnn"),
    ]
    (found,) = compared_figures(entry("pixelcnn").card, runs)
    nats = 0.20 * SPEC.num_dims * math.log(2)
    assert (found.run, found.own) == ("/best", f"{nats:.2f} nats (validation)")
    assert found.published == "81.30 nats"


def test_without_a_run_on_the_data_there_is_none_yet() -> None:
    (found,) = compared_figures(entry("pixelcnn").card, [info("/none", "pixelcnn")])
    assert (found.own, found.run) == (NONE_YET, "")


def test_a_bound_is_marked_and_another_quantity_not_compared() -> None:
    card = entry("vae").card
    bound = PublishedFigure(
        data="d", value=3.0, unit="bits/dim", source="s", section="t", relation="≤", compared="binarized_mnist"
    )
    other = PublishedFigure(data="d", value=214.0, unit="Parzen", source="s", section="t", relation="≈")
    import msgspec

    card = msgspec.structs.replace(card, published=(bound, other))
    first, second = compared_figures(card, [info("/run", "vae", best_bits=0.25)])
    assert first.published == "≤ 3.00 bits/dim" and first.own == "≤ 0.250 bits/dim (validation)"
    assert second.published == "≈ 214 Parzen" and second.own == NOT_COMPARED


def test_the_figure_of_the_scene_is_the_one_of_its_card() -> None:
    assert entry("pixelcnn").card.published == (FIGURE,)
