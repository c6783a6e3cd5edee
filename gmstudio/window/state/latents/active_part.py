"""Base of the parts of a latent space that request nothing while they are not on the screen."""

from PySide6.QtCore import QObject


class ActivePart(QObject):
    """Part that is refreshed when it comes on the screen, and halted when it leaves it.

    Attributes:
        active: it is on the screen; only then are images and codes requested.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.active = False

    def set_active(self, active: bool) -> None:
        """Request what is shown, or no longer."""
        if active != self.active:
            self.active = active
            if active:
                self.refresh()
            else:
                self._stop()

    def refresh(self) -> None:
        """Request everything that is shown, with the weights as they are now."""
        raise NotImplementedError

    def _halt(self) -> None:
        """Expect no replies to what was requested."""
        raise NotImplementedError

    def _stop(self) -> None:
        """End what is under way, as the part left the screen."""
        self._halt()
