"""A run as one file: everything comes back, the same run gives the same bytes, and nothing hostile gets in."""

import functools
import hashlib
import os
import shutil
import sqlite3
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors.numpy
from archive_making import Entries, make_run, packed, repack

from gmstudio.runs import archive_reading
from gmstudio.runs.archive import pack_run
from gmstudio.runs.archive_format import LIST_NAME, ArchiveList
from gmstudio.runs.archive_reading import PREFIX, RunUnpacker
from gmstudio.runs.description import read_description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Scalar
from gmstudio.runs.record import RunDamagedError, RunError, RunMissingError


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("packed"))


def unpack(archive: Path, home: Path) -> Path:
    unpacker = RunUnpacker(archive, home)
    shares = list(unpacker.pieces())
    assert shares == sorted(shares)
    assert shares[-1] == 1
    return unpacker.place


def refused(archive: Path, tmp_path: Path, match: str) -> None:
    """Check that an archive is refused in one sentence, and that nothing was written anywhere."""
    home = tmp_path / "library"
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RunError, match=match) as refusal:
        unpack(archive, home)
    assert "\n" not in str(refusal.value)
    assert not home.exists() or list(home.iterdir()) == []
    assert [path for path in sorted(tmp_path.rglob("*")) if path != home] == before


def test_everything_comes_back(archive: Path, tmp_path: Path) -> None:
    original = archive.with_name("made")
    place = unpack(archive, tmp_path / "library")
    assert place == tmp_path / "library" / "made"
    with RunFolder.open(original) as a, RunFolder.open(place) as b:
        assert a.record == b.record
        steps, values = b.history.read_scalars()[("train", "loss")]
        assert values.tolist() == a.history.read_scalars()[("train", "loss")][1].tolist()
        assert len(steps) == 40
        assert [event.text for event in b.history.read_events()] == ["A sentence."]
        assert [(info.step, info.marked, info.latest) for info in b.checkpoints.list()] == [
            (20, True, False),
            (40, False, True),
        ]
        np.testing.assert_array_equal(
            a.checkpoints.load(20).tensors["model"]["w"], b.checkpoints.load(20).tensors["model"]["w"]
        )
    assert read_description(place) == read_description(original)
    assert not list((tmp_path / "library").glob(f"{PREFIX}*"))


def test_the_same_run_gives_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    os.utime(archive.with_name("made") / "run.json", (1, 1))
    pack_run(archive.with_name("made"), tmp_path / "again.gmrun")
    assert (tmp_path / "again.gmrun").read_bytes() == archive.read_bytes()
    pack_run(unpack(archive, tmp_path / "library"), tmp_path / "round.gmrun")
    assert (tmp_path / "round.gmrun").read_bytes() == archive.read_bytes()


def test_weights_are_stored_and_listed_with_their_checksum(archive: Path) -> None:
    name = "checkpoints/step-40/model.safetensors"
    with zipfile.ZipFile(archive) as opened:
        assert opened.getinfo(name).compress_type == zipfile.ZIP_STORED
        content = opened.read(name)
        listed = msgspec.json.decode(opened.read(LIST_NAME), type=ArchiveList)
    assert listed.files[name].sha256 == hashlib.sha256(content).hexdigest()
    assert safetensors.numpy.load(content)["w"].shape == (64, 64)


def test_a_run_that_is_being_written_is_packed_as_of_one_moment(tmp_path: Path) -> None:
    make_run(tmp_path / "live")
    with RunFolder.open(tmp_path / "live", write=True) as run:
        run.history.append([Scalar(41, "train", "loss", 1.0)])  # in the log beside the database
        pack_run(tmp_path / "live", tmp_path / "live.gmrun")
        run.history.append([Scalar(42, "train", "loss", 1.0)])
    with RunFolder.open(unpack(tmp_path / "live.gmrun", tmp_path / "library")) as copy:
        assert copy.history.read_scalars()[("train", "loss")][0][-1] == 41


def test_packing_ends_though_a_training_writes_all_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(tmp_path / "made")
    steps = iter(range(40, 200))  # more means that the copy begins anew with each write

    class Interrupted(sqlite3.Connection):
        """Connection between whose pages the training writes."""

        def backup(self, target: sqlite3.Connection, **options: Any) -> None:
            super().backup(target, progress=lambda *_: write(), **{**options, "pages": 1})

    def write() -> None:
        run.history.append([Scalar(next(steps), "train", "loss", 1.0)])

    connect = functools.partial(sqlite3.connect, factory=Interrupted)
    with RunFolder.open(folder, write=True) as run:
        write()
        monkeypatch.setattr("gmstudio.runs.archive.sqlite3.connect", connect)
        pack_run(folder, tmp_path / "made.gmrun")
    monkeypatch.undo()
    assert next(steps) > 45
    with RunFolder.open(unpack(tmp_path / "made.gmrun", tmp_path / "library")) as copy:
        kept, _ = copy.history.read_scalars()[("train", "loss")]
        assert kept.tolist() == list(range(41)), "all of one moment"


