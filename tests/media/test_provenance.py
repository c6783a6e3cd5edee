"""Provenance metadata: written and read back, and refused where it is malformed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gmstudio.media import NotOursError, Provenance, comment_lines, metadata_of, parse_metadata, read_provenance

CODES = np.array([[0.1, -1e-7, 3.25], [1 / 3, 2.0, -6.0]], np.float32)
ORIGIN = Provenance(
    family="vae", run="VAE on digits", folder="/runs/é", created="2025-01-01T00:00:00", step=300, seed=7,
    shows="interpolation", path="spherical", closed=True, codes=CODES,
)  # fmt: skip


def test_metadata_is_read_back_as_it_was_written() -> None:
    back = parse_metadata(metadata_of(ORIGIN) | {"Given": "3"})
    assert back is not None and back.codes is not None
    np.testing.assert_array_equal(back.codes, CODES)
    for field in ("family", "run", "folder", "created", "step", "seed", "shows", "path", "closed", "software"):
        assert getattr(back, field) == getattr(ORIGIN, field), field
    assert back.details == {"Given": "3"}


def test_what_is_unknown_is_left_out() -> None:
    metadata = metadata_of(Provenance(family="gan", run="GAN"))
    assert set(metadata) == {"Software", "Family", "Run"}
    back = parse_metadata(metadata)
    assert back is not None and back.step == -1 and back.seed is None and back.codes is None and not back.closed


def test_metadata_of_other_programs_is_ignored() -> None:
    assert parse_metadata({"Software": "Paint 3"}) is None
    assert parse_metadata({}) is None


@pytest.mark.parametrize(
    ("keyword", "text", "message"),
    [
        ("Format", "2", "format 2"),
        ("Step", "many", "step is 'many'"),
        ("Seed", "9" * 500, "seed is '999"),
        ("Codes", "__import__('os')", "no table"),
        ("Codes", "[" * 100_000, "no table"),
        ("Codes", "[[1, 2], [3]]", "different lengths"),
        ("Codes", "[[]]", "different lengths"),
        ("Codes", "[[1e300]]", "too large"),
        ("Codes", "[[NaN]]", "no table"),
        ("Codes", " " * 2_000_000, "at most"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_a_sentence(keyword: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_metadata(metadata_of(ORIGIN) | {keyword: text})


def test_codes_too_many_for_a_file_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer keyframes"):
        metadata_of(Provenance(family="vae", run="r", codes=np.full((24, 20_000), 0.12345678, np.float32)))


def test_a_png_of_another_program_has_no_provenance(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("Software", "Paint")
    Image.new("L", (4, 4)).save(tmp_path / "a.png", pnginfo=info)
    with pytest.raises(NotOursError, match=r"a\.png has no gmstudio data"):
        read_provenance(tmp_path / "a.png")
    with pytest.raises(NotOursError, match=r"b\.txt"):
        read_provenance(tmp_path / "b.txt")


@pytest.mark.parametrize("name", ["x.png", "x.gif", "x.mp4"])
@pytest.mark.parametrize("content", [b"", b"nonsense", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\0\0\0\x10ftypisom\0\0\0\0"])
def test_damaged_files_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"x\."):
        read_provenance(tmp_path / name)


def test_boxes_that_lie_about_their_size_end_the_reading(tmp_path: Path) -> None:
    start = b"\0\0\0\x0cftypisom"
    for rest in (
        b"\0\0\0\0moov",
        b"\xff\xff\xff\xffmoov",
        b"\0\0\0\x01free" + b"\xff" * 8,
        b"\0\0\0\x10moov\0\0\0\x04udta",
    ):
        (tmp_path / "x.mp4").write_bytes(start + rest)
        with pytest.raises(NotOursError):
            read_provenance(tmp_path / "x.mp4")


def test_the_head_of_a_table_has_a_line_for_each_keyword() -> None:
    assert comment_lines({"Run": "made\non  moons", "Seed": "3"}) == "# Run: made on moons\n# Seed: 3\n"
    assert comment_lines({}) == ""
