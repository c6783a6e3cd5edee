"""Every function that writes a picture or film for people embeds its origin, which is read back from the file.

The list of savers is compared with the source: a module that writes pictures in a new way fails until it is added.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

import gmstudio
from gmstudio.media import NotOursError, Provenance, metadata_of, read_provenance
from gmstudio.media.embedding import PICTURE_FORMS, save_picture, svg_with_texts
from gmstudio.media.plot_pictures import PlotCurve, curves_picture, save_plot
from gmstudio.media.png import write_grid
from gmstudio.media.sheets import write_strip
from gmstudio.media.writing import ffmpeg_path, write_gif, write_mp4, write_png
from gmstudio.window.gui.widgets.save_forms import pdf_of, png_writer, svg_of

IMAGES = np.arange(3 * 64, dtype=np.uint8).reshape(3, 1, 8, 8)
CODES = np.array([[0.1, -2.5, 3e-8], [1.0, 0.0, 7.25]], np.float32)
ORIGIN = Provenance(
    family="vae",
    run='β "run" <1> & 漢字',
    folder="/runs/a",
    created="2026-11-30T01:02:03.004+00:00",
    step=1234,
    seed=56,
    shows="interpolation",
    panel="latents",
    path="spherical",
    codes=CODES,
    details={"Frame": "3 of 5; x = y #1\n"},
)
TEXTS = metadata_of(ORIGIN)


def never() -> bool:
    return False


def curve() -> Image.Image:
    return curves_picture([PlotCurve("a", np.arange(3.0), np.arange(3.0))], "title", "x", "y")


def qimage() -> QImage:
    picture = QImage(20, 10, QImage.Format.Format_RGB32)
    picture.fill(QColor("red"))
    return picture


def write_svg(path: Path) -> None:
    label = QLabel("text")
    path.write_bytes(svg_of(label, TEXTS))
    label.deleteLater()


def write_pdf(path: Path) -> None:
    label = QLabel("text")
    path.write_bytes(pdf_of(label, TEXTS))
    label.deleteLater()


Save = Callable[[Path], object]
SAVERS: dict[str, tuple[str, Save]] = {
    "gif": (".gif", lambda path: write_gif(path, IMAGES, ORIGIN, 10, 2, never)),
    "png": (".png", lambda path: write_png(path, IMAGES, ORIGIN, 2, 2, never)),
    "mp4": (".mp4", lambda path: write_mp4(path, IMAGES, ORIGIN, 10, 2, never)),
    "strip": (".png", lambda path: write_strip(path, IMAGES[np.newaxis], ["1", "2", "3"], "step", ORIGIN, 2, never)),
    "plot": (".png", lambda path: save_plot(curve(), path, TEXTS)),
    "widget": (".png", lambda path: png_writer(qimage(), TEXTS)(path)),
    "vector": (".svg", write_svg),
    "page": (".pdf", write_pdf),
} | {f"grid{suffix}": (suffix, lambda path: write_grid(IMAGES, path, 2, TEXTS)) for suffix in PICTURE_FORMS}


@pytest.mark.parametrize("name", SAVERS)
def test_the_origin_is_read_back(qtbot: QtBot, tmp_path: Path, name: str) -> None:
    suffix, save = SAVERS[name]
    if suffix == ".mp4" and not ffmpeg_path():
        pytest.skip("needs ffmpeg")
    path = tmp_path / f"a{suffix}"
    save(path)
    found = read_provenance(path)
    assert found.codes is not None
    np.testing.assert_array_equal(found.codes, CODES)
    for field in ("family", "run", "folder", "created", "step", "seed", "shows", "panel", "path", "closed"):
        assert getattr(found, field) == getattr(ORIGIN, field), field
    assert found.details["Frame"].strip() == "3 of 5; x = y #1"


WRITERS = re.compile(
    r"""\.save\([^)]*(?:format=|"PNG"|"GIF"|"WEBP"|"JPEG")|QSvgGenerator\(|QPdfWriter\(|b"GIF89a"|"-f", "mp4\""""
)
WITH_ORIGIN = {
    "media/embedding.py",
    "media/plot_pictures.py",
    "media/sheets.py",
    "media/writing.py",
    "window/gui/panels/plane/pictures.py",
    "window/gui/widgets/plane/plane_export.py",
    "window/gui/widgets/save_forms.py",
    "window/gui/panels/plane/export.py",
    "engine/runs/report/pictures.py",
}
NO_EXPORTS = {
    "engine/density/coding_compare.py",  # sizes of files in memory
    "engine/density/statistics/complexity.py",
    "engine/training/loggers/pictures.py",  # inside the files of other programs, beside the run's settings
    "window/gui/panels/data/pasted_picture.py",  # what the user pasted
}


def test_no_module_writes_pictures_in_another_way() -> None:
    root = Path(gmstudio.__file__).parent
    found = {
        path.relative_to(root).as_posix(): text
        for path in root.rglob("*.py")
        if WRITERS.search(text := path.read_text(encoding="utf-8"))
    }
    assert set(found) <= WITH_ORIGIN | NO_EXPORTS, set(found) - WITH_ORIGIN - NO_EXPORTS
    for name, text in found.items():
        for writes, embeds in (("QSvgGenerator(", "svg_with_texts("), ("QPdfWriter(", "xmp_of(")):
            assert writes not in text or embeds in text, name


def test_foreign_and_hostile_files_have_no_origin(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.webp")
    (tmp_path / "a.svg").write_text("<svg/>")
    bomb = '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><svg><metadata id="gmstudio">&b;</metadata></svg>'
    (tmp_path / "b.svg").write_text(bomb)
    for path in tmp_path.iterdir():
        with pytest.raises(NotOursError):
            read_provenance(path)
    (tmp_path / "c.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    with pytest.raises(ValueError, match="damaged"):
        read_provenance(tmp_path / "c.jpg")


def test_what_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    long = {"Software": "gmstudio", "Codes": "1" * 70_000}
    with pytest.raises(ValueError, match="Save it as PNG or WebP"):
        save_picture(Image.new("L", (2, 2)), tmp_path / "a.jpg", long)
    with pytest.raises(ValueError, match="no name of a picture"):
        save_picture(Image.new("L", (2, 2)), tmp_path / "a.tiff", {})
    with pytest.raises(ValueError, match="no SVG"):
        svg_with_texts(b"<svg/>", TEXTS)
    assert svg_with_texts(b"<svg/>", {}) == b"<svg/>"
