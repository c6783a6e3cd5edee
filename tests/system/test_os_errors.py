"""Errors of the operating system in sentences."""

import errno
import os
from pathlib import Path

import pytest

from gmstudio.system.os_errors import os_error_sentence


def test_the_file_the_reason_and_the_remedy_are_named() -> None:
    sentence = os_error_sentence(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/disk/x.png"))
    assert sentence == f"/disk/x.png: {os.strerror(errno.ENOSPC)}. Free some space, or choose a place on another disk."


def test_a_sentence_of_its_own_is_kept() -> None:
    assert os_error_sentence(FileNotFoundError("There is no file x.")) == "There is no file x."


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no working directory")
def test_a_deleted_working_directory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileNotFoundError) as raised:
        Path("run").absolute()
    assert "working directory was deleted" in os_error_sentence(raised.value)
