"""Files of comparisons, written in a thread with the origin of all runs inside."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from gmstudio.media.provenance import Provenance, metadata_of
from gmstudio.window.client.background_task import Background
from gmstudio.window.gui.widgets.save_dialog import ask_path

if TYPE_CHECKING:
    from gmstudio.window.gui.widgets.save_forms import SaveForm

Origin = Callable[[], Provenance]
Write = Callable[[Path], None]


@runtime_checkable
class HasOrigin(Protocol):
    """Page that says where its pictures come from."""

    def picture_origin(self, widget: QWidget) -> Provenance | None:
        """Return the origin of a picture of the page; None: the run that the panel shows."""


class CompareSaving(QObject):
    """Asks for a place, and writes a picture or a table there.

    Args:
        parent: of the dialogs.

    Signals:
        said: a sentence: what was written, or why nothing was.
    """

    said = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._background = Background(self)
        self._background.done.connect(lambda path: self.said.emit(f"Written: {path}"))
        self._background.failed.connect(self.said)

    def picture(self, image: QImage, name: str, origin: Provenance) -> None:
        """Save a picture as PNG.

        Args:
            image: painted now, as the page may show something else when the place is chosen.
            name: of the file that is offered.
            origin: of all runs.
        """
        # Only now: it imports the plotting library, which the window's start does not wait for.
        from gmstudio.window.gui.widgets.save_forms import png_writer

        self._ask("Save picture", name, "png", png_writer(image, metadata_of(origin)))

    def form(self, form: "SaveForm", name: str, origin: Provenance) -> None:
        """Save a picture in a form that is written as a file.

        Args:
            form: its content is painted now.
            name: of the file that is offered.
            origin: of all runs.
        """
        assert form.write is not None
        self._ask(form.title.removesuffix("…"), name, form.suffix, form.write(metadata_of(origin)))

    def table(
        self, make: Callable[[Mapping[str, str]], str], name: str, origin: Provenance, suffix: str = "csv"
    ) -> None:
        """Save a table as text, for example CSV.

        Args:
            make: writes the table with these texts before it; called in a thread.
            name: of the file that is offered.
            origin: of all runs.
            suffix: of the file.
        """
        from gmstudio.window.gui.widgets.save_forms import text_writer

        self._ask("Save table", name, suffix, text_writer(partial(make, metadata_of(origin))))

    def _ask(self, title: str, name: str, suffix: str, write: Write) -> None:
        ask_path(self._window, title, name, suffix, partial(self._write, write))

    def _write(self, write: Write, path: str) -> None:
        def work(_stopped: object) -> str:
            write(Path(path))
            return path

        self._background.start(work)
