"""Runs that are compared: their colours, their order, and which of their curves are the same quantity."""

import msgspec
import numpy as np
import pytest
from compare_scene import GAN, HEAVY, OTHER, PLAIN, STRANGE, CompareScene, run_of
from pytestqt.qtbot import QtBot
from training_scene import points

from gmstudio.media.provenance import metadata_of, parse_metadata
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import OpenRun, RunInfo, RunOrigin
from gmstudio.window.state.edits import Edit
from gmstudio.window.state.runs.compare_provenance import COMPARED, compared_origin, compared_runs
from gmstudio.window.state.runs.compare_quantities import NLL


def test_a_run_keeps_its_colour_while_it_is_compared(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN, HEAVY, GAN)
    colours = {run: scene.compare.colour(run) for run in (PLAIN, HEAVY, GAN)}
    assert sorted(colours.values()) == [0, 1, 2]
    scene.compare.move(GAN, -1)
    assert scene.state.compared == (PLAIN, GAN, HEAVY)
    scene.compare.remove(PLAIN)
    scene.compare.add(OTHER)
    assert scene.state.compared == (GAN, HEAVY, OTHER)
    assert {run: scene.compare.colour(run) for run in (HEAVY, GAN)} == {HEAVY: colours[HEAVY], GAN: colours[GAN]}
    assert scene.compare.colour(OTHER) == colours[PLAIN]  # the free one


def test_choices_of_runs_are_undone(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN, HEAVY)
    edits: list[Edit] = []
    scene.state.edits.edited.connect(edits.append)
    scene.compare.remove(PLAIN)
    scene.state.edits.restore(edits[-1].before)
    assert scene.state.compared == (PLAIN, HEAVY)


def test_nothing_is_opened_while_the_page_is_hidden(qtbot: QtBot) -> None:
    scene = CompareScene()
    scene.compare.set_active(False)
    scene.state.compare((PLAIN,))
    assert not any(isinstance(command, OpenRun) for command in scene.client.sent)
    scene.compare.set_active(True)
    assert scene.client.last(OpenRun).run == PLAIN


def test_likelihoods_of_the_same_images_are_overlaid_and_the_others_are_not(qtbot: QtBot) -> None:
    scene = CompareScene(OTHER, PLAIN, HEAVY, STRANGE)
    quantities = scene.compare.quantities()
    assert next(iter(quantities)) == NLL
    assert [curve.run for curve in quantities[NLL]] == [OTHER, PLAIN, STRANGE]
    shown, sentences = scene.compare.overlaid()
    assert [curve.run for curve in shown] == [OTHER]  # the first of the sets of equal size
    assert any("PLAIN is left out: it was trained on other images than OTHER (Digits" in text for text in sentences)
    assert any("STRANGE is left out: it is not recorded which images STRANGE" in text for text in sentences)
    assert any("HEAVY has no curve “Negative log-likelihood”" in text for text in sentences)
    assert shown[0].unit == "bits/dim" and shown[0].bound
    assert shown[0].factor == pytest.approx(1 / (64 * np.log(2)))
    scene.compare.show(unit="nats")
    assert scene.compare.overlaid()[0][0].factor == 1


def test_a_part_of_a_bound_compares_where_its_formula_is_the_same(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN, HEAVY)
    scene.compare.show(chosen="term kl")
    shown, sentences = scene.compare.overlaid()
    assert [curve.run for curve in shown] == [PLAIN] and not shown[0].lower_is_better
    assert "HEAVY has no curve" in sentences[0] or "left out" in sentences[0]


def test_losses_with_other_weights_are_other_quantities(qtbot: QtBot) -> None:
    scene = CompareScene(HEAVY, GAN)
    scene.compare.show(chosen="term loss")
    shown, sentences = scene.compare.overlaid()
    assert [curve.run for curve in shown] == [HEAVY]
    changed = run_of(PLAIN)
    weights = scene.compare.quantities()["term loss"][0].basis.weights
    assert weights is not None and ("β", "4.0") in weights
    assert changed.spec.config["beta"] == 1.0 and "GAN has no curve" in sentences[0]


def test_the_learning_rate_is_one_quantity_in_all_runs(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN, GAN, OTHER)
    scene.compare.show(chosen="learning_rate")
    shown, sentences = scene.compare.overlaid()
    assert [curve.run for curve in shown] == [PLAIN, GAN, OTHER] and sentences == []


