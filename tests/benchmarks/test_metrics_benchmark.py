"""The part of the benchmark of metrics without a window; the other opens the real one for some time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import metrics
from gmstudio.runs.history import History, Scalar


def test_metrics_are_recorded_at_every_second_block_of_steps(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[Scalar] = []
    append = History.append

    def note(self: History, scalars: Sequence[Scalar] = (), **others: Any) -> None:
        recorded.extend(scalars)
        append(self, scalars, **others)

    monkeypatch.setattr(History, "append", note)
    for name, value in (("SLOWED_DATA", "digits"), ("WARM_UP", 4), ("BLOCK", 5)):
        monkeypatch.setattr(metrics, name, value)
    found = metrics._slowing(rate=1_000, seconds=0.0)
    assert found["pairs"] == metrics.LEAST_PAIRS and found["slowed_share_error"] >= 0.0
    steps = [scalar.step for scalar in recorded if scalar.name == "m000"]
    begin = metrics.WARM_UP + metrics.BLOCK
    assert steps == [begin + 10 * pair + step for pair in range(3) for step in range(1, 6)]
    assert len({scalar.name for scalar in recorded if scalar.name.startswith("m0")}) == min(found["curves"], 100)
