"""Downloads from a server on this machine that is right, wrong, cut, slow, silent, redirecting or without ranges."""

import gzip
import hashlib
import io
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from file_server import FileServer, serving
from idx_making import idx_bytes, some_images

from gmstudio.data.dataset import DataError
from gmstudio.data.downloading import SETS, DownloadedSet, DownloadProgress, RemoteFile, RemoteSet, download
from gmstudio.data.downloading.fetching import downloads_home
from gmstudio.data.importing.opening import open_raw
from gmstudio.data.importing.raw import RawSet
from gmstudio.data.importing.settings import ReadSettings

BODY = np.random.RandomState(0).bytes(1_000_000)
NAME = "images.npy"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving({NAME: BODY}) as running:
        yield running


def remote(server: FileServer, *behaviours: str, name: str = NAME, **other: object) -> dict[str, RemoteSet]:
    body = server.files[name]
    urls = tuple(f"{server.address}/{behaviour}/{name}" for behaviour in behaviours)
    file = RemoteFile(name, len(body), hashlib.sha256(body).hexdigest(), urls)
    return {"set": RemoteSet("set", "Set", "", (file,), "MIT", "https://x", "", opens="file", **other)}  # type: ignore[arg-type]


def fetch(sets: dict[str, RemoteSet], home: Path, **other: object) -> tuple[list[DownloadProgress], DownloadedSet]:
    *progress, last = download("set", home, sets=sets, **other)  # type: ignore[arg-type]
    assert isinstance(last, DownloadedSet)
    return [item for item in progress if isinstance(item, DownloadProgress)], last


def parts(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "set").iterdir() if path.name != ".lock")


def downloading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("download ")]


@pytest.mark.parametrize("behaviour", ["right", "moved", "chunked"])
def test_the_right_file_arrives(tmp_path: Path, server: FileServer, behaviour: str) -> None:
    progress, found = fetch(remote(server, behaviour), tmp_path)
    assert found.path.read_bytes() == BODY and parts(tmp_path) == [NAME]
    counts = [item.done for item in progress]
    assert counts == sorted(counts) and counts[-1] == len(BODY) == progress[-1].total
    assert any(item.server.startswith("127.0.0.1") for item in progress)


def test_what_is_there_is_not_fetched_again(tmp_path: Path, server: FileServer) -> None:
    fetch(remote(server, "right"), tmp_path)
    fetch(remote(server, "right"), tmp_path)
    assert server.count("right") == 1
    (tmp_path / "set" / NAME).write_bytes(b"damaged")
    _, found = fetch(remote(server, "right"), tmp_path)
    assert found.path.read_bytes() == BODY and server.count("right") == 2


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("wrong", "its file has another SHA-256"),
        ("long", "it sends more than 1,000,000 bytes"),
        ("short", "its file has 999,990 bytes instead of 1,000,000"),
        ("missing", "it answered 404 Not Found"),
        ("broken", "it answered 500"),
        ("loop", "it redirects without end"),
    ],
)
def test_a_bad_mirror_is_named_and_the_next_one_is_tried(
    tmp_path: Path, server: FileServer, behaviour: str, words: str
) -> None:
    with pytest.raises(DataError, match=f"{NAME} of Set could not be downloaded: 127.*{words}") as caught:
        fetch(remote(server, behaviour), tmp_path / "a")
    assert "Check the connection" in str(caught.value) and NAME not in parts(tmp_path / "a")
    progress, found = fetch(remote(server, behaviour, "right"), tmp_path / "b")
    assert found.path.read_bytes() == BODY
    assert any(words in item.remark for item in progress)


def test_a_closed_port_is_named(tmp_path: Path, server: FileServer) -> None:
    sets = remote(server, "right")
    (file,) = sets["set"].files
    nobody = RemoteFile(file.name, file.size, file.sha256, ("http://127.0.0.1:9/x", *file.urls))
    sets = {"set": RemoteSet("set", "Set", "", (nobody,), "MIT", "https://x", "", opens="file")}
    progress, found = fetch(sets, tmp_path)
    assert found.path.read_bytes() == BODY and any("cannot be reached" in item.remark for item in progress)


