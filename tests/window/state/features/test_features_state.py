"""State of the Features panel: layers of the chosen run, the chosen features, and those they are compared with."""

from typing import Any

import pytest
from features_scene import GAN, LAYERS, OTHER, VAE, FeaturesScene

from gmstudio.protocol.engine import Reason
from gmstudio.protocol.features import PCA, PIXELS, FeatureSpace, ListFeatureLayers
from gmstudio.window.state.edits import Edit
from gmstudio.window.state.features.state import BASELINES


@pytest.fixture
def scene(qapp: object) -> FeaturesScene:
    scene = FeaturesScene()
    scene.start()
    return scene


def opened(scene: FeaturesScene, run: str = VAE) -> FeaturesScene:
    scene.state.set_active(True)
    scene.state.choose_run(run)
    scene.serve()
    return scene


def test_layers_are_listed_only_while_the_panel_is_on_the_screen(scene: FeaturesScene) -> None:
    scene.state.choose_run(VAE)
    assert not scene.sent(ListFeatureLayers)
    scene.state.set_active(True)
    assert [command.run for command in scene.sent(ListFeatureLayers)] == [VAE]
    scene.serve()
    assert scene.state.layers.layers == LAYERS


def test_the_default_layer_is_chosen_first(scene: FeaturesScene) -> None:
    scene.layers[VAE] = LAYERS[1:] + LAYERS[:1]
    opened(scene)
    assert scene.state.space == FeatureSpace(run=VAE, layer="code")


def test_another_run_shows_the_layer_of_the_same_name_or_its_default(scene: FeaturesScene) -> None:
    opened(scene)
    scene.state.set_space(FeatureSpace(run=VAE, layer="middle", timestep=30))
    scene.state.choose_run(GAN)
    scene.serve()
    assert scene.state.space == FeatureSpace(run=GAN, layer="layer1")
    scene.state.choose_run(OTHER)
    scene.serve()
    assert scene.state.space == FeatureSpace(run=OTHER, layer="middle", timestep=30)


def test_a_baseline_stays_with_another_run(scene: FeaturesScene) -> None:
    opened(scene)
    scene.state.set_space(FeatureSpace(layer=PCA, num_dims=7))
    scene.state.choose_run(GAN)
    scene.serve()
    assert scene.state.space == FeatureSpace(layer=PCA, num_dims=7)


def test_a_model_without_layers_leaves_the_pixels(scene: FeaturesScene) -> None:
    scene.layers[VAE] = ()
    opened(scene)
    assert scene.state.layers.listed and scene.state.space == FeatureSpace(layer=PIXELS)


def test_a_refusal_is_a_sentence_and_the_end_of_the_engine_is_quiet(scene: FeaturesScene) -> None:
    scene.state.set_active(True)
    scene.state.choose_run(VAE)
    scene.fail(scene.sent(ListFeatureLayers)[-1], "The run is damaged.")
    assert scene.state.layers.problem == "The run is damaged."
    scene.state.choose_run(GAN)
    assert scene.state.layers.problem == ""
    scene.fail(scene.sent(ListFeatureLayers)[-1], "The engine ended.", Reason.ENGINE_GONE)
    assert scene.state.layers.problem == "" and not scene.state.layers.listed
    scene.library.changed.emit()  # it runs again
    assert scene.sent(ListFeatureLayers)[-1].run == GAN and len(scene.sent(ListFeatureLayers)) == 3


def test_choices_are_kept_from_one_start_to_the_next(scene: FeaturesScene) -> None:
    opened(scene)
    scene.state.set_space(FeatureSpace(run=VAE, layer="middle", timestep=30))
    scene.state.keep_space()
    choices = scene.state.choices()
    again = FeaturesScene()
    again.start()
    again.state.restore_choices(choices)
    opened(again)
    assert again.state.space == FeatureSpace(run=VAE, layer="middle", timestep=30)
    assert again.state.compared == (FeatureSpace(run=VAE, layer="middle", timestep=30), *BASELINES)


@pytest.mark.parametrize("values", [{}, {"layer": 3, "compared": "x"}, {"compared": [{"run": 1}]}])
def test_choices_of_another_version_are_ignored(scene: FeaturesScene, values: dict[str, Any]) -> None:
    scene.state.restore_choices(values)
    opened(scene)
    assert scene.state.space == FeatureSpace(run=VAE, layer="code") and scene.state.compared == BASELINES


def test_what_is_compared_can_be_undone(scene: FeaturesScene) -> None:
    opened(scene)
    edits: list[Edit] = []
    scene.state.edits.edited.connect(edits.append)
    scene.state.keep_space()
    scene.state.keep_space()  # it is there already
    scene.state.drop_space(BASELINES[0])
    assert scene.state.compared == (FeatureSpace(run=VAE, layer="code"), BASELINES[1])
    assert [edit.name for edit in edits] == ["Keep features", "Remove features"]
    for edit in reversed(edits):
        scene.state.edits.restore(edit.before)
    assert scene.state.compared == BASELINES
