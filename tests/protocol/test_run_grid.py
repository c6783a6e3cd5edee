"""Grids of runs: settings of each cell, and the cell of each run."""

import msgspec
import pytest

from gmstudio.protocol.runs_grid import GridAxis, GridCell, RunGrid, check_grid
from tests.queue_scene import axis, tiny_grid, tiny_spec


def test_each_cell_has_its_values_and_is_found_by_them() -> None:
    grid = tiny_grid(seeds=(3, 5))
    cells = list(grid.cells())
    assert len(cells) == 8
    spec = grid.spec(GridCell(1, 0, 1))
    assert (spec.training["learning_rate"], spec.config["num_hidden"], spec.training["seed"]) == (0.01, 4, 5)
    assert [grid.cell_of(grid.spec(cell)) for cell in cells] == cells
    assert grid.cell_of(tiny_spec(learning_rate=0.5)) is None
    assert grid.label(GridCell(1, 0, 1)) == "Learning rate 0.01 · Hidden units 4 · seed 5"
    assert grid.bases[0] == tiny_spec()  # which stays as it is


def test_families_have_settings_of_their_own() -> None:
    other = msgspec.structs.replace(tiny_spec(), family="made", config={"width": 3})
    families = GridAxis(field="family", title="Family", values=("made", "nade"), labels=("MADE", "NADE"))
    grid = RunGrid(name="families", created="", columns=families, bases=(tiny_spec(), other), seeds=(1,))
    check_grid(grid)
    assert [grid.spec(cell).config for cell in grid.cells()] == [{"width": 3}, {"num_hidden": 4}]
    with pytest.raises(ValueError, match="made"):
        check_grid(msgspec.structs.replace(grid, bases=(tiny_spec(),)))


def test_a_seed_can_be_an_axis() -> None:
    grid = RunGrid(name="seeds", created="", columns=axis("training.seed", "Seed", 1, 2), bases=(tiny_spec(),))
    check_grid(grid)
    assert [grid.spec(cell).training["seed"] for cell in grid.cells()] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"name": "../other"}, "no name"),
        ({"name": ""}, "no name"),
        ({"columns": axis("config.num_hidden", "Hidden units", 4)}, "varied twice"),
        ({"columns": axis("training.learning_rate", "Learning rate")}, "0 values"),
        ({"columns": axis("training.learning_rate", "Learning rate", 1, 1)}, "twice"),
        ({"columns": axis("training.seed", "Seed", 1, 2), "seeds": (1, 2)}, "one value"),
        ({"columns": axis("folder", "Folder", 1)}, "no field"),
        ({"seeds": (1, 1)}, "different"),
        ({"seeds": tuple(range(200))}, "800 runs"),
    ],
)
def test_what_cannot_be_trained_is_named(changes: dict[str, object], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        check_grid(msgspec.structs.replace(tiny_grid(), **changes))
