"""Exports to a full disk, or with a full folder for temporary files: a sentence with the file, no partial file."""

import errno
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from gmstudio.media import Provenance, read_provenance
from gmstudio.media.writing import put_in_place, write_mp4
from gmstudio.system.os_errors import os_error_sentence

ORIGIN = Provenance(family="vae", run="r", step=5)
NOISE = np.random.default_rng(0).integers(0, 256, (40, 1, 64, 64), np.uint8)
NEEDS_FFMPEG = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
LIMITED = """
import resource, sys
import numpy as np
from pathlib import Path
from gmstudio.media import Provenance
from gmstudio.media.writing import put_in_place, write_gif, write_mp4, write_png
from gmstudio.system.os_errors import os_error_sentence

images = np.random.default_rng(0).integers(0, 256, (40, 1, 64, 64), np.uint8)
form, path, origin = sys.argv[1], Path(sys.argv[2]), Provenance(family="vae", run="r", step=5)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
write = {
    "gif": lambda partial: write_gif(partial, images, origin, 10, 4, lambda: False),
    "png": lambda partial: write_png(partial, images, origin, 5, 4, lambda: False),
    "mp4": lambda partial: write_mp4(partial, images, origin, 10, 4, lambda: False),
}
try:
    with put_in_place(path, overwrite=True) as partial:
        write[form](partial)
except OSError as error:
    print(os_error_sentence(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of the size of a file are of POSIX")
@pytest.mark.parametrize("form", ["gif", "png", pytest.param("mp4", marks=NEEDS_FFMPEG)])
def test_a_file_that_does_not_fit_is_told_and_leaves_what_was_there(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"film.{form}"
    path.write_bytes(b"before")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, form, str(path)], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.startswith(f"{path}: File too large. Choose a place on another file system"), done
    assert [file.name for file in tmp_path.iterdir()] == [path.name] and path.read_bytes() == b"before"


@NEEDS_FFMPEG
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_is_full_for_ffmpeg_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_mp4(path, NOISE, ORIGIN, 10, 2, lambda: False)
    assert caught.value.errno == errno.ENOSPC and "Free some space" in os_error_sentence(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == ["film.mp4"], "the metadata are gone"


@NEEDS_FFMPEG
def test_a_film_needs_no_folder_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film.mp4"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with put_in_place(path, overwrite=False) as partial:
        write_mp4(partial, NOISE, ORIGIN, 10, 2, lambda: False)
    assert read_provenance(path).step == 5 and [file.name for file in tmp_path.iterdir()] == ["film.mp4"]


def test_a_folder_that_is_full_for_the_metadata_names_the_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, *_: object) -> int:
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "film.mp4"
    monkeypatch.setattr("gmstudio.media.writing.ffmpeg_path", lambda: "ffmpeg")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left") as caught, put_in_place(path, overwrite=False) as partial:
        write_mp4(partial, NOISE, ORIGIN, 10, 2, lambda: False)
    assert caught.value.filename in (str(path), str(partial)) and not list(tmp_path.iterdir())
    assert os_error_sentence(caught.value).endswith("Free some space, or choose a place on another disk.")
