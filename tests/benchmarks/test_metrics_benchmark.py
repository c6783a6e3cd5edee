"""The part of the benchmark of metrics without a window; the other opens the real one for some time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import metrics
from gmstudio.runs.history import Curve, History


def test_metrics_are_recorded_at_every_second_block_of_steps(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: dict[str, list[int]] = {}
    append = History.append

    def note(self: History, *rows: Any, curves: Mapping[tuple[str, str], Curve] | None = None, **others: Any) -> None:
        for (_split, name), (steps, _values) in (curves or {}).items():
            recorded.setdefault(name, []).extend(steps.tolist())
        append(self, *rows, curves=curves, **others)

    monkeypatch.setattr(History, "append", note)
    for name, value in (("SLOWED_DATA", "digits"), ("WARM_UP", 4), ("BLOCK", 5)):
        monkeypatch.setattr(metrics, name, value)
    found = metrics._slowing(rate=1_000, seconds=0.0)
    assert found["pairs"] == metrics.LEAST_PAIRS and found["slowed_share_error"] >= 0.0
    begin = metrics.WARM_UP + metrics.BLOCK
    assert recorded["m000"] == [begin + 10 * pair + step for pair in range(3) for step in range(1, 6)]
    assert len([name for name in recorded if name.startswith("m0")]) == min(found["curves"], 100)
