"""Export of the scores of all images as CSV, with their provenance in the lines on top."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.media.csv_text import csv_text
from gmstudio.media.provenance import Provenance, comment_lines, metadata_of
from gmstudio.media.writing import put_in_place
from gmstudio.protocol.density import ScoresComputed
from gmstudio.protocol.image_sets import ImagesDescribed
from gmstudio.window.client.background_task import Background
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.widgets.save_dialog import ask_path
from gmstudio.window.state.density.scores import ScoresState


class ScoreExport(QObject):
    """Asks for a place and writes the scores that are shown.

    Args:
        panel: parent of the dialog.
        state: of the page.

    Attributes:
        message: path of the file that was written last, or the reason why there is none; "" before.
        failed: the message is a reason.

    Signals:
        changed: the message changed.
    """

    changed = Signal()

    def __init__(self, panel: Panel, state: ScoresState) -> None:
        super().__init__(panel)
        self._panel, self._state = panel, state
        self.message, self.failed = "", False
        self._background = Background(self)
        self._background.done.connect(lambda path: self._report(f"Written: {path}", failed=False))
        self._background.failed.connect(lambda problem: self._report(problem, failed=True))

    def ask(self) -> None:
        """Ask for the path; the scores are those that are shown now."""
        results = self._results()
        if results:
            described = self._state.owner.described.described
            origin = self._origin(results)

            def write(path: str) -> None:
                self.write(path, origin, results, described)

            ask_path(self._panel, "Export scores", f"scores-{self._state.statistic}", "csv", write)

    def write(
        self, path: str, origin: Provenance, results: dict[str, ScoresComputed], described: ImagesDescribed | None
    ) -> None:
        """Write scores in a thread."""

        def work(_stopped: object) -> str:
            with put_in_place(Path(path), overwrite=True) as partial_path:
                text = comment_lines(metadata_of(origin)) + scores_csv(results, described)
                partial_path.write_text(text, encoding="utf-8")
            return path

        self._background.start(work)

    def _results(self) -> dict[str, ScoresComputed]:
        """Title of the run → its scores."""
        owner, found = self._state.owner, {}
        for run in owner.runs:
            result, info = self._state.result(run), owner.library.info(run)
            if result is not None and info is not None:
                name = info.title if info.title not in found else f"{info.title} {info.created}"
                found[name] = result
        return found

    def _origin(self, results: dict[str, ScoresComputed]) -> Provenance:
        first = next(iter(results.values()))
        info = self._state.owner.library.info(first.run)
        details = {name: f"{one.kind_text}, step {one.weights_step:,}, {one.run}" for name, one in results.items()}
        details |= {"Statistic": first.statistic.title, "Images": first.title}
        if first.conversion:
            details["Conversion"] = first.conversion
        return Provenance(
            family=info.spec.family if info is not None else "",
            run=info.title if info is not None else "",
            folder=first.run,
            created=info.created if info is not None else "",
            step=first.weights_step,
            seed=self._state.seed,
            shows="scores",
            details=details,
        )

    def _report(self, message: str, *, failed: bool) -> None:
        self.message, self.failed = message, failed
        self.changed.emit()


def scores_csv(results: dict[str, ScoresComputed], described: ImagesDescribed | None) -> str:
    """Write scores as CSV, a line for each image: number, label, its name, file, then value and error of each run."""
    heads = [head for name, one in results.items() for head in (name, *([f"{name}, error"] if one.errors else []))]
    count = max((one.values.shape[0] for one in results.values()), default=0)
    columns = [column for one in results.values() for column in _columns(one, count)]
    rows = ([index, *_named(index, described), *(column[index] for column in columns)] for index in range(count))
    return csv_text(("index", "label", "label name", "file", *heads), rows)


def _columns(one: ScoresComputed, count: int) -> Iterator[list[str]]:
    for array in (one.values, one.errors):
        if array is not None:
            values = array.numpy().astype(np.float64).tolist()
            yield [repr(value) for value in values] + [""] * (count - len(values))


def _named(index: int, described: ImagesDescribed | None) -> tuple[str, str, str]:
    label = name = file = ""
    if described is not None and described.labels is not None and index < described.labels.shape[0]:
        number = int(described.labels.numpy()[index])
        label = str(number)
        name = described.label_names[number] if 0 <= number < len(described.label_names) else ""
    if described is not None and index < len(described.names):
        file = described.names[index]
    return label, name, file
