"""Labels of a logarithmic axis."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.window.gui.widgets.plots.log_axis import log_ticks, plain_number


def labels(low: float, high: float, height: int = 220) -> list[str]:
    return [plain_number(10**tick) for tick in log_ticks(math.log10(low), math.log10(high), 24 / height)]


@pytest.mark.parametrize(
    ("low", "high"), [(1.22, 1.58), (2.1, 2.9), (42.0, 42.5), (78.0, 560.0), (0.9, 1.1), (99.0, 101.0), (3.1, 3.9)]
)
def test_a_range_between_powers_of_ten_has_labels(low: float, high: float) -> None:
    found = labels(low, high)
    assert 3 <= len(found) <= 9
    assert all(low <= float(text) <= high and len(text) <= 6 for text in found)


def test_labels_are_plain_and_round() -> None:
    assert labels(1.22, 1.58) == ["1.25", "1.3", "1.35", "1.4", "1.45", "1.5", "1.55"]
    assert labels(0.5, 20_000) == ["1", "10", "100", "1000", "10000"]
    assert "80" in labels(70, 110) and not any("10" in text and "·" in text for text in labels(70, 110))


def test_a_long_range_has_powers_of_ten() -> None:
    found = labels(1e-12, 1e8)
    assert 4 <= len(found) <= 10
    assert {"10⁻¹²", "10⁻⁶", "1"} <= set(found)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (80.0, "80"),
        (1.25, "1.25"),
        (0.0001, "0.0001"),
        (100_000.0, "100000"),
        (1e-7, "10⁻⁷"),
        (2e12, "2·10¹²"),
        (0, "0"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert plain_number(value) == text


@given(st.floats(-300, 300), st.floats(1e-9, 300), st.integers(40, 2000))
def test_any_range_is_labelled_within_itself_and_without_overlap(low: float, span: float, height: int) -> None:
    high = min(low + span, 300.0)
    if high <= low:
        return
    ticks = log_ticks(low, high, 24 / height)
    assert all(low <= tick <= high for tick in ticks)
    assert all(b - a >= 24 / height * (high - low) for a, b in pairwise(ticks))
