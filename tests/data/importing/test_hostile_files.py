"""Damaged and hostile files: reported by name, within bounds of memory, without harm outside the store."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hostile_files import BAD_ENTRIES, BAD_FILES, GOOD, PICTURES, REFUSED, folder, large_pictures
from picture_making import imported, some_pixels, write

from benchmarks.data import peak_mib
from gmstudio.data import DataError
from gmstudio.data.importing.set_file import ImportedSet

MAX_MIB = 500


def only_bad(found: ImportedSet, reason: str) -> None:
    """The good ones are there, and the bad one is named."""
    assert len(found) == len(GOOD) and found.record.num_bad == 1
    for image, seed in zip(found.images, range(3), strict=True):
        np.testing.assert_array_equal(image[0], some_pixels(seed)[..., 0])
    assert re.search(reason, found.record.bad[0].reason), found.record.bad[0]
    assert "good" not in found.record.bad[0].name


def import_picture(place: Path, content: bytes) -> ImportedSet:
    return imported(write(place / "set", {**GOOD, "z.png": content}), place / "home")


def import_beside(place: Path, make: Callable[[Path], None]) -> ImportedSet:
    make(write(place / "set", GOOD))
    return imported(place / "set", place / "home")


def listing(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*")}


@pytest.mark.parametrize(("content", "reason"), PICTURES.values(), ids=PICTURES)
def test_a_bad_picture_is_left_out_and_named(tmp_path: Path, content: bytes, reason: str) -> None:
    only_bad(import_picture(tmp_path, content), reason)
    with pytest.raises(DataError, match=r"z\.png"):
        imported(tmp_path / "set", tmp_path / "home2", bad_files="refuse")
    assert not list((tmp_path / "home2").iterdir())


@pytest.mark.parametrize(("make", "reason"), BAD_FILES.values(), ids=BAD_FILES)
def test_what_is_no_usual_file_is_left_out_and_named(tmp_path: Path, make: Callable[[Path], None], reason: str) -> None:
    only_bad(import_beside(tmp_path, make), reason)


def test_a_folder_with_the_name_of_a_picture_is_a_folder(tmp_path: Path) -> None:
    found = import_beside(tmp_path, folder)
    assert len(found) == 3 and not found.record.num_bad


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    write(tmp_path / "set", {**GOOD, "z.png": b"x"})
    (tmp_path / "set" / "z.png").chmod(0)
    only_bad(imported(tmp_path / "set", tmp_path / "home"), "ermission")


@pytest.mark.parametrize(("make", "reason"), BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_a_bad_entry_of_an_archive_is_left_out_and_named(
    tmp_path: Path, make: Callable[[Path], Path], reason: str
) -> None:
    only_bad(imported(make(tmp_path), tmp_path / "home"), reason)


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_files_that_are_refused(tmp_path: Path, make: Callable[[Path], Path], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        imported(make(tmp_path), tmp_path / "home")
    assert not any((tmp_path / "home").glob("*"))


def test_a_pipe_is_refused_in_one_sentence_and_its_remedy(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match=r"^[^(]*pipe\.png is neither a file nor a folder\. Choose [^.]*\.$"):
        imported(tmp_path / "pipe.png", tmp_path / "home")


def test_a_link_to_itself_hides_no_arrays(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    np.save(folder / "x.npy", np.zeros((12, 4, 4), np.uint8))
    for name in ("a", "z"):
        (folder / name).symlink_to(folder / name)
    assert imported(folder, tmp_path / "home").record.shape == (12, 1, 4, 4)


@pytest.mark.parametrize("name", ["../../out.png", "/tmp/out.png", r"..\..\out.png", "C:/out.png", "a/../../b/out.png"])
def test_no_name_leads_out_of_an_archive(tmp_path: Path, name: str) -> None:
    from hostile_files import zipped

    place = tmp_path / "a" / "b"
    place.mkdir(parents=True)
    archive = zipped(place, {**GOOD, name: GOOD["good0.png"]})
    before = listing(tmp_path)
    found = imported(archive, place / "home")
    assert len(found) == 4
    assert all(path.startswith("a/b/home") for path in listing(tmp_path) - before)
    assert not Path("/tmp/out.png").exists()


def test_all_of_them_take_little_memory(tmp_path: Path) -> None:
    """Every file and archive of this module in one process, whose peak is read afterwards."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)])}
    script = [sys.executable, str(Path(__file__)), str(tmp_path)]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    cases, peak_mib = done.stdout.split()
    assert int(cases) >= 40 and float(peak_mib) < MAX_MIB
    assert not Path("/tmp/harmed").exists()


def import_large(place: Path) -> None:
    """Pictures that threads must not decode side by side."""
    found = imported(large_pictures(place), place / "home", size=28, width=28)
    assert len(found) == 2 and not found.images.any()


def import_all(place: Path) -> int:
    cases: list[Callable[[Path], object]] = [
        lambda at, c=content: import_picture(at, c) for content, _ in PICTURES.values()
    ]
    cases += [lambda at, m=make: import_beside(at, m) for make, _ in BAD_FILES.values()]
    for make, _ in (*BAD_ENTRIES.values(), *REFUSED.values()):
        cases.append(lambda at, m=make: imported(m(at), at / "home"))
    cases.append(import_large)
    for number, case in enumerate(cases):
        at = place / str(number)
        at.mkdir()
        try:
            case(at)
        except DataError:
            continue
    return len(cases)


if __name__ == "__main__":
    num_cases = import_all(Path(sys.argv[1]))
    print(num_cases, peak_mib())
