"""State of the settings of compared runs: a row for each setting, a column for each run, differences marked."""

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Signal

from gmstudio.media.csv_text import csv_text
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs_compare import DescribeSettings, SettingDescribed, SettingsDescribed
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.compare import CompareState
from gmstudio.window.state.runs.state import RunsState

DASH = "–"
"""In place of a setting that a run does not have, or that has no effect in it."""
RESULT = "Training so far"
TableForm = Literal["text", "csv", "markdown"]


@dataclass(frozen=True)
class SettingRow:
    """Row of the table.

    Args:
        section: heading.
        title: of the setting.
        cells: setting of each run; None: the run does not have it.
        differs: the runs do not all have the same value, or some have none.
        conflicts: runs that have the setting have different values.
    """

    section: str
    title: str
    cells: tuple[SettingDescribed | None, ...]
    differs: bool
    conflicts: bool

    def texts(self) -> tuple[str, ...]:
        """Values in words; a dash where there is none, or none with an effect."""
        return tuple(DASH if cell is None or cell.idle else cell.text for cell in self.cells)


class ComparedSettings(QObject):
    """Settings of the compared runs, requested while they are shown.

    Args:
        owner: state of the panel.

    Attributes:
        only_differences: rows in which all runs agree are left out.
        problems: run → why its settings cannot be described, a sentence.

    Signals:
        changed: rows, problems or ``only_differences``.
    """

    changed = Signal()

    def __init__(self, owner: RunsState) -> None:
        super().__init__(owner)
        self._owner, self._compared = owner, owner.page(CompareState)
        self.only_differences = False
        self.problems: dict[str, str] = {}
        self._described: dict[str, tuple[SettingDescribed, ...]] = {}
        self._specs: dict[str, RunSpec] = {}
        self._requests: dict[str, Request] = {}
        self._active = False
        self._compared.runs_changed.connect(self._on_runs_changed)
        self._owner.active_changed.connect(self._request)
        self._owner.library.catalog_arrived.connect(self._request)

    def set_active(self, active: bool) -> None:
        """Request only while the table is on the screen."""
        self._active = active
        self._request()

    def set_only_differences(self, only: bool) -> None:
        """Leave out the rows in which all runs agree, or show them."""
        self.only_differences = only
        self.changed.emit()

    def rows(self) -> list[SettingRow]:
        """Return the rows, in the order of the first run that has a setting."""
        runs = self._compared.runs
        table: dict[str, dict[tuple[str, str], dict[str, SettingDescribed]]] = {}
        for run in runs:
            for one in self._settings(run):
                table.setdefault(one.section, {}).setdefault((one.name, one.title), {})[run] = one
        rows = []
        for section, settings in table.items():
            for (_name, title), of_runs in settings.items():
                row = _row(section, title, tuple(of_runs.get(run) for run in runs))
                if row.differs or not self.only_differences:
                    rows.append(row)
        return rows

    def table(self, form: TableForm) -> str:
        """Write the rows that are shown as text with tabs, CSV or Markdown, with the names of the runs on top."""
        names = self._compared.names()
        header = ("", "setting", *(names.get(run, run) for run in self._compared.runs))
        rows = [(row.section, row.title, *row.texts()) for row in self.rows()]
        if form == "csv":
            return csv_text(("section", *header[1:]), rows)
        if form == "text":
            return "".join("\t".join(row) + "\n" for row in (header, *rows))
        lines = [header, tuple("---" for _ in header), *rows]
        return "".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in lines)

    def _settings(self, run: str) -> tuple[SettingDescribed, ...]:
        """Settings of a run, and what is known of it besides."""
        described, info = self._described.get(run, ()), self._owner.library.info(run)
        if not described or info is None:
            return described
        opened = self._owner.library.opened.get(run)
        facts = [("steps", "Steps made", f"{info.step:,}")]
        if opened is not None:
            facts.append(("parameters", "Parameters", f"{opened.num_parameters:,}"))
        return (*described, *(SettingDescribed(section=RESULT, name=n, title=t, text=v) for n, t, v in facts))

    def _on_runs_changed(self) -> None:
        for run in [run for run in self._described if run not in self._compared.runs]:
            del self._described[run]
        self._request()
        self.changed.emit()

    def _request(self) -> None:
        """Request the settings of runs that are not known, or were changed since."""
        if not (self._active and self._owner.active and self._owner.library.catalog is not None):
            return
        for run, info in self._compared.infos.items():
            request = self._requests.get(run)
            known = self._specs.get(run) == info.spec and (run in self._described or run in self.problems)
            if known or (request is not None and request.busy):
                continue
            if request is None:
                request = self._requests[run] = Request(self._owner.link, self)
                request.replied.connect(self._on_described)
                request.failed.connect(lambda failure, run=run: self._on_failed(run, failure))
            self._specs[run] = info.spec
            self.problems.pop(run, None)
            request.send(DescribeSettings(run=run))

    def _on_described(self, event: SettingsDescribed) -> None:
        self._described[event.run] = event.settings
        self.changed.emit()

    def _on_failed(self, run: str, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.problems[run] = failure.message
            self.changed.emit()


def _row(section: str, title: str, cells: tuple[SettingDescribed | None, ...]) -> SettingRow:
    texts = set(SettingRow(section, title, cells, differs=False, conflicts=False).texts())
    return SettingRow(section, title, cells, differs=len(texts) > 1, conflicts=len(texts - {DASH}) > 1)
