"""Files bring back the run, the codes and the interpolation that they show."""

from pathlib import Path

import numpy as np
import pytest
from latent_engine import GAN, VAE, WIDE, LatentEngine
from latent_fixture import engine, session
from pytestqt.qtbot import QtBot

from gmstudio.media import Provenance
from gmstudio.media.writing import FORMATS, Format, ffmpeg_path, write_png
from gmstudio.window.state.latents.annotations import Direction
from gmstudio.window.state.latents.export import Export, ExportPlan
from gmstudio.window.state.latents.export_sources import codes_of, frame_count, interpolation_of, origin_of
from gmstudio.window.state.latents.picture_origin import PictureOrigin, PictureOrigins
from gmstudio.window.state.latents.state import LatentsState

__all__ = ["engine", "session"]


@pytest.fixture
def returning(session: LatentsState) -> PictureOrigins:
    return PictureOrigins(session._library, session)


def plan(session: LatentsState, path: Path, form: Format = "gif", source: str = "interpolation") -> ExportPlan:
    count = frame_count(session, source, form, 10, 5)
    codes, origin = codes_of(session, source, count), origin_of(session, source)
    return ExportPlan(run=session.run, codes=codes, origin=origin, path=path, form=form, height=8, width=8, fps=10)


def export(qtbot: QtBot, engine: LatentEngine, session: LatentsState, wanted: ExportPlan) -> Export:
    session.export.start(wanted)

    def over() -> bool:
        engine.serve()
        return not session.export.busy

    qtbot.waitUntil(over)
    return session.export


def bring_back(qtbot: QtBot, returning: PictureOrigins, path: Path) -> PictureOrigin:
    with qtbot.waitSignal(returning.returned) as found:
        returning.bring_back(str(path))
    return found.args[0]


@pytest.mark.parametrize("form", FORMATS)
def test_a_dropped_export_brings_model_codes_and_seed_back(
    qtbot: QtBot, engine: LatentEngine, session: LatentsState, returning: PictureOrigins, tmp_path: Path, form: Format
) -> None:
    if form == "mp4" and not ffmpeg_path():
        pytest.skip("needs ffmpeg")
    session.draw_keyframes(11)
    interpolation = session.interpolation
    interpolation.set_path("spherical")
    interpolation.add(session.code * 2)
    interpolation.set_closed(True)
    interpolation.set_seconds(0.5)
    keyframes = interpolation.keyframes
    done = export(qtbot, engine, session, plan(session, tmp_path / f"a.{form}", form))
    assert done.problem == "" and done.written == str(tmp_path / f"a.{form}")
    session.choose_run(GAN)
    engine.serve()
    found = bring_back(qtbot, returning, tmp_path / f"a.{form}")
    assert found.outcome == "latents" and "at step 300, seed 11" in found.told
    engine.serve()
    assert session.run == VAE and (interpolation.path, interpolation.closed, interpolation.seconds) == (
        "spherical",
        True,
        0.5,
    )
    assert len(interpolation.keyframes) == 3 and interpolation.seed == 11
    for before, after in zip(keyframes, interpolation.keyframes, strict=True):
        np.testing.assert_array_equal(after, before)
    np.testing.assert_array_equal(session.code, keyframes[0])
    assert session.shown is not None
    np.testing.assert_array_equal(session.shown.image, engine.means(VAE, keyframes[0]))


def test_a_map_comes_back_with_its_axes(
    qtbot: QtBot, engine: LatentEngine, session: LatentsState, returning: PictureOrigins, tmp_path: Path
) -> None:
    session.randomize(5)
    slant = Direction("slant", np.array([0, 1, 0.5, 0, 0], np.float32), "labels")
    session.map.set_axes(slant, 3)
    session.map.set_span(2.0)
    session.map.set_side(5)
    code, codes = session.code, session.map.codes(session.map.plane)
    done = export(qtbot, engine, session, plan(session, tmp_path / "a.png", "png", "map"))
    assert done.problem == "" and len(done.plan.codes) == 25
    np.testing.assert_array_equal(done.plan.codes, codes)
    session.choose_run(GAN)
    engine.serve()
    found = bring_back(qtbot, returning, tmp_path / "a.png")
    engine.serve()
    assert "shows a map of the run vae" in found.told and "across slant, up z₃" in found.told
    np.testing.assert_array_equal(session.code, code)
    x, y = session.map.axes
    assert y == 3 and x in session.directions.found and x.name == "slant"
    assert (session.map.span, session.map.side) == (2.0, 5)
    np.testing.assert_allclose(session.map.codes(session.map.plane), codes, atol=1e-6)


