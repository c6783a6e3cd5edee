"""Settings and samples of compared runs: one table, and grids of a step and a seed that they share."""

import csv
import io

import numpy as np
import pytest
from compare_scene import GAN, HEAVY, PLAIN, STRANGE, CompareScene, images_of, run_of
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Cancel, CommandFailed, Reason
from gmstudio.protocol.runs import SamplesDrawn
from gmstudio.protocol.runs_compare import DescribeSettings, DrawCompared
from gmstudio.window.state.runs.compare_grids import ComparedGrids
from gmstudio.window.state.runs.compare_settings import DASH, ComparedSettings
from gmstudio.window.state.runs.steps import nearest


def settings_in(scene: CompareScene) -> ComparedSettings:
    settings = scene.state.page(ComparedSettings)
    settings.set_active(True)
    scene.serve()
    return settings


def grids_in(scene: CompareScene) -> ComparedGrids:
    grids = scene.state.page(ComparedGrids)
    scene.serve()
    return grids


def shown(grids: ComparedGrids, *runs: str) -> list[tuple[int, int] | None]:
    """Step and first value of the grids."""
    found = [grids.grid(run) for run in runs]
    return [None if grid is None else (grid.step, int(grid.images[0, 0, 0, 0])) for grid in found]


def test_each_setting_is_a_row_and_differences_are_marked(qtbot: QtBot) -> None:
    settings = settings_in(CompareScene(PLAIN, HEAVY, GAN))
    rows = {row.title: row for row in settings.rows()}
    assert rows["Family"].texts() == ("VAE", "VAE", "GAN") and rows["Family"].conflicts
    assert rows["β"].texts() == ("1", "4", DASH) and rows["β"].conflicts
    assert rows["Objective"].texts() == (DASH, DASH, "minimax")
    assert rows["Objective"].differs and not rows["Objective"].conflicts
    assert not rows["Steps"].differs
    assert rows["Decay from"].texts() == (DASH, DASH, DASH) and not rows["Decay from"].differs  # no effect
    assert rows["Parameters"].texts() == ("1,234",) * 3
    settings.set_only_differences(True)
    assert [row.title for row in settings.rows()] == ["Family", "β", "Objective"]


def test_the_table_is_copied_in_three_forms(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN, GAN)
    settings = settings_in(scene)
    rows = list(csv.reader(io.StringIO(settings.table("csv"))))
    assert rows[0] == ["section", "setting", "PLAIN", "GAN"] and rows[1] == ["Model", "Family", "VAE", "GAN"]
    assert settings.table("text").splitlines()[1] == "Model\tFamily\tVAE\tGAN"
    scene.library._put(run_of(PLAIN, label="a|b"))
    lines = settings.table("markdown").splitlines()
    assert lines[0] == r"|  | setting | a\|b | GAN |" and lines[1] == "| --- | --- | --- | --- |"
    assert len(lines) == len(rows) + 1


def test_settings_that_were_changed_are_described_anew(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN)
    settings = settings_in(scene)
    asked = sum(isinstance(command, DescribeSettings) for command in scene.client.sent)
    scene.library.changed.emit()
    assert sum(isinstance(command, DescribeSettings) for command in scene.client.sent) == asked
    scene.library._put(run_of(PLAIN, spec=run_of(HEAVY).spec))
    scene.library.changed.emit()
    request = scene.client.last(DescribeSettings).request
    assert sum(isinstance(command, DescribeSettings) for command in scene.client.sent) == asked + 1
    failed = CommandFailed(request=request, command="", message="It is gone.", reason=Reason.RUN_MISSING)
    scene.client.deliver(failed)
    assert settings.problems == {PLAIN: "It is gone."}


def test_each_run_shows_its_nearest_saved_grid(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN, HEAVY, GAN)
    grids = grids_in(scene)
    assert grids.steps == [10, 12, 20, 24, 30] and grids.step is None
    assert [place and place[0] for place in shown(grids, PLAIN, HEAVY, GAN)] == [30, 24, 30]
    grids.show_step(20)
    scene.serve()
    assert shown(grids, PLAIN, HEAVY, GAN) == [(20, 20), (24, 64), (30, 110)]
    assert not grids.same_seed()  # that of the GAN is another one
    grids.show_step(30)
    assert grids.step is None  # the newest, and newer ones


def test_a_grid_that_is_saved_meanwhile_is_shown_where_it_is_nearer(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN, HEAVY)
    grids = grids_in(scene)
    grids.show_step(26)
    scene.serve()
    assert shown(grids, PLAIN, HEAVY) == [(30, 30), (24, 64)]
    for step in (27, 40):
        scene.client.deliver(
            SamplesDrawn(run=PLAIN, step=step, kind="samples", images=Array.of(images_of(PLAIN, step)))
        )
        scene.serve()
    assert shown(grids, PLAIN) == [(27, 27)]
    grids.show_step(None)
    scene.serve()
    assert shown(grids, PLAIN) == [(40, 40)]


def test_grids_are_drawn_now_with_the_nearest_checkpoints(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN, HEAVY)
    grids = grids_in(scene)
    grids.show_step(20)
    scene.serve()
    grids.draw(seed=5, count=3)
    assert grids.busy(PLAIN) and grids.grid(PLAIN) is None
    scene.serve()
    found = grids.grid(PLAIN)
    assert found is not None and (found.step, found.seed, found.images.shape) == (15, 5, (3, 1, 8, 8))
    assert shown(grids, HEAVY) == [(24, 64)] and grids.same_seed()
    sent = len(scene.client.sent)
    grids.show_step(21)  # the nearest checkpoints are the same
    assert not any(isinstance(command, DrawCompared) for command in scene.client.sent[sent:])
    grids.show_step(24)
    scene.serve()
    assert shown(grids, PLAIN) == [(30, 30)]
    grids.show_saved()
    assert shown(grids, HEAVY) == [(24, 64)] and grids.source == "saved"


def test_a_newer_choice_ends_what_is_being_drawn(qtbot: QtBot) -> None:
    scene = CompareScene(PLAIN)
    grids = grids_in(scene)
    grids.draw(seed=5, count=3)
    first = scene.client.last(DrawCompared).request
    grids.draw(seed=6, count=3)
    assert scene.client.last(Cancel).target == first
    second = scene.client.last(DrawCompared).request
    failed = CommandFailed(request=second, command="", message="No memory.", reason=Reason.RUN_MISSING)
    scene.client.deliver(failed)
    assert grids.problems == {PLAIN: "No memory."} and not grids.busy(PLAIN)
    grids.draw(seed=6, count=3)
    grids.show_saved()
    assert scene.client.last(Cancel).target == scene.client.last(DrawCompared).request


def test_a_run_without_samples_has_no_grid(qtbot: QtBot) -> None:
    grids = grids_in(CompareScene(STRANGE, PLAIN))
    assert shown(grids, STRANGE, PLAIN) == [None, (30, 30)]


@pytest.mark.parametrize(("step", "found"), [(0, 10), (14, 10), (15, 10), (16, 20), (99, 20), (None, 20)])
def test_the_nearest_step_is_the_earlier_of_two(step: int | None, found: int) -> None:
    assert nearest(np.array([10, 20]).tolist(), step) == found