def test_a_name_that_is_taken_gets_a_number(archive: Path, tmp_path: Path) -> None:
    names = [unpack(archive, tmp_path / "library").name for _ in range(2)]
    unpacker = RunUnpacker(archive, tmp_path / "library")
    assert [*names, list(unpacker.pieces()) and unpacker.place.name] == ["made", "made-2", "made-3"]
    assert "has this run already" in unpacker.remarks[0]
    assert "made-3" in unpacker.remarks[0]


def test_what_is_no_file_of_a_run_is_not_packed(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run / "model.pt").write_bytes(b"\x80\x04")
    (run / "link.json").symlink_to(tmp_path / "secret")
    pack_run(run, tmp_path / "run.gmrun")
    with zipfile.ZipFile(tmp_path / "run.gmrun") as opened:
        assert not {"model.pt", "link.json", "writer.lock"} & set(opened.namelist())


def test_packing_that_is_stopped_or_fails_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(InterruptedError):
        pack_run(archive.with_name("made"), tmp_path / "a.gmrun", lambda: True)
    with pytest.raises(RunMissingError):
        pack_run(tmp_path, tmp_path / "a.gmrun")
    damaged = make_run(tmp_path / "run")
    (damaged / "history.sqlite").write_bytes(b"SQLite format 3\0" + bytes(5000))
    with pytest.raises(RunDamagedError, match=r"history\.sqlite is damaged"):
        pack_run(damaged, tmp_path / "a.gmrun")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_import_that_is_stopped_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    pieces = RunUnpacker(archive, tmp_path / "library").pieces()
    next(pieces)
    assert len(list((tmp_path / "library").iterdir())) == 1
    pieces.close()
    assert list((tmp_path / "library").iterdir()) == []


