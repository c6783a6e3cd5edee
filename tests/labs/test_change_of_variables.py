"""The laboratory of the change of variables: maps invert, derivatives are theirs, areas and logarithms agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_bench import Bench, acted, blocks, configured, edited, finding, opened, sent, titled
from scipy import integrate, stats

from gmstudio.labs.change_of_variables import ChangeOfVariables
from gmstudio.labs.change_of_variables_maps import BASES, Composition, MonotoneMap, area, log_density
from gmstudio.protocol.plane_layers import Guide, Handles, Paths
from gmstudio.protocol.scenes import Formula, Plane, Table


@st.composite
def knots(draw: st.DrawFn) -> np.ndarray:  # type: ignore[type-arg]
    count = draw(st.integers(2, 8))
    step = st.floats(0.05, 2.0)
    steps = np.array([[draw(step), draw(step)] for _ in range(count - 1)])
    return np.concatenate([[[0, 0]], np.cumsum(steps, axis=0)]) - steps.sum(0) / 2


@given(knots=knots())
def test_maps_rise_pass_their_knots_and_invert(knots: np.ndarray) -> None:  # type: ignore[type-arg]
    one = MonotoneMap(knots)
    assert one.forward(knots[:, 0])[0] == pytest.approx(knots[:, 1], abs=1e-9)
    z = np.linspace(knots[0, 0] - 1, knots[-1, 0] + 1, 301)
    x, log_slope = one.forward(z)
    assert (np.diff(x) > 0).all() and np.isfinite(log_slope).all()
    assert one.inverse(x) == pytest.approx(z, abs=1e-7)
    middle = (z[:-1] + z[1:]) / 2
    numeric = (one.forward(middle + 1e-6)[0] - one.forward(middle - 1e-6)[0]) / 2e-6
    assert np.exp(one.forward(middle)[1]) == pytest.approx(numeric, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("base", BASES)
@given(first=knots(), second=knots(), ends=st.tuples(st.floats(-2.5, 2.5), st.floats(-2.5, 2.5)))
def test_the_probability_of_an_interval_does_not_change(
    base: str,
    first: np.ndarray,  # type: ignore[type-arg]
    second: np.ndarray,  # type: ignore[type-arg]
    ends: tuple[float, float],
) -> None:
    flow = Composition([MonotoneMap(first), MonotoneMap(second)])
    low, high = sorted(ends)
    images = flow.forward(np.array([low, high]))[0]
    of_z = np.diff(BASES[base].cdf(np.array([low, high])))[0]
    assert area(BASES[base], flow, *images.tolist()) == pytest.approx(of_z, abs=1e-6)


@pytest.mark.parametrize("base", BASES)
def test_base_densities_are_those_of_their_names(base: str) -> None:
    z = np.linspace(-2.9, 2.9, 7)
    reference = {"gaussian": stats.norm, "logistic": stats.logistic, "uniform": stats.uniform(-3, 6)}[base]
    assert BASES[base].log_density(z) == pytest.approx(reference.logpdf(z), abs=1e-12)
    assert BASES[base].cdf(z) == pytest.approx(reference.cdf(z), abs=1e-12)
    assert BASES[base].quantile(BASES[base].cdf(z)) == pytest.approx(z, abs=1e-9)


def test_the_density_integrates_to_one_and_an_affine_map_has_the_known_density() -> None:
    flow = Composition(
        [MonotoneMap(np.array([[-1.0, 0.0], [1.0, 4.0]])), MonotoneMap(np.array([[0.0, 0.0], [1.0, 1.5]]))]
    )
    x = np.linspace(-5, 9, 5)
    assert log_density(BASES["gaussian"], flow, x) == pytest.approx(stats.norm(3, 3).logpdf(x), abs=1e-12)
    curved = Composition([MonotoneMap(np.array([[-3.0, -3.0], [-1.0, -2.5], [1.0, 2.5], [3.0, 3.0]]))])
    places = np.linspace(-12, 12, 40_001)
    density = np.exp(log_density(BASES["logistic"], curved, places))
    wider = integrate.trapezoid(density, places)
    assert wider == pytest.approx(np.diff(BASES["logistic"].cdf(curved.inverse(np.array([-12.0, 12.0]))))[0], abs=1e-3)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_logarithms_of_derivatives_add_up(layers: int) -> None:
    lab = opened(ChangeOfVariables, {"num_layers": layers})
    scene = lab.scene()
    sent(scene)
    values = titled(scene, Table, "Derivatives").values.numpy()
    assert values.shape == (layers + 2, 4)
    assert values[-2, 3] == pytest.approx(values[:-2, 3].sum(), abs=1e-12)
    assert values[-2, 2] == pytest.approx(values[:-2, 2].prod(), abs=1e-9)
    assert values[-1, 3] == pytest.approx(values[-2, 3], abs=1e-6)
    assert (values[1:-2, 0] == values[:-3, 1]).all() and values[-2, 1] == values[-3, 1]
    assert len([plane for plane in blocks(scene, Plane) if "Map" in plane.title]) == layers
    assert blocks(scene, Formula)[0].latex.count(r"\log \left|") == layers


def test_knots_that_do_not_rise_are_refused_and_the_map_stays() -> None:
    lab = opened(ChangeOfVariables)
    before = lab.inputs["knots 1"].copy()
    folded = before.copy()
    folded[2, 1] = folded[3, 1] + 0.5
    with pytest.raises(
        ValueError, match=r"Knot 4 has x = 2\.121, not above knot 3 at 2\.621: the map folds and has no inverse"
    ):
        edited(lab, "knots 1", folded)
    swapped = before.copy()
    swapped[1, 0] = 1.0
    with pytest.raises(ValueError, match=r"Knot 3 has z = 0\.000.*is no function\. Keep the knots rising"):
        edited(lab, "knots 1", swapped)
    assert (lab.inputs["knots 1"] == before).all()


def test_samples_follow_the_maps() -> None:
    lab = opened(ChangeOfVariables)
    for _ in range(5):
        acted(lab, "push")
    gaps = []
    for scene in (lab.scene(), acted(lab, "random"), acted(lab, "straight")):
        text = finding(scene).split("at most ")[1]
        gaps.append(text.split()[0])
    assert gaps[0] == gaps[1] == gaps[2]  # F(x) of a sample is its uniform number, whatever the map
    assert float(gaps[0]) < 0.03
    names = [layer.name for layer in titled(lab.scene(), Plane, "Density of x").layers if isinstance(layer, Paths)]
    assert "5,000 samples" in names
    assert "samples" not in finding(acted(lab, "clear"))


def test_the_identity_changes_nothing() -> None:
    lab = opened(ChangeOfVariables, {"num_layers": 3})
    values = titled(acted(lab, "straight"), Table, "Derivatives").values.numpy()
    assert values[:-1, 3] == pytest.approx(np.zeros(4), abs=1e-12)
    assert "multiplied by 1.0000" in finding(lab.scene())


def test_interval_and_point_are_dragged() -> None:
    lab = opened(ChangeOfVariables)
    edited(lab, "low", [2.0])  # beyond the other end: they change places
    assert (lab.inputs["low"][0], lab.inputs["high"][0]) == (1.0, 2.0)
    edited(lab, "point", [99.0])
    assert lab.inputs["point"][0] == 4.0
    guides = [layer for layer in titled(lab.scene(), Plane, "Density of z").layers if isinstance(layer, Guide)]
    assert [(guide.name, guide.value) for guide in guides] == [("low", 1.0), ("high", 2.0)]
    edited(lab, "high", [1.0])
    assert "= 0.0000000" in finding(lab.scene())


def test_other_settings_keep_or_reset_the_knots() -> None:
    lab = opened(ChangeOfVariables)
    moved = lab.inputs["knots 1"].copy()
    moved[0] -= 0.2
    edited(lab, "knots 1", moved)
    configured(lab, num_layers=2)
    assert (lab.inputs["knots 1"] == moved).all() and "knots 2" in lab.inputs
    edited(lab, "knots 2", lab.inputs["knots 2"] * [1, 0.5])
    handles = [layer for plane in blocks(lab.scene(), Plane) for layer in plane.layers if isinstance(layer, Handles)]
    assert [layer.name for layer in handles] == ["knots 1", "knots 2"]
    configured(lab, num_knots=7)
    assert lab.inputs["knots 1"].shape == (7, 2)


def test_actions_from_a_seed_give_the_same_scene() -> None:
    scenes = []
    for seed in (1, 1, 2):
        lab = opened(ChangeOfVariables, {"num_layers": 2}, Bench(seed))
        acted(lab, "random")
        scenes.append(sent(acted(lab, "push")))
    assert scenes[0] == scenes[1] != scenes[2]


def test_more_samples_than_are_kept_are_refused() -> None:
    lab = opened(ChangeOfVariables)
    for _ in range(100):
        for _ in lab.act("push"):
            pass
    with pytest.raises(ValueError, match="There are 100,000 samples, and no more are kept"):
        acted(lab, "push")
