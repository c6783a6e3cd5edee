"""Figures of a grid as tables for files, and the origin of its pictures."""

from collections.abc import Mapping

import msgspec

from gmstudio.media.csv_text import csv_text
from gmstudio.media.provenance import MAX_TEXT, Provenance, comment_lines
from gmstudio.protocol.runs_grid import RunGrid
from gmstudio.window.state.runs.compare_provenance import compared_origin
from gmstudio.window.state.runs.grid import RunGridState

KEYWORD = "Grid"
"""Keyword of the JSON object with the definition of the grid: axes, seeds, and all settings that are varied."""
BITS = "bits_per_dim"


def grid_origin(state: RunGridState, shows: str) -> Provenance:
    """Return the origin of a file of the grid that is shown: its definition, and its runs with all settings."""
    grid = state.grid
    infos = state.infos
    steps = {
        info.run: picture.step
        for cell in (grid.cells() if grid is not None else ())
        if (info := state.info(cell)) is not None and (picture := state.picture(cell)) is not None
    }
    seeds = {info.run: info.training.seed if state.drawn_seed is None else state.drawn_seed for info in infos}
    text = msgspec.json.encode(grid).decode() if grid is not None else ""
    return compared_origin(infos, shows, {KEYWORD: text} if 0 < len(text) <= MAX_TEXT else {}, steps, seeds)


def grid_of(metadata: Mapping[str, str]) -> RunGrid | None:
    """Return the definition of the grid that a file shows; None: it shows none.

    Raises:
        ValueError: when the text was changed.
    """
    if KEYWORD not in metadata:
        return None
    try:
        return msgspec.json.decode(metadata[KEYWORD], type=RunGrid)
    except (msgspec.MsgspecError, RecursionError):
        raise ValueError(f"Its keyword {KEYWORD} is no grid of runs; the file was changed.") from None


def figure_rows(state: RunGridState) -> list[dict[str, object]]:
    """Return a row for each cell: values of the axes, seed, run, status, step and figure."""
    grid, rows = state.grid, []
    for cell in grid.cells() if grid is not None else ():
        assert grid is not None
        info = state.info(cell)
        row: dict[str, object] = {grid.columns.field: grid.columns.values[cell.column]}
        if grid.rows is not None:
            row[grid.rows.field] = grid.rows.values[cell.row]
        row |= {
            "seed": grid.seeds[cell.seed],
            "run": info.run if info is not None else None,
            "status": info.status if info is not None else state.words(cell),
            "step": info.step if info is not None else None,
            BITS: info.best_bits if info is not None else None,
            "data_digest": info.data_digest if info is not None else None,
        }
        rows.append(row)
    return rows


def figures_csv(rows: list[dict[str, object]], metadata: Mapping[str, str]) -> str:
    """Write the figures as comma-separated values, with the origin before them."""
    header = list(rows[0]) if rows else []
    table = [["" if row[name] is None else row[name] for name in header] for row in rows]
    return comment_lines(metadata) + csv_text(header, table)


def figures_json(rows: list[dict[str, object]], metadata: Mapping[str, str]) -> str:
    """Write the figures as one JSON document, with the origin."""
    return msgspec.json.format(msgspec.json.encode({"origin": dict(metadata), "runs": rows}), indent=1).decode() + "\n"
