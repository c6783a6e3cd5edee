"""The lab of the game: known densities, the best discriminator and the value, moves from a seed, collapse."""

import itertools
import math

import numpy as np
import pytest
import torch
from lab_bench import Bench, acted, blocks, configured, edited, finding, line, opened, sent, titled

from gmstudio.labs.game import Game
from gmstudio.labs.game_players import Players, RealPoints
from gmstudio.protocol.scenes import Curves, Numbers, Plane


class Quiet(Bench):
    """A bench on which no scene is due before the last one."""

    def due(self) -> bool:
        return False


LINE, GRID = RealPoints.on_a_line(2), RealPoints.on_a_grid(3)


def played(real: RealPoints, steps: int) -> Players:
    players = Players(real, 0.15, torch.Generator().manual_seed(0))
    for _ in range(steps):
        players.step_d(128, 2e-3)
        players.step_g(128, 1e-3, "minimax")
    return players


@pytest.mark.parametrize("real", [LINE, GRID], ids=["line", "plane"])
@pytest.mark.parametrize("steps", [0, 30])
def test_densities_have_mass_one_and_the_value_of_the_best_d_is_the_divergence(real: RealPoints, steps: int) -> None:
    position = played(real, steps).measure()
    for density in (position.p, position.q):
        assert density.sum() * position.cell == pytest.approx(1, abs=1e-6)
    assert position.best_value == pytest.approx(2 * position.jensen_shannon - math.log(4), abs=1e-6)
    assert position.value < position.best_value < 0 and 0 < position.jensen_shannon < math.log(2)
    worse = 0.9 * position.best_d + 0.05
    value = (position.p * np.log(worse) + position.q * np.log(1 - worse)).sum() * position.cell
    assert value < position.best_value


@pytest.mark.parametrize("real", [LINE, GRID], ids=["line", "plane"])
def test_the_generators_density_is_that_of_its_draws(real: RealPoints) -> None:
    players = played(real, 10)
    position = players.measure()
    generator = torch.Generator().manual_seed(1)
    with torch.inference_mode():
        points = players.generated(torch.randn((100_000, players.num_dims), generator=generator))
        points = points + players.noise * torch.randn(points.shape, generator=generator)
    edges = np.linspace(-4, 4, 17)
    shares = np.histogram(points[:, 0].numpy(), edges)[0] / len(points)
    along = position.q if position.q.ndim == 1 else position.q.sum(0) * (position.axis[1] - position.axis[0])
    exact = [
        np.interp(np.linspace(a, b, 51)[:-1] + (b - a) / 100, position.axis, along).mean() * (b - a)
        for a, b in itertools.pairwise(edges)
    ]
    np.testing.assert_allclose(shares, exact, atol=0.01)


def test_slopes_by_the_logit_are_those_of_the_losses() -> None:
    scene = opened(Game).scene()
    d, minimax = line(titled(scene, Curves, "Losses of G"), "minimax")
    other = line(titled(scene, Curves, "Losses of G"), "non-saturating")[1]
    logits = np.log(d / (1 - d))
    np.testing.assert_allclose(np.gradient(minimax, logits)[20:-20], -d[20:-20], atol=2e-3)
    np.testing.assert_allclose(np.gradient(other, logits)[20:-20], d[20:-20] - 1, atol=2e-3)
    values = {number.name: number.value for number in blocks(scene, Numbers)[0].numbers}
    minimax_slope, other_slope = (float(values[f"Slope of {loss}"]) for loss in ("log(1 − D)", "−log D"))
    assert minimax_slope + other_slope == pytest.approx(-1, abs=2e-4)


def test_a_d_that_wins_leaves_minimax_without_a_gradient() -> None:
    players = Players(RealPoints.on_a_line(1), 0.1, torch.Generator().manual_seed(0))
    for _ in range(300):
        players.step_d(128, 5e-3)
    position = players.measure()
    assert position.best_value - position.value < 0.05, "D alone comes near D*."
    before = players.push_on_g("minimax") / players.push_on_g("non-saturating")
    assert position.mean_d < 0.35 and before < 0.8


def test_play_from_a_seed_gives_one_scene_and_single_moves_are_counted() -> None:
    labs = [opened(Game, {"space": "plane"}, Quiet(seed)) for seed in (1, 1, 2)]
    scenes = [sent(acted(lab, "d_alone")) for lab in labs]
    assert scenes[0] == scenes[1] != scenes[2]
    lab = opened(Game)
    for action in ("d_step", "g_step", "g_step"):
        scene = acted(lab, action)
    text = scene.rows[-1][0].text  # type: ignore[union-attr]
    assert "1 moves of D and 2 of G" in text
    assert line(titled(scene, Curves, "Value of the game"), "V(D, G)")[0].tolist() == [0, 1, 2, 3]
    before = sent(scene)
    assert (
        sent(configured(lab, objective="non-saturating")) != b""
        and sent(configured(lab, objective="minimax")) == before
    )
    assert "0 moves of D" in configured(lab, modes=3).rows[-1][0].text  # type: ignore[union-attr]


def test_minimax_covers_both_modes_and_a_generator_that_runs_ahead_loses_some() -> None:
    fair = acted(opened(Game, {}, Quiet()), "play")
    assert "covers 2 of 2 modes" in finding(fair)
    ahead = acted(opened(Game, {"g_steps": 12, "objective": "non-saturating", "modes": 3}, Quiet()), "play")
    assert line(titled(ahead, Curves, "Modes covered, of 3"), "quarter")[1].min() == 1


def test_the_place_stays_on_the_axis_and_the_plane_has_both_discriminators() -> None:
    lab = opened(Game)
    assert edited(lab, "x", [9.0]) == "" and lab.inputs["x"].tolist() == [4.0]
    planes = blocks(configured(lab, space="plane", modes=3), Plane)
    assert [plane.title for plane in planes] == ["Trained D", "The best D* = p / (p + q)"]
