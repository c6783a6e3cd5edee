"""Evaluation in pieces: how many items a piece has."""

import pytest

from gmstudio.engine.runtime import inspection
from gmstudio.engine.runtime.inspection import MAX_ROWS, PIECE_S, in_pieces


class Clock:
    """Time of the thread and time by the clock, advanced by work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.thread = self.wall = 0.0
        monkeypatch.setattr(inspection.time, "thread_time", lambda: self.thread)
        monkeypatch.setattr(inspection.time, "perf_counter", lambda: self.wall)

    def sizes(self, total: int, seconds_each: float, waiting: float) -> list[int]:
        """Items of each piece, where an item takes so long and each piece waits for a processor."""
        sizes: list[int] = []

        def work(rows: slice) -> None:
            sizes.append(rows.stop - rows.start)
            self.thread += sizes[-1] * seconds_each
            self.wall += sizes[-1] * seconds_each + waiting

        for _ in in_pieces(total, 1, work):
            pass
        return sizes


def test_pieces_grow_to_about_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = Clock(monkeypatch).sizes(500, PIECE_S / 10, 0.0)
    assert sum(sizes) == 500 and sizes[0] == 1 and 4 <= max(sizes) <= 16
    assert max(Clock(monkeypatch).sizes(2000, PIECE_S / 1e6, 0.0)) == MAX_ROWS


def test_pieces_stay_large_where_others_keep_the_processors_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Clock(monkeypatch).sizes(500, PIECE_S / 100, 0.0)
    assert Clock(monkeypatch).sizes(500, PIECE_S / 100, 10 * PIECE_S) == alone


def test_a_slow_item_is_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Clock(monkeypatch).sizes(5, 3 * PIECE_S, 0.0) == [1] * 5
