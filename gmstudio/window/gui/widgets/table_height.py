"""Height of tables whose rows are always as many."""

from PySide6.QtWidgets import QTableView

from gmstudio.window.gui.widgets.when_styled import when_styled


def show_all_rows(table: QTableView, rows: int) -> None:
    """Fix the height of a table to its heading and rows, in any style.

    Args:
        table: without a scroll bar below it; the height of its rows is set.
        rows: their number.
    """

    def fit() -> None:
        height = table.horizontalHeader().sizeHint().height() + rows * table.verticalHeader().defaultSectionSize()
        table.setFixedHeight(height + 2 * table.frameWidth())

    when_styled(table, fit)
