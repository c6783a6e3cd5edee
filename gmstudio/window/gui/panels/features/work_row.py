"""Row of a page: begin and stop its work, and how far it is."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.features import WorkProgress
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.progress_text import duration_text, loading_text
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.progress_line import ProgressLine
from gmstudio.window.gui.widgets.style_property import set_role

BAR_PX = 20 * GRID
STEPS = 1000


class WorkRow(QWidget):
    """Buttons, bar, and a sentence in one line that keeps its place.

    Args:
        panel: that it belongs to.
        name: of the page, part of the controls' names.
        begin: action that begins the work, the main one of the page.
        stop: action that ends it.
        others: further actions, behind them.
    """

    def __init__(
        self, panel: Panel, name: str, begin: QAction, stop: QAction, others: tuple[QAction, ...] = ()
    ) -> None:
        super().__init__(panel)
        self.bar = ProgressLine()
        self.bar.setRange(0, STEPS)
        self.bar.setFixedWidth(BAR_PX)
        panel.name_widget(self.bar, f"{name}_bar", "Progress", "Share of the work that is done.")
        self.line = ElidedLabel()
        self.line.setObjectName(f"{panel.name}.{name}_line")
        self.line.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        for action in (begin, stop, *others):
            button = panel.button(action)
            if action is begin:
                button.setProperty("primary", True)
            row.addWidget(button)
        row.addWidget(self.bar)
        row.addWidget(self.line, 1)
        self.show_work(None, 0.0)

    def show_work(
        self, progress: WorkProgress | None, share: float, *, loading: DataLoading | None = None, about: str = ""
    ) -> None:
        """Show work in progress.

        Args:
            progress: stage and time left; None: there is no work.
            share: of all that is done; negative: unknown.
            loading: of the data that the work waits for.
            about: what the work is about, written before the stage.
        """
        self.bar.setVisible(progress is not None)
        self.bar.setRange(0, STEPS if share >= 0 else 0)  # without a range it shows that there is work
        self.bar.setValue(round(share * STEPS) if share >= 0 else -1)
        if progress is None:
            self.say("")
            return
        left = f"{duration_text(progress.seconds_left)} left" if progress.seconds_left >= 0 else ""
        stage = loading_text(loading) if loading is not None else progress.stage
        self.say(" · ".join(filter(None, (about, stage, left))))

    def say(self, words: str, *, error: bool = False) -> None:
        """Show a sentence in place of the progress."""
        set_role(self.line, error=error)
        self.line.set_words(words)
