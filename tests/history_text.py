"""Texts of a panel's history, for tests."""

from gmstudio.window.gui.panel import Panel


def undo_text(panel: Panel) -> str:
    """Name of the edit that would be undone; "" where there is none."""
    step = panel.undo.undoable
    return step.edit.name if step is not None else ""
