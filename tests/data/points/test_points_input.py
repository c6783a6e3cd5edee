"""What users can get wrong with points: each is refused, or accepted with a remark, in one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gmstudio.data import DataError, load
from gmstudio.data.points import entropy
from gmstudio.protocol.config import ConfigError, conditions_unmet, schema_of
from gmstudio.protocol.strokes import MAX_CHARACTERS, MAX_STROKE_POINTS, MAX_STROKES


def points(shape: str, **values: Any) -> Any:
    return load("points", {"shape": shape, **values})


# ---- drawings ------------------------------------------------------------------------------------------------------


def test_an_empty_drawing_is_refused() -> None:
    for strokes in ("", " ; "):
        with pytest.raises(ConfigError, match=r"Nothing is drawn\. Draw a stroke") as refused:
            points("drawn", strokes=strokes)
        assert set(refused.value.errors) == {"strokes"}
    with pytest.raises(ConfigError, match="erased"):
        points("drawn", strokes="-40 500,500 600,600")


def test_a_single_dot_is_a_gaussian_and_said_to_be_one() -> None:
    dataset = points("drawn", strokes="50 500,500")
    assert any("single dot" in remark and "0.4" in remark for remark in dataset.remarks)
    assert dataset.truth[31:33, 31:33].sum() == pytest.approx(4 * dataset.truth.max(), rel=1e-6)
    assert not points("drawn", strokes="50 500,500 700,500").remarks


def test_a_dot_smaller_than_a_cell_is_said_to_be_one_cell() -> None:
    (_, remark) = points("drawn", strokes="4 508,508").remarks
    assert "one cell" in remark and "levels" in remark


@pytest.mark.parametrize(
    ("strokes", "sentence"),
    [
        ("hello", "Stroke 1 .*'hello'.* 40 200,500"),
        ("40 200,500; 40", "Stroke 2"),
        ("40 200,500 9,1001", "1001.*1000"),
        ("3 200,500", "radius of stroke 1 is 3; it must be from 4 to 200"),
        ("201 200,500", "201"),
        ("4 1,1;" * (MAX_STROKES + 1), "strokes; at most"),
        ("4" + " 1,1" * (MAX_STROKE_POINTS + 1), "points; at most"),
        (" " * (MAX_CHARACTERS + 1), "characters; at most"),
    ],
)
def test_a_text_that_is_no_drawing_names_the_stroke(strokes: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        points("drawn", strokes=strokes)


def test_an_eraser_takes_away_what_was_drawn_before_it_and_not_after() -> None:
    line, hole = "40 200,500 800,500", "-20 500,500"
    whole, with_hole, again = (
        points("drawn", strokes=text).truth for text in (line, f"{line}; {hole}", f"{hole}; {line}")
    )
    assert with_hole[32, 32] < 0.2 * whole[32, 32]
    np.testing.assert_array_equal(again, whole)


# ---- numbers of points and levels -----------------------------------------------------------------------------------


def test_one_point_can_be_trained_on_and_is_said_to_be_learned_by_heart() -> None:
    dataset = points("moons", num_points=1, num_valid=1, num_test=1)
    assert dataset.sizes == {"train": 1, "valid": 1, "test": 1}
    assert dataset.remarks == ("There is 1 point to train on: models learn it by heart. Choose more.",)
    with pytest.raises(ConfigError, match="Training points is 0; it must be a whole number from 1 to"):
        points("moons", num_points=0)


def test_levels_too_coarse_for_the_set_are_said() -> None:
    (remark,) = points("spirals", noise=0.01).remarks
    assert "0.01" in remark and "0.125" in remark and "more levels" in remark
    assert not points("spirals").remarks
    (finest,) = points("spirals", noise=0.001, levels=256).remarks
    assert "more levels" not in finest and "larger deviation" in finest
    (mixture,) = points("mixture_1d", components_1d="0.5 0 1; 0.5 3 0.001").remarks
    assert "Component 2" in mixture


# ---- mixtures ------------------------------------------------------------------------------------------------------


def test_weights_that_do_not_sum_to_one_are_divided_by_their_sum() -> None:
    dataset = points("mixture_1d", components_1d="1 -2 0.5; 3 2 0.5")
    (remark,) = dataset.remarks
    assert "sum to 4" in remark
    same = points("mixture_1d", components_1d="0.25 -2 0.5\n0.75, 2, 0.5")
    np.testing.assert_allclose(dataset.truth, same.truth, atol=1e-15)
    assert not same.remarks


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty; write one, for example 0.3 -2 0.4"),
        ("1 2", "Component 1 .*2 numbers, not 3"),
        ("1 0 1; 1 x 1", "'x' of component 2 is no number"),
        ("1 0 nan", "'nan'"),
        ("-1 0 1; 2 0 1", "weight of component 1 is -1"),
        ("0 0 1; 0 1 1", "All weights are 0"),
        ("1 0 0", "standard deviation of component 1 is 0"),
        ("1 0 1;" * 201, "201 components; at most 200"),
        ("1 0 1" + " " * 8000, "characters; at most"),
    ],
)
def test_a_text_that_is_no_mixture_names_the_component(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as refused:
        points("mixture_1d", components_1d=text)
    assert set(refused.value.errors) == {"components_1d"}


# ---- pictures ------------------------------------------------------------------------------------------------------


def picture(tmp_path: Path, values: Any) -> str:
    path = tmp_path / "picture.png"
    Image.fromarray(np.asarray(values, np.uint8)).save(path)
    return str(path)


def test_dark_pixels_are_likely_and_the_picture_stands_upright(tmp_path: Path) -> None:
    values = np.full((40, 80), 255, np.uint8)
    values[:10, :20] = 0  # top left
    dataset = points("picture", path=picture(tmp_path, values))
    assert [(axis.low, axis.high) for axis in dataset.axes] == [(-4, 4), (-2, 2)]
    assert dataset.truth[48:, :16].sum() == pytest.approx(1)
    bright = points("picture", path=picture(tmp_path, values), likely="bright")
    assert bright.truth[48:, :16].sum() == 0


def test_a_picture_of_one_colour_is_refused_or_said_to_be_uniform(tmp_path: Path) -> None:
    black = picture(tmp_path, np.zeros((9, 9), np.uint8))
    dataset = points("picture", path=black)
    assert entropy(dataset.truth) == pytest.approx(np.log(64 * 64)) and "uniform" in dataset.remarks[0]
    with pytest.raises(DataError, match=r"all black: no pixel is likely\. Choose dark ones"):
        points("picture", path=black, likely="bright")


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "note.png"
    path.write_text("no picture")
    with pytest.raises(DataError, match=r"note\.png"):
        points("picture", path=str(path))
    with pytest.raises(DataError, match="missing"):
        points("picture", path=str(tmp_path / "missing.png"))
    with pytest.raises(ConfigError, match="Choose a picture"):
        points("picture")


# ---- tables --------------------------------------------------------------------------------------------------------


def table(tmp_path: Path, text: str) -> str:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return str(path)


def test_columns_keep_their_names_and_ranges_and_classes(tmp_path: Path) -> None:
    rows = [f"{i},{i * 0.5},{'ab'[i % 2]}" for i in range(40)]
    path = table(tmp_path, "\n".join(["age,height,kind", *rows]))
    dataset = points("csv", path=path, label_column="kind")
    assert [axis.title for axis in dataset.axes] == ["age", "height"] and dataset.truth is None
    assert dataset.axes[0].low < 0 < 39 < dataset.axes[0].high < 42
    assert dataset.label_names == ("a", "b") and dataset.sizes == {"train": 32, "valid": 4, "test": 4}
    first = int(dataset.train.images[0, 0, 0, 0])
    assert dataset.train.labels[0] == round(dataset.axes[0].centre(first, 64)) % 2
    one = points("csv", path=path, columns="height")
    assert one.image.width == 1 and [axis.title for axis in one.axes] == ["height"]


@pytest.mark.parametrize(
    ("text", "values", "sentence"),
    [
        ("a,b\n1,2\n3,x\n5,6\n", {"columns": "a,b"}, "line 3, b is 'x', no finite number"),
        ("one\ntwo\nthree\nfour\n", {}, "no column of numbers"),
        ("a,b\n1,2\n1,3\n1,4\n", {}, "a of table.csv is 1 in all rows"),
        ("a,b\n1,2\n2,3\n", {}, "2 rows; at least 3"),
        ("a,b\n1,2\n2,3\n3,4\n", {"columns": "c"}, "no column 'c'; there are a, b"),
        ("1,2\n2,3\n3,4\n", {"columns": "3"}, "no column '3'; there are 1 to 2"),
        ("a,b,c\n1,2,3\n2,3,4\n3,4,5\n", {"columns": "a,b,c"}, "one or two"),
        ("", {}, "no lines"),
        ("a,b\n1,2\n2,3\n3,4,5\n", {}, "3 columns"),
        ("a,b\n1,2\n2,inf\n3,4\n", {}, "'inf', no finite number"),
        ("a,b\n1e308,2\n-1e308,3\n3,4\n", {}, "farther apart than numbers can be"),
    ],
)
def test_a_table_that_has_no_points_is_refused(
    tmp_path: Path, text: str, values: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        points("csv", path=table(tmp_path, text), **values)


def test_a_table_of_one_column_lies_on_a_line_and_this_is_said(tmp_path: Path) -> None:
    dataset = points("csv", path=table(tmp_path, "\n".join(str(i) for i in range(30))))
    assert dataset.image.width == 1 and "line" in dataset.remarks[0]
    with pytest.raises(ConfigError, match="Choose a table"):
        points("csv")


def test_settings_of_other_shapes_have_no_effect() -> None:
    schema = schema_of(type(load_config()))
    unmet = conditions_unmet(schema, {"shape": "mixture_1d"})
    assert {"noise", "components_2d", "strokes", "path", "likely", "columns", "label_column"} == set(unmet)
    assert "picture as density or CSV" in unmet["path"]


def load_config() -> Any:
    from gmstudio.data.points import PointsConfig

    return PointsConfig()
