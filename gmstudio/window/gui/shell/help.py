"""Help page: the actions of every panel with their keys, the engine log, and an introduction."""

from collections.abc import Callable, Sequence
from html import escape

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QTextBrowser, QVBoxLayout, QWidget

from gmstudio import __version__
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget

SectionSource = Callable[[], Sequence[tuple[str, Sequence[QAction]]]]
TextSource = Callable[[], str]
INTRODUCTION = (
    "gmstudio is a studio for generative models of images: choose a family, train it, watch the training, "
    "step through the generation of an image, and move through a latent space. Everything runs on your computer."
)

FOCUS_RULE = "The keys of a panel are active while the focus is in it. Tab moves the focus to the next control."


class HelpPage(ActiveWidget):
    """Page of the window beside the panels, not a dialog.

    Args:
        sections: called at each showing: (title, actions) of the window and of each panel.
        engine_log: called at each showing: the tail of the engine's standard error.
    """

    def __init__(self, sections: SectionSource, engine_log: TextSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        self._sections = sections
        self._engine_log = engine_log
        self._browser = QTextBrowser()
        self._browser.setObjectName("help.text")
        self._browser.setAccessibleName("Help")
        self._browser.setOpenExternalLinks(True)
        self._browser.setFrameShape(QTextBrowser.Shape.NoFrame)
        self._browser.document().setDocumentMargin(3 * GRID)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._browser)
        self.setFocusProxy(self._browser)
        theme().changed.connect(self.write)

    def set_active(self, active: bool) -> None:
        """Write the page; actions may have changed since it was last shown."""
        if active:
            self.write()

    def write(self) -> None:
        """Write the page."""
        at = self._browser.verticalScrollBar().value()
        muted = theme().color("muted").name()
        parts = [
            f"<h1>gmstudio {escape(__version__)}</h1><p>{escape(INTRODUCTION)}</p>",
            '<a name="keys"></a><h2>Keys</h2>',
            f'<p style="color:{muted}">{FOCUS_RULE}</p>',
            *(_section(title, actions) for title, actions in self._sections()),
            '<a name="engine"></a><h2 style="margin-top:24px">Engine log</h2>',
            f"<pre>{escape(self._engine_log()) or 'No messages.'}</pre>",
        ]
        self._browser.setHtml("".join(parts))
        self._browser.verticalScrollBar().setValue(at)

    def go_to(self, anchor: str) -> None:
        """Scroll to ``keys`` or ``engine``; empty: to the top."""
        if anchor:
            self._browser.scrollToAnchor(anchor)
        else:
            self._browser.verticalScrollBar().setValue(0)

    def text(self) -> str:
        """The page as plain text."""
        return self._browser.toPlainText()


def _section(title: str, actions: Sequence[QAction]) -> str:
    """Table of actions: key, name, and tooltip where it differs from the name."""
    rows = "".join(_row(action) for action in actions)
    return (
        f'<h3 style="margin-top:16px">{escape(title)}</h3><table cellspacing="0" cellpadding="4">{rows}</table>'
        if rows
        else ""
    )


def _row(action: QAction) -> str:
    accent, muted = theme().color("accent").name(), theme().color("muted").name()
    keys = ", ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts())
    words = action.text().replace("&", "")
    tip = action.toolTip().removesuffix(f" ({keys})")
    tip = "" if tip == words else tip
    return (
        f'<tr><td width="120" style="color:{accent}"><b>{escape(keys) or "–"}</b></td>'
        f'<td width="190">{escape(words)}</td><td style="color:{muted}">{escape(tip)}</td></tr>'
    )
