"""Two processes that train together, against one: the same losses, whatever the family; and who resumes is free."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from ranked_training import CASES, CPU, curves, errors_of, go_on, start_two, train

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.distributed import Ranks
from gmstudio.engine.training.job import start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder

NO_MEANS = ("train active_dimensions", "train pseudo_nll")
"""Terms that are no means over the images of a batch; of parts they are averaged all the same."""


def _assert_same(expected: dict[str, list[float]], found: dict[str, list[float]], rtol: float = 2e-4) -> None:
    assert expected.keys() == found.keys()
    for name in expected.keys() - set(NO_MEANS):
        np.testing.assert_allclose(found[name], expected[name], rtol=rtol, atol=2e-5, err_msg=name)


def _tensors_of(run: Path) -> Mapping[str, Mapping[str, NDArray[Any]]]:
    with RunFolder.open(run) as folder:
        assert folder.record.status == "finished"
        return folder.checkpoints.load().tensors


def test_two_processes_train_like_one_and_any_number_goes_on(tmp_path: Path) -> None:
    """All families at once, since starting processes is what takes long."""
    one, two = tmp_path / "one", tmp_path / "two"
    train(CASES["gan"], two / "begun by one", steps=3)
    ranks = start_two(two)
    try:
        for name, case in CASES.items():
            train(case, one / name)
    finally:
        said = errors_of(ranks)
    assert not said, said
    for name in CASES:
        # By SOAP, other roundings are other bases of the directions that a batch has no gradient in.
        _assert_same(curves(one / name), curves(two / name), rtol=0.02 if "SOAP" in name else 2e-4)
        expected, found = _tensors_of(one / name), _tensors_of(two / name)
        assert {group: set(arrays) for group, arrays in expected.items()} == {
            group: set(arrays) for group, arrays in found.items()
        }, "a checkpoint has no trace of the number of processes"
        np.testing.assert_array_equal(expected["random"]["generator"], found["random"]["generator"])
    go_on(two / "begun by two")
    for name in ("begun by two", "begun by one"):
        _assert_same(curves(one / "gan"), curves(two / name))
    with RunFolder.open(two / "vae of uneven shares, accumulated") as run:
        texts = [event.text for event in run.history.read_events()]
    assert "2 processes share the 21 images of an update: 10 or 11, since they do not divide evenly." in texts


class _Alone(Ranks):
    """A process group that is not joined."""

    def __init__(self, size: int) -> None:
        self.rank, self.size, self.begun, self.over = 0, size, True, True


@pytest.mark.parametrize(
    ("family", "config", "reason"),
    [
        ("autoencoder", {}, "Autoencoder with these settings is not trained by several processes: codes are standard"),
        ("vae", {"free_bits": 0.1}, "free bits hold for the KL averaged over the batch"),
        ("rbm", {"sparsity_cost": 0.1}, "the sparsity target holds for the batch's mean activity"),
    ],
)
def test_losses_that_couple_images_are_refused_before_there_is_a_folder(
    tmp_path: Path, family: str, config: dict[str, float], reason: str
) -> None:
    plan = plan_run(
        DatasetCache(), RunSpec(family=family, config=config, data="digits", data_config={}, training={"steps": 2}), CPU
    )
    with pytest.raises(ValueError, match=reason):
        start_training(plan, str(tmp_path / "run"), CPU, lambda _: None, _Alone(2))
    assert not (tmp_path / "run").exists()


def test_more_processes_than_images_are_refused() -> None:
    with pytest.raises(ValueError, match="A batch of 3 images is less than one for each of 4 processes"):
        _Alone(4).refuse_small(3)
