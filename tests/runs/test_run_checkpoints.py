"""Checkpoints: exact, verified, pruned with care, and one that is whole at any time."""

import json
import math
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.runs import manifest
from gmstudio.runs.checkpoints import CheckpointStore, Tensors
from gmstudio.runs.record import RunError


def weights(seed: int = 0) -> Tensors:
    random = np.random.default_rng(seed)
    return {
        "model": {"net.0.weight": random.normal(size=(5, 3)).astype(np.float32), "net.0.bias": np.zeros(3, np.float32)},
        "optimizer": {"step": np.array(seed, dtype=np.int64)},
        "rng": {"cpu": random.integers(0, 256, 64, dtype=np.uint8)},
    }


def steps_of(store: CheckpointStore) -> list[int]:
    return [info.step for info in store.list()]


def assert_same(found: Tensors, saved: Tensors) -> None:
    assert found.keys() == saved.keys()
    for group in saved:
        assert found[group].keys() == saved[group].keys()
        for name, array in saved[group].items():
            assert found[group][name].dtype == array.dtype and found[group][name].shape == array.shape
            assert found[group][name].tobytes() == np.ascontiguousarray(array).tobytes()


def damage(path: Path, position: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_every_bit_comes_back(tmp_path: Path) -> None:
    odd: Tensors = {
        "model": {
            "scalar": np.array(3.5, dtype=np.float64),
            "bits": np.array([[True, False]]),
            "empty": np.zeros((0, 7), np.float32),
            "nan": np.array([np.nan, -np.inf, -0.0, 1e-45], np.float32),
            "odd nan": np.array([0x7FC00123, 0xFF800001], np.uint32).view(np.float32),
            "turned": np.arange(6, dtype=np.int64).reshape(2, 3).T,
            "every other": np.arange(10, dtype=np.uint8)[::2],
            "half": np.arange(3, dtype=np.float16),
        },
        "nothing": {},
    }
    state: dict[str, Any] = {
        "position": 2**80 + 1,
        "best": 0.1 + 0.2,
        "nan": math.nan,
        "words": ["é", None, True],
        "x": {},
    }
    store = CheckpointStore(tmp_path)
    assert store.save(120, odd, state) == tmp_path / "checkpoints" / "step-120"
    found = store.load()
    assert_same(found.tensors, odd)
    assert found.step == 120 and found.warnings == ()
    assert math.isnan(found.state.pop("nan")) and math.isnan(state.pop("nan"))
    assert found.state == state
    found.tensors["model"]["nan"][0] = 1  # the caller's own


def test_two_newest_and_marked_ones_are_kept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for step in (100, 200):
        store.save(step, weights(step), {})
    store.mark(100)
    for step in (300, 400, 500):
        store.save(step, weights(step), {})
    assert steps_of(store) == [100, 400, 500]
    assert [info.marked for info in store.list()] == [True, False, False]
    assert [info.latest for info in store.list()] == [False, False, True]
    assert_same(store.load(100).tensors, weights(100))
    store.mark(100, on=False)
    store.save(600, weights(), {})
    assert steps_of(store) == [500, 600]


def test_after_going_back_the_newest_is_the_one_written_last(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for step in (100, 200, 300):
        store.save(step, weights(step), {})
    store.save(250, weights(250), {})
    assert store.load().step == 250
    assert steps_of(store) == [250, 300]
    damage(tmp_path / "checkpoints/step-250/model.safetensors")
    assert store.load().step == 300


def test_a_step_saved_again_replaces_it_and_keeps_its_mark(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    store.save(100, weights(1), {"n": 1})
    store.mark(100)
    store.save(100, weights(2), {"n": 2})
    assert store.load().state == {"n": 2}
    assert [(info.step, info.marked) for info in store.list()] == [(100, True)]
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["latest", "step-100"]


def test_nothing_that_is_not_ours_is_deleted(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    store.save(1, weights(), {})
    folder = tmp_path / "checkpoints"
    (folder / "step-1" / "my annotations.txt").write_text("keep")
    (folder / "step-one").mkdir()
    (folder / "annotations.txt").write_text("keep")
    for step in (2, 3, 4):
        store.save(step, weights(), {})
    assert steps_of(store) == [1, 3, 4]
    assert (folder / "step-one").is_dir() and (folder / "annotations.txt").read_text() == "keep"
    assert (folder / "step-1" / "my annotations.txt").read_text() == "keep"


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "checkpoint.json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "empty"])
def test_a_damaged_latest_falls_back_to_the_previous_one_and_warns(tmp_path: Path, name: str, harm: str) -> None:
    store = CheckpointStore(tmp_path)
    for step in (1, 2):
        store.save(step, weights(step), {"step": step})
    path = tmp_path / "checkpoints/step-2" / name
    if harm == "flip":
        damage(path, len(path.read_bytes()) // 2)
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-5])
    elif harm == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    found = store.load()
    assert found.step == 1 and found.state == {"step": 1}
    assert_same(found.tensors, weights(1))
    assert len(found.warnings) == 1 and name in found.warnings[0]
    with pytest.raises(RunError, match=name):
        store.load(2)
    if harm != "flip" or name == "checkpoint.json":
        assert [bool(info.problem) for info in store.list()] == [False, True]
    store.save(3, weights(3), {})
    assert store.load().step == 3


def test_when_none_is_whole_all_are_named(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    with pytest.raises(RunError, match=r"has no checkpoint\. Train"):
        store.load()
    for step in (1, 2):
        store.save(step, weights(), {})
        damage(tmp_path / f"checkpoints/step-{step}/rng.safetensors")
    with pytest.raises(RunError, match=r"no checkpoint that is whole.*step-2.*step-1"):
        store.load()
    with pytest.raises(RunError, match="no checkpoint of step 9; there are 1, 2"):
        store.load(9)
    with pytest.raises(RunError, match="no checkpoint of step 9"):
        store.mark(9)


@pytest.mark.parametrize("content", [b"", b"step-7", b"../../elsewhere", b"\xff\xfe", None])
def test_a_wrong_pointer_leads_to_the_newest(tmp_path: Path, content: bytes | None) -> None:
    store = CheckpointStore(tmp_path)
    for step in (1, 2):
        store.save(step, weights(step), {})
    pointer = tmp_path / "checkpoints/latest"
    if content is None:
        pointer.unlink()
    else:
        pointer.write_bytes(content)
    found = store.load()
    assert found.step == 2
    assert len(found.warnings) == (1 if content else 0)


def test_a_full_disk_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    store.save(1, weights(1), {})
    large: Tensors = {"model": {"w": np.zeros(1_000_000, np.float32)}}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(
            RunError, match=r"checkpoint of step 2 could not be written to .*; earlier checkpoints are whole"
        ):
            store.save(2, large, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["latest", "step-1"]
    assert store.load().step == 1 and store.load().warnings == ()
    store.save(2, large, {})
    assert store.load().step == 2


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"?", lambda data: data + b"?"])
def test_a_disk_that_gives_back_something_else_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    store = CheckpointStore(tmp_path)
    store.save(1, weights(1), {})
    honest = manifest.write_synced

    def forgetful(path: Path, data: bytes) -> None:
        honest(path, damage(data))

    with monkeypatch.context() as patched:
        patched.setattr(manifest, "write_synced", forgetful)
        with pytest.raises(RunError, match="came back different"):
            store.save(2, weights(2), {})
    assert steps_of(store) == [1]
    assert store.load().step == 1


def test_arrays_that_the_file_cannot_give_back_are_refused(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    with pytest.raises(RunError, match="came back different"):
        store.save(1, {"model": {"weight": np.ones(3, ">f4")}}, {})
    assert steps_of(store) == []


def test_leftovers_of_interrupted_saves_are_cleaned(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    store.save(1, weights(1), {})
    folder = tmp_path / "checkpoints"
    shutil.copytree(folder / "step-1", folder / ".writing-step-2")
    shutil.copytree(folder / "step-1", folder / ".removed-step-0")
    (folder / "step-1").rename(folder / ".replaced-step-1")  # killed between the two renames of saving step 1 again
    assert steps_of(store) == [1] and store.load().step == 1
    store.save(2, weights(2), {})
    assert sorted(path.name for path in folder.iterdir()) == ["latest", "step-1", "step-2"]
    assert_same(store.load(1).tensors, weights(1))


def test_a_moved_or_copied_folder_works(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "a")
    store.save(1, weights(1), {})
    shutil.copytree(tmp_path / "a", tmp_path / "ß b")
    (tmp_path / "a").rename(tmp_path / "c")
    for name in ("ß b", "c"):
        assert_same(CheckpointStore(tmp_path / name).load().tensors, weights(1))


@pytest.mark.parametrize(
    ("step", "groups", "state", "named"),
    [
        (-1, {}, {}, "not -1"),
        (1, {"../x": {}}, {}, "no group name"),
        (1, {"A": {}}, {}, "no group name"),
        (1, {}, {"a": object()}, "plain JSON"),
        (1, {}, {"a": np.int64(1)}, "plain JSON"),
        (1, {}, {"a": [{1: 2}]}, "text as keys"),
    ],
)
def test_what_cannot_be_saved_is_refused(
    tmp_path: Path, step: int, groups: Tensors, state: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        CheckpointStore(tmp_path).save(step, groups, state)
    assert list(tmp_path.iterdir()) == []


def test_a_newer_format_is_refused_with_words(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    path = store.save(1, weights(), {}) / "checkpoint.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(RunError, match=r"has format 99.*newer"):
        store.load(1)


@given(data=st.data())
def test_no_damage_goes_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "flipped"
    store = CheckpointStore(folder)
    if not folder.exists():
        store.save(1, weights(1), {"n": [1.5, "x"]})
    path = data.draw(st.sampled_from(sorted((folder / "checkpoints/step-1").iterdir())))
    whole = path.read_bytes()
    position = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255))
    path.write_bytes(whole[:position] + bytes([value]) + whole[position + 1 :])
    try:
        found = store.load(1)
        assert_same(found.tensors, weights(1))
        assert found.state == {"n": [1.5, "x"]}
    except RunError as error:
        assert path.name in str(error)
    finally:
        path.write_bytes(whole)
