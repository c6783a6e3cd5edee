"""Entries of the command palette: families to be trained on the points, and views of the outlined run."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from gmstudio.window.state.palette import PaletteEntry
from gmstudio.window.state.plane.offers import TrainingOffers
from gmstudio.window.state.plane.state import PlaneState

PANEL = "plane"


def plane_entries(state: PlaneState, offers: TrainingOffers) -> Iterator[PaletteEntry]:
    """Yield an entry for each family that proposes settings for points, and for each view.

    Args:
        state: state of the panel.
        offers: starts runs.
    """
    first = state.info(state.tiles[0]) if state.tiles else None
    for entry in offers.families:
        proposed = entry.start_on_points
        same = first is not None and proposed is not None and proposed.data == first.spec.data
        config: dict[str, Any] = dict(first.spec.data_config) if same and first is not None else {}
        yield PaletteEntry(
            id=f"plane:train:{entry.card.name}",
            title=f"Train {entry.card.title} on {'these points' if config else 'points'}",
            kind="Action",
            run=partial(offers.start, entry.card.name, config),
            detail="Plane · with the settings that it proposes",
            reason=offers.unavailable,
            panel=PANEL,
        )
    for view in state.chosen.views if state.chosen is not None else ():
        yield PaletteEntry(
            id=f"plane:view:{view.name}",
            title=f"View: {view.title}",
            kind="Action",
            run=partial(state.choose_view, view.name),
            detail=f"Plane · {view.help}",
            panel=PANEL,
        )
