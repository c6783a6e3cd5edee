"""Looks and parts of the sentences on the pages of the Features panel."""

from PySide6.QtWidgets import QLabel


def set_role(label: QLabel, *, error: bool) -> None:
    """Style a label as an error or as a muted remark.

    Args:
        label: of the theme's roles ``error`` and ``muted``.
        error: its text is a problem.
    """
    role = "error" if error else "muted"
    if label.property("role") != role:
        label.setProperty("role", role)
        label.style().unpolish(label)
        label.style().polish(label)


def step_words(weights_step: int) -> str:
    """Training step of the weights, as the end of a description: ``, weights of step 3,000``; of a baseline nothing."""
    return f", weights of step {weights_step:,}" if weights_step >= 0 else ""
