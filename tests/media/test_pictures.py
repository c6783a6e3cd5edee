"""PNG files as images of a model, and grids of images as PNG files."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gmstudio.media.png import check_picture_name, read_grey, read_levels, write_grid
from gmstudio.protocol.images import ImageSpec

GREY, COLOUR = ImageSpec(1, 2, 3, 4), ImageSpec(3, 2, 3, 256)


def save(path: Path, mode: str, size: tuple[int, int] = (3, 2)) -> str:
    shape = (size[1], size[0], *([len(mode)] if mode in ("RGB", "RGBA", "LA") else []))
    values = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape) * 13
    Image.fromarray(values, mode=None).save(path)
    return str(path)


def test_grey_values_become_levels(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.fromarray(np.array([[0, 63, 64], [127, 128, 255]], np.uint8)).save(path)
    assert read_levels(str(path), GREY).tolist() == [[[0, 0, 1], [1, 2, 3]]]
    assert read_grey(str(path), GREY).tolist() == [[0, 63, 64], [127, 128, 255]]


def test_colours_come_channel_by_channel(tmp_path: Path) -> None:
    path = save(tmp_path / "colour.png", "RGB")
    levels = read_levels(path, COLOUR)
    assert levels.shape == (3, 2, 3)
    assert levels[:, 0, 1].tolist() == [39, 52, 65]


@pytest.mark.parametrize(("mode", "image"), [("1", GREY), ("P", COLOUR)])
def test_the_same_picture_written_differently_needs_no_leave(tmp_path: Path, mode: str, image: ImageSpec) -> None:
    path = tmp_path / "picture.png"
    with Image.open(save(tmp_path / "plain.png", "L" if mode == "1" else "RGB")) as plain:
        plain.convert(mode).save(path)
    assert read_levels(str(path), image).shape == image.shape


@pytest.mark.parametrize(
    ("mode", "image", "message"),
    [
        ("RGB", GREY, "is in colour, the model's images are grey; add :convert"),
        ("L", COLOUR, "is grey, the model's images are in colour; add :convert"),
        ("RGBA", COLOUR, "in colour with transparency"),
        ("LA", GREY, "grey with transparency"),
    ],
)
def test_colours_are_converted_only_on_demand(tmp_path: Path, mode: str, image: ImageSpec, message: str) -> None:
    path = save(tmp_path / "picture.png", mode)
    with pytest.raises(ValueError, match=message):
        read_levels(path, image)
    assert read_levels(path, image, convert=True).shape == image.shape


def test_sizes_are_changed_only_on_demand(tmp_path: Path) -> None:
    path = save(tmp_path / "large.png", "L", (30, 20))
    with pytest.raises(ValueError, match=r"30×20 pixels .* are 3×2; add :resize"):
        read_levels(path, GREY)
    assert read_levels(path, GREY, resize=True).shape == GREY.shape


def test_what_is_no_picture_is_refused_with_a_reason(tmp_path: Path) -> None:
    text, deep, cut = tmp_path / "text.png", tmp_path / "deep.png", tmp_path / "cut.png"
    text.write_text("no picture")
    Image.fromarray(np.zeros((2, 3), np.uint16)).save(deep)
    cut.write_bytes(Path(save(tmp_path / "noise.png", "L")).read_bytes()[:50])
    for path, message in ((text, "no PNG picture"), (deep, "16 bits"), (cut, "is damaged|no PNG")):
        with pytest.raises(ValueError, match=message):
            read_levels(str(path), GREY)
    with pytest.raises(FileNotFoundError, match=r"There is no file .*none\.png"):
        read_levels(str(tmp_path / "none.png"), GREY)


def test_another_format_is_refused_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "really_a_bitmap.png"
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(path, format="BMP")
    with pytest.raises(ValueError, match="no PNG picture"):
        read_levels(str(path), GREY)


def test_a_grid_has_lines_and_metadata(tmp_path: Path) -> None:
    path = tmp_path / "grid.png"
    images = np.arange(3 * 3 * 2 * 2, dtype=np.uint8).reshape(3, 3, 2, 2)
    write_grid(images, path, 2, {"Family": "nade", "Given": "été → 3"})
    with Image.open(path) as picture:
        assert picture.text == {"Family": "nade", "Given": "été → 3"}  # type: ignore[attr-defined]
        pixels = np.asarray(picture)
    assert pixels.shape == (14, 14, 3)
    assert (pixels[:2] == 128).all() and (pixels[:, 6:8] == 128).all()
    assert pixels[2:6:2, 8:12:2].transpose(2, 0, 1).tolist() == images[1].tolist()
    with pytest.raises(ValueError, match=r"end it in \.png"):
        check_picture_name(tmp_path / "grid.bmp")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "grid.png"
    path.write_bytes(b"the old one")

    def full(_image: Image.Image, place: Path, **_: object) -> None:
        Path(place).write_bytes(b"")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space left on device") as raised:
        write_grid(np.zeros((1, 1, 2, 2), np.uint8), path, 1, {})
    assert raised.value.filename == str(path), "the sentence names the file"
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("grid.png", b"the old one")]


def test_names_that_no_png_can_have_are_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ValueError, match="is a folder"):
        check_picture_name(tmp_path / "folder.png")
    with pytest.raises(ValueError, match=r"there is no folder .*gone"):
        check_picture_name(tmp_path / "gone" / "a.png")


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_picture_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "target" / "grid.png")
    write_grid(np.zeros((1, 1, 2, 2), np.uint8), link, 1, {})
    assert link.is_symlink() and (tmp_path / "target" / "grid.png").is_file()


@pytest.mark.parametrize("ground", [0.0, 1.0])
@pytest.mark.parametrize("shade", [0, 255])
def test_transparent_parts_get_the_ground_of_the_data(tmp_path: Path, ground: float, shade: int) -> None:
    """As in the window: dropping the opacity would give one shade."""
    pixels = np.full((GREY.height, GREY.width, 4), shade, np.uint8)
    pixels[..., 3] = 0
    pixels[0, 1:3, 3] = 255
    path = str(tmp_path / "a.png")
    Image.fromarray(pixels).save(path)
    levels = read_levels(path, GREY, convert=True, ground=lambda: (ground,))[0]
    ends = {0.0: 0, 1.0: GREY.levels - 1}
    assert (levels[0, 1:3] == ends[1 - ground]).all() and (levels[1:] == ends[ground]).all()
