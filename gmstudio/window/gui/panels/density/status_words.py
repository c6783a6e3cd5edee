"""What a statistic measures, or in its place what its computation is doing or lacks."""

from PySide6.QtWidgets import QSizePolicy, QStackedWidget

from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.style_property import set_role


class StatusWords(QStackedWidget):
    """A line of help that gives way to words on the state of the work while there are any.

    Attributes:
        help: label of the help.
        status: label of the state.
    """

    def __init__(self) -> None:
        super().__init__()
        self.help, self.status = ElidedLabel(), ElidedLabel()
        self.help.setProperty("role", "muted")
        for label in (self.help, self.status):
            self.addWidget(label)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_status(self, words: str, *, error: bool) -> None:
        """Show words in place of the help; empty: the help.

        Args:
            words: on the state of the work.
            error: they say a problem.
        """
        self.status.set_words(words)
        set_role(self.status, error=error)
        self.setCurrentWidget(self.status if words else self.help)
