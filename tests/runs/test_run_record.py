"""run.json: it comes back as it was, and nothing but a sentence comes of a damaged one."""

import json
import resource
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import (
    FORMAT_VERSION,
    MAX_RECORD_BYTES,
    RunDamagedError,
    RunError,
    RunRecord,
    new_record,
    read_record,
    write_record,
)


def test_a_record_comes_back_as_it_was(tmp_path: Path, record: RunRecord) -> None:
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert record.versions.keys() == {"python", "torch", "numpy", "gmstudio"}


def test_a_specification_is_complete_in_the_record_and_flat_in_the_file(tmp_path: Path, record: RunRecord) -> None:
    write_record(tmp_path, record)
    plain = json.loads((tmp_path / "run.json").read_text())
    assert "spec" not in plain
    for field in record.spec.__struct_fields__:
        assert plain[field] == getattr(record.spec, field)
    assert record.spec.training_settings() == record.training
    again = new_record(record.spec, image=record.image, device=record.device)
    assert again.spec == record.spec


def test_unknown_keys_are_passed_over(tmp_path: Path, record: RunRecord) -> None:
    plain = msgspec.to_builtins(record) | {"mood": "good", "notes": "a field of earlier versions"}
    (tmp_path / "run.json").write_text(json.dumps(plain))
    assert read_record(tmp_path) == record
    with RunFolder.open(tmp_path, write=True) as run:
        assert run.update(step=3).step == 3


def test_a_newer_format_is_refused_with_words(tmp_path: Path, record: RunRecord) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"format_version": FORMAT_VERSION + 1, "all": "different"}))
    with pytest.raises(RunError, match=rf"run\.json has format {FORMAT_VERSION + 1}.*newer"):
        read_record(tmp_path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": "dreaming"}, "status"),
        ({"step": -1}, "step"),
        ({"image": {"channels": 2, "height": 8, "width": 8, "levels": 2}}, "channel"),
        ({"training": {"steps": 0}}, "steps"),
        ({"config": [1]}, "config"),
        ({"family": None}, "family"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, record: RunRecord, change: dict[str, object], named: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps(msgspec.to_builtins(record) | change))
    with pytest.raises(RunError, match=rf"run\.json is damaged.*{named}"):
        read_record(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"format_version": 1}', b"\xff\xfe", b"[" * 100_000])
def test_foreign_content_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json is damaged or not the record"):
        read_record(tmp_path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(b" " * (MAX_RECORD_BYTES + 1))
    with pytest.raises(RunError, match="larger than 4 MiB"):
        read_record(tmp_path)


def test_a_folder_without_record_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run: it has no run\.json"):
        read_record(tmp_path / "nowhere")
    (tmp_path / "run.json").mkdir()
    with pytest.raises(RunError, match="could not be read"):
        read_record(tmp_path)


def test_a_full_disk_leaves_the_old_record(tmp_path: Path, record: RunRecord) -> None:
    write_record(tmp_path, record)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(RunError, match=r"run\.json could not be written"):
            write_record(tmp_path, msgspec.structs.replace(record, step=5))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert read_record(tmp_path) == record
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@given(data=st.data())
def test_damage_never_escapes_as_another_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    folder.mkdir(exist_ok=True)
    content = bytearray(
        b'{"format_version":1,"family":"vae","config":{},"data":"digits","data_config":{},"image":{"channels":1,'
        b'"height":8,"width":8,"levels":2},"training":{"steps":5},"device":"cpu","created":"","updated":"","versions":{}}'
    )
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "run.json").write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        assert isinstance(read_record(folder), RunRecord)
    except RunError as error:
        assert "run.json" in str(error)


def test_settings_that_are_nested_too_deeply_are_refused(tmp_path: Path, record: RunRecord) -> None:
    config: dict[str, Any] = {}
    for _ in range(300):  # less than the decoder's limit
        config = {"a": config}
    write_record(tmp_path, msgspec.structs.replace(record, config=config))
    with pytest.raises(RunDamagedError, match="levels of nesting"):
        read_record(tmp_path)
