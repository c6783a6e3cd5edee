"""Files of a trajectory: films, a frame, a strip, each with its provenance."""

from pathlib import Path

import numpy as np
import pytest
from chains_scene import FLOW, RBM, ChainsScene
from PIL import Image
from pytestqt.qtbot import QtBot

from gmstudio.media import read_provenance
from gmstudio.media.writing import NO_FFMPEG, ffmpeg_path
from gmstudio.window.state.chains.export import TrajectoryExport, beside


@pytest.fixture
def scene(qtbot: QtBot) -> ChainsScene:
    scene = ChainsScene()
    scene.arrive()
    scene.state.choose_run(RBM)
    scene.state.set_seed(7)
    scene.state.begin()
    scene.answer(20, done=True)
    return scene


def written(scene: ChainsScene, qtbot: QtBot, content: str, path: Path) -> None:
    export = TrajectoryExport(scene.state)
    export.start(content, str(path))
    assert export.message == f"Writing {path.name} …"
    qtbot.waitUntil(lambda: not export.busy, timeout=20_000)
    assert export.message == f"Written: {path}" and not export.failed


@pytest.mark.parametrize(("content", "suffix"), [("gif", "gif"), ("frame", "png"), ("strip", "png")])
def test_a_file_says_where_it_comes_from(
    scene: ChainsScene, qtbot: QtBot, tmp_path: Path, content: str, suffix: str
) -> None:
    path = tmp_path / f"out.{suffix}"
    scene.state.seek(3)
    scene.state.set_seed(99)
    written(scene, qtbot, content, path)
    origin = read_provenance(path)
    assert (origin.family, origin.run, origin.step, origin.seed, origin.shows) == ("rbm", RBM, 10, 7, "trajectory")
    assert origin.details["Trajectory"] == "200 steps · seed 7" and origin.details["Axis"] == "Gibbs step"
    assert origin.details.get("Frame") == ("Gibbs step 3" if content == "frame" else None)


def test_a_film_has_every_frame_and_a_kept_trajectory_at_the_left(
    scene: ChainsScene, qtbot: QtBot, tmp_path: Path
) -> None:
    written(scene, qtbot, "gif", tmp_path / "alone.gif")
    with Image.open(tmp_path / "alone.gif") as film:
        assert getattr(film, "n_frames", 1) == 20
        alone = film.size
    scene.state.keep(True)
    scene.state.begin()
    scene.answer(10, done=True)
    written(scene, qtbot, "gif", tmp_path / "both.gif")
    with Image.open(tmp_path / "both.gif") as film:
        assert getattr(film, "n_frames", 1) == 10
        assert film.size[0] / film.size[1] > 2 * alone[0] / alone[1]


def test_a_strip_is_labelled(scene: ChainsScene, qtbot: QtBot, tmp_path: Path) -> None:
    written(scene, qtbot, "strip", tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as picture:
        pixels = np.asarray(picture.convert("L")).astype(int)
    title, labels, images = pixels[:20], pixels[20:36], pixels[40:]
    assert (title < 128).any() and (labels < 128).any(), "dark letters on white"
    columns = np.flatnonzero((labels < 128).any(0))
    assert columns.max() > 0.8 * pixels.shape[1], "up to the last column"
    assert images.shape[0] >= 3 * 64 and images.min() == 0


def test_what_cannot_be_written_is_said(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = ChainsScene()
    scene.arrive()
    scene.state.choose_run(FLOW)
    export = TrajectoryExport(scene.state)
    export.start("gif", str(tmp_path / "film.gif"))
    assert export.failed and export.message == "There are no frames yet."
    scene.state.begin()
    scene.lay_layers(1, 0)
    monkeypatch.setattr("gmstudio.media.writing.shutil.which", lambda _name: None)
    assert export.problem("mp4") == NO_FFMPEG and not export.problem("gif")
    export.start("frame", str(tmp_path / "nowhere" / "frame.png"))
    qtbot.waitUntil(lambda: not export.busy)
    assert export.failed and "nowhere" in export.message


@pytest.mark.skipif(not ffmpeg_path(), reason="there is no ffmpeg")
def test_mp4_is_written_where_there_is_ffmpeg(scene: ChainsScene, qtbot: QtBot, tmp_path: Path) -> None:
    written(scene, qtbot, "mp4", tmp_path / "film.mp4")
    assert read_provenance(tmp_path / "film.mp4").shows == "trajectory"


def test_pictures_of_other_heights_and_colours_stand_beside_each_other() -> None:
    both = beside(np.full((2, 1, 3, 4), 9, np.uint8), np.full((2, 3, 5, 6), 7, np.uint8))
    assert both.shape == (2, 3, 5, 4 + 4 + 6)
    assert (both[:, :, :3, :4] == 9).all() and (both[:, :, 3:, :4] == 0).all() and (both[..., 8:] == 7).all()
