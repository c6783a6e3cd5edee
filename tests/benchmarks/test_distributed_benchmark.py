"""The benchmark of several processes: what each of them writes, and the figures that follow."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import distributed


def test_a_process_writes_losses_and_seconds_of_each_step(home: Path, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    try:
        distributed._as_rank("markov", 6, 4, tmp_path / "one")
    finally:
        torch.set_num_threads(threads)
    found = json.loads((tmp_path / "one.json").read_text())
    assert len(found["losses"]) == len(found["seconds"]) == 6 and min(found["seconds"]) > 0


def test_two_processes_that_take_half_as_long_are_fully_efficient(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def train(_family: str, steps: int, _batch_size: int, processes: int, _out: Path) -> distributed.Result:
        asked.append(processes)
        seconds = [9.0] * distributed.WARM_UP + [0.2 / processes] * (steps - distributed.WARM_UP)
        return {"seconds": seconds, "losses": [100.0 + processes] * steps}

    monkeypatch.setattr(distributed, "_train", train)
    found = distributed.measure("vae", steps=9, batch_size=8, processes=2)
    assert asked == [1, 2] and found["efficiency"] == 1.0
    assert (found["steps_per_s_one"], found["steps_per_s_two"]) == (5.0, 10.0)
    assert found["loss_difference"] == pytest.approx(1 / 101)