def test_positions_by_images_seen_and_by_epoch(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN)
    steps = np.array([1, 20])
    expected = {"step": [1, 20], "images": [10, 200], "epoch": [100, 2000]}
    for axis, positions in expected.items():
        scene.compare.show(axis=axis)
        found = scene.compare.positions(PLAIN, steps)
        assert found is not None and found.tolist() == positions
    scene.compare.show(axis="time")
    assert scene.compare.positions(PLAIN, steps) is None  # no speed was recorded


def test_images_before_a_branch_came_in_batches_of_its_parent(qtbot: QtBot) -> None:
    scene = CompareScene(HEAVY)
    spec = run_of(HEAVY).spec
    spec = msgspec.structs.replace(spec, training=spec.training | {"batch_size": 100})
    parent = run_of(PLAIN)
    scene.library._put(run_of(HEAVY, spec=spec, origin=RunOrigin(run=PLAIN, created=parent.created, step=10)))
    scene.compare.show(axis="images")
    found = scene.compare.positions(HEAVY, np.array([5, 10, 11, 20]))
    assert found is not None and found.tolist() == [50, 100, 200, 1100]
    scene.library._put(run_of(HEAVY, spec=spec, origin=RunOrigin(run=PLAIN, created="another one", step=10)))
    found = scene.compare.positions(HEAVY, np.array([5]))
    assert found is not None and found.tolist() == [500]
    assert any("branched from is not in the library" in sentence for sentence in scene.compare.overlaid()[1])


def test_images_epochs_and_times_follow_a_batch_size_that_was_changed(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN)
    opened = msgspec.structs.replace(scene.library.opened[PLAIN], batch_sizes=((0, 10), (10, 40), (15, 5)))
    scene.library.opened[PLAIN] = opened
    steps = np.array([0, 5, 10, 11, 15, 16, 20])
    seen = [0, 50, 100, 140, 300, 305, 325]
    epochs = [round(1000 * images / opened.num_train) for images in seen]
    scene.client.deliver(points(PLAIN, "images_per_s", [10, 15, 20], [100.0, 100.0, 50.0]))
    times = [0, 500, 1000, 1400, 3000, 3100, 3500]
    for axis, expected in {"images": seen, "epoch": epochs, "time": times}.items():
        scene.compare.show(axis=axis)
        found = scene.compare.positions(PLAIN, steps)
        assert found is not None and found.tolist() == expected, axis


def test_points_of_a_run_that_trains_are_added(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN)
    with qtbot.waitSignal(scene.compare.curves_changed):
        scene.client.deliver(points(PLAIN, "loss", [31, 32], [1.0, 2.0]))
    curve = scene.compare.history(PLAIN).curve("train", "loss")
    assert curve is not None and curve.steps[-1] == 32
    scene.client.deliver(points(GAN, "loss", [1], [1.0]))
    assert scene.compare.history(GAN).names() == []


def test_a_run_that_cannot_be_opened_says_why_and_is_not_asked_again(qtbot: QtBot) -> None:
    scene = CompareScene()
    scene.state.compare((PLAIN,))
    request = scene.client.last(OpenRun).request
    failed = CommandFailed(request=request, command="OpenRun", message="It is damaged.", reason=Reason.RUN_MISSING)
    scene.client.deliver(failed)
    assert scene.compare.problems == {PLAIN: "It is damaged."}
    count = len(scene.client.sent)
    scene.compare.set_active(True)
    assert len(scene.client.sent) == count


def test_runs_of_one_name_are_numbered(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN, HEAVY)
    scene.library._put(run_of(HEAVY, label="PLAIN"))
    assert scene.compare.names() == {PLAIN: "PLAIN (1)", HEAVY: "PLAIN (2)"}


def test_a_file_has_the_settings_of_all_runs() -> None:
    infos: list[RunInfo] = [run_of(PLAIN), run_of(GAN)]
    origin = compared_origin(infos, "samples", {"Samples": "saved"}, {PLAIN: 20, GAN: 30}, {PLAIN: 0, GAN: 3})
    metadata = metadata_of(origin)
    read = parse_metadata(metadata)
    assert read is not None and (read.run, read.step, read.seed) == ("plain", 20, 0)
    found = compared_runs(metadata)
    assert [(one.run, one.step, one.seed) for one in found] == [(PLAIN, 20, 0), (GAN, 30, 3)]
    assert found[1].spec == infos[1].spec
    assert compared_runs({}) == ()
    with pytest.raises(ValueError, match="no list of runs"):
        compared_runs({COMPARED: '{"run": 1}'})
