"""Fast conversion of lines of numbers gives what NumPy's own reader gives, or nothing."""

import numpy as np
import pytest

from gmstudio.data.importing.formats.number_lines import parse_numbers


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    "rows",
    [
        [["0", "7", "255"], ["10", "100", "3"]],
        [["123456789", "0", "1"]],
        [["1234567890123", "0", "1"]],
        [["-1", "+2", "3"], ["1e3", "0.5", ".25"]],
        [["nan", "inf", "-inf"]],
        [[" 1", "2 ", " 3 "]],
        [["007", "0", "00"]],
    ],
)
def test_numbers_are_those_of_numpy(rows: list[list[str]], delimiter: str) -> None:
    found = parse_numbers([delimiter.join(row) for row in rows], delimiter, 3)
    assert found is not None
    assert np.array_equal(found, np.array([[float(field) for field in row] for row in rows]), equal_nan=True)


@pytest.mark.parametrize(
    "lines",
    [
        ["1,2,x"],
        ["1,2"],
        ["1,2", "3,4,5,6"],
        ["1,,3"],
        [",1,2"],
        ["1,2,"],
        ['"1",2,3'],
        ["1,2,3 4"],
        ["1,2,٣"],
        ["0x1,2,3"],
        ["1:2,3,4"],
    ],
)
def test_what_is_odd_is_left_to_others(lines: list[str]) -> None:
    assert parse_numbers(lines, ",", 3) is None


def test_white_space_is_left_to_others() -> None:
    assert parse_numbers(["1 2 3"], None, 3) is None
