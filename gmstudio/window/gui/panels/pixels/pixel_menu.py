"""Menu of a pixel of the Pixels panel's image."""

from collections.abc import Callable

from PySide6.QtWidgets import QMenu, QWidget

from gmstudio.window.state.pixels.state import PixelsState


def pixel_menu(
    parent: QWidget, session: PixelsState, row: int, column: int, measure_influence: Callable[[int, int], None]
) -> QMenu | None:
    """Create the menu of a pixel; None where no generation is open.

    Args:
        parent: of the menu.
        session: state that the entries change.
        row: of the pixel.
        column: of the pixel.
        measure_influence: measures what the pixel does to the next conditional, and shows it.
    """
    state = session.navigator.shown
    if state is None:
        return None
    menu = QMenu(parent)
    edit = menu.addAction(f"Edit the pixel at row {row}, column {column}")
    edit.setEnabled(bool((state.steps_of_pixel(row, column) < state.step).any()))
    edit.triggered.connect(lambda: session.edit(row, column))
    go = menu.addAction("Go to this pixel")
    go.triggered.connect(lambda: session.go_to(row, column))
    change = menu.addAction("Measure its influence on the next conditional")
    change.setEnabled(edit.isEnabled() and not state.finished)
    change.triggered.connect(lambda: measure_influence(row, column))
    menu.aboutToHide.connect(menu.deleteLater)
    return menu
