"""Tables as CSV."""

import csv
import io

import numpy as np

from gmstudio.media.csv_text import csv_text


def test_all_digits_of_numbers_and_any_text_can_be_read_back() -> None:
    rows = [('a, "b"', 0.1 + 0.2, 3), ("line\nbreak", np.float64(1 / 3), ""), ("größe", float("nan"), -1e-300)]
    text = csv_text(("name", "value", "other"), rows)
    header, *found = csv.reader(io.StringIO(text))
    assert header == ["name", "value", "other"]
    assert [row[0] for row in found] == [row[0] for row in rows]
    assert [float(row[1]) for row in found[:2]] == [0.1 + 0.2, 1 / 3] and found[2][1] == "nan"
    assert [row[2] for row in found] == ["3", "", "-1e-300"]
    assert "\r" not in text
