"""Pictures of the user: large ones are decoded at a smaller size, beside the event loop."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.picture_source import KEPT_SIDE, PictureSource, read_picture


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_large_picture_is_read_at_a_smaller_size(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"large.{suffix}"
    pixels = np.zeros((3000, 6000, 3), np.uint8)
    pixels[:, 3000:] = 255
    Image.fromarray(pixels).save(path)
    found = read_picture(str(path))
    assert found.shape == (1024, KEPT_SIDE, 3)
    assert found[:, :1000].max() < 20 and found[:, 1100:].min() > 235
    assert found.base is None, "no larger picture stays in memory"


def test_a_picture_of_usual_size_is_read_as_it_is(tmp_path: Path) -> None:
    pixels = np.random.RandomState(0).randint(0, 256, (20, 30, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "small.png")
    assert np.array_equal(read_picture(str(tmp_path / "small.png")), pixels)


def test_a_thin_picture_keeps_a_pixel(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((1, 9000), np.uint8)).save(tmp_path / "thin.png")
    assert read_picture(str(tmp_path / "thin.png")).shape[:2] == (1, KEPT_SIDE)


def test_a_large_picture_of_the_clipboard_becomes_smaller(qtbot: QtBot) -> None:
    source = PictureSource()
    data = QMimeData()
    image = QImage(4096, 2048, QImage.Format.Format_RGB888)
    image.fill(0x123456)
    data.setImageData(image)
    with qtbot.waitSignal(source.taken, timeout=20_000) as taken:
        assert source.take_mime(data)
    assert taken.args is not None and taken.args[0].shape == (1024, KEPT_SIDE, 3)
