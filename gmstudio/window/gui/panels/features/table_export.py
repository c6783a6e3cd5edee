"""Tables of a page as CSV files, with their provenance in the lines on top."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from gmstudio.media.csv_text import csv_text
from gmstudio.media.provenance import Provenance, comment_lines, metadata_of
from gmstudio.media.writing import put_in_place
from gmstudio.window.client.background_task import Background
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.widgets.save_dialog import ask_path
from gmstudio.window.state.features.state import FeaturesState

Say = Callable[[str, bool], None]
Cell = str | int | float


class TableExport(QObject):
    """Asks for a place and writes a table there.

    Args:
        panel: parent of the dialog.
        state: of the panel, with the run.
        say: takes the sentence on how it ended, and whether that is a problem.
    """

    def __init__(self, panel: Panel, state: FeaturesState, say: Say) -> None:
        super().__init__(panel)
        self._panel, self._state = panel, state
        self._background = Background(self)
        self._background.done.connect(lambda path: say(f"Written: {path}", False))
        self._background.failed.connect(lambda sentence: say(sentence, True))

    def ask(self, name: str, shows: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Ask for the path; the numbers are those of now.

        Args:
            name: of the file, without its suffix.
            shows: what the table is, for the provenance.
            header: names of the columns.
            rows: of the table.
        """
        text = comment_lines(metadata_of(self._origin(shows))) + csv_text(header, rows)
        ask_path(self._panel, "Save numbers as CSV", name, "csv", partial(self._write, text))

    def _origin(self, shows: str) -> Provenance:
        info, details = self._state.library.info(self._state.run), self._panel.picture_details()
        if info is None:
            return Provenance(family="", run="", shows=shows, details=details)
        return Provenance(
            family=info.spec.family,
            run=info.title,
            folder=info.run,
            created=info.created,
            step=info.step,
            shows=shows,
            details=details,
        )

    def _write(self, text: str, path: str) -> None:
        def work(_stopped: object) -> str:
            with put_in_place(Path(path), overwrite=True) as partial_path:
                partial_path.write_text(text, encoding="utf-8")
            return path

        self._background.start(work)
