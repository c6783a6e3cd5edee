"""``gmstudio data``: lists, inspection, import and download, for people and as JSON."""

import contextlib
import hashlib
import io
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.cli import data as data_commands
from gmstudio.cli.data_documents import DOWNLOAD_KEYS, IMPORTED_KEYS, REMOTE_KEYS, SOURCE_KEYS
from gmstudio.cli.data_inspection import INSPECTION_KEYS
from gmstudio.data import SOURCES
from gmstudio.data.downloading import SETS, RemoteFile, RemoteSet, downloads_home
from gmstudio.data.importing.kept_sets import imports_home, list_imports

IMAGES = np.random.RandomState(0).randint(0, 256, (40, 9, 8)).astype(np.uint8)
LABELS = np.arange(40) % 3


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["data", *arguments])


def call(*arguments: str) -> str:
    result = invoke(*arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def document(*arguments: str) -> dict[str, Any]:
    found = json.loads(call(*arguments, "--json"))
    assert isinstance(found, dict)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    bad = IMAGES.astype(np.float32) / 255
    bad[2, 0, 0] = np.nan
    np.savez(tmp_path / "toys.npz", x_train=bad[:30], y_train=LABELS[:30], x_test=bad[30:], y_test=LABELS[30:])
    return tmp_path / "toys.npz"


def test_everything_is_listed(file: Path) -> None:
    listed = document("list")
    assert [tuple(one) for one in listed["sources"]] == [SOURCE_KEYS] * len(SOURCES)
    assert [one["name"] for one in listed["downloads"]] == list(SETS)
    assert all(tuple(one) == REMOTE_KEYS for one in listed["downloads"]) and listed["imported"] == []
    call("import", str(file), "--name", "Toys")
    (imported,) = document("list")["imported"]
    assert tuple(imported) == IMPORTED_KEYS and (imported["name"], imported["images"]) == ("Toys", 39)
    text = call("list")
    assert "Toys" in text and "9×8 grey" in text and all(name in text for name in (*SOURCES, *SETS))


def test_files_are_inspected_and_not_kept(file: Path) -> None:
    found = document("info", str(file))
    assert tuple(found) == INSPECTION_KEYS
    assert (found["images"], found["bad"], found["height"], found["width"], found["channels"]) == (39, 1, 9, 8, 1)
    assert found["splits"] == {"train": 29, "valid": 0, "test": 10}
    assert [one["images"] for one in found["classes"]] == [14, 13, 12]
    assert "NaN" in found["bad_files"][0]["reason"]
    assert {"value_range"} <= {guess["setting"] for guess in found["guesses"]}
    text = call("info", str(file), "--set", "size=4", "--set", "width=4")
    assert "39 images, 4×4 grey" in text and "bad files: 1" in text and "(--set value_range=)" in text
    assert not list_imports(imports_home())


def test_an_imported_set_is_inspected_by_name_or_folder(file: Path) -> None:
    made = document("import", str(file), "--name", "My toys")
    by_name, by_folder = document("info", "my TOYS"), document("info", made["folder"])
    assert by_name == by_folder and by_name["name"] == "My toys" and tuple(by_name) == INSPECTION_KEYS
    assert by_name["splits"] == {"train": 29, "valid": 0, "test": 10}


def test_a_source_is_inspected() -> None:
    found = document("info", "digits")
    assert found["images"] == 1797 and sum(found["splits"].values()) == 1797 and len(found["classes"]) == 10
    with pytest.raises(ValueError, match="images reads files of yours"):
        call("info", "images")
    with pytest.raises(ValueError, match="no file, data source or imported set 'nonsense'"):
        call("info", "nonsense")


def test_import_says_what_was_made(file: Path) -> None:
    made = document("import", str(file), "--set", "colour=rgb")
    assert tuple(made) == IMPORTED_KEYS and made["channels"] == 3 and made["source"] == str(file)
    assert np.load(Path(made["folder"]) / "images.npy").shape == (39, 3, 9, 8)
    text = call("import", str(file), "--name", "again")
    assert "39 images, 9×8 grey" in text and "guess:" in text and str(imports_home()) in text


def test_wrong_settings_and_files_are_sentences(tmp_path: Path, file: Path) -> None:
    with pytest.raises(ValueError, match="There is no setting 'colours'"):
        call("import", str(file), "--set", "colours=grey")
    with pytest.raises(ValueError, match="no file or folder"):
        call("import", str(tmp_path / "nowhere"))
    assert not list_imports(imports_home())


@pytest.mark.parametrize("command", ["info", "import"])
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_path_is_not_the_working_directory(
    command: str, empty: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    with pytest.raises(ValueError, match=r"^The path is empty\. Name a file or folder"):
        call(command, empty)
    assert not list_imports(imports_home())


def test_training_takes_an_imported_set_by_its_name(file: Path, tmp_path: Path) -> None:
    call("import", str(file), "--name", "My Toys")
    (kept,) = list_imports(imports_home())
    arguments = [
        "train",
        "vae",
        "--data",
        "images",
        "--data-dir",
        "my toys",
        "--write-config",
        str(tmp_path / "c.toml"),
    ]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    assert str(kept.folder) in (tmp_path / "c.toml").read_text()


def test_ctrl_c_leaves_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    @contextlib.contextmanager
    def interrupting(to_stderr: bool) -> Iterator[Any]:
        def follow(item: Any) -> None:
            seen.append(item)
            if item.stage == "decode":
                signal.raise_signal(signal.SIGINT)

        yield follow

    monkeypatch.setattr(data_commands, "following", interrupting)
    result = invoke("import", str(file))
    assert result.exit_code == 130 and "Stopped; nothing was imported." in result.stderr and seen
    assert not imports_home().exists() or not list(imports_home().iterdir())


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RemoteSet:
    """A set whose file already lies in the cache: no server is needed."""
    buffer = io.BytesIO()
    np.savez(buffer, x=IMAGES, y=LABELS)
    body = buffer.getvalue()
    listed = RemoteFile("toys.npz", len(body), hashlib.sha256(body).hexdigest(), ("http://127.0.0.1:9/toys.npz",))
    made = RemoteSet("toys", "Toys", "Forty toys.", (listed,), "MIT.", "https://licence", "Doe 2020", opens="file")
    monkeypatch.setitem(SETS, "toys", made)
    (downloads_home() / "toys").mkdir(parents=True)
    (downloads_home() / "toys" / "toys.npz").write_bytes(body)
    return made


def test_the_licence_is_accepted_before_a_download(remote: RemoteSet) -> None:
    result = invoke("download", "toys")
    assert isinstance(result.exception, ValueError) and "add --yes" in str(result.exception)
    assert "Licence: MIT. https://licence" in result.stdout and not list_imports(imports_home())


def test_a_download_is_imported(remote: RemoteSet) -> None:
    text = call("download", "Toys", "--yes")
    assert text.index("Licence: MIT.") < text.index("Toys: 40 images, 9×8 grey") and "Cite: Doe 2020." in text
    found = document("download", "toys", "--yes", "--set", "size=3")
    assert tuple(found) == DOWNLOAD_KEYS and found["imported"]["height"] == 3
    kept = document("download", "toys", "--yes", "--no-import")
    assert kept["imported"] is None and Path(kept["path"]) == downloads_home() / "toys" / "toys.npz"


def test_sets_and_classes_that_there_are_not_are_named() -> None:
    with pytest.raises(ValueError, match="no data set 'svhn' to download"):
        call("download", "svhn", "--yes")
    with pytest.raises(ValueError, match="no class 'unicorn'"):
        call("download", "quickdraw", "unicorn", "--yes")
