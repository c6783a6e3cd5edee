"""Menu of what can stand beside the present runs: runs on the same points, and families to be trained on them."""

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from gmstudio.window.gui.run_text import RunLines, run_tip
from gmstudio.window.state.plane.offers import TrainingOffers
from gmstudio.window.state.plane.state import PlaneState

NO_OTHERS = "No other run on the same points"


def add_menu(
    parent: QWidget, state: PlaneState, offers: TrainingOffers, live: str, others: Callable[[], None]
) -> QMenu:
    """Create the menu.

    Args:
        parent: of the menu.
        state: state of the panel.
        offers: starts runs.
        live: name of the run in training.
        others: shows the page on which runs on other points are started.
    """
    menu = QMenu(parent)
    menu.setObjectName("plane.add_menu")
    menu.setToolTipsVisible(True)
    _heading(menu, "Runs on the same points")
    companions = state.companions()
    for info, line in zip(companions, RunLines().of(companions, live), strict=True):
        action = menu.addAction(line)
        action.setToolTip(run_tip(info))
        action.triggered.connect(partial(_add, state, info.run))
    if not companions:
        menu.addAction(NO_OTHERS).setEnabled(False)
    first = state.info(state.tiles[0]) if state.tiles else None
    if first is not None and offers.families:
        menu.addSeparator()
        _heading(menu, offers.unavailable or "Train on these points")
        for entry in offers.families:
            proposed = entry.start_on_points
            if proposed is None or proposed.data != first.spec.data:
                continue
            action = menu.addAction(entry.card.title)
            action.setEnabled(not offers.unavailable)
            action.setToolTip(offers.unavailable or "Train it with the settings that it proposes, and show it beside")
            action.triggered.connect(partial(_train, offers, entry.card.name, dict(first.spec.data_config)))
    menu.addSeparator()
    menu.addAction("Other points …").triggered.connect(lambda _checked=False: others())
    menu.aboutToHide.connect(menu.deleteLater)
    return menu


def _heading(menu: QMenu, text: str) -> None:
    menu.addAction(text).setEnabled(False)


def _add(state: PlaneState, run: str, _checked: bool = False) -> None:
    state.add_run(run)


def _train(offers: TrainingOffers, family: str, data_config: dict[str, object], _checked: bool = False) -> None:
    offers.start(family, data_config)
