"""Files of runs that travel in pieces: what is sent is imported, what is exported can be fetched, nothing stays."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_making import make_run, packed

from gmstudio.engine.runs.files_handlers import RunFiles
from gmstudio.engine.runs.report.collecting import ReportSource, ReportWork, collect_report
from gmstudio.engine.runs.transfers import ABANDONED_S, Transfers
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import Done
from gmstudio.protocol.runs_files import (
    PIECE_BYTES,
    DropRunFile,
    ExportPrepared,
    FetchPrepared,
    FileProgressed,
    ImportSentRun,
    PreparedPiece,
    PrepareExport,
    RunFileReceived,
    RunImported,
    SendRunFile,
)
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.home import data_home
from gmstudio.runs.library import runs_home
from gmstudio.runs.record import RunError, RunMissingError

Serve = Callable[[Command], list[Event]]


@pytest.fixture
def serve() -> Serve:
    sent: list[Event] = []
    handlers = RunFiles(EngineContext(sent.append)).handlers()

    def answer(command: Command) -> list[Event]:
        sent.clear()
        job = handlers[type(command)](command)
        return [*sent, *filter(None, job or ())]

    return answer


def transfers_left() -> list[Path]:
    place = data_home() / "transfers"
    return list(place.iterdir()) if place.exists() else []


def send(serve: Serve, content: bytes, name: str = "it.gmrun", step: int = PIECE_BYTES) -> str:
    upload = uuid.uuid4().hex
    for offset in range(0, len(content), step):
        piece = content[offset : offset + step]
        (reply,) = serve(SendRunFile(upload=upload, name=name, size=len(content), offset=offset, data=piece))
        assert isinstance(reply, RunFileReceived)
        assert reply.received == offset + len(piece)
    return upload


def test_a_run_that_is_sent_in_pieces_is_imported(serve: Serve, tmp_path: Path) -> None:
    content = packed(tmp_path).read_bytes()
    upload = send(serve, content, step=10_000)
    *progress, done = serve(ImportSentRun(upload=upload))
    assert all(isinstance(event, FileProgressed) for event in progress)
    assert isinstance(done, RunImported)
    assert done.info.title == "Naïve β"
    with RunFolder.open(done.info.run) as run:
        assert run.path == runs_home() / "made"
    assert transfers_left() == []


def test_what_cannot_be_imported_is_removed_and_named(serve: Serve) -> None:
    upload = send(serve, b"no archive" * 100, "photo.gmrun")
    with pytest.raises(RunError, match=r"^photo\.gmrun is no run packed"):
        serve(ImportSentRun(upload=upload))
    assert transfers_left() == []
    assert not runs_home().exists() or not list(runs_home().iterdir())


def test_pieces_that_do_not_fit_are_refused(serve: Serve) -> None:
    upload = uuid.uuid4().hex

    def piece(offset: int, data: bytes, size: int = 10) -> list[Event]:
        return serve(SendRunFile(upload=upload, name="a", size=size, offset=offset, data=data))

    with pytest.raises(RunError, match="got lost"):
        piece(5, b"12345")
    piece(0, b"12345")
    with pytest.raises(RunMissingError, match="whole"):
        serve(ImportSentRun(upload=upload))
    with pytest.raises(RunError, match="does not fit"):
        piece(5, b"123456")
    with pytest.raises(RunError, match="got lost"):
        piece(4, b"12345")
    with pytest.raises(RunError, match="Free some space"):
        piece(0, b"1", size=200 << 30)
    with pytest.raises(RunError, match="does not fit"):
        piece(0, b"1", size=1 << 60)
    assert isinstance(serve(DropRunFile(file=upload))[0], Done)
    assert transfers_left() == []


@pytest.mark.parametrize("token", ["../../escape", "", "A" * 32, "/etc/passwd"])
def test_a_token_is_no_path(serve: Serve, token: str) -> None:
    for command in (
        SendRunFile(upload=token, name="a", size=1, offset=0, data=b"1"),
        ImportSentRun(upload=token),
        DropRunFile(file=token),
        FetchPrepared(export=token, offset=0),
    ):
        with pytest.raises(RunMissingError, match="names no file"):
            serve(command)


def test_an_export_is_fetched_in_pieces(serve: Serve, tmp_path: Path) -> None:
    run = make_run(tmp_path / "made")
    *progress, ready = serve(PrepareExport(run=str(run), form="archive"))
    assert all(isinstance(event, FileProgressed) for event in progress)
    assert isinstance(ready, ExportPrepared)
    assert ready.name == "made.gmrun"
    content = b""
    while True:
        (piece,) = serve(FetchPrepared(export=ready.export, offset=len(content)))
        assert isinstance(piece, PreparedPiece)
        if not piece.data:
            break
        content += piece.data
    assert len(content) == ready.size
    assert isinstance(serve(DropRunFile(file=ready.export))[0], Done)
    with pytest.raises(RunMissingError, match="gone"):
        serve(FetchPrepared(export=ready.export, offset=0))
    assert isinstance(serve(ImportSentRun(upload=send(serve, content)))[-1], RunImported)
    assert transfers_left() == []


def test_the_second_form_of_a_report_has_the_content_of_the_first(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, collected = str(make_run(tmp_path / "made")), []

    def collect(source: ReportSource) -> ReportWork:
        collected.append(source)
        return (yield from collect_report(source))

    monkeypatch.setattr("gmstudio.engine.runs.exports.report.collect_report", collect)
    *_, html = serve(PrepareExport(run=run, form="report"))
    assert isinstance(html, ExportPrepared)
    serve(DropRunFile(file=html.export))
    *_, pdf = serve(PrepareExport(run=run, form="report_pdf", like=html.export))
    assert isinstance(pdf, ExportPrepared)
    assert len(collected) == 1 and pdf.size > 1000 and pdf.remarks == html.remarks
    *_, again = serve(PrepareExport(run=run, form="report_pdf"))
    assert isinstance(again, ExportPrepared) and len(collected) == 2, "a report that is asked for later is a new one"
    for one in (pdf, again):
        serve(DropRunFile(file=one.export))


def test_a_job_that_is_ended_leaves_nothing(tmp_path: Path) -> None:
    feature = RunFiles(EngineContext(lambda event: None))
    run = make_run(tmp_path / "made")
    job = feature.handlers()[PrepareExport](PrepareExport(run=str(run), form="archive"))
    assert job is not None
    next(job)
    job.close()  # type: ignore[attr-defined]
    assert transfers_left() == []


def test_what_a_killed_engine_left_is_removed(serve: Serve) -> None:
    transfers = Transfers()
    token, path = transfers.new()
    path.write_bytes(b"old")
    os.utime(path, (path.stat().st_mtime - 2 * ABANDONED_S,) * 2)
    send(serve, b"new")
    assert path not in transfers_left()
    assert token


def test_a_folder_that_a_killed_engine_left_hinders_no_transfer(serve: Serve, tmp_path: Path) -> None:
    """It was killed while it packed a run."""
    left = data_home() / "transfers" / ".gmstudio-pack-x"
    left.mkdir(parents=True)
    (left / "history.sqlite").touch()
    os.utime(left, (left.stat().st_mtime - 2 * ABANDONED_S,) * 2)
    upload = send(serve, b"piece")
    assert [path.name for path in transfers_left()] == [f"{upload}.part"]