def test_a_cut_connection_is_continued_where_it_ended(tmp_path: Path, server: FileServer) -> None:
    _, found = fetch(remote(server, "cut", "right"), tmp_path)
    assert found.path.read_bytes() == BODY
    ranges = [int(wanted.removeprefix("bytes=").rstrip("-") or 0) for _, wanted in server.requests]
    assert ranges == sorted(ranges) and len(BODY) // 3 - 65536 <= ranges[1] <= len(BODY) // 3
    assert server.requests[-1][0].startswith("/right")
    assert len(set(ranges)) == len(ranges) == 4


def test_a_server_without_ranges_begins_again(tmp_path: Path, server: FileServer) -> None:
    _, found = fetch(remote(server, "rangeless"), tmp_path)
    assert found.path.read_bytes() == BODY
    assert [bool(wanted) for _, wanted in server.requests] == [False, True]


def test_a_part_of_another_file_is_noticed_by_the_hash(tmp_path: Path, server: FileServer) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / f"{NAME}.part").write_bytes(bytes(400_000))
    _, found = fetch(remote(server, "right"), tmp_path)
    assert found.path.read_bytes() == BODY and server.count("right") == 2
    (tmp_path / "set" / f"{NAME}.part").write_bytes(bytes(len(BODY) + 5))
    found.path.unlink()
    assert fetch(remote(server, "right"), tmp_path)[1].path.read_bytes() == BODY


def test_a_download_can_be_stopped_and_continued(tmp_path: Path, server: FileServer) -> None:
    pieces = download("set", tmp_path, sets=remote(server, "slow"))
    for item in pieces:
        assert isinstance(item, DownloadProgress)
        if item.done and server.slow_began.is_set():
            break
    threads = downloading_threads()
    assert len(threads) == 1
    pieces.close()  # type: ignore[attr-defined]
    threads[0].join(timeout=5)
    assert not threads[0].is_alive()  # though the server still waits
    assert parts(tmp_path) == [f"{NAME}.part"]
    kept = (tmp_path / "set" / f"{NAME}.part").stat().st_size
    assert 0 < kept < len(BODY)
    assert fetch(remote(server, "right"), tmp_path)[1].path.read_bytes() == BODY
    assert server.requests[-1][1] == f"bytes={kept}-"


def test_no_piece_keeps_the_caller_waiting(tmp_path: Path, server: FileServer) -> None:
    pieces = download("set", tmp_path, sets=remote(server, "slow"))
    next(pieces)  # imports
    while not server.slow_began.is_set():
        next(pieces)
    longest = 0.0
    for _ in range(20):
        began = time.thread_time()
        next(pieces)
        longest = max(longest, time.thread_time() - began)
    assert longest < 0.05
    pieces.close()  # type: ignore[attr-defined]
    for thread in downloading_threads():
        thread.join(timeout=5)


