"""State of the Factors page: what is measured, the order of the dimensions, the chosen cell and its slider."""

from dataclasses import dataclass

import numpy as np
import pytest
from features_scene import FACTORS, GAN, VAE, FeaturesScene, factor_matrices, measured

from gmstudio.protocol.engine import Cancel, Reason
from gmstudio.protocol.features import PCA, FeatureSpace
from gmstudio.protocol.features_factors import MeasureFactors
from gmstudio.window.state.features.factors import FactorsState, Sort

CODE = FeatureSpace(run=VAE, layer="code")


@dataclass
class Shown:
    scene: FeaturesScene
    state: FactorsState


@pytest.fixture
def shown(qapp: object) -> Shown:
    scene = FeaturesScene()
    scene.start()
    scene.state.set_active(True)
    scene.state.choose_run(VAE)
    scene.serve()
    return Shown(scene, scene.state.page(FactorsState))


def test_the_chosen_features_are_measured(shown: Shown) -> None:
    shown.state.set_count(300)
    shown.state.start()
    assert shown.state.running and shown.state.progress is not None
    shown.scene.serve()
    command = shown.scene.sent(MeasureFactors)[-1]
    assert (command.space, command.run, command.count) == (CODE, VAE, 300)
    assert not shown.state.running and shown.state.progress is None
    assert shown.state.found is not None and shown.state.found.done


def test_scores_so_far_are_shown_and_stay_after_a_stop(shown: Shown) -> None:
    shown.state.start()
    command = shown.scene.sent(MeasureFactors)[-1]
    shown.scene.client.deliver(measured(command)[0])
    assert shown.state.running and shown.state.shown is not None
    assert shown.state.progress is not None and shown.state.progress.seconds_left == 5.0
    shown.state.stop()
    assert shown.scene.sent(Cancel)[-1].target == command.request
    assert not shown.state.running and shown.state.found is not None and not shown.state.found.done


def test_results_belong_to_their_features(shown: Shown) -> None:
    shown.state.start()
    shown.scene.serve()
    pca = FeatureSpace(layer=PCA)
    shown.scene.state.set_space(pca)
    assert shown.state.found is None and shown.state.shown is None
    assert [reply.space for reply in shown.state.of_data()] == [CODE]
    shown.state.start()
    shown.scene.serve()
    assert [reply.space for reply in shown.state.of_data()] == [pca, CODE]
    shown.scene.state.choose_run(GAN)
    shown.scene.serve()
    assert shown.state.of_data() == ()


def test_a_refusal_belongs_to_its_features_and_the_end_of_the_engine_is_quiet(shown: Shown) -> None:
    shown.scene.refusals[CODE] = "The data have no known factors."
    shown.state.start()
    shown.scene.serve()
    assert shown.state.problem == "The data have no known factors."
    shown.scene.state.set_space(FeatureSpace(layer=PCA))
    assert shown.state.problem == ""
    shown.state.start()
    shown.scene.fail(shown.scene.sent(MeasureFactors)[-1], "The engine ended.", Reason.ENGINE_GONE)
    assert shown.state.problem == "" and not shown.state.running


@pytest.mark.parametrize("sort", ["dimension", "strongest", "factor"])
def test_dimensions_are_ordered_by_the_matrix_on_display(shown: Shown, sort: Sort) -> None:
    shown.state.start()
    shown.scene.serve()
    shown.state.choose_matrix("information")
    shown.state.set_sort(sort)
    size = np.abs(factor_matrices(3)["information"])
    expected = {
        "dimension": [0, 1, 2],
        "strongest": sorted(range(3), key=lambda dim: -size[dim].max()),
        "factor": sorted(range(3), key=lambda dim: (size[dim].argmax(), -size[dim].max())),
    }[sort]
    assert shown.state.order().tolist() == expected


def test_a_cell_has_points_and_a_slider(shown: Shown) -> None:
    assert shown.state.points() is None
    shown.state.start()
    shown.scene.serve()
    assert shown.state.slider() == "Choose a cell of the matrix first."
    shown.state.choose_cell(2, FACTORS.index("x"))
    found, points = shown.state.found, shown.state.points()
    assert found is not None and points is not None
    assert np.array_equal(points[0], found.point_factors.numpy()[:, 2])
    assert np.array_equal(points[1], found.points.numpy()[:, 2])
    assert shown.state.slider() == (VAE, 2)
    assert shown.state.dimension_name(2) == "z₂"
    shown.scene.state.set_space(FeatureSpace(run=VAE, layer="layer1"))
    assert shown.state.cell is None
    shown.state.start()
    shown.scene.serve()
    shown.state.choose_cell(0, 0)
    assert shown.state.slider() == "Only the dimensions of a model’s code are sliders in Latents."
    assert shown.state.dimension_name(0) == "feature 0"
