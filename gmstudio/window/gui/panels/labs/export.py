"""Export of a laboratory's numbers as CSV, with their provenance in the lines on top."""

import json
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from gmstudio.media.provenance import Provenance, metadata_of
from gmstudio.media.writing import put_in_place
from gmstudio.protocol.scene_tables import scene_csv
from gmstudio.window.client.background_task import Background
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.widgets.save_dialog import ask_path
from gmstudio.window.state.labs.state import LabsState


class NumbersExport(QObject):
    """Asks for a place and writes the numbers of the scene that is shown.

    How it ended is told on the page.

    Args:
        panel: parent of the dialog.
        state: of the panel.

    Signals:
        written: path of a file.
    """

    written = Signal(str)

    def __init__(self, panel: Panel, state: LabsState) -> None:
        super().__init__(panel)
        self._panel, self._state = panel, state
        self._background = Background(self)
        self._background.done.connect(self._on_written)
        self._background.failed.connect(state.work.report)

    def ask(self) -> None:
        """Ask for the path; the numbers are those that are shown now."""
        work = self._state.work
        if work.entry is not None and work.scene is not None:
            text = numbers_text(self._state)
            name = work.entry.card.name
            ask_path(self._panel, "Export numbers", name, "csv", lambda path: self._write(text, path))

    def _on_written(self, path: str) -> None:
        self._state.work.report("", f"Written: {path}")
        self.written.emit(path)

    def _write(self, text: str, path: str) -> None:
        def work(_stopped: object) -> str:
            with put_in_place(Path(path), overwrite=True) as partial_path:
                partial_path.write_text(text, encoding="utf-8")
            return path

        self._background.start(work)


def details_of(state: LabsState) -> dict[str, str]:
    """Keywords and texts on the lab, for provenance."""
    work = state.work
    if work.entry is None:
        return {}
    models = {family: path for family, path in work.settings.models.items() if path}
    return {"Lab": work.entry.card.name, "Settings": json.dumps(work.settings.config)} | (
        {"Models": json.dumps(models)} if models else {}
    )


def numbers_text(state: LabsState) -> str:
    """CSV of the scene that is shown, below lines with its provenance that begin with ``#``."""
    work = state.work
    assert work.entry is not None and work.scene is not None, "the export is disabled without a scene"
    origin = Provenance(
        family="", run="", seed=work.settings.seed, shows=work.entry.card.title, details=details_of(state)
    )
    lines = [f"# {keyword}: {' '.join(text.split())}\n" for keyword, text in metadata_of(origin).items()]
    return "".join(lines) + scene_csv(work.scene)
