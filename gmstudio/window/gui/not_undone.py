"""Controls that hold a value and are not undone on purpose, each with the reason."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

TURNS_PAGES = "It turns pages of what is there; nothing is set."
PLAYS = "It is the place in what is played, and changes nothing."
SEARCHES = "It searches in a list; the field undoes its text itself."
NAVIGATES = "It chooses which page or run is shown."
UNFOLDS = "It unfolds further settings; nothing is set."
BY_STATE = "The state records it, as an edit of its own."

NOT_UNDONE: Final[Mapping[str, str]] = {
    "*.more": UNFOLDS,
    "action.*.view_*": NAVIGATES,
    "data.path": "Its text is taken on Return, and imported.",
    "data.class": TURNS_PAGES,
    "data.first": TURNS_PAGES,
    "data.split": TURNS_PAGES,
    "data.import.*": BY_STATE,
    "data.settings.*": BY_STATE,
    "labs.config.*": BY_STATE,
    "labs.choose": NAVIGATES,
    "train.config.*": BY_STATE,
    "train.training.*": BY_STATE,
    "train.data.*": BY_STATE,
    "pixels.condition.split": TURNS_PAGES,
    "pixels.guess.round": PLAYS,
    "*_search": SEARCHES,
    "*.search": SEARCHES,
    "*.filter": SEARCHES,
}
"""Patterns of object names → reason."""


def reason_not_undone(name: str) -> str:
    """Return why the control of an object name is not undone, a sentence; empty where it is."""
    return next((reason for pattern, reason in NOT_UNDONE.items() if fnmatchcase(name, pattern)), "")
