"""State of the Probe page: the order of the probes, what is kept, and confusions counted from the predictions."""

import numpy as np
import pytest
from features_scene import GAN, NUM_CLASSES, NUM_TEST, OTHER, VAE, FeaturesScene, probed

from gmstudio.protocol.engine import Cancel, Reason
from gmstudio.protocol.features import FeatureSpace, ProbeFeatures
from gmstudio.window.state.features.probe import ProbeState
from gmstudio.window.state.features.state import BASELINES

CODE = FeatureSpace(run=VAE, layer="code")


@pytest.fixture
def scene(qapp: object) -> FeaturesScene:
    scene = FeaturesScene()
    scene.start()
    scene.state.set_active(True)
    scene.state.choose_run(VAE)
    scene.serve()
    return scene


@pytest.fixture
def state(scene: FeaturesScene) -> ProbeState:
    return scene.state.page(ProbeState)


def test_all_spaces_are_probed_on_the_data_of_the_chosen_run(scene: FeaturesScene, state: ProbeState) -> None:
    state.start()
    scene.serve()
    commands = scene.sent(ProbeFeatures)
    assert [command.space for command in commands] == [CODE, *BASELINES]
    assert {command.run for command in commands} == {VAE}
    assert not state.running and all(state.is_complete(space) for space in state.spaces)


def test_only_spaces_without_results_are_probed_until_all_have_some(scene: FeaturesScene, state: ProbeState) -> None:
    state.start()
    scene.serve()
    scene.state.set_space(FeatureSpace(run=VAE, layer="layer1"))
    state.start()
    scene.serve()
    assert [command.space.layer for command in scene.sent(ProbeFeatures)[3:]] == ["layer1"]
    state.start()
    scene.serve()
    assert len(scene.sent(ProbeFeatures)) == 7
    state.set_settings(num_seeds=2)
    assert not any(state.is_complete(space) for space in state.spaces)


def test_progress_is_of_all_that_was_asked_for(scene: FeaturesScene, state: ProbeState) -> None:
    state.start()
    first = scene.sent(ProbeFeatures)[-1]
    assert state.share == 0.0 and state.probing == CODE
    scene.client.deliver(probed(first, (0.5,))[0])
    assert state.share == pytest.approx(0.5 / 3)
    assert state.progress is not None and state.progress.stage == "Fitting"
    scene.client.deliver(probed(first, (1.0,))[0])
    assert state.share == pytest.approx(1 / 3) and state.probing == BASELINES[0]


def test_stop_cancels_and_keeps_what_was_found(scene: FeaturesScene, state: ProbeState) -> None:
    state.start()
    command = scene.sent(ProbeFeatures)[-1]
    scene.client.deliver(probed(command, (0.5,))[0])
    state.stop()
    assert scene.sent(Cancel)[-1].target == command.request
    assert not state.running and state.progress is None
    assert state.result(CODE, 1) is not None and state.result(CODE, 0) is None
    assert not state.is_complete(CODE)


def test_a_refusal_is_kept_with_its_space_and_the_others_go_on(scene: FeaturesScene, state: ProbeState) -> None:
    scene.refusals[BASELINES[0]] = "The labels are missing."
    state.start()
    scene.serve()
    assert state.results[BASELINES[0]].problem == "The labels are missing."
    assert state.is_complete(CODE) and state.is_complete(BASELINES[1])


def test_the_end_of_the_engine_ends_all_quietly(scene: FeaturesScene, state: ProbeState) -> None:
    state.start()
    scene.fail(scene.sent(ProbeFeatures)[-1], "The engine ended.", Reason.ENGINE_GONE)
    assert not state.running and state.results[CODE].problem == ""
    assert len(scene.sent(ProbeFeatures)) == 1


def test_results_stay_with_a_run_on_the_same_data_and_go_with_other_data(
    scene: FeaturesScene, state: ProbeState
) -> None:
    state.start()
    scene.serve()
    state.choose_cell(BASELINES[0], 5)
    scene.state.choose_run(GAN)
    scene.serve()
    assert BASELINES[0] in state.results and state.cell is not None
    scene.state.choose_run(OTHER)
    assert not state.results and state.cell is None


def test_confusions_are_counts_of_labels_and_predictions(scene: FeaturesScene, state: ProbeState) -> None:
    state.start()
    scene.serve()
    state.choose_cell(CODE, 5)
    counts = state.confusion()
    assert counts is not None and counts.sum() == NUM_TEST and counts.shape == (NUM_CLASSES, NUM_CLASSES)
    result, found = state.result(CODE, 5), state.results[CODE].found
    assert result is not None and found is not None
    labels, predicted = found.test_labels.numpy(), result.predicted.numpy()
    for label in range(NUM_CLASSES):
        for prediction in range(NUM_CLASSES):
            expected = [2 * k for k in range(NUM_TEST) if labels[k] == label and predicted[k] == prediction]
            assert counts[label, prediction] == len(expected)
            assert state.confused(label, prediction).tolist() == expected
    assert state.class_names() == ("zero", "one", "two")
    assert np.trace(counts) < NUM_TEST


def test_the_confusions_of_features_that_are_not_shown_any_more_are_left(
    scene: FeaturesScene, state: ProbeState
) -> None:
    state.start()
    scene.serve()
    state.choose_cell(BASELINES[1], 10)
    scene.state.drop_space(BASELINES[1])
    assert state.cell is None and state.confusion() is None


def test_nothing_is_probed_without_a_number_of_labels(scene: FeaturesScene, state: ProbeState) -> None:
    state.set_settings(labels_per_class=())
    state.start()
    assert not scene.sent(ProbeFeatures) and not state.running
