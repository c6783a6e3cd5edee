"""State of the Projection page: when it projects, what it keeps, its pictures, colours and neighbours."""

import numpy as np
import pytest
from features_scene import GAN, VAE
from projection_scene import COUNT, REFUSAL, ProjectionScene
from pytestqt.qtbot import QtBot

from gmstudio.protocol.density import ListStatistics, ScoreImages
from gmstudio.protocol.engine import Cancel, Reason
from gmstudio.protocol.features import PIXELS, FeatureSpace, FindNeighbours
from gmstudio.protocol.features_projection import MAX_PROJECTED, ProjectImages
from gmstudio.protocol.image_sets import DataImages, FetchImages, GivenImages
from gmstudio.window.state.features.projection import ProjectionState
from gmstudio.window.state.features.projection_colours import ProjectionColours
from gmstudio.window.state.features.projection_neighbours import ProjectionNeighbours


class Page:
    """State of the page on a scene, active."""

    def __init__(self) -> None:
        self.scene = ProjectionScene()
        self.state = self.scene.state.page(ProjectionState)
        self.scene.start()
        self.scene.state.set_active(True)
        self.scene.state.choose_run(VAE)
        self.scene.serve()

    def activate(self) -> None:
        self.state.set_active(True)
        self.scene.serve()


@pytest.fixture
def page(qtbot: QtBot) -> Page:
    return Page()


def test_a_quick_projection_is_computed_when_the_page_opens_and_when_something_changes(page: Page) -> None:
    assert not page.scene.sent(ProjectImages)
    page.activate()
    (first,) = page.scene.sent(ProjectImages)
    assert first.images == DataImages(run=VAE, split="test", count=5000)
    assert (first.space, first.method) == (FeatureSpace(run=VAE, layer="code"), "pca")
    shown = page.state.shown
    assert shown is not None and len(shown.places) == COUNT and not page.state.stale and page.state.progress is None
    assert shown.axis_names() == ("PC 1 (50.0% of the variance)", "PC 2 (25.0% of the variance)")
    page.state.choose(second=2)
    page.scene.state.set_space(FeatureSpace(layer=PIXELS))
    page.scene.serve()
    assert [command.space.layer for command in page.scene.sent(ProjectImages)] == ["code", "code", PIXELS]
    page.activate()
    assert len(page.scene.sent(ProjectImages)) == 3  # nothing is computed twice


def test_a_slow_projection_waits_for_the_user(page: Page) -> None:
    page.activate()
    page.state.choose(method="tsne", perplexity=12.0)
    assert page.state.stale and len(page.scene.sent(ProjectImages)) == 1
    assert page.state.estimated_s() > 0
    page.state.project()
    assert page.state.progress is not None and page.state.busy
    page.scene.serve()
    command = page.scene.sent(ProjectImages)[-1]
    assert (command.settings.perplexity, command.settings.neighbours, command.settings.first) == (12.0, 15, 0)
    assert not page.state.stale
    page.state.choose(neighbours=50)  # of UMAP: the projection on display stays the one of the choice
    assert not page.state.stale


def test_the_time_of_the_last_projection_corrects_the_estimate(page: Page) -> None:
    page.state.choose(method="tsne")
    page.activate()
    page.state.project()
    page.scene.serve()
    assert page.state.count == COUNT
    assert page.state.estimated_s() == pytest.approx(12.0)  # as long as the scene's took


def test_a_stopped_projection_keeps_the_points_that_arrived(page: Page) -> None:
    page.activate()
    page.state.choose(method="umap")
    page.state.project()
    command = page.scene.sent(ProjectImages)[-1]
    page.scene.client.deliver(page.scene.reply(command, 0.5))
    page.state.stop()
    assert page.scene.client.last(Cancel).target == command.request
    assert page.state.progress is None and not page.state.busy
    assert page.state.shown is not None and page.state.shown.reply.method == "umap"
    assert page.state.shown.labels is not None  # of the same images, known from before


def test_a_stopped_quick_projection_does_not_begin_again_by_itself(page: Page) -> None:
    page.state.set_active(True)
    page.state.stop()
    page.state.set_active(False)
    page.state.set_active(True)
    assert len(page.scene.sent(ProjectImages)) == 1


def test_a_refusal_is_a_sentence_until_something_changes(page: Page) -> None:
    page.scene.refusals[FeatureSpace(run=VAE, layer="code")] = "There is 1 dimension, which makes no plane."
    page.activate()
    assert page.state.problem.startswith("There is 1 dimension") and page.state.shown is None
    page.state.set_active(True)
    assert len(page.scene.sent(ProjectImages)) == 1
    page.scene.state.set_space(FeatureSpace(layer=PIXELS))
    page.scene.serve()
    assert not page.state.problem and page.state.shown is not None


def test_the_end_of_the_engine_is_quiet_and_the_map_stays(page: Page) -> None:
    page.activate()
    page.state.choose(method="tsne")
    page.state.project()
    page.scene.fail(page.scene.sent(ProjectImages)[-1], "The engine ended.", Reason.ENGINE_GONE)
    assert page.state.problem == "" and page.state.progress is None and page.state.shown is not None


def test_a_new_engine_computes_what_the_former_did_not_finish(page: Page) -> None:
    page.state.set_active(True)
    page.scene.fail(page.scene.sent(ProjectImages)[-1], "The engine ended.", Reason.ENGINE_GONE)
    assert page.state.shown is None
    page.scene.start()
    assert len(page.scene.sent(ProjectImages)) == 2 and page.state.shown is not None


