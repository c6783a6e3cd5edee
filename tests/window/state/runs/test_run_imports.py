"""Import of runs by the window: in pieces, one after the other, stoppable, with a sentence on each that fails."""

import tempfile
from pathlib import Path

import pytest
from archive_making import make_run, packed
from files_scene import FilesEngine
from pytestqt.qtbot import QtBot

from gmstudio.protocol.runs import ListRuns
from gmstudio.protocol.runs_files import DropRunFile, ImportSentRun, RunImported, SendRunFile
from gmstudio.runs.home import data_home
from gmstudio.runs.library import runs_home
from gmstudio.window.state.runs import imports as module
from gmstudio.window.state.runs.imports import RunImports
from gmstudio.window.state.runs.library import RunLibrary


class Watched:
    """Imports, and what their signals said."""

    def __init__(self, qtbot: QtBot) -> None:
        self.client = FilesEngine()
        self.imports = RunImports(self.client, RunLibrary(self.client))
        self.shares: list[float] = []
        self.imported: list[RunImported] = []
        self.failed: list[tuple[str, str]] = []
        self.imports.progressed.connect(lambda _name, share: self.shares.append(share))
        self.imports.imported.connect(self.imported.append)
        self.imports.failed.connect(lambda *words: self.failed.append(words))
        self._qtbot = qtbot

    def wait(self, count: int = 1) -> None:
        def over() -> bool:
            self.client.serve()
            return len(self.imported) + len(self.failed) == count and not self.imports.name

        self._qtbot.waitUntil(over)


@pytest.fixture
def watched(qtbot: QtBot) -> Watched:
    return Watched(qtbot)


def leftovers() -> list[str]:
    return [path.name for path in Path(tempfile.gettempdir()).glob("gmstudio-import-*")]


def test_a_packed_run_is_sent_in_pieces(watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_BYTES", 10_000)
    archive = packed(tmp_path)
    watched.imports.add(str(archive))
    watched.wait()
    sent = [command for command in watched.client.sent if isinstance(command, SendRunFile)]
    assert len(sent) == -(-archive.stat().st_size // 10_000) > 2
    assert watched.shares == sorted(watched.shares)
    assert watched.shares[0] == 0
    assert watched.shares[-1] == 1
    assert watched.imported[0].info.title == "Naïve β"
    assert isinstance(watched.client.others[-1], ListRuns)
    assert (runs_home() / "made" / "run.json").is_file()


def test_a_folder_and_a_file_are_imported_one_after_the_other(watched: Watched, tmp_path: Path) -> None:
    before = leftovers()
    watched.imports.add(str(make_run(tmp_path / "elsewhere")))
    watched.imports.add(str(tmp_path / "gone.gmrun"))
    watched.imports.add(str(packed(tmp_path)))
    watched.wait(3)
    assert watched.shares[0] < 0
    assert sorted(path.name for path in runs_home().iterdir()) == ["elsewhere", "made"]
    ((name, sentence),) = watched.failed
    assert name == "gone.gmrun"
    assert "gone.gmrun" in sentence
    assert leftovers() == before


def test_what_is_no_run_is_named(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "photo.gmrun").write_bytes(b"no archive")
    (tmp_path / "empty.gmrun").touch()
    for name in ("photo", "empty"):
        watched.imports.add(str(tmp_path / f"{name}.gmrun"))
    watched.wait(2)
    assert [sentence.partition(" is ")[0] for _name, sentence in watched.failed] == ["photo.gmrun", "empty.gmrun"]
    assert not list((data_home() / "transfers").iterdir())


def test_a_stopped_import_leaves_nothing(qtbot: QtBot, watched: Watched, tmp_path: Path) -> None:
    archive = packed(tmp_path)
    watched.imports.add(str(archive))
    watched.imports.add(str(archive))

    def stop(_name: str, share: float) -> None:
        if share == module.SENT:
            watched.imports.stop()

    stopped: list[str] = []
    watched.imports.stopped.connect(stopped.append)
    watched.imports.progressed.connect(stop)

    def is_stopped() -> bool:
        watched.client.serve()
        return stopped == ["made.gmrun"]

    qtbot.waitUntil(is_stopped)
    assert not watched.imports.name
    assert not any(isinstance(command, ImportSentRun) for command in watched.client.sent)
    assert isinstance(watched.client.sent[-1], DropRunFile)
    assert not list((data_home() / "transfers").iterdir())
    assert not runs_home().exists()
