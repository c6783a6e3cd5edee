"""Help page: an introduction with the actions of every panel and their keys, the glossary, and the engine log."""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from html import escape

from PySide6.QtGui import QAction, QKeySequence, QShowEvent
from PySide6.QtWidgets import QTextBrowser, QVBoxLayout, QWidget

from gmstudio import __version__
from gmstudio.window.gui.shell.glossary import glossary_html, read_glossary
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs, Tab

SectionSource = Callable[[], Sequence[tuple[str, Sequence[QAction]]]]
TextSource = Callable[[], str]
INTRODUCTION = (
    "gmstudio is a studio for generative models of images: choose a family, train it, watch the training, "
    "step through the generation of an image, and move through a latent space. Everything runs on your computer."
)
FOCUS_RULE = "The keys of a panel are active while the focus is in it. Tab moves the focus to the next control."
RUN_RULE = (
    "Train shows each run that it starts. Pixels, Latents and Chains stay with their run; they take a new one where "
    "they show none, or where File, Follow new runs is ticked."
)
CONVENTIONS = (
    "Logarithms are natural. x is an image of D sub-pixels (one per pixel and channel), z a latent code, p the model, "
    "q the encoder. Texts in quotation marks are labels on the panel."
)


class HelpText(ActiveWidget):
    """Page of Help: a text that is written when it is shown, and again when the theme changes.

    Args:
        name: last part of the object names.
        title: accessible name.
        html: called at each showing: the text.
    """

    def __init__(self, name: str, title: str, html: TextSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._html = html
        self._browser = QTextBrowser()
        self._browser.setObjectName(f"help.{name}")
        self._browser.setAccessibleName(title)
        self._browser.setOpenExternalLinks(True)
        self._browser.setFrameShape(QTextBrowser.Shape.NoFrame)
        self._browser.document().setDocumentMargin(3 * GRID)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._browser)
        self.setFocusProxy(self._browser)
        theme().changed.connect(self._on_theme_changed)

    def set_active(self, active: bool) -> None:
        """Write the text; actions and messages may have changed since it was last shown."""
        if active:
            self.write()

    def write(self) -> None:
        """Write the text, at the same scroll position."""
        at = self._browser.verticalScrollBar().value()
        self._browser.setHtml(self._html())
        self._browser.verticalScrollBar().setValue(at)

    def text(self) -> str:
        """The page as plain text."""
        return self._browser.toPlainText()

    def _on_theme_changed(self) -> None:
        if self.active:
            self.write()


class HelpPage(QWidget):
    """Page of the window beside the panels, not a dialog: a tab each for keys, glossary and engine log.

    Args:
        sections: called at each showing: (title, actions) of the window and of each panel.
        engine_log: called at each showing: the tail of the engine's standard error.
    """

    def __init__(self, sections: SectionSource, engine_log: TextSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        self._sections = sections
        self._engine_log = engine_log
        QVBoxLayout(self).setContentsMargins(0, GRID, 0, 0)

    @cached_property
    def _tabs(self) -> LazyTabs:
        """Tabs, built when Help is first opened: the window is visible sooner without them."""
        tabs = (
            ("keys", "Keys", "Actions of every panel and their keys", self._keys),
            ("glossary", "Glossary", "Terms on the screen, with symbols and sources", self._glossary),
            ("engine", "Engine log", "Standard error of the engine process", self._engine),
        )
        pages = LazyTabs(
            [Tab(name, title, tip, partial(HelpText, name, title, html)) for name, title, tip, html in tabs]
        )
        pages.setObjectName("help.tabs")
        pages.setAccessibleName("Help")
        layout = self.layout()
        assert layout is not None
        layout.addWidget(pages)
        self.setFocusProxy(pages)
        return pages

    def showEvent(self, event: QShowEvent) -> None:
        """Build the tabs at the first showing."""
        super().showEvent(event)
        self._tabs.show()

    def open(self, name: str) -> None:
        """Open ``keys``, ``glossary`` or ``engine``."""
        self._tabs.show_page(name)

    def text(self) -> str:
        """Plain text of the open page."""
        page = self._tabs.page(self._tabs.open_page)
        assert isinstance(page, HelpText)
        return page.text()

    def _keys(self) -> str:
        muted = theme().color("muted").name()
        introduction = f"<h1>gmstudio {escape(__version__)}</h1><p>{escape(INTRODUCTION)}</p>"
        sections = "".join(_section(title, actions) for title, actions in self._sections())
        return f'{introduction}<h2>Keys</h2><p style="color:{muted}">{FOCUS_RULE}<br>{RUN_RULE}</p>{sections}'

    def _glossary(self) -> str:
        accent, muted = theme().color("accent").name(), theme().color("muted").name()
        return f'<p style="color:{muted}">{CONVENTIONS}</p>{glossary_html(read_glossary(), accent, muted)}'

    def _engine(self) -> str:
        return f"<pre>{escape(self._engine_log()) or 'No messages.'}</pre>"


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
