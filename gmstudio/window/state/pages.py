"""States of the pages of a panel, made when their page is."""

from typing import Protocol, TypeVar, cast

from PySide6.QtCore import QObject

P = TypeVar("P", covariant=True)
Owner = TypeVar("Owner", bound=QObject, contravariant=True)


class PageState(Protocol[Owner, P]):
    """Class of a page's state."""

    def __call__(self, owner: Owner, /) -> P:
        """Create the state, with the panel's state as its parent."""


class PageStates:
    """States of the pages of a panel, by their class; part of the panel's state."""

    def __init__(self) -> None:
        self._pages: dict[object, object] = {}

    def of(self, owner: Owner, kind: PageState[Owner, P]) -> P:
        """Return the state of a page, created at the first call.

        Args:
            owner: state of the panel.
            kind: class of the page's state, constructed with ``owner``.
        """
        if kind not in self._pages:
            self._pages[kind] = kind(owner)
        return cast(P, self._pages[kind])
