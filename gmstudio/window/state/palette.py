"""Entries of the command palette, and the protocol by which panels and their states offer more of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, get_args, runtime_checkable

Kind = Literal["Panel", "Action", "Family", "Data", "Demonstration", "Laboratory", "Exercise", "Theory", "Run"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which entries that match equally well are listed."""


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """One thing that can be found by its name and done.

    Args:
        id: names the entry for good, so that it is found again among the recent ones: ``family:vae``.
        title: what is searched first.
        kind: what it is.
        run: does it; called after the palette has closed and the panel is shown.
        detail: what tells it from others of the same title; searched, too.
        shortcut: key in the system's notation; empty: none.
        reason: sentence that says why it cannot be done now; empty: it can.
        panel: name of the panel that is shown first; empty: none.
    """

    id: str
    title: str
    kind: Kind
    run: Callable[[], object]
    detail: str = ""
    shortcut: str = ""
    reason: str = ""
    panel: str = ""


@runtime_checkable
class PaletteSource(Protocol):
    """A panel, or the state of one, with entries of its own: the window finds them by this method."""

    def palette_entries(self) -> Iterable[PaletteEntry]:
        """Yield the entries; called each time the palette opens, and read in pieces."""