def test_another_run_drops_the_map_and_the_selection(page: Page) -> None:
    page.activate()
    page.state.select(np.array([1, 2]))
    page.state.set_active(False)
    page.scene.state.choose_run(GAN)
    assert page.state.shown is None and not len(page.state.selection)


def test_all_images_are_at_most_what_can_be_projected_and_edits_are_undone(page: Page) -> None:
    edits: list[object] = []
    page.scene.state.edits.edited.connect(edits.append)
    page.state.choose(count=0)
    wanted = page.state.wanted()
    assert wanted is not None and isinstance(wanted.images, DataImages) and wanted.images.count == MAX_PROJECTED
    page.scene.state.edits.restore(edits[0].before)  # type: ignore[attr-defined]
    assert page.state.choice.count == 5000


def test_pictures_are_those_of_the_map_and_the_newest_request_wins(page: Page) -> None:
    page.activate()
    images, arrived = page.state.pictures(), []
    images.arrived.connect(arrived.append)
    for wanted in ((1, 2), (3,), (4, 5)):
        images.fetch(wanted)
    page.scene.serve()
    commands = page.scene.sent(FetchImages)
    assert [command.indices.numpy().tolist() for command in commands] == [[1, 2], [4, 5]]
    assert all(
        command.run == VAE and command.images == page.scene.sent(ProjectImages)[0].images for command in commands
    )
    assert len(arrived) == 2
    images.fetch((9,))
    page.scene.fail(page.scene.sent(FetchImages)[-1], "The run is gone.", Reason.RUN_MISSING)
    assert images.problem == "The run is gone."


def test_colours_of_statistics_arrive_while_they_are_computed(page: Page) -> None:
    page.activate()
    colours = ProjectionColours(page.state)
    colours.set_active(True)
    page.scene.serve()
    options = {option.key: option for option in colours.options()}
    assert list(options) == ["none", "label", "factor:kind", "factor:size", "statistic:log_prob", "statistic:ratio"]
    assert not options["statistic:ratio"].enabled and options["statistic:ratio"].tip == REFUSAL
    colours.choose("statistic:log_prob")
    assert colours.progress
    page.scene.serve()
    (command,) = page.scene.sent(ScoreImages)
    assert (command.run, command.images) == (VAE, page.scene.sent(ProjectImages)[0].images)
    assert colours.values is not None and colours.values.tolist() == [-float(n) for n in range(COUNT)]
    assert colours.value_text(7) == "log p -7 nats" and not colours.progress
    colours.choose("factor:size")
    assert colours.values is not None and colours.values[30] == pytest.approx(0.5)
    colours.choose("label")
    assert colours.values is None
    assert len(page.scene.sent(ListStatistics)) == 1


def test_a_statistic_colours_the_points_after_a_restart_too(page: Page) -> None:
    page.activate()
    colours = ProjectionColours(page.state)
    colours.set_active(True)
    page.scene.serve()
    colours.choose("statistic:log_prob")
    again = Page()
    again.scene.state.restore_choices(page.scene.state.choices())
    again.activate()
    colours = ProjectionColours(again.state)
    colours.set_active(True)
    assert colours.by == "statistic:log_prob" and colours.values is None
    again.scene.serve()
    assert colours.values is not None and len(again.scene.sent(ScoreImages)) == 1


def test_a_new_engine_scores_what_the_former_did_not_finish(page: Page) -> None:
    page.activate()
    colours = ProjectionColours(page.state)
    colours.set_active(True)
    page.scene.serve()
    colours.choose("statistic:log_prob")
    page.scene.fail(page.scene.sent(ScoreImages)[-1], "The engine ended.", Reason.ENGINE_GONE)
    assert not colours.progress and not colours.problem
    page.scene.library.catalog_arrived.emit()
    page.scene.serve()
    assert len(page.scene.sent(ScoreImages)) == 2 and colours.values is not None


def test_a_refused_statistic_is_a_sentence(page: Page) -> None:
    page.activate()
    colours = ProjectionColours(page.state)
    colours.set_active(True)
    page.scene.serve()
    colours.choose("statistic:ratio")
    assert colours.problem == REFUSAL and not page.scene.sent(ScoreImages)
    colours.choose("factor:colour")
    assert "no factor colour" in colours.problem


def test_neighbours_of_an_image_leave_the_image_itself_out(page: Page) -> None:
    page.activate()
    near = ProjectionNeighbours(page.state)
    near.set_count(5)
    near.choose(10)
    assert near.busy
    page.scene.serve()
    assert near.indices.tolist() == [11, 12, 13, 14, 15]
    assert near.distances.tolist() == [0.25, 0.5, 0.75, 1.0, 1.25]
    page.scene.state.set_space(FeatureSpace(layer=PIXELS))  # a map of other features: their neighbours
    page.scene.serve()
    assert page.scene.sent(FindNeighbours)[-1].space == FeatureSpace(layer=PIXELS)
    near.clear()
    assert not near.has_query and not len(near.indices)


def test_neighbours_of_a_picture_from_elsewhere(page: Page) -> None:
    page.activate()
    near = ProjectionNeighbours(page.state)
    near.choose_picture(np.full((9, 7, 4), 200, np.uint8), "cat.png")
    page.scene.serve()
    command = page.scene.sent(FindNeighbours)[-1]
    assert isinstance(command.query, GivenImages) and command.query.images.shape == (1, 3, 9, 7)
    assert near.picture_title == "cat.png" and near.indices[0] == 0 and len(near.indices) == near.count
    near.choose_picture(np.zeros((9, 7, 1), np.uint8), "dog.png")
    page.scene.fail(page.scene.sent(FindNeighbours)[-1], "It cannot be fitted.")
    assert near.problem == "It cannot be fitted."
