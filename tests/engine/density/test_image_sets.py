"""Sets of images, opened and converted for a model."""

from pathlib import Path

import numpy as np
import pytest
from picture_folders import make_pictures
from PIL import Image

from gmstudio import data
from gmstudio.engine.density import opened_images
from gmstudio.engine.density.conversion import convert
from gmstudio.engine.density.image_sets import open_images, open_now
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.media.fit import PLAIN, fit_picture
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.image_sets import DataImages, FolderImages, GivenImages
from gmstudio.protocol.images import ImageSpec

GREY_28 = ImageSpec(1, 28, 28, 2)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def context(events: list[Event]) -> EngineContext:
    return EngineContext(events.append)


def random_images(n: int, spec: ImageSpec) -> np.ndarray:
    return np.random.default_rng(0).integers(0, spec.levels, (n, *spec.shape)).astype(np.uint8)


@pytest.mark.parametrize("rows_columns", [(28, 28), (32, 32), (40, 25), (7, 20)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("target", [GREY_28, ImageSpec(3, 16, 16, 256), ImageSpec(1, 20, 30, 256)])
def test_images_become_what_one_picture_becomes(
    rows_columns: tuple[int, int], channels: int, target: ImageSpec
) -> None:
    """Of 2 and of 256 levels the conversion of many images is that of one picture, whole."""
    spec = ImageSpec(channels, *rows_columns, 256)
    images = random_images(5, spec)
    found = convert(images, spec, target)
    for image, converted in zip(images, found, strict=True):
        expected = fit_picture(image.transpose(1, 2, 0), target, PLAIN)
        assert np.abs(converted.astype(int) - expected).max() <= (target.levels > 2)  # rounded once more


def test_levels_are_made_as_the_data_sources_make_them(context: EngineContext) -> None:
    """Intensities that are quantized here are those that the source quantizes."""
    fine = data.load("mnist", {"levels": 256})
    for levels in (2, 4, 16):
        coarse = data.load("mnist", {"levels": levels})
        found = convert(fine.test.images, fine.image, coarse.image)
        assert np.array_equal(found, coarse.test.images)
        back = convert(coarse.test.images, coarse.image, fine.image)
        assert np.array_equal(convert(back, fine.image, coarse.image), coarse.test.images)
    opened = open_now(context, DataImages(data="mnist"), ImageSpec(1, 28, 28, 4))
    assert np.array_equal(opened.images, data.load("mnist", {"levels": 4}).test.images)
    assert opened.conversion == ""


def test_the_sentence_says_what_was_converted(context: EngineContext) -> None:
    opened = open_now(context, DataImages(data="digits", count=3), GREY_28)
    assert opened.images.shape == (3, 1, 28, 28) and opened.images.max() == 1
    assert opened.conversion == (
        "Converted from 8×8 grey, 17 levels to 28×28 grey, 2 levels: scaled by averaging over areas, binarized at half "
        "intensity."
    )
    assert opened.title == "Digits 8×8, test"
    colours = Array.of(random_images(2, ImageSpec(3, 10, 20, 256)))
    given = open_now(context, GivenImages(images=colours, title="drawing"), GREY_28)
    assert given.conversion == (
        "Converted from 10×20 RGB, 256 levels to 28×28 grey, 2 levels: scaled by averaging over areas, padded with the "
        "colour of the edge, colours averaged to grey, binarized at half intensity."
    )
    as_they_are = open_now(context, GivenImages(images=colours, title="drawing"), None)
    assert as_they_are.conversion == "" and np.array_equal(as_they_are.images, colours.numpy())


def test_labels_choose_images(context: EngineContext) -> None:
    digits = data.load("digits", {})
    opened = open_now(context, DataImages(data="digits", split="train", labels=(3, 5), count=40), None)
    assert opened.labels is not None and set(opened.labels.tolist()) == {3, 5} and len(opened) == 40
    rows = np.flatnonzero(np.isin(digits.train.labels, (3, 5)))[:40]
    assert np.array_equal(opened.images, digits.train.images[rows])
    assert opened.title == "Digits 8×8, train, labels 3, 5"
    with pytest.raises(ValueError, match=r"No test image of Digits 8×8 has the label 12; its labels are 0, 1.*Choose"):
        open_now(context, DataImages(data="digits", labels=(12,)), None)
    with pytest.raises(ValueError, match=r"have no labels, so none can be chosen by label; choose all"):
        open_now(context, DataImages(data="points", data_config={"shape": "checkerboard"}, labels=(1,)), None)
    with pytest.raises(ValueError, match=r"-2 images; choose 1 or more"):
        open_now(context, DataImages(data="digits", count=-2), None)


def test_resampled_training_images_are_levels(context: EngineContext) -> None:
    drawn = DataImages(data="mnist", data_config={"levels": 2, "binarize": "sample"}, split="train", count=20)
    opened = open_now(context, drawn, None)
    assert set(np.unique(opened.images).tolist()) == {0, 1}
    assert np.array_equal(opened.images, open_now(context, drawn, GREY_28).images)


def test_points_are_no_pictures(context: EngineContext, tmp_path: Path) -> None:
    points = ImageSpec(1, 1, 2, 64)
    with pytest.raises(ValueError, match=r"no picture, so they are not converted\. Choose"):
        open_now(context, DataImages(data="digits"), points)
    with pytest.raises(ValueError, match="points or a sequence"):
        open_now(context, FolderImages(path=str(make_pictures(tmp_path, {"a": 2}))), points)
    assert open_now(context, DataImages(data="points", count=5), points).images.shape == (5, 1, 1, 2)


def test_a_folder_with_a_broken_file(context: EngineContext, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "pictures", {"cats": 3, "dogs": 2})
    (folder / "cats" / "0001.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing follows")
    opened = open_now(context, FolderImages(path=str(folder)), GREY_28)
    assert len(opened) == 4 and opened.label_names == ("cats", "dogs")
    assert opened.labels is not None and opened.labels.tolist() == [0, 0, 1, 1]
    assert opened.names == ("cats/0000.png", "cats/0002.png", "dogs/0000.png", "dogs/0001.png")
    (warning,) = opened.warnings
    assert warning.startswith("1 of 5 pictures could not be read and are left out: cats/0001.png.")
    picture = np.asarray(Image.open(folder / "dogs" / "0001.png"))[..., None]
    assert np.array_equal(opened.images[3], fit_picture(picture, GREY_28, PLAIN))
    assert "from 12×10 grey, 256 levels" in opened.conversion and "padded" in opened.conversion
    as_they_are = open_now(context, FolderImages(path=str(folder), count=1), None)
    assert as_they_are.image == ImageSpec(1, 12, 10, 256) and len(as_they_are) == 1
    for path in folder.rglob("*.png"):
        path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ValueError, match=r"5 of 5 pictures could not be read.* and 2 more.*Choose a folder"):
        open_now(context, FolderImages(path=str(folder)), GREY_28)


def test_a_set_that_takes_too_much_memory_is_refused(
    context: EngineContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_pictures(tmp_path, {"a": 4})
    monkeypatch.setattr(opened_images, "MAX_BYTES", 3 * GREY_28.num_dims)
    with pytest.raises(ValueError, match=r"^4 images .*at most 3 are opened at once\. Choose a smaller number"):
        open_now(context, FolderImages(path=str(folder)), GREY_28)
    assert len(open_now(context, FolderImages(path=str(folder), count=3), GREY_28)) == 3
    with pytest.raises(ValueError, match="at most 3 are opened at once"):
        open_now(context, DataImages(data="digits", count=4), GREY_28)


def test_one_file_and_none(context: EngineContext, tmp_path: Path) -> None:
    Image.fromarray(random_images(1, ImageSpec(3, 9, 9, 256))[0].transpose(1, 2, 0)).save(tmp_path / "one.png")
    opened = open_now(context, FolderImages(path=str(tmp_path / "one.png")), None)
    assert opened.images.shape == (1, 3, 9, 9) and opened.names == ("one.png",) and opened.labels is None
    with pytest.raises(ValueError, match=r"no file or folder .*none\.png"):
        open_now(context, FolderImages(path=str(tmp_path / "none.png")), None)
    with pytest.raises(ValueError, match="No folder or file is named; choose"):
        open_now(context, FolderImages(path=" "), None)
    with pytest.raises(ValueError, match="No data set and no run is named; choose"):
        open_now(context, DataImages(), None)


def test_pictures_of_unusable_shape_are_refused(context: EngineContext) -> None:
    for shape in ((2, 4, 5, 5), (0, 1, 5, 5), (5, 5)):
        with pytest.raises(ValueError, match=r"give \(N, C, rows, columns\) uint8"):
            open_now(context, GivenImages(images=Array.of(np.zeros(shape, np.uint8)), title="x"), None)


def test_a_kept_set_is_answered_at_once_and_a_changed_folder_read_again(context: EngineContext, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "pictures", {"cats": 3})
    spec = FolderImages(path=str(folder))
    first = open_now(context, spec, GREY_28)
    (folder / "cats" / "0002.png").unlink()
    pieces = open_images(context, spec, GREY_28, fresh=False)
    with pytest.raises(StopIteration) as end:
        next(pieces)
    kept = end.value.value
    assert isinstance(kept, OpenedImages) and kept is first
    assert len(open_now(context, spec, GREY_28)) == 2
    digits = DataImages(data="digits")
    assert open_now(context, digits, GREY_28) is open_now(context, digits, GREY_28)
    assert open_now(context, digits, None) is not open_now(context, digits, GREY_28)