def test_a_silent_server_is_given_up(tmp_path: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmstudio.data.downloading.transfer.SILENT_SECONDS", 0.3)
    progress, found = fetch(remote(server, "slow", "right"), tmp_path)
    assert found.path.read_bytes() == BODY and any("does not answer in time" in item.remark for item in progress)


def test_two_downloads_of_one_set_do_not_meet(tmp_path: Path, server: FileServer) -> None:
    first = download("set", tmp_path, sets=remote(server, "slow"))
    next(first)
    with pytest.raises(DataError, match="is being downloaded by another program"):
        fetch(remote(server, "right"), tmp_path)
    first.close()  # type: ignore[attr-defined]
    for thread in downloading_threads():
        thread.join(timeout=5)


def test_a_full_disk_is_said_before(tmp_path: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("gmstudio.data.downloading.fetching.shutil.disk_usage", lambda _: usage(9, 9, 1000))
    with pytest.raises(DataError, match="needs 1 MB, and 0 MB are free"):
        fetch(remote(server, "right"), tmp_path)
    assert server.requests == []


def test_members_of_an_archive_are_unpacked_and_open_upright(tmp_path: Path) -> None:
    images, labels = some_images(9, 4, 6), np.arange(9) % 3 + 1
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for kind, array in (("images-idx3", images.transpose(0, 2, 1)), ("labels-idx1", labels)):
            archive.writestr(f"gzip/emnist-letters-train-{kind}-ubyte.gz", gzip.compress(idx_bytes(array)))
        archive.writestr("../../escaped.txt", "outside")
        archive.writestr("gzip/emnist-digits-train-images-idx3-ubyte.gz", "other")
    members = tuple(f"emnist-letters-train-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1"))
    with serving({"gzip.zip": buffer.getvalue()}) as server:
        sets = remote(server, "right", name="gzip.zip", members=members)
        progress, found = fetch(sets, tmp_path / "home")
        assert any(item.stage == "unpack" for item in progress)
        assert sorted(path.name for path in found.path.iterdir()) == sorted(members)
        assert not list(tmp_path.glob("**/escaped.txt"))
        *_, raw = open_raw(found.path, ReadSettings(**found.settings))
        assert isinstance(raw, RawSet) and np.array_equal(raw.read(4)[..., 0], images[4])
        assert raw.labels is not None and raw.labels.tolist() == labels.tolist() and raw.label_names[1] == "a"
        missing = remote(server, "right", name="gzip.zip", members=("other.gz",))
        with pytest.raises(DataError, match=r"holds no other\.gz"):
            fetch(missing, tmp_path / "home")


def test_chosen_classes_are_one_set_with_labels(tmp_path: Path) -> None:
    drawings = {
        name: some_images(count, 4, 4, seed=count).reshape(count, 16) for name, count in (("cat", 5), ("dog", 4))
    }
    files = {}
    for name, rows in drawings.items():
        buffer = io.BytesIO()
        np.save(buffer, rows)
        files[f"{name}.npy"] = buffer.getvalue()
    with serving(files) as server:
        listed = tuple(
            RemoteFile(name, len(body), hashlib.sha256(body).hexdigest(), (f"{server.address}/right/{name}",))
            for name, body in files.items()
        )
        sets = {"set": RemoteSet("set", "Sketches", "", listed, "CC BY 4.0", "https://x", "", by_class=True)}
        _, found = fetch(sets, tmp_path, classes=["dog", "Cat"])
        *_, raw = open_raw(found.path, ReadSettings(**found.settings))
        assert isinstance(raw, RawSet) and len(raw) == 9 and raw.label_names == ("cat", "dog")
        assert raw.labels is not None and raw.labels.tolist() == [0] * 5 + [1] * 4
        assert np.array_equal(raw.read(6).reshape(16), drawings["dog"][1])
        assert len(fetch(sets, tmp_path, classes=["cat"])[1].path.parts) and server.count("right") == 2
        with pytest.raises(DataError, match=r"no class 'cow'\. Choose some of cat, dog"):
            fetch(sets, tmp_path, classes=["cow"])
        with pytest.raises(DataError, match="class by class"):
            fetch(sets, tmp_path)


def test_every_set_has_hashes_mirrors_and_a_licence() -> None:
    assert {"mnist", "fashion-mnist", "emnist-letters", "kmnist", "cifar10", "omniglot", "quickdraw"} <= set(SETS)
    for name, found in SETS.items():
        assert name == found.name and found.licence.endswith(".") and found.licence_url.startswith("https://")
        assert len({file.name for file in found.files}) == len(found.files)
        for file in found.files:
            assert len(bytes.fromhex(file.sha256)) == 32 and file.size > 0
            assert file.urls and all(url.startswith(("https://", "http://")) and " " not in url for url in file.urls)
            assert len(file.urls) >= 2 or name == "quickdraw"


def test_the_known_hashes_are_those_of_the_files(request: pytest.FixtureRequest) -> None:
    shared = request.config.rootpath.parent / "shared" / "data"
    if not shared.is_dir():
        pytest.skip("the original files are not on this machine")
    for key, folder in (("mnist", "mnist"), ("fashion-mnist", "fashion-mnist")):
        for file in SETS[key].files:
            path = shared / folder / file.name
            if path.exists():
                content = path.read_bytes()
                assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)


def test_names_are_found_as_people_write_them(tmp_path: Path) -> None:
    from gmstudio.data.downloading import find_remote

    for name, key in (
        ("MNIST", "mnist"),
        ("fashion_mnist", "fashion-mnist"),
        ("FashionMNIST", "fashion-mnist"),
        ("CIFAR-10", "cifar10"),
        ("EMNIST letters", "emnist-letters"),
    ):
        assert find_remote(name).name == key
    with pytest.raises(DataError, match=r"no data set 'svhn' to download; there are mnist, .* Choose one of them\."):
        find_remote("svhn")
    with pytest.raises(DataError, match="downloaded whole"):
        next(download("mnist", tmp_path, classes=["3"]))


def test_downloads_go_into_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path))
    assert downloads_home() == tmp_path / "downloads"
    monkeypatch.delenv("GMSTUDIO_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert downloads_home().name == "downloads" and "gmstudio" in downloads_home().parts
