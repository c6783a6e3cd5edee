"""Progress of work as a thin line."""

from PySide6.QtWidgets import QProgressBar, QWidget


class ProgressLine(QProgressBar):
    """Progress bar without text that keeps its place in the layout while it is hidden."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextVisible(False)
        kept = self.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.setSizePolicy(kept)
