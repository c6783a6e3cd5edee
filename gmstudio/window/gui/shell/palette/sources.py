"""Entries of the palette that the window itself has: menus, actions of the panels, runs."""

from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.places import Place, RunState
from gmstudio.window.state.palette import PaletteEntry
from gmstudio.window.state.runs.library import RunLibrary, folder_name

SHOW = "window.show_"
"""Beginning of the object names of the menu entries that show a panel."""
NOT_NOW = "Not available at present."
NO_RUN = "{} shows no run yet; choose one there first."
NOTHING_TO = {
    "window.undo": "There is no step to undo.",
    "window.redo": "There is no step to redo.",
}


def menu_entries(bar: QMenuBar, hidden: QAction | None = None) -> Iterator[PaletteEntry]:
    """Yield the actions of all menus, submenus included.

    Args:
        bar: menu bar.
        hidden: action that is left out, the palette's own.
    """
    for action in bar.actions():
        menu = action.menu()
        if isinstance(menu, QMenu):
            yield from _of_menu(menu, (plain(action.text()),), hidden)


def _of_menu(menu: QMenu, path: tuple[str, ...], hidden: QAction | None) -> Iterator[PaletteEntry]:
    for action in menu.actions():
        below = action.menu()
        if isinstance(below, QMenu):
            yield from _of_menu(below, (*path, plain(action.text())), hidden)
        elif not action.isSeparator() and action is not hidden and action.text():
            yield _of_window(action, path)


def _of_window(action: QAction, path: tuple[str, ...]) -> PaletteEntry:
    name = action.objectName()
    shows = name.startswith(SHOW)
    title = ": ".join((*path[1:], plain(action.text())))
    reason = "" if action.isEnabled() else NOTHING_TO.get(name, NOT_NOW)
    tip = action.toolTip()
    detail = tip if shows else path[0] if tip in ("", plain(action.text())) else f"{path[0]} · {tip}"
    return PaletteEntry(
        id=f"action:{name or title}",
        title=title,
        kind="Panel" if shows else "Action",
        run=action.trigger,
        detail=detail,
        shortcut=keys_of(action),
        reason=reason,
    )


def panel_entries(place: Place, panel: Panel, state: object) -> Iterator[PaletteEntry]:
    """Yield the actions of a panel, which is shown before one of them is done.

    Args:
        place: of the panel.
        panel: has the actions.
        state: of the panel; whether it shows a run explains most of what is disabled.
    """
    otherwise = NO_RUN.format(place.title) if isinstance(state, RunState) and not state.run else NOT_NOW
    for action in panel.listed_actions():
        if not action.text():
            continue
        yield PaletteEntry(
            id=action.objectName(),
            title=plain(action.text()),
            kind="Action",
            run=partial(panel.perform, action),
            detail=_place_and_tip(place, action),
            shortcut=keys_of(action),
            reason="" if action.isEnabled() else panel.reason(action) or otherwise,
            panel=place.name,
        )


def _place_and_tip(place: Place, action: QAction) -> str:
    """Title of a panel and tip of an action of it, which tells it from others of the same name."""
    tip = action.toolTip().removesuffix(f" ({keys_of(action)})")
    return place.title if tip in ("", action.text()) else f"{place.title} · {tip}"


def run_entries(library: RunLibrary, open_run: Callable[[str], None]) -> Iterator[PaletteEntry]:
    """Yield the runs of the library."""
    for info in library.runs:
        yield PaletteEntry(
            id=f"run:{info.run}",
            title=info.name or info.label or info.title,
            kind="Run",
            run=partial(open_run, info.run),
            detail=_words_on(info),
        )


def _words_on(info: RunInfo) -> str:
    folder = folder_name(info.run)
    parts = (info.label if info.name else "", info.data_label, f"step {info.step:,}", folder)
    return " · ".join(part for part in parts if part)


def plain(text: str) -> str:
    """Text of an action without mnemonics and dots."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").removesuffix("…")


def keys_of(action: QAction) -> str:
    """Shortcut of an action as the system writes it."""
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
