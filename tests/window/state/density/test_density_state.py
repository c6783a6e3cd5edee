"""Models and sets of images that the pages of the Density panel share."""

import msgspec
import pytest
from density_scene import CNN, COUNT, FLOW, GAN, RUNS, VAE, DensityScene, images_of, run_info

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Reason
from gmstudio.protocol.image_sets import DataImages, DescribeImages, FetchImages, FolderImages, GivenImages
from gmstudio.window.state.density.anomalies import AnomaliesState
from gmstudio.window.state.density.labels import labels_text, parse_labels
from gmstudio.window.state.density.scores import ScoresState


@pytest.fixture
def scene() -> DensityScene:
    scene = DensityScene()
    scene.start()
    return scene


def test_the_first_run_of_the_user_is_chosen_by_default() -> None:
    scene = DensityScene()
    scene.arrive((run_info(GAN, example=True), run_info(CNN, example=True)))
    assert scene.state.runs == (CNN,)  # a ready model that has a likelihood
    scene.list_runs((run_info(VAE), run_info(GAN, example=True), run_info(CNN, example=True)))
    assert scene.state.runs == (VAE,)
    scene.state.choose_run(CNN)
    assert scene.state.runs == (CNN,)
    scene.state.choose_run(VAE)
    assert scene.state.runs == (VAE, CNN)


def test_runs_that_are_gone_are_left_out(scene: DensityScene) -> None:
    scene.state.set_runs((VAE, FLOW))
    scene.list_runs(info for info in RUNS if info.run != VAE)
    assert scene.state.runs == (FLOW,) and scene.state.run == FLOW
    scene.list_runs(info for info in RUNS if info.run == CNN)
    assert scene.state.runs == (CNN,)
    scene.list_runs(())
    assert scene.state.runs == ()


def test_a_set_is_described_for_the_first_model(scene: DensityScene) -> None:
    state = scene.state
    described = state.described.described
    assert described is not None and described.count == COUNT
    assert state.described.preview is not None and len(state.described.preview.images.numpy()) == 8
    command = scene.client.last(DescribeImages)
    assert command.run == FLOW and command.images == DataImages(run=FLOW)
    state.set_against(DataImages(labels=(1, 2)))
    assert scene.client.last(DescribeImages).images == DataImages(run=FLOW, labels=(1, 2))
    scene.serve()
    assert state.described_against.described is not None
    state.choose_run(VAE)
    assert state.described.described is None
    assert {command.run for command in scene.serve() if isinstance(command, DescribeImages)} == {VAE}


def test_nothing_is_asked_for_off_the_screen() -> None:
    scene = DensityScene()
    scene.arrive()
    scene.state.set_images(DataImages(data="digits"))
    assert not any(isinstance(command, DescribeImages | FetchImages) for command in scene.client.sent)
    scene.state.set_active(True)
    assert scene.client.last(DescribeImages).images == DataImages(data="digits")


def test_a_refused_set_is_said_and_the_end_of_the_engine_is_not(scene: DensityScene) -> None:
    state = scene.state
    state.set_images(FolderImages(path="/nowhere"))
    scene.fail(scene.client.last(DescribeImages), "There is no folder /nowhere; choose another.")
    assert "/nowhere" in state.described.problem
    state.set_images(DataImages())
    assert state.described.problem == ""
    scene.fail(scene.client.last(DescribeImages), "gone", Reason.ENGINE_GONE)
    assert state.described.problem == ""
    scene.answered = len(scene.client.sent)
    scene.arrive()
    scene.serve()
    assert state.described.described is not None


def test_choices_outlive_the_window(scene: DensityScene) -> None:
    state = scene.state
    state.set_runs((VAE, CNN))
    state.set_images(DataImages(data="digits", split="train", labels=(3,), count=50))
    state.set_against(FolderImages(path="/pictures"))
    state.inception_weights = "/weights/inception.safetensors"
    state.page(ScoresState).set_statistic("complexity")
    state.page(AnomaliesState).set_statistic("typicality")
    again = DensityScene()
    again.state.restore_choices(msgspec.json.decode(msgspec.json.encode(state.choices())))
    again.arrive()
    assert again.state.runs == (VAE, CNN)
    assert again.state.images == state.images and again.state.against == state.against
    assert again.state.inception_weights == state.inception_weights
    assert again.state.page(ScoresState).statistic == "complexity"
    assert again.state.page(AnomaliesState).statistic == "typicality"
    again.state.restore_choices({"statistics": {"scores": 3}})
    assert again.state.page(ScoresState).statistic == "complexity"
    again.state.restore_choices({"images": 3, "runs": "x", "against": {"type": "given"}, "inception_weights": 5})
    assert again.state.inception_weights == state.inception_weights
    assert again.state.runs == (VAE, CNN) and again.state.images == state.images


def test_choices_are_undone(scene: DensityScene) -> None:
    edits: list[str] = []
    scene.state.edits.edited.connect(lambda edit: edits.append(edit.name))
    scene.state.set_images(DataImages(data="digits"))
    scene.state.set_against(DataImages(labels=(1,)))
    scene.state.set_runs((VAE,))
    assert edits == ["Choose images", "Choose anomalous images", "Choose models"]


@pytest.mark.parametrize(
    ("text", "labels"), [("", ()), ("7", (7,)), ("0-4, 7", (0, 1, 2, 3, 4, 7)), ("3, 1,1", (1, 3)), ("2–3", (2, 3))]
)
def test_labels_are_read(text: str, labels: tuple[int, ...]) -> None:
    assert parse_labels(text) == labels
    assert parse_labels(labels_text(labels)) == labels


def test_labels_are_written_shortly() -> None:
    assert labels_text((0, 1, 2, 3, 7, 8)) == "0-3, 7, 8"


@pytest.mark.parametrize("text", ["x", "4-1", "1-", "-3", "1 2", "0-99999"])
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"label|range"):
        parse_labels(text)


def test_a_drawing_is_not_kept(scene: DensityScene) -> None:

    scene.state.set_images(GivenImages(images=Array.of(images_of(1)), title="drawing"))
    assert "images" not in scene.state.choices()
