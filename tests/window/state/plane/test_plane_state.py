"""State of the Plane panel: which runs stand side by side, and what is requested of the engine."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from plane_scene import CODES, FLOW, GAN, IMAGES, LINE, MADE, NADE, OTHER, RUNS, SLICES, VAE, PlaneScene, info
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Cancel, CommandFailed, Reason
from gmstudio.protocol.plane import DescribePoint, DrawInside, DrawSurface, ListSurfaces, OpenPlane
from gmstudio.protocol.runs import RunsListed
from gmstudio.window.state.plane.options import ShowOptions
from gmstudio.window.state.plane.tiles import MAX_TILES, has_points


@pytest.fixture
def scene(qapp: object) -> Iterator[PlaneScene]:
    scene = PlaneScene()
    scene.arrive()
    scene.state.set_active(True)
    yield scene
    scene.state.set_active(False)


def shown(scene: PlaneScene) -> list[str]:
    return [tile.run for tile in scene.state.tiles]


def test_points_are_images_of_one_row_and_one_or_two_sub_pixels() -> None:
    assert [has_points(run) for run in RUNS] == [True] * 7 + [False]


def test_a_run_is_opened_and_its_surface_drawn(scene: PlaneScene) -> None:
    scene.state.choose_run(MADE)
    scene.serve()
    tile = scene.state.chosen
    assert tile is not None and tile.opened is not None and tile.surface is not None
    assert tile.surface.values.shape == (16, 16) and tile.surface.step == 40 and not tile.problem
    assert [type(c) for c in scene.client.sent if type(c) in (OpenPlane, DrawSurface)] == [OpenPlane, DrawSurface]


def test_up_to_four_runs_on_the_same_points_stand_side_by_side(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    assert [run.run for run in state.companions()] == [FLOW, VAE, GAN, NADE]
    for run in (FLOW, VAE, GAN, NADE):
        state.add_run(run)
    assert shown(scene) == [MADE, FLOW, VAE, GAN] and len(shown(scene)) == MAX_TILES and state.companions() == []
    state.move_run(GAN, -2)
    assert shown(scene) == [MADE, GAN, FLOW, VAE]
    state.remove_run(MADE)
    assert shown(scene) == [GAN, FLOW, VAE] and state.run == GAN
    for run in shown(scene):
        state.remove_run(run)
    assert shown(scene) == [VAE], "the last one stays"


def test_runs_that_were_removed_moved_or_added_come_back(scene: PlaneScene) -> None:
    state, edits = scene.state, []
    state.edits.edited.connect(edits.append)
    state.choose_run(MADE)
    state.add_run(FLOW)
    scene.serve()
    state.choose_run(FLOW)
    state.choose_view("slices")
    state.remove_run(FLOW)
    assert shown(scene) == [MADE] and [edit.name for edit in edits] == ["Add a run", "Remove a run"]
    state.edits.restore(edits[1].before)
    scene.serve()
    assert shown(scene) == [MADE, FLOW] and state.tiles[1].inside.view == SLICES
    state.move_run(FLOW, -1)
    state.edits.restore(edits[2].before)
    assert shown(scene) == [MADE, FLOW]
    state.edits.restore(edits[0].before)
    assert shown(scene) == [MADE] and state.run == MADE


def test_another_run_replaces_the_chosen_one_and_those_on_other_data(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    state.add_run(FLOW)
    scene.serve()
    state.set_point((0.0, 1.0))
    state.choose_run(VAE)
    assert shown(scene) == [VAE, FLOW] and state.run == VAE and state.point is not None
    state.choose_run(OTHER)
    assert shown(scene) == [OTHER] and state.point is None


def test_choosing_a_run_that_is_shown_keeps_the_others(scene: PlaneScene) -> None:
    scene.state.choose_run(MADE)
    scene.state.add_run(FLOW)
    scene.state.choose_run(FLOW)
    assert shown(scene) == [MADE, FLOW] and scene.state.run == FLOW


def test_nothing_is_requested_while_the_panel_is_not_seen(scene: PlaneScene) -> None:
    scene.state.set_active(False)
    scene.state.choose_run(MADE)
    scene.state.set_point((0.0, 1.0))
    assert scene.serve() == []
    scene.state.set_active(True)
    assert {type(c) for c in scene.serve()} >= {OpenPlane, DrawSurface}


def test_a_training_run_is_drawn_again_within_a_share_of_the_engine(scene: PlaneScene, qtbot: QtBot) -> None:
    scene.state.choose_run(MADE)
    scene.serve()
    scene.train(MADE)
    scene.serve()
    before = len(scene.asked(DrawSurface))
    qtbot.waitUntil(lambda: len(scene.asked(DrawSurface)) > before, timeout=2000)
    scene.client.deliver(scene.surface(scene.client.last(DrawSurface), step=55, ms=400.0))
    scene.answered = len(scene.client.sent)
    tile = scene.state.chosen
    assert tile is not None and tile.surface is not None and tile.surface.step == 55
    assert tile.feed._timer.remainingTime() > 1500, "400 ms of work, and 85 % of the time for the training"
    scene.train(MADE, 60, "finished")
    assert scene.client.last(DrawSurface).step is None and tile.feed.busy, "the last weights are drawn at once"
    scene.client.deliver(scene.surface(scene.client.last(DrawSurface), step=60))
    assert not tile.feed._timer.isActive()


def test_the_slider_shows_recorded_steps_in_all_tiles(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    state.add_run(FLOW)
    scene.serve()
    assert state.place.stops.tolist() == [0, 10, 20, 40]
    state.place.go(15.0)
    scene.serve()
    for tile in state.tiles:
        assert tile.surface is not None and tile.surface.step == 10 and not tile.present
        assert tile.metrics is not None and tile.metrics.forward_kl == pytest.approx(10 / 11)
    asked = len(scene.asked(DrawSurface))
    state.place.go(20.0)
    scene.serve()
    state.place.go(10.0)
    scene.serve()
    assert len(scene.asked(DrawSurface)) == asked + 2, "step 10 was kept"
    state.place.go(40.0)
    assert state.place.place is None and all(tile.present for tile in state.tiles)


def test_while_dragging_the_newest_place_wins(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    scene.serve()
    asked = len(scene.asked(DrawSurface))
    for place in (0.0, 10.0, 20.0):
        state.place.go(place)
    assert len(scene.asked(DrawSurface)) == asked + 1
    scene.serve()
    commands = scene.asked(DrawSurface)[asked:]
    assert [command.step for command in commands if isinstance(command, DrawSurface)] == [0, 20]
    tile = state.chosen
    assert tile is not None and tile.surface is not None and tile.surface.step == 20


def test_a_recorded_step_does_not_wait_for_the_samples_of_the_present_weights(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    scene.serve()
    state.draw_samples_again()
    counting = scene.client.last(DrawSurface)
    assert counting.step is None and state.chosen is not None and state.chosen.feed.busy
    state.place.go(20.0)
    assert scene.client.last(DrawSurface).step == 20 and scene.client.last(Cancel).target == counting.request
    scene.serve()
    assert state.chosen.surface is not None and state.chosen.surface.step == 20


def test_the_last_recorded_step_can_be_shown_in_place_of_the_present(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    scene.serve()
    state.place.go(40.0, recorded=True)
    assert state.place.place == 40.0 and state.chosen is not None and state.chosen.feed.step == 40


def test_the_slider_by_time_shows_each_run_at_that_time(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    scene.serve()
    state.set_axis("time")
    assert state.place.stops.tolist() == [0, 1, 2, 4]
    state.place.go(2.5)
    scene.serve()
    assert state.chosen is not None and state.chosen.surface is not None and state.chosen.surface.step == 20


def test_playing_goes_through_the_steps_to_the_present(scene: PlaneScene, qtbot: QtBot) -> None:
    state = scene.state
    state.choose_run(MADE)
    scene.serve()
    state.place.set_speed(60.0)
    places: list[float | None] = []
    state.place.moved.connect(lambda: (places.append(state.place.place), scene.serve()))
    state.place.play()
    qtbot.waitUntil(lambda: not state.place.playing, timeout=5000)
    assert places[0] == 0.0 and places[-1] is None and len(places) >= 3


def test_recorded_steps_arrive_while_it_trains(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    scene.serve()
    scene.record(MADE, 60)
    scene.record(FLOW, 70)
    assert state.place.stops.tolist() == [0, 10, 20, 40, 60] and state.place.place is None
    scene.record(MADE, 50)
    assert state.place.stops.tolist() == [0, 10, 20, 40, 50], "resumed from step 40: what came after it is gone"


def test_a_run_that_begins_to_train_joins_those_on_the_same_points(scene: PlaneScene) -> None:
    scene.state.choose_run(MADE)
    scene.train(OTHER)
    assert shown(scene) == [MADE]
    scene.train(OTHER, status="finished")
    scene.train(FLOW)
    assert shown(scene) == [MADE, FLOW] and scene.state.run == MADE


def test_a_point_is_the_centre_of_its_cell_and_is_described_by_all(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    state.add_run(FLOW)
    scene.serve()
    state.set_point((0.01, 1.01))
    assert state.point == (0.125, 1.125)
    scene.serve()
    assert all(tile.described is not None and tile.described.point == state.point for tile in state.tiles)
    state.move_point(-1, 1)
    assert state.point == (-0.125, 1.375)
    state.move_point(-100, 100)
    assert state.point == (-1.875, 2.875)
    state.set_point(None)
    assert all(tile.described is None for tile in state.tiles)


def test_the_point_and_the_inputs_can_be_undone(scene: PlaneScene) -> None:
    state, edits = scene.state, []
    state.edits.edited.connect(edits.append)
    state.choose_run(MADE)
    scene.serve()
    state.set_point((0.0, 1.0))
    state.choose_view("slices")
    state.set_input(MADE, "x1", np.array([0.3]), gesture=1)
    state.set_input(MADE, "x1", np.array([0.4]), gesture=1)
    assert [edit.name for edit in edits] == ["Choose a point", "Move in the view", "Move in the view"]
    assert edits[1].key == edits[2].key
    state.edits.restore(edits[1].before)
    assert state.chosen is not None and state.chosen.inside.inputs == {}
    state.edits.restore(edits[0].before)
    assert state.point is None


def test_a_view_is_drawn_with_the_newest_inputs(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    scene.serve()
    tile = state.chosen
    assert tile is not None
    state.choose_view("slices")
    scene.serve()
    assert tile.inside.view == SLICES and tile.inside.drawn is not None and len(tile.inside.drawn.layers) == 1
    asked = len(scene.asked(DrawInside))
    for value in (0.1, 0.2, 0.3):
        state.set_input(MADE, "x1", np.array([value]))
    scene.serve()
    sent = [c for c in scene.asked(DrawInside)[asked:] if isinstance(c, DrawInside)]
    assert [float(c.inputs["x1"].numpy()[0]) for c in sent] == [0.1, 0.3]
    state.choose_view("codes")
    assert tile.inside.view == CODES and tile.inside.drawn is None and tile.inside.inputs == {}
    state.choose_view("slices")
    assert tile.inside.inputs["x1"].tolist() == [0.3]


def test_an_animated_view_plays_its_frames(scene: PlaneScene, qtbot: QtBot) -> None:
    state = scene.state
    state.choose_run(MADE)
    scene.serve()
    state.choose_view("paths")
    scene.serve()
    tile = state.chosen
    assert tile is not None
    tile.inside.changed.connect(scene.serve)
    tile.inside.play()
    qtbot.waitUntil(lambda: not tile.inside.playing, timeout=5000)
    assert tile.inside.inputs["frame"].tolist() == [10.0]


def test_failures_are_sentences_of_the_tile(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    command = scene.client.last(OpenPlane)
    failure = CommandFailed(request=command.request, command="OpenPlane", message="The file is gone.")
    scene.client.deliver(failure)
    assert state.chosen is not None and state.chosen.problem == "The file is gone."
    listing = scene.client.last(ListSurfaces)
    state.add_run(FLOW)
    command = scene.client.last(OpenPlane)
    assert command.run == FLOW
    of_flow = scene.client.last(ListSurfaces)
    assert of_flow.request != listing.request
    scene.client.deliver(CommandFailed(request=of_flow.request, command="ListSurfaces", message="It is damaged."))
    assert state.tiles[1].problem == ""
    state.tiles[1].show_at(10.0, "step")
    assert state.tiles[1].problem == "It is damaged."
    state.tiles[1].reopen()
    command = scene.client.last(OpenPlane)
    lost = CommandFailed(request=command.request, command="OpenPlane", message="It ended.", reason=Reason.ENGINE_GONE)
    scene.client.deliver(lost)
    assert state.tiles[1].problem == ""


def test_a_new_engine_opens_the_runs_again(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    scene.serve()
    state.set_point((0.0, 1.0))
    scene.serve()
    before = len(scene.client.sent)
    scene.arrive()
    scene.serve()
    again = {type(command) for command in scene.client.sent[before:]}
    assert {OpenPlane, DrawSurface, DescribePoint} <= again
    assert state.chosen is not None and state.chosen.surface is not None


def test_tiles_of_runs_in_the_trash_go(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    state.add_run(FLOW)
    scene.client.deliver(RunsListed(home="/runs", runs=(info(FLOW),), problems=()))
    assert shown(scene) == [FLOW] and state.run == FLOW
    scene.client.deliver(RunsListed(home="/runs", runs=(info(IMAGES),), problems=()))
    assert shown(scene) == [] and state.run == ""


def test_runs_views_and_toggles_are_there_again_after_a_restart(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    state.add_run(FLOW)
    colours = [tile.series for tile in state.tiles]
    state.choose_view("slices")
    state.set_options(contours=True, quantity="log p")
    state.set_axis("time")
    kept = state.choices()
    again = PlaneScene()
    again.state.restore_choices(kept)
    again.arrive()
    again.state.choose_run(NADE)  # the newest, until the window has chosen the run that was shown last
    again.state.choose_run(FLOW)
    assert shown(again) == [MADE, FLOW] and again.state.run == FLOW
    assert [tile.series for tile in again.state.tiles] == colours
    assert again.state.options == ShowOptions(contours=True, quantity="log p") and again.state.place.axis == "time"
    assert again.state.tiles[0].view_name == "slices"
    again.state.restore_choices({"runs": 3, "views": [], "options": {"quantity": "q"}, "axis": 1})
    assert again.state.options == ShowOptions()


def test_points_on_a_line_have_one_coordinate(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(LINE)
    scene.serve()
    assert len(state.axes) == 1 and state.truth is not None and state.truth.shape == (1, 16)
    state.set_point((0.01, 99.0))
    assert state.point == (0.125,)
    state.move_point(1, 1)
    assert state.point == (0.375,)


def test_a_model_without_a_density_has_no_part_in_the_common_scale(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(LINE)
    opening = scene.client.last(OpenPlane)
    scene.client.deliver(msgspec.structs.replace(scene.opened(opening), truth=None))
    drawn = scene.surface(scene.client.last(DrawSurface))
    nothing = Array.of(np.full((1, 16), np.nan, np.float32))
    scene.client.deliver(msgspec.structs.replace(drawn, method=None, values=nothing))
    assert state.truth is None and state.common_top == 0.0


def test_other_axes_are_named(scene: PlaneScene) -> None:
    state = scene.state
    state.choose_run(MADE)
    scene.serve()
    state.add_run(FLOW)
    command = scene.client.last(OpenPlane)
    opened = scene.opened(command)
    wider = tuple(msgspec.structs.replace(axis, high=9.0) for axis in opened.axes)
    scene.client.deliver(msgspec.structs.replace(opened, axes=wider))
    assert state.tiles[1].problem.startswith("Its axes are x₁ from -2 to 9") and state.tiles[0].problem == ""
