"""Exported images and videos: number of frames, square pixels, embedded provenance, atomic writing."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gmstudio.media import Provenance, read_provenance
from gmstudio.media import writing as export_files
from gmstudio.media.writing import GAP_SHADE, check_size, picture_size, put_in_place, write_gif, write_mp4, write_png
from gmstudio.window.client.background_task import StoppedError

ORIGIN = Provenance(family="vae", run="r", step=5, shows="interpolation", codes=np.eye(3, 40, dtype=np.float32))
GREY = np.random.default_rng(0).integers(0, 256, (7, 1, 8, 6), np.uint8)


def going() -> bool:
    return False


def frames(path: Path) -> list[np.ndarray]:
    found = []
    with Image.open(path) as picture:
        for index in range(picture.n_frames):
            picture.seek(index)
            found.append(np.asarray(picture.convert("RGB")))
    return found


def test_a_gif_has_the_frames_promised_pixel_by_pixel(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    write_gif(path, GREY, ORIGIN, 25, 3, going)
    shown = frames(path)
    assert len(shown) == 7
    for image, frame in zip(GREY, shown, strict=True):
        assert frame.shape == (24, 18, 3)
        np.testing.assert_array_equal(frame[1::3, 1::3, 0], image[0])
    back = read_provenance(path)
    assert back.step == 5 and back.codes is not None
    np.testing.assert_array_equal(back.codes, ORIGIN.codes)


def test_equal_frames_are_kept_and_time_does_not_add_up(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    write_gif(path, np.zeros((30, 1, 4, 4), np.uint8), ORIGIN, 30, 1, going)
    with Image.open(path) as picture:
        assert picture.n_frames == 30 and picture.info["loop"] == 0
        total = 0
        for index in range(30):
            picture.seek(index)
            total += picture.info["duration"]
    assert total == 1000


def test_colours_of_a_gif_are_near(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (3, 3, 8, 8), np.uint8)
    write_gif(tmp_path / "a.gif", images, ORIGIN, 10, 2, going)
    for image, frame in zip(images, frames(tmp_path / "a.gif"), strict=True):
        np.testing.assert_array_equal(frame[::2, ::2].transpose(2, 0, 1), image)  # 64 colours of 256


def test_a_png_has_rows_of_images(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", GREY, ORIGIN, 4, 2, going)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (4 * 6 * 2 + 3 * 2, 2 * 8 * 2 + 2)
        assert picture.size == picture_size("png", len(GREY), 4, 8, 6, 2)[::-1]
        pixels = np.asarray(picture)
    np.testing.assert_array_equal(pixels[18::2, 14:26:2], GREY[5, 0])
    assert (pixels[16:18] == GAP_SHADE).all() and (pixels[:, 12:14] == GAP_SHADE).all()  # images do not fuse
    assert read_provenance(tmp_path / "a.png").shows == "interpolation"


def test_what_is_stopped_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoppedError), put_in_place(tmp_path / "a.gif", overwrite=False) as partial:
        write_gif(partial, GREY, ORIGIN, 25, 1, lambda: True)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"mine")
    with pytest.raises(ValueError, match="already"), put_in_place(path, overwrite=False):
        pass
    path.unlink()
    with pytest.raises(ValueError, match="created meanwhile"), put_in_place(path, overwrite=False) as partial:
        partial.write_bytes(b"new")
        path.write_bytes(b"mine")
    assert path.read_bytes() == b"mine"
    with put_in_place(path, overwrite=True) as partial:
        partial.write_bytes(b"new")
    assert path.read_bytes() == b"new" and len(list(tmp_path.iterdir())) == 1


def test_sizes_are_bounded() -> None:
    with pytest.raises(ValueError, match="65,535"):
        check_size("png", 3000, 3000, 28, 28, 8)
    with pytest.raises(ValueError, match="million"):
        check_size("gif", 3000, 1, 28, 28, 64)
    check_size("gif", 300, 1, 28, 28, 8)


def test_without_ffmpeg_an_error_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="ffmpeg"):
        write_mp4(tmp_path / "a.mp4", GREY, ORIGIN, 25, 2, going)


FAKE = """#!{python}
import sys, time
if {fails}:
    sys.exit("first\\nUnknown encoder")
time.sleep({delay_s})
data = sys.stdin.buffer.read()
metadata = open(sys.argv[sys.argv.index("-") + 2], encoding="utf-8").read()
open(sys.argv[-1], "wb").write(len(data).to_bytes(4, "big") + metadata.encode())
"""


def fake_ffmpeg(folder: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool, delay_s: float = 0.0) -> None:
    """A program that writes what it was given."""
    program = folder / "ffmpeg"
    program.write_text(FAKE.format(python=sys.executable, fails=fails, delay_s=delay_s))
    program.chmod(0o755)
    monkeypatch.setattr(export_files, "ffmpeg_path", lambda: str(program))


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for ffmpeg")
def test_ffmpeg_gets_the_frames_and_the_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, fails=False)
    write_mp4(tmp_path / "a.mp4", GREY, ORIGIN, 25, 2, going)
    content = (tmp_path / "a.mp4").read_bytes()
    assert int.from_bytes(content[:4], "big") == GREY.size
    assert content[4:].startswith(b";FFMETADATA1\ncomment={") and b'"Family":"vae"' in content


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for ffmpeg")
@pytest.mark.timeout(20)
def test_a_slow_ffmpeg_gets_all_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, fails=False, delay_s=3 * export_files.WAIT_S)
    large = np.zeros((100, 1, 64, 64), np.uint8)  # more than a pipe holds
    write_mp4(tmp_path / "a.mp4", large, ORIGIN, 25, 2, going)
    assert int.from_bytes((tmp_path / "a.mp4").read_bytes()[:4], "big") == large.size


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for ffmpeg")
@pytest.mark.timeout(20)
def test_a_film_that_is_stopped_ends_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, fails=False, delay_s=600)
    with pytest.raises(StoppedError), put_in_place(tmp_path / "a.mp4", overwrite=False) as partial:
        write_mp4(partial, np.zeros((100, 1, 64, 64), np.uint8), ORIGIN, 25, 2, lambda: True)
    assert [path.name for path in tmp_path.iterdir()] == ["ffmpeg"]


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for ffmpeg")
def test_ffmpegs_last_line_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, fails=True)
    with pytest.raises(RuntimeError, match="Unknown encoder"):
        write_mp4(tmp_path / "a.mp4", GREY, ORIGIN, 25, 2, going)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
@pytest.mark.parametrize("images", [GREY, np.repeat(GREY[..., :5], 3, axis=1)])
def test_a_film_brings_its_origin_back(tmp_path: Path, images: np.ndarray) -> None:
    write_mp4(tmp_path / "a.mp4", images, ORIGIN, 25, 3, going)
    back = read_provenance(tmp_path / "a.mp4")
    assert back.step == 5 and back.codes is not None
    np.testing.assert_array_equal(back.codes, ORIGIN.codes)
