"""Entries of the command palette for the next run: families and data sources of the catalog."""

from collections.abc import Callable, Iterator
from functools import partial

from gmstudio.window.state.palette import PaletteEntry
from gmstudio.window.state.training.setup import TrainingSetup

PANEL = "train"


def setup_entries(setup: TrainingSetup, show: Callable[[], None]) -> Iterator[PaletteEntry]:
    """Yield an entry for each family and each data source, which chooses it in Train.

    Args:
        setup: choices for the next run.
        show: shows them, where the panel shows something else.
    """
    catalog = setup.catalog
    if catalog is None:
        return
    for family in catalog.families:
        card = family.card
        yield PaletteEntry(
            id=f"family:{card.name}",
            title=card.title,
            kind="Family",
            run=partial(_choose, setup.choose_family, card.name, show),
            detail=f"Train it · {' › '.join((*card.branch, card.name))}",
            panel=PANEL,
        )
    for data in catalog.data:
        yield PaletteEntry(
            id=f"data:{data.name}",
            title=data.title,
            kind="Data",
            run=partial(_choose, setup.choose_data, data.name, show),
            detail=f"Train on it · {data.name}",
            panel=PANEL,
        )


def _choose(choose: Callable[[str], None], name: str, show: Callable[[], None]) -> None:
    choose(name)
    show()
