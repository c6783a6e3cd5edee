"""Details of the run that is shown, beside the table: samples, curve, settings, events, checkpoints; and what to do."""

from html import escape

import numpy as np
from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QGridLayout, QTabWidget, QTextBrowser, QVBoxLayout

from gmstudio.protocol.runs import RunInfo, bits_text
from gmstudio.protocol.runs_details import DetailsRead
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.run_text import run_name, started_text
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.plots.line_plot import LinePlot, PlotLine
from gmstudio.window.state.runs.details import RunDetails
from gmstudio.window.state.runs.state import RunsState

WIDTH = 44 * GRID
SAMPLES_SHOWN = 25
TABS = {"settings": "Settings", "events": "Log", "checkpoints": "Files"}
SPLITS = {"train": "training", "valid": "validation"}
NO_RUN = "Choose a run in the table to see it here."
NONE_SAVED = "No samples were saved."


def size_text(size_bytes: int) -> str:
    """Size of files, such as ``1.5 MB``."""
    value, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


class LibraryDetails(ActiveWidget):
    """Column beside the table.

    Args:
        panel: that the controls belong to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__()
        self._panel, self._owner = panel, state
        self._state = state.page(RunDetails)
        self._make_actions()
        self._make_views()
        self._lay_out()
        self.refresh_on(self._state.changed, self._show)
        self._state.changed.connect(self._show_possible)  # the palette offers the actions while it is hidden, too
        self._state.trained_on.connect(lambda: panel.panel_wanted.emit("train"))
        state.library.live_changed.connect(lambda _run: self._show_possible())
        self._show_possible()
        self._show()

    def sizeHint(self) -> QSize:
        """A column beside a wide table."""
        return QSize(WIDTH, super().sizeHint().height())

    def set_active(self, active: bool) -> None:
        """Read while it is on the screen."""
        self._state.set_active(active)

    # ---- what to do -------------------------------------------------------------------------------------------------

    def _make_actions(self) -> None:
        add = self._panel.add_action
        self.explore = add(
            "explore",
            "Explore",
            "Ctrl+Return",
            lambda: self._panel.run_wanted.emit(self._owner.run),
            icon="eye",
            tip="Open the run in the panel that is made for its model",
        )
        self.take = add(
            "use_settings",
            "Use these settings",
            "Ctrl+D",
            self._take_settings,
            icon="copy",
            tip="Set up a new run in Train with the settings of this one",
        )
        self.train_on = add(
            "train_on",
            "Train on",
            "Ctrl+R",
            self._state.train_on,
            icon="resume",
            tip="Continue the training up to its number of steps, or twice as many where these are made",
        )
        self.duplicate = add(
            "duplicate",
            "Duplicate",
            "",
            self._state.duplicate,
            icon="add",
            tip="Copy the run's folder as a new run, which can be trained on",
        )
        self.folder = add(
            "open_folder", "Open folder", "", self._open_folder, icon="folder", tip="Open the run's folder"
        )

    @property
    def actions_of_run(self) -> tuple[QAction, ...]:
        """What can be done with the run that is shown."""
        return self.explore, self.take, self.train_on, self.duplicate, self.folder

    def _take_settings(self) -> None:
        if (info := self._state.info) is not None:
            self._panel.setup_wanted.emit(info.spec)

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._owner.library.path_of(self._owner.run)))

    def _show_possible(self) -> None:
        info, allow, library = self._state.info, self._panel.allow, self._owner.library
        missing = "" if info is not None else "No run is chosen."
        weights = "" if info is None or library.is_able(info.run, "") else "The run has no weights yet."
        allow(self.explore, missing or weights)
        allow(self.take, missing)
        allow(self.train_on, self._state.train_on_reason)
        live = info is not None and info.run == library.live
        copying = "A copy is being made." if self._state.copying else ""
        allow(self.duplicate, missing or copying or ("The run is in training: stop it first." if live else ""))
        allow(self.folder, missing or library.elsewhere)

    # ---- what it shows ----------------------------------------------------------------------------------------------

    def _make_views(self) -> None:
        name = self._panel.name_widget
        self.title, self.line = ElidedLabel(middle=True), ElidedLabel()
        self.title.setProperty("role", "title")
        self.line.setProperty("role", "muted")
        self.samples = ImageGrid()
        self.samples.set_placeholder(NO_RUN)
        name(self.samples, "details_samples", "Samples", "Samples of the newest grid that was saved")
        self.curve = LinePlot("training step", "loss")
        name(self.curve, "details_curve", "Training curve", "The curve in few points; Train and Compare have all")
        self.texts = {kind: QTextBrowser() for kind in ("settings", "events", "checkpoints")}
        for kind, text in self.texts.items():
            text.setOpenLinks(False)
            name(text, f"details_{kind}", kind.capitalize(), "")
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        name(self.tabs, "details_tabs", "Details", "")
        for title, page in (("Samples", self.samples), ("Curve", self.curve)):
            self.tabs.addTab(page, title)
        for kind, text in self.texts.items():
            self.tabs.addTab(text, TABS[kind])
        self.tabs.tabBar().setUsesScrollButtons(False)

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        buttons.setSpacing(GRID // 2)
        for number, action in enumerate(self.actions_of_run):
            buttons.addWidget(self._panel.button(action), number // 3, number % 3)
        buttons.setColumnStretch(3, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        for widget in (self.title, self.line):
            column.addWidget(widget)
        column.addLayout(buttons)
        column.addWidget(self.tabs, 1)

    def _show(self) -> None:
        info, details = self._state.info, self._state.details
        self.title.set_words(run_name(info) if info is not None else "")
        self.line.set_words(self._state.problem or (_line(info) if info is not None else NO_RUN))
        self._show_samples(details)
        self._show_curve(details)
        self._write("settings", _settings_html(info) if info is not None else "")
        self._write("events", _events_html(info, details) if info is not None and details is not None else "")
        self._write("checkpoints", _checkpoints_html(details) if details is not None else "")

    def _show_samples(self, details: DetailsRead | None) -> None:
        images = details.samples.numpy() if details is not None and details.samples is not None else None
        if images is not None and images.dtype == np.uint8 and images.ndim == 4 and images.shape[1] in (1, 3):
            self.samples.set_images(images[:SAMPLES_SHOWN])
        else:
            self.samples.set_placeholder(NONE_SAVED if details is not None else "" if self._state.info else NO_RUN)
            self.samples.set_images(np.zeros((0, 1, 1, 1), np.uint8))

    def _show_curve(self, details: DetailsRead | None) -> None:
        curves = details.curves if details is not None else ()
        if details is not None:
            self.curve.set_titles("training step", details.term)
        self.curve.set_lines(
            tuple(
                PlotLine(SPLITS.get(c.split, c.split), c.steps.numpy().astype(np.float64), c.values.numpy())
                for c in curves
            )
        )

    def _write(self, kind: str, html: str) -> None:
        """Write a text, unless it is there already: its place in view stays."""
        view = self.texts[kind]
        if view.property("html") != html:
            view.setProperty("html", html)
            view.setHtml(html)
            view.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )


def _line(info: RunInfo) -> str:
    parts = (info.family_title, info.data_label, f"{info.step:,} steps", bits_text(info), info.status)
    return " · ".join(filter(None, parts))


def _settings_html(info: RunInfo) -> str:
    """All settings; those that differ from their defaults first."""
    differing = [f"<b>{escape(line)}</b>" for line in info.differing] or ["All settings have their defaults."]
    rest = [
        f"{escape(name)} = {escape(str(value))}"
        for part in (info.spec.config, info.spec.data_config, info.spec.training)
        for name, value in part.items()
    ]
    note = f"<p>{escape(info.note)}</p>".replace("\n", "<br>") if info.note else ""
    return f"{note}<p>{'<br>'.join(differing)}</p><p>{'<br>'.join(rest)}</p>"


def _events_html(info: RunInfo, details: DetailsRead) -> str:
    origin = []
    if info.origin is not None:
        changed = "; ".join(info.origin.changed) or "nothing changed"
        origin = [f"Began from {info.origin.run}, step {info.origin.step:,}: {changed}"]
    versions = ", ".join(f"{name} {version}" for name, version in details.versions.items())
    head = [f"Started {started_text(info)} on {details.device}; {versions}", *origin]
    if info.message:
        head.append(info.message)
    events = [f"step {event.step:,}: {event.text}" for event in reversed(details.events)]
    return f"<p>{'<br>'.join(map(escape, head))}</p><p>{'<br>'.join(map(escape, events)) or 'No events.'}</p>"


def _checkpoints_html(details: DetailsRead) -> str:
    lines = []
    for entry in reversed(details.checkpoints):
        marks = ", ".join(filter(None, ("newest" if entry.latest else "", "kept" if entry.kept else "", entry.problem)))
        lines.append(f"step {entry.step:,} · {size_text(entry.size_bytes)}{f' · {marks}' if marks else ''}")
    total = f"The run's folder has {size_text(details.size_bytes)}."
    return f"<p>{escape(total)}</p><p>{'<br>'.join(map(escape, lines)) or 'No checkpoints.'}</p>"
