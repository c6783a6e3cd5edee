"""What every view below the decoded image is: a page of a few lines, and what stands beside the image meanwhile."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QSizePolicy, QTabWidget, QWidget


class LatentView(QWidget):
    """Base of the views, one tab each.

    Attributes:
        beside: a widget that needs more room than a few lines (a map, a canvas); the panel shows it beside the image
            while the view's tab is open. None: nothing.
        beside_stretch: its share of the width; the image's is ``latents_pictures.IMAGE_STRETCH``.
    """

    beside: QWidget | None = None
    beside_stretch: int = 9


class ViewTabs(QTabWidget):
    """Tabs that are as high as the page that is open needs, so that the rest is left to the image."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        self.tabBar().setProperty("dense", True)
        self.setUsesScrollButtons(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.currentChanged.connect(self.updateGeometry)

    def hasHeightForWidth(self) -> bool:
        """Controls of a page may be in more lines where there is less width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Of the bar and the open page."""
        page = self.currentWidget()
        if page is None:
            return self.tabBar().sizeHint().height()
        needed = page.heightForWidth(width) if page.hasHeightForWidth() else page.sizeHint().height()
        return self.tabBar().sizeHint().height() + max(needed, page.minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """Of the open page."""
        return QSize(super().sizeHint().width(), self.heightForWidth(max(1, self.width())))

    def minimumSizeHint(self) -> QSize:
        """The same; pages do not scroll."""
        return QSize(super().minimumSizeHint().width(), self.heightForWidth(max(1, self.width())))
