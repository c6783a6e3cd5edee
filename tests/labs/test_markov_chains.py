"""The laboratory of Markov chains: matrices leave π as it is, chains follow their matrices, an RBM is enumerated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_bench import Bench, acted, blocks, configured, edited, finding, line, opened, sent, titled
from scipy import stats

from gmstudio.labs import markov_chains_grid as grid
from gmstudio.labs import markov_chains_rbm as rbm
from gmstudio.labs.information import total_variation
from gmstudio.labs.markov_chains import MarkovChains
from gmstudio.labs.markov_chains_statistics import autocorrelation, integrated_time
from gmstudio.protocol.scenes import Bars, Curves, Maps, Numbers, Plane

KINDS = ("metropolis", "gibbs_scan", "gibbs_random")
DENSITIES = ("two", "four", "correlated", "ring")
rng = np.random.default_rng(1)


def a_density(name: str = "two") -> np.ndarray:  # type: ignore[type-arg]
    return grid.density(name, grid.MODES.get(name, np.zeros((0, 2))), 0.5, 0.9)


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_chain_leaves_its_distribution_as_it_is(name: str, kind: str) -> None:
    pi = a_density(name)
    assert pi.sum() == pytest.approx(1, abs=1e-12) and (pi > 0).all()
    matrix = grid.transition_matrix(pi, kind, 3)
    assert (matrix >= 0).all() and matrix.sum(1) == pytest.approx(np.ones(pi.size), abs=1e-12)
    tested = grid.balance(pi, matrix)
    assert tested.stationary < 1e-14
    # A product distribution is the exception: there the order of the two draws does not matter.
    assert (tested.detailed < 1e-14) == (kind != "gibbs_scan" or name == "four")


def test_the_scan_is_the_product_of_its_halves() -> None:
    pi = a_density("ring")
    first, second = grid.gibbs_halves(pi)
    assert grid.transition_matrix(pi, "gibbs_scan", 1) == pytest.approx(first @ second, abs=1e-14)
    assert grid.balance(pi, first).detailed < 1e-16 and grid.balance(pi, second).detailed < 1e-16


@settings(max_examples=10)
@given(radius=st.integers(1, 6))
def test_the_acceptance_rate_is_that_of_the_chain_at_rest(radius: int) -> None:
    pi = a_density()
    matrix = grid.metropolis_matrix(pi, radius)
    moved = 1 - pi.ravel() @ np.diag(matrix)
    assert grid.acceptance_rates(pi, radius)[-1] == pytest.approx(moved, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_draws_follow_the_matrix(kind: str) -> None:
    pi = a_density("correlated")
    start = grid.nearest_state(np.array([0.4, 0.2]))
    ends = []
    for uniforms in rng.random((6000, 1, 2)):
        chain = grid.GridChain(pi, kind, 2, start)
        chain.run(uniforms)
        ends.append(chain.path[1])
    expected = grid.transition_matrix(pi, kind, 2)[start] * len(ends)
    counts = np.bincount(ends, minlength=pi.size)
    assert counts[expected == 0].sum() == 0
    some = expected > 5
    scaled = expected[some] / expected[some].sum() * counts[some].sum()
    assert stats.chisquare(counts[some], scaled).pvalue > 1e-4


def test_exact_distances_and_autocorrelations_are_those_of_powers_of_the_matrix() -> None:
    pi = a_density("ring")
    matrix = grid.transition_matrix(pi, "metropolis", 3)
    power = np.linalg.matrix_power(matrix, 7)
    assert grid.distances(pi, matrix, 33, 7)[7] == pytest.approx(total_variation(power[33], pi.ravel()), abs=1e-12)
    f = np.tile(grid.CENTRES, grid.GRID)
    flat = pi.ravel()
    covariance = flat @ (f * (power @ f)) - (flat @ f) ** 2
    variance = flat @ f**2 - (flat @ f) ** 2
    assert grid.exact_autocorrelation(pi, matrix, 7)[7] == pytest.approx(covariance / variance, abs=1e-9)


def test_the_measured_autocorrelation_time_is_that_of_a_known_process() -> None:
    values = np.zeros(200_000)
    noise = rng.normal(size=len(values))
    for i in range(1, len(values)):
        values[i] = 0.8 * values[i - 1] + noise[i]
    rho = autocorrelation(values)
    assert rho[:4] == pytest.approx(0.8 ** np.arange(4), abs=0.02)
    assert integrated_time(rho) == pytest.approx(9.0, abs=0.8)
    assert integrated_time(autocorrelation(np.ones(50))) == float("inf")


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_chain_comes_near_its_distribution(kind: str) -> None:
    lab = opened(MarkovChains, {"density": "ring", "chain": kind, "radius": 4}, Bench(every=100))
    for _ in range(10):
        scene = acted(lab, "step_1000")
    assert total_variation(grid.shares(lab.chain.path), lab.pi.ravel()) < 0.2
    steps, distances = line(titled(scene, Curves, "Total variation"), "this chain")
    assert steps[-1] == 10_000 and distances[-1] < distances[0] / 4
    assert "The states of this chain's 10,000 steps" in finding(scene)


def test_the_finding_separates_detailed_balance_from_stationarity() -> None:
    lab = opened(MarkovChains, {"density": "correlated"})
    assert "Detailed balance holds" in finding(lab.scene())
    scene = configured(lab, chain="gibbs_scan")
    assert "Detailed balance does not hold" in finding(scene) and "π is stationary" in finding(scene)
    assert not [curves for curves in blocks(scene, Curves) if "Acceptance" in curves.title]


@pytest.mark.parametrize("view", ["grid", "rbm"])
def test_actions_from_a_seed_give_the_same_scene(view: str) -> None:
    scenes = []
    for seed in (4, 4, 5):
        lab = opened(MarkovChains, {"view": view}, Bench(seed, every=100))
        first = sent(lab.scene())
        for action in ("step_1", "step_10"):
            scene = acted(lab, action)
        scenes.append(sent(scene))
        assert sent(acted(lab, "restart")) == first
    assert scenes[0] == scenes[1] != scenes[2]


def test_modes_and_start_are_dragged() -> None:
    lab = opened(MarkovChains, {"density": "two", "width": 0.3})
    acted(lab, "step_10")
    assert edited(lab, "modes", [[-2.0, 2.0], [2.0, -2.0]]) == ""
    assert len(lab.chain.path) == 1
    row, column = np.unravel_index(lab.pi.argmax(), lab.pi.shape)
    assert abs(grid.CENTRES[row]) == pytest.approx(2, abs=0.3) and grid.CENTRES[row] * grid.CENTRES[column] < 0
    assert "edge of the grid" in edited(lab, "start", [[9.0, 0.1]])
    assert lab.inputs["start"][0].tolist() == [3.0, 0.1]
    assert grid.places(lab.chain.path)[0] == pytest.approx([2.85, 0.15])
    assert len(blocks(lab.scene(), Plane)) == 2
    assert list(configured(lab, density="ring").rows) and list(lab.inputs) == ["start"]
    configured(lab, density="two")
    assert lab.inputs["modes"].tolist() == [[-2.0, 2.0], [2.0, -2.0]]


def test_more_steps_than_are_kept_are_refused() -> None:
    lab = opened(MarkovChains, {}, Bench(every=1000))
    lab.chain.run(rng.random((49_995, 2)))
    with pytest.raises(ValueError, match=r"There are 49,995 steps, and at most 50,000 are kept; restart"):
        acted(lab, "step_10")


# ---- RBM -----------------------------------------------------------------------------------------------------


def test_three_enumerations_agree_and_the_chain_is_in_balance() -> None:
    machine = rbm.Machine(Bench())
    for beta in (0.0, 0.7, 2.0):
        machine.set_beta(beta)
        assert machine.p.sum() == pytest.approx(1, abs=1e-12)
        assert machine.log_z == pytest.approx(machine.log_z_hidden, abs=1e-9)
        assert machine.log_z == pytest.approx(machine.log_z_joint(), abs=1e-9)
        assert machine.detailed_balance() < 1e-12
        distances = machine.distances(30)
        assert (np.diff(distances) <= 1e-12).all()
    machine.set_beta(0.0)
    assert machine.p == pytest.approx(np.full(1024, 1 / 1024), abs=1e-15)
    assert machine.distances(1)[1] == pytest.approx(0, abs=1e-12)


def test_the_chains_of_the_rbm_follow_the_enumeration() -> None:
    lab = opened(MarkovChains, {"view": "rbm", "beta": 0.5}, Bench(every=1000))
    scene = acted(lab, "step_1000")
    machine = lab.machine()
    assert total_variation(machine.shares(), machine.p) < 0.06
    means = titled(scene, Bars, "Mean of each pixel").values.numpy()
    assert means[0] == pytest.approx(means[1], abs=0.03)
    maps = blocks(scene, Maps)[0].values.numpy()
    assert maps.reshape(2, -1).sum(1) == pytest.approx([1, 1], abs=1e-5)
    _, distances = line(titled(scene, Curves, "Total variation"), "chains")
    assert distances[-1] == pytest.approx(total_variation(machine.shares(), machine.p), abs=1e-12)
    start = machine.log_z
    configured(lab, beta=1.5)
    assert len(machine.states) == 1 and machine.log_z != start


def test_the_rbm_learns_the_columns() -> None:
    lab = opened(MarkovChains, {}, Bench(every=200))
    columns = rbm.bits(rbm.WIDTH)
    numbers = [int("".join(str(int(bit)) for bit in [*column, *column]), 2) for column in columns]
    before = lab.machine().p[numbers].sum()
    assert list(lab.inputs) == ["start", "modes"]
    stages = [scene.stage for scene in lab.act("train") if scene is not None]
    assert stages[0] == "Training the RBM, step 200 of 1000" and len(stages) == 5
    assert lab.config.view == "rbm" and lab.inputs == {}
    after = lab.machine().p[numbers].sum()
    assert after > 0.5 > before
    assert "whole columns" in lab.scene().rows[0][1].note  # type: ignore[union-attr]
    assert lab.machine().log_z == pytest.approx(lab.machine().log_z_joint(), abs=1e-9)
    assert blocks(lab.scene(), Numbers)[0].numbers[0].value.startswith(f"{lab.machine().log_z:.6f}"[:6])


def test_the_data_are_the_images_of_columns() -> None:
    dataset = rbm.bars_dataset(0)
    images = dataset.train.images
    assert images.shape == (1024, 1, 2, 5) and (images[:, :, 0] == images[:, :, 1]).all()
    assert len(np.unique(images.reshape(1024, -1), axis=0)) == 32
