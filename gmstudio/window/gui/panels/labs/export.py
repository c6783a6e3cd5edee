"""Export of a laboratory's numbers as CSV, with their provenance in the lines on top."""

import json
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from gmstudio.media.provenance import Provenance, comment_lines, metadata_of
from gmstudio.media.writing import put_in_place
from gmstudio.protocol.scene_tables import scene_csv
from gmstudio.protocol.scenes import Scene
from gmstudio.window.client.background_task import Background
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.widgets.save_dialog import ask_path
from gmstudio.window.state.labs.state import LabsState


class NumbersExport(QObject):
    """Asks for a place and writes the numbers of the scene that is shown.

    The page says how it ended.

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
            name, write = work.entry.card.name, partial(self._write, origin_of(self._state), work.scene)
            ask_path(self._panel, "Export numbers", name, "csv", write)

    def _on_written(self, path: str) -> None:
        self._state.work.report("", f"Written: {path}")
        self.written.emit(path)

    def _write(self, origin: Provenance, scene: Scene, path: str) -> None:
        def work(_stopped: object) -> str:  # the texts of a large map take longer than a frame
            with put_in_place(Path(path), overwrite=True) as partial_path:
                partial_path.write_text(comment_lines(metadata_of(origin)) + scene_csv(scene), encoding="utf-8")
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


def origin_of(state: LabsState) -> Provenance:
    """Provenance of the scene that is shown."""
    work = state.work
    assert work.entry is not None, "there is no scene without a lab"
    return Provenance(
        family="", run="", seed=work.settings.seed, shows=work.entry.card.title, details=details_of(state)
    )
