"""State of the Runs panel: the run that is shown, and the runs that are compared with one another."""

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.run_spec import RunSpec
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.pages import PageState, PageStates
from gmstudio.window.state.runs.library import RunLibrary

P = TypeVar("P")
MAX_COMPARED = 4


class RunsState(QObject):
    """State of the Runs panel; each page has a state of its own, see ``page``.

    Attributes:
        link: connection to the engine.
        library: runs.
        run: run whose details, course of training and branches are shown, or "".
        compared: runs that are compared, ``MAX_COMPARED`` at most, in the order in which they were chosen.
        active: the panel is on the screen.
        edits: what a user changed, to be undone.
        next_spec: returns the present settings of Train; None: there are none.

    Signals:
        run_changed: ``run`` changed.
        compared_changed: ``compared`` changed.
        active_changed: ``active`` changed.
        page_wanted: name of a page of the panel that is to be opened.
    """

    run_changed = Signal()
    compared_changed = Signal()
    active_changed = Signal()
    page_wanted = Signal(str)

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.link, self.library = events, library
        self.run = ""
        self.compared: tuple[str, ...] = ()
        self.active = False
        self.next_spec: Callable[[], RunSpec | None] = lambda: None
        self._pages = PageStates()
        self._kept: dict[str, Callable[[], dict[str, Any]]] = {}
        self._restored: dict[str, Any] = {}
        self.edits = EditRecorder(self)
        self.edits.add_part("compared", lambda: self.compared, self._set_compared)
        self.edits.about_run(lambda: self.run, self.choose_run, library.has_run)
        library.changed.connect(self._drop_missing)

    def page(self, kind: PageState["RunsState", P]) -> P:
        """Return the state of a page, created at the first call."""
        return self._pages.of(self, kind)

    def choose_run(self, run: str) -> None:
        """Show another run."""
        if run != self.run:
            self.run = run
            self.run_changed.emit()

    def compare(self, runs: tuple[str, ...]) -> None:
        """Compare these runs with one another; those beyond ``MAX_COMPARED`` are left out."""
        with self.edits.recording("Choose runs to compare", of_run=False):
            self._set_compared(tuple(dict.fromkeys(runs))[:MAX_COMPARED])

    def set_active(self, active: bool) -> None:
        """Request only while the panel is on the screen."""
        if active != self.active:
            self.active = active
            self.active_changed.emit()

    def keep(self, page: str, choices: Callable[[], dict[str, Any]], restore: Callable[[dict[str, Any]], None]) -> None:
        """Keep the choices of a page's state from one start of the window to the next; those kept are restored now.

        Args:
            page: name of the page.
            choices: returns them as JSON values.
            restore: takes values that were kept, perhaps by another version.
        """
        self._kept[page] = choices
        if isinstance(kept := self._restored.get(page), dict):
            restore(kept)

    def choices(self) -> dict[str, Any]:
        """Compared runs and choices of the pages as JSON values, kept from one start of the window to the next."""
        pages = {page: choices() for page, choices in self._kept.items()}
        return {"compared": list(self.compared), "pages": self._restored | pages}

    def restore_choices(self, values: dict[str, Any]) -> None:
        """Compare the runs that were compared when the window was closed, and keep the choices of pages for them."""
        if isinstance(pages := values.get("pages"), dict):
            self._restored = pages
        kept = values.get("compared")
        if isinstance(kept, list):
            self._set_compared(tuple(run for run in kept if isinstance(run, str))[:MAX_COMPARED])

    def _set_compared(self, runs: tuple[str, ...]) -> None:
        if runs != self.compared:
            self.compared = runs
            self.compared_changed.emit()

    def _drop_missing(self) -> None:
        """Leave out runs that are no longer in the library."""
        if not self.library.home:
            return  # it is not listed yet
        if self.run and self.library.info(self.run) is None:
            self.choose_run("")
        with self.edits.unrecorded():
            self._set_compared(tuple(run for run in self.compared if self.library.info(run) is not None))
