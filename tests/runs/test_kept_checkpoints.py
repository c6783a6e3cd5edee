"""Checkpoints that are kept for time travel: spread over the training, thin, and never in the way of a resume."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.runs import checkpoints as module
from gmstudio.runs.checkpoints import CheckpointStore, Tensors
from gmstudio.runs.kept_checkpoints import AUTOMATIC_BYTES, MAX_AUTOMATIC, spread, travel_count
from gmstudio.runs.manifest import MANIFEST_NAME

TENSORS: Tensors = {
    "model": {"weight": np.arange(6, dtype=np.float32)},
    "optimizer": {"moment": np.ones(6, np.float32)},
    "random": {"generator": np.zeros(4, np.uint8)},
}


def store_with(folder: Path, steps: range, travel: int | None) -> CheckpointStore:
    store = CheckpointStore(folder)
    store.travel = travel
    for step in steps:
        store.save(step, TENSORS, {"step": step})
    return store


@given(total=st.integers(3, 400), count=st.integers(4, 20))
def test_what_is_kept_stays_spread_however_long_the_training_becomes(total: int, count: int) -> None:
    kept: list[int] = []
    for step in range(total):
        kept = spread([*kept, step], count, fixed=[step - 1, step])
    assert kept[0] == 0 and len(kept) == min(count, total)
    assert np.diff(kept).max() <= max(2 * total / count, 1)
    inner = np.diff(kept[:-1])
    assert not len(inner) or inner.max() <= 2.5 * inner.min()


def test_the_number_fits_the_weights() -> None:
    assert travel_count(None, 1000) == MAX_AUTOMATIC
    assert travel_count(None, AUTOMATIC_BYTES // 3) == 3
    assert travel_count(None, AUTOMATIC_BYTES + 1) == 0
    assert travel_count(40, AUTOMATIC_BYTES) == 40


def test_old_checkpoints_keep_their_weights_alone(tmp_path: Path) -> None:
    store = store_with(tmp_path, range(0, 100, 5), 4)
    infos = store.list()
    thin, whole = infos[:-2], infos[-2:]
    assert len(thin) == 4 and thin[0].step == 0
    assert all(info.groups == ("model",) and not info.problem for info in thin)
    assert all(set(info.groups) == set(TENSORS) for info in whole) and whole[-1].latest
    found = store.load(thin[1].step)
    assert found.tensors.keys() == {"model"} and found.state == {"step": thin[1].step}
    assert {path.name for path in thin[1].path.iterdir()} == {MANIFEST_NAME, "model.safetensors"}
    assert store.steps() == tuple(info.step for info in infos)


def test_marked_and_used_checkpoints_are_left_whole(tmp_path: Path) -> None:
    store = store_with(tmp_path, range(0, 30, 5), 0)
    assert store.steps() == (20, 25)
    store.mark(20)
    store.in_use = lambda: {25}
    for step in (30, 35, 40):
        store.save(step, TENSORS, {})
    assert store.steps() == (20, 25, 35, 40)
    assert all(set(info.groups) == set(TENSORS) for info in store.list())
    store.in_use = frozenset
    store.save(45, TENSORS, {})
    assert store.steps() == (20, 40, 45)


def test_steps_that_are_trained_again_are_not_kept(tmp_path: Path) -> None:
    store = store_with(tmp_path, range(0, 50, 10), 8)
    store.save(15, TENSORS, {})
    store.save(16, TENSORS, {})
    assert store.steps() == (0, 10, 15, 16)


def test_a_process_that_is_killed_while_thinning_leaves_a_checkpoint_that_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_with(tmp_path, range(0, 30, 10), 4)

    class Killed(BaseException):
        pass

    def kill(_folder: Path, _manifest: object) -> None:
        raise Killed

    monkeypatch.setattr(module, "replace_manifest", kill)
    with pytest.raises(Killed):
        store.save(30, TENSORS, {})
    assert all(not info.problem for info in store.list()) and store.load().step == 30
    monkeypatch.undo()
    store.save(40, TENSORS, {})
    assert [len(info.groups) for info in store.list()] == [1, 1, 1, 3, 3]


def test_only_the_groups_that_are_wanted_are_read(tmp_path: Path) -> None:
    store = store_with(tmp_path, range(2), 0)
    (tmp_path / "checkpoints" / "step-1" / "optimizer.safetensors").write_bytes(b"damaged")
    assert store.load(1, ("model",)).tensors.keys() == {"model"}
