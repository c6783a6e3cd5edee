"""Lengths that grow with the type, so that texts of a fixed width are not cut where it is large."""

from PySide6.QtWidgets import QWidget

USUAL_LINE_PX = 16
"""Height of a line in the usual type, for which lengths are given."""


def scaled_px(widget: QWidget, length_px: int) -> int:
    """Lengthen a width or height for the type of a widget, where that is larger than usual.

    Args:
        widget: whose type counts.
        length_px: pixels in the usual type.
    """
    return round(length_px * max(1.0, widget.fontMetrics().height() / USUAL_LINE_PX))
