"""Properties that the style sheet selects by, such as the role of a label."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget


def set_style_property(widget: QWidget, name: str, value: str | bool) -> None:
    """Set a property that the style sheet selects by; a new value is styled, which Qt does not do by itself.

    A widget that was not shown yet is styled when it is.

    Args:
        widget: of which the property is.
        name: of the property, such as ``role``.
        value: as in the style sheet.
    """
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    if widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def set_role(label: QLabel, *, error: bool) -> None:
    """Style a label as an error or as a muted remark.

    Args:
        label: of the theme's roles ``error`` and ``muted``.
        error: its text is a problem.
    """
    set_style_property(label, "role", "error" if error else "muted")
