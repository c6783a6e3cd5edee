"""Entries of the command palette for data sets: those that come with the program, and those that were imported."""

from collections.abc import Iterator
from functools import partial

from gmstudio.window.state.data.state import DataState
from gmstudio.window.state.palette import PaletteEntry

PANEL = "data"


def data_entries(state: DataState) -> Iterator[PaletteEntry]:
    """Yield an entry for each data set that can be looked at in the Data panel.

    Args:
        state: of the panel.
    """
    for entry in state.shipped:
        yield PaletteEntry(
            id=f"data-set:{entry.name}",
            title=entry.title,
            kind="Data",
            run=partial(state.open_source, entry.name),
            detail=f"Look at it · {entry.name}",
            panel=PANEL,
        )
    for info in state.sets.sets:
        yield PaletteEntry(
            id=f"data-set:{info.folder}",
            title=info.name,
            kind="Data",
            run=partial(state.open_set, info.folder),
            detail=f"Look at it · imported · {info.size:,} images, {info.image}",
            panel=PANEL,
        )