def test_what_a_killed_import_left_is_removed_after_a_day(archive: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "library" / f"{PREFIX}old", tmp_path / "library" / f"{PREFIX}new"
    old.mkdir(parents=True)
    new.mkdir()
    os.utime(old, (1, 1))
    unpack(archive, tmp_path / "library")
    assert {path.name for path in (tmp_path / "library").iterdir()} == {new.name, "made"}


# ---- hostile archives -----------------------------------------------------------------------------------------


def add(name: str, content: bytes = b"{}") -> Callable[[Entries], None]:
    return lambda entries: entries.update({name: content})


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("/etc/cron.json", "absolute"),
        ("C:/x.json", "absolute"),
        ("../outside.json", "leads out"),
        ("checkpoints/../../outside.json", "leads out"),
        ("a\\..\\b.json", "leads out"),
        ("./a.json", "no name of a file"),
        ("a//b.json", "no name of a file"),
        (".hidden.json", "no name of a file"),
        ("a/b/c/d/e.json", "no name of a file"),
        ("x" * 300 + ".json", "no name of a file"),
        ("line\nbreak.json", "no name of a file"),
        ("nul.json", "not every system"),
        ("weights.pt", "none of the kinds"),
        ("run.py", "none of the kinds"),
        ("RUN.json", "there twice"),
        ("run.json/inner.json", "a file within a file"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(archive: Path, tmp_path: Path, name: str, match: str) -> None:
    refused(repack(archive, tmp_path / "bad.gmrun", add(name)), tmp_path, match)


def test_a_link_is_refused(archive: Path, tmp_path: Path) -> None:
    def link(entry: zipfile.ZipInfo) -> None:
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16

    refused(rewritten(archive, tmp_path / "bad.gmrun", "run.json", link), tmp_path, "a link")


def rewritten(source: Path, target: Path, name: str, change: Callable[[zipfile.ZipInfo], None]) -> Path:
    with zipfile.ZipFile(source) as opened, zipfile.ZipFile(target, "w") as archive:
        for info in opened.infolist():
            content = opened.read(info)
            if info.filename == name:
                change(info)
            archive.writestr(info, content)
    return target


def test_an_entry_that_is_there_twice_is_refused(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "bad.gmrun"
    target.write_bytes(archive.read_bytes())
    with warnings.catch_warnings(), zipfile.ZipFile(target, "a") as opened:
        warnings.simplefilter("ignore", UserWarning)
        opened.writestr("run.json", b"{}")
    refused(target, tmp_path, "there twice")


def test_a_bomb_is_refused_by_its_declared_size(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_reading, "FREE_GROWTH", 1 << 20)
    bomb = repack(archive, tmp_path / "bad.gmrun", add("zeros.json", bytes(16 << 20)))
    assert bomb.stat().st_size < 1 << 20
    refused(bomb, tmp_path, "would unpack to")


def test_a_bomb_is_refused_by_its_true_size(archive: Path, tmp_path: Path) -> None:
    """The directory and the list say 100 bytes; the deflated data are 8 MiB."""
    target = repack(archive, tmp_path / "bad.gmrun", add("zeros.json", bytes(0x812F3B)))
    size = struct.pack("<L", 0x812F3B)
    data = target.read_bytes()
    assert data.count(size) >= 2
    small = data.replace(size, struct.pack("<L", 100))
    target.write_bytes(small)

    def lie(content: ArchiveList) -> ArchiveList:
        files = {**content.files, "zeros.json": msgspec.structs.replace(content.files["zeros.json"], size=100)}
        return msgspec.structs.replace(content, files=files)

    with zipfile.ZipFile(target, "a") as opened:
        content = lie(msgspec.json.decode(opened.read(LIST_NAME), type=ArchiveList))
    refused(with_list(target, content), tmp_path, "zeros.json")


def with_list(archive: Path, content: ArchiveList) -> Path:
    """Replace the list, which is the last entry, without touching the others."""
    with zipfile.ZipFile(archive, "a") as opened:
        entry = opened.filelist.pop()
        assert entry.filename == LIST_NAME
        del opened.NameToInfo[LIST_NAME]
        opened.start_dir = entry.header_offset
        opened.writestr(LIST_NAME, msgspec.json.encode(content))
    return archive


def test_a_directory_of_too_many_files_is_not_read(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "bad.gmrun"
    data = bytearray(archive.read_bytes())
    struct.pack_into("<2H", data, data.rfind(b"PK\5\6") + 8, 60_000, 60_000)
    target.write_bytes(data)
    refused(target, tmp_path, "promises 60,000 files")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.9999])
def test_a_file_that_is_cut_short_is_refused(archive: Path, tmp_path: Path, share: float) -> None:
    target = tmp_path / "bad.gmrun"
    target.write_bytes(archive.read_bytes()[: int(share * archive.stat().st_size)])
    refused(target, tmp_path, "cut short|damaged")


def test_no_flipped_byte_gets_in(archive: Path, tmp_path: Path) -> None:
    """Each flip is refused, or (in what no program reads, such as a time) changes nothing that is unpacked."""
    data = archive.read_bytes()
    expected = contents(unpack(archive, tmp_path / "whole"))
    generator = np.random.default_rng(0)
    tail = len(data) - data.rfind(b"PK\1\2", 0, data.rfind(b"PK\1\2")) - 1
    places = [*generator.integers(0, len(data), 24), *(len(data) - 1 - generator.integers(0, tail, 24))]
    taken = 0
    for number, place in enumerate(places):
        target = tmp_path / "flipped.gmrun"
        target.write_bytes(data[:place] + bytes([data[place] ^ (1 << number % 8)]) + data[place + 1 :])
        try:
            found = unpack(target, tmp_path / "library")
        except RunError:
            taken += 1
        else:
            assert contents(found) == expected, f"byte {place} of {len(data)}"
    assert taken > len(places) // 3
    assert not list((tmp_path / "library").glob(f"{PREFIX}*"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_record(entries: Entries) -> None:
    del entries["run.json"]


def test_a_list_that_names_other_files_is_refused(archive: Path, tmp_path: Path) -> None:
    refused(repack(archive, tmp_path / "a.gmrun", add("more.json"), listed=False), tmp_path, "other files")
    (tmp_path / "a.gmrun").unlink()
    refused(repack(archive, tmp_path / "b.gmrun", without_record), tmp_path, "no run.json")
    (tmp_path / "b.gmrun").unlink()
    refused(repack(archive, tmp_path / "c.gmrun", add("run.json"), listed=False), tmp_path, "another size")


def test_a_foreign_file_is_no_run(tmp_path: Path) -> None:
    text = tmp_path / "photo.gmrun"
    text.write_bytes(b"\xff\xd8\xff not a zip" * 50)
    refused(text, tmp_path, "no run packed by gmstudio")
    with zipfile.ZipFile(text, "w") as opened:
        opened.writestr("images.json", b"[]")
    refused(text, tmp_path, "no gmrun.json")


def test_a_record_of_a_newer_format_is_refused_whole(archive: Path, tmp_path: Path) -> None:
    newer = add("run.json", b'{"format_version": 99}')
    refused(repack(archive, tmp_path / "bad.gmrun", newer), tmp_path, r"bad.gmrun/run.json has format 99")


def test_without_room_nothing_is_written(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10))
    refused(archive, tmp_path, "Free some space")