def test_where_there_is_no_map_none_is_written(session: LatentsState) -> None:
    session.map.set_axes(2, 2)
    for part in (lambda: codes_of(session, "map", 81), lambda: origin_of(session, "map")):
        with pytest.raises(ValueError, match="no map"):
            part()


def test_a_traversal_comes_back_as_the_way_between_its_ends(session: LatentsState) -> None:
    session.randomize(3)
    session.set_value(2, 1.0)
    interpolation = interpolation_of(origin_of(session, "traversal"))
    assert interpolation is not None and [code[2] for code in interpolation.keyframes] == [-3, 3]
    np.testing.assert_array_equal(np.delete(interpolation.keyframes[0], 2), np.delete(session.code, 2))


def test_exporting_leaves_the_slider_its_turn(
    qtbot: QtBot, engine: LatentEngine, session: LatentsState, tmp_path: Path
) -> None:
    session.interpolation.set_seconds(10)
    session.export.start(plan(session, tmp_path / "a.gif"))
    engine.serve()
    assert 0 < session.export.decoded < 100 and 0 < session.export.share < 1
    session.set_value(0, 1.0)
    engine.serve()
    assert session.shown is not None and session.shown.code[0] == 1.0 and session.export.busy
    session.export.stop()
    assert "stopped" in session.export.problem and not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_told(session: LatentsState, engine: LatentEngine, tmp_path: Path) -> None:
    session.export.start(plan(session, tmp_path / "none" / "a.gif"))
    assert "no folder" in session.export.problem
    engine.refusal = "The weights have diverged."
    session.export.start(plan(session, tmp_path / "a.gif"))
    engine.serve()
    assert session.export.problem == engine.refusal and not session.export.busy


def test_samples_of_the_command_line_lead_to_their_run(qtbot: QtBot, returning: PictureOrigins, tmp_path: Path) -> None:
    origin = Provenance(family="vae", run="wide", step=300, seed=4, details={"Order": "raster"})
    write_png(tmp_path / "a.png", np.zeros((2, 1, 8, 8), np.uint8), origin, 2, 1, lambda: False)
    found = bring_back(qtbot, returning, tmp_path / "a.png")
    assert (found.outcome, found.run) == ("run", WIDE)
    assert found.told == "a.png shows samples of the run wide (vae) at step 300, seed 4, order raster."


def test_a_run_that_is_not_here_and_a_foreign_file_are_told(
    qtbot: QtBot, session: LatentsState, returning: PictureOrigins, tmp_path: Path
) -> None:
    origin = Provenance(
        family="vae", run="lost", folder="/else/lost", created="2020", codes=np.zeros((1, 5), np.float32)
    )
    write_png(tmp_path / "a.png", np.zeros((1, 1, 8, 8), np.uint8), origin, 1, 1, lambda: False)
    found = bring_back(qtbot, returning, tmp_path / "a.png")
    assert found.outcome == "missing" and "/else/lost" in found.told
    (tmp_path / "b.txt").write_text("no")
    assert bring_back(qtbot, returning, tmp_path / "b.txt").outcome == "foreign"
    (tmp_path / "b.gif").write_bytes(b"GIF89a")
    with qtbot.waitSignal(returning.failed):
        returning.bring_back(str(tmp_path / "b.gif"))


def test_codes_of_another_space_are_refused(qtbot: QtBot, session: LatentsState, engine: LatentEngine) -> None:
    interpolation = interpolation_of(origin_of(session, "image"))
    assert interpolation is not None
    with qtbot.waitSignal(session.saved_views.refused):
        session.bring_back(WIDE, interpolation)
        engine.serve()
    assert session.num_dims == 40


def test_measures_follow_the_code(qtbot: QtBot, session: LatentsState, engine: LatentEngine) -> None:
    session.set_value(0, 2.0)
    qtbot.waitUntil(lambda: (engine.serve(), session.told.code is not None and session.told.code[0] == 2.0)[1])
    expected = -0.5 * (float(np.square(session.code).sum()) + len(session.code) * np.log(2 * np.pi))
    assert next(v for m, v in session.told.values.items() if m.symbol == "log p(z)") == pytest.approx(
        expected, rel=1e-4
    )
    engine.refusal = "The weights have diverged."
    session.set_value(0, 1.0)
    qtbot.waitUntil(lambda: (engine.serve(), bool(session.told.problem))[1])
