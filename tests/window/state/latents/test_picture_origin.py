"""Files restore the run, the codes and the interpolation that they show."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from latent_engine import GAN, VAE, WIDE, LatentEngine
from latent_fixture import engine, state
from pytestqt.qtbot import QtBot

from gmstudio.media import Provenance
from gmstudio.media.writing import FORMATS, Format, ffmpeg_path, write_png
from gmstudio.protocol.runs import RunDescribed
from gmstudio.window.state.latents.direction import Direction
from gmstudio.window.state.latents.export import Export, ExportPlan
from gmstudio.window.state.latents.export_sources import (
    codes_of,
    description_of,
    frame_count,
    interpolation_of,
    map_view_of,
    origin_of,
)
from gmstudio.window.state.latents.picture_origin import PictureOrigin, PictureOrigins
from gmstudio.window.state.latents.state import LatentsState

__all__ = ["engine", "state"]


@pytest.fixture
def origins(state: LatentsState) -> PictureOrigins:
    return PictureOrigins(state._library, state)


def plan(state: LatentsState, path: Path, form: Format = "gif", source: str = "interpolation") -> ExportPlan:
    count = frame_count(state, source, form, 10, 5)
    codes, origin = codes_of(state, source, count), origin_of(state, source)
    return ExportPlan(run=state.run, codes=codes, origin=origin, path=path, form=form, height=8, width=8, fps=10)


def export(qtbot: QtBot, engine: LatentEngine, state: LatentsState, wanted: ExportPlan) -> Export:
    state.export.start(wanted)

    def over() -> bool:
        engine.serve()
        return not state.export.busy

    qtbot.waitUntil(over)
    return state.export


def restore(qtbot: QtBot, origins: PictureOrigins, path: Path) -> PictureOrigin:
    with qtbot.waitSignal(origins.restored) as found:
        origins.restore(str(path))
    return found.args[0]


@pytest.mark.parametrize("form", FORMATS)
def test_a_dropped_export_restores_model_codes_and_seed(
    qtbot: QtBot, engine: LatentEngine, state: LatentsState, origins: PictureOrigins, tmp_path: Path, form: Format
) -> None:
    if form == "mp4" and not ffmpeg_path():
        pytest.skip("needs ffmpeg")
    state.sampling.sample_keyframes(11)
    interpolation = state.interpolation
    interpolation.set_path("spherical")
    interpolation.add(state.code.values * 2)
    interpolation.set_loop(True)
    interpolation.set_seconds(0.5)
    keyframes = interpolation.keyframes
    done = export(qtbot, engine, state, plan(state, tmp_path / f"a.{form}", form))
    assert done.problem == "" and done.written == str(tmp_path / f"a.{form}")
    state.choose_run(GAN)
    engine.serve()
    found = restore(qtbot, origins, tmp_path / f"a.{form}")
    assert found.outcome == "latents" and "at step 300, seed 11" in found.message
    engine.serve()
    assert state.run == VAE and (interpolation.path, interpolation.loop, interpolation.seconds) == (
        "spherical",
        True,
        0.5,
    )
    assert len(interpolation.keyframes) == 3 and interpolation.seed == 11
    for before, after in zip(keyframes, interpolation.keyframes, strict=True):
        np.testing.assert_array_equal(after, before)
    np.testing.assert_array_equal(state.code.values, keyframes[0])
    assert state.shown is not None
    np.testing.assert_array_equal(state.shown.image, engine.means(VAE, keyframes[0]))


def test_a_map_comes_back_with_its_axes(
    qtbot: QtBot, engine: LatentEngine, state: LatentsState, origins: PictureOrigins, tmp_path: Path
) -> None:
    state.code.randomize(5)
    slant = Direction("slant", np.array([0, 1, 0.5, 0, 0], np.float32), "labels")
    state.map.set_axes(slant, 3)
    state.map.set_span(2.0)
    state.map.set_side(5)
    code, codes = state.code.values, state.map.codes(state.map.plane)
    done = export(qtbot, engine, state, plan(state, tmp_path / "a.png", "png", "map"))
    assert done.problem == "" and len(done.plan.codes) == 25
    np.testing.assert_array_equal(done.plan.codes, codes)
    state.choose_run(GAN)
    engine.serve()
    found = restore(qtbot, origins, tmp_path / "a.png")
    engine.serve()
    assert "shows a map of the run vae" in found.message and "horizontal axis slant, vertical axis z₃" in found.message
    np.testing.assert_array_equal(state.code.values, code)
    x, y = state.map.axes
    assert y == 3 and x in state.directions.found and x.name == "slant"
    assert (state.map.span, state.map.side) == (2.0, 5)
    np.testing.assert_allclose(state.map.codes(state.map.plane), codes, atol=1e-6)


def test_where_there_is_no_map_none_is_written(state: LatentsState) -> None:
    state.map.set_axes(2, 2)
    for part in (lambda: codes_of(state, "map", 81), lambda: origin_of(state, "map")):
        with pytest.raises(ValueError, match="no map"):
            part()


def test_a_traversal_is_restored_as_the_interpolation_between_its_ends(state: LatentsState) -> None:
    state.code.randomize(3)
    state.code.set_value(2, 1.0)
    interpolation = interpolation_of(origin_of(state, "traversal"))
    assert interpolation is not None and [code[2] for code in interpolation.keyframes] == [-3, 3]
    np.testing.assert_array_equal(np.delete(interpolation.keyframes[0], 2), np.delete(state.code.values, 2))


def test_exporting_leaves_the_slider_its_turn(
    qtbot: QtBot, engine: LatentEngine, state: LatentsState, tmp_path: Path
) -> None:
    state.interpolation.set_seconds(10)
    state.export.start(plan(state, tmp_path / "a.gif"))
    engine.serve()
    assert 0 < state.export.decoded < 100 and 0 < state.export.share < 1
    state.code.set_value(0, 1.0)
    engine.serve()
    assert state.shown is not None and state.shown.code[0] == 1.0 and state.export.busy
    state.export.stop()
    assert "stopped" in state.export.problem and not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_reported(state: LatentsState, engine: LatentEngine, tmp_path: Path) -> None:
    state.export.start(plan(state, tmp_path / "none" / "a.gif"))
    assert "no folder" in state.export.problem
    engine.refusal = "The weights have diverged."
    state.export.start(plan(state, tmp_path / "a.gif"))
    engine.serve()
    assert state.export.problem == engine.refusal and not state.export.busy


def test_samples_of_the_command_line_lead_to_their_run(qtbot: QtBot, origins: PictureOrigins, tmp_path: Path) -> None:
    origin = Provenance(family="vae", run="wide", step=300, seed=4, details={"Order": "raster"})
    write_png(tmp_path / "a.png", np.zeros((2, 1, 8, 8), np.uint8), origin, 2, 1, lambda: False)
    found = restore(qtbot, origins, tmp_path / "a.png")
    assert (found.outcome, found.run) == ("run", WIDE)
    assert found.message == "a.png shows samples of the run wide (vae) at step 300, seed 4, order raster."


def test_a_missing_run_and_a_foreign_file_are_reported(
    qtbot: QtBot, state: LatentsState, origins: PictureOrigins, tmp_path: Path
) -> None:
    origin = Provenance(
        family="vae", run="lost", folder="/else/lost", created="2020", codes=np.zeros((1, 5), np.float32)
    )
    write_png(tmp_path / "a.png", np.zeros((1, 1, 8, 8), np.uint8), origin, 1, 1, lambda: False)
    found = restore(qtbot, origins, tmp_path / "a.png")
    assert found.outcome == "missing" and "/else/lost" in found.message
    (tmp_path / "b.txt").write_text("no")
    assert restore(qtbot, origins, tmp_path / "b.txt").outcome == "foreign"
    (tmp_path / "b.gif").write_bytes(b"GIF89a")
    with qtbot.waitSignal(origins.failed):
        origins.restore(str(tmp_path / "b.gif"))


def test_files_of_earlier_versions_are_understood() -> None:
    codes = np.eye(3, 5, dtype=np.float32)
    former = Provenance(family="vae", run="vae", shows="journey", codes=codes, details={"Seconds a leg": "1.5"})
    interpolation = interpolation_of(former)
    assert interpolation is not None and (len(interpolation.keyframes), interpolation.seconds) == (3, 1.5)
    assert description_of(former) == "shows an interpolation of the run vae (vae)."
    details = {"Across": "slant", "Up": "z₂", "Range": "2", "Images a side": "5"}
    view = map_view_of(Provenance(family="vae", run="vae", shows="map", codes=codes * 2, details=details))
    assert view is not None and (view.span, view.side) == (2.0, 5)
    assert [axis.name for axis in view.axes if isinstance(axis, Direction)] == ["slant", "z₂"]


def test_codes_of_another_space_are_refused(qtbot: QtBot, state: LatentsState, engine: LatentEngine) -> None:
    interpolation = interpolation_of(origin_of(state, "image"))
    assert interpolation is not None
    with qtbot.waitSignal(state.saved_views.refused):
        state.restore(WIDE, interpolation)
        engine.serve()
    assert state.code.num_dims == 40


def test_metrics_follow_the_code(qtbot: QtBot, state: LatentsState, engine: LatentEngine) -> None:
    state.code.set_value(0, 2.0)
    qtbot.waitUntil(
        lambda: (engine.serve(), state.code_metrics.code is not None and state.code_metrics.code[0] == 2.0)[1]
    )
    expected = -0.5 * (float(np.square(state.code.values).sum()) + len(state.code.values) * np.log(2 * np.pi))
    assert next(v for m, v in state.code_metrics.values.items() if m.symbol == "log p(z)") == pytest.approx(
        expected, rel=1e-4
    )
    engine.refusal = "The weights have diverged."
    state.code.set_value(0, 1.0)
    qtbot.waitUntil(lambda: (engine.serve(), bool(state.code_metrics.problem))[1])


@pytest.mark.parametrize(
    ("step", "chosen", "said"),
    [
        (300, None, ""),
        (130, 100, "No checkpoint of step 130 is kept; the nearest one, of step 100, is used."),
        (200, 200, "It is explored with the weights of that step, 200."),
        (290, None, "No checkpoint of step 290 is kept; the nearest one, of step 300, is used."),
        (-1, None, ""),
    ],
)
def test_the_run_is_explored_at_the_step_of_the_picture(
    qtbot: QtBot,
    engine: LatentEngine,
    state: LatentsState,
    origins: PictureOrigins,
    tmp_path: Path,
    step: int,
    chosen: int | None,
    said: str,
) -> None:
    library = state._library
    info = msgspec.structs.replace(library.info(VAE), step=300, checkpoint_steps=(100, 200, 300))
    engine.deliver(RunDescribed(info=info))
    origin = Provenance(family="vae", run="vae", folder=VAE, created=info.created, step=step, panel="train", shows="a")
    write_png(tmp_path / "a.png", np.zeros((1, 1, 8, 8), np.uint8), origin, 1, 1, lambda: False)
    found = restore(qtbot, origins, tmp_path / "a.png")
    assert (found.outcome, found.run) == ("run", VAE)
    assert found.origin is not None
    assert found.origin.panel == "train"
    assert library.checkpoints.steps.get(VAE) == chosen
    if said:
        assert found.message.endswith(said)
    else:
        assert "checkpoint" not in found.message
