"""Looks and parts of the sentences on the pages of the Features panel."""

from PySide6.QtWidgets import QLabel

from gmstudio.window.gui.widgets.style_property import set_style_property


def set_role(label: QLabel, *, error: bool) -> None:
    """Style a label as an error or as a muted remark.

    Args:
        label: of the theme's roles ``error`` and ``muted``.
        error: its text is a problem.
    """
    set_style_property(label, "role", "error" if error else "muted")


def step_words(weights_step: int) -> str:
    """Training step of the weights, as the end of a description: ``, weights of step 3,000``; of a baseline nothing."""
    return f", weights of step {weights_step:,}" if weights_step >= 0 else ""
