"""Status bar: device and memory, the current job with rate and time left, and the state of the engine."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.engine import EngineReported
from gmstudio.window.gui.progress_text import loading_text, memory_text, rate_words
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.state.data.loads import DataLoads
from gmstudio.window.state.engine import EngineState

STATES = {
    "closed": ("Engine not running", "muted"),
    "starting": ("Engine starting…", "muted"),
    "ready": ("Engine ready", "good"),
    "not responding": ("Engine not responding", "warning"),
    "dead": ("Engine died, restarting…", "error"),
    "given up": ("Engine not running", "error"),
    "restarting": ("Engine restarting…", "muted"),
    "closing": ("Closing…", "muted"),
}
REMOTE_STATES = {
    "starting": "Connecting to {}…",
    "dead": "Connecting to {} again…",
    "given up": "Not connected to {}",
    "not responding": "{} does not respond",
    "closing": "Closing…",
}
MAX_MACHINE = 30
BUSY = {"training": "Training", "paused": "Paused", "busy": "Engine busy"}
PROGRESS_WIDTHS = (48, 160)
JOB_TIP = "Current job of the engine."
STATE_TIP = "State of the engine, the process that trains and computes."


class StatusBar(QStatusBar):
    """Status bar of the engine, with the choice of its device.

    Args:
        engine: state of the engine.
        loads: data sets that are being loaded; such a loading can be cancelled here.
    """

    def __init__(self, engine: EngineState, loads: DataLoads, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._loads = loads
        self.setSizeGripEnabled(False)
        self._device = QComboBox()
        self._device.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._device_icon = QLabel()
        self._device_name = QLabel()
        self._memory = QLabel()
        self._job = ElidedLabel()
        self._job.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(GRID)
        self._progress.setMinimumWidth(PROGRESS_WIDTHS[0])
        self._progress.setMaximumWidth(PROGRESS_WIDTHS[1])
        self._rate = QLabel()
        self._cancel = QToolButton()
        self._cancel.setAutoRaise(True)
        self._cancel.setIconSize(QSize(16, 16))
        self._cancel.hide()
        self._state_icon = QLabel()
        self._state = QLabel()
        self._name_controls()
        self._lay_out()
        self._device.activated.connect(self._on_device_activated)
        self._cancel.clicked.connect(loads.cancel)
        engine.changed.connect(self._update)
        loads.changed.connect(self._update)
        theme().changed.connect(self._update)
        self._update()

    def _name_controls(self) -> None:
        for widget, control, words, tip in (
            (
                self._device,
                "device",
                "Device",
                "Device of the next model; auto: CUDA, then MPS, then CPU.",
            ),
            (self._device_name, "device_name", "Device in use", "The device in use."),
            (self._memory, "memory", "Memory in use", "Memory used by the engine on this device."),
            (self._job, "job", "Current job", JOB_TIP),
            (self._progress, "progress", "Progress of the job", "Steps done, of all steps."),
            (self._rate, "rate", "Rate and time left", "Speed of the job, and its remaining time."),
            (self._cancel, "cancel", "Cancel loading", "Stop loading the data; what needs them is cancelled."),
            (self._state, "engine", "State of the engine", STATE_TIP),
        ):
            widget.setObjectName(f"status.{control}")
            widget.setAccessibleName(words)
            widget.setToolTip(tip)

    def _lay_out(self) -> None:
        """Lay out one row, in which the job is elided first."""
        whole = QWidget()
        self._row = row = QHBoxLayout(whole)
        row.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        row.setSpacing(GRID)
        for left in (self._device_icon, self._device, self._device_name, self._memory):
            row.addWidget(left)
        row.addWidget(self._job, 1)
        for right in (self._progress, self._rate, self._cancel, self._state_icon, self._state):
            row.addWidget(right)
        self.addWidget(whole, 1)

    def _update(self) -> None:
        self._show_devices()
        report = self._engine.report
        self._device_icon.setPixmap(theme().icon("device", "muted").pixmap(QSize(16, 16), self.devicePixelRatioF()))
        self._device_name.setText(report.device if report else "")
        self._memory.setText(memory_text(report.memory_bytes) if report else "")
        loading = self._loads.current if self._engine.state.answers else None
        self._cancel.setVisible(loading is not None)
        self._cancel.setIcon(theme().icon("close", "text"))
        if loading is None:
            self._show_job(report if self._engine.state.answers else None)
        else:
            self._show_loading(loading)
        self._show_state(report)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as much as there is room for."""
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """No width: what does not fit is left out."""
        return QSize(0, super().minimumSizeHint().height())

    def _fit(self) -> None:
        """Leave out memory, name of the device and rate, in this order, where the row is wider than the window."""
        optional = (self._memory, self._device_name, self._rate)
        widths = [label.sizeHint().width() + GRID for label in optional]
        for label in optional:
            label.setVisible(True)
        needed = self._row.minimumSize().width()
        for label, width in zip(optional, widths, strict=True):
            if needed > self.width():
                label.setVisible(False)
                needed -= width

    def _show_devices(self) -> None:
        devices = self._engine.devices or ("auto",)
        if [self._device.itemText(i) for i in range(self._device.count())] != list(devices):
            self._device.clear()
            self._device.addItems(devices)
        self._device.setCurrentText(self._engine.device)
        self._device.setEnabled(self._engine.state.answers)

    def _show_job(self, report: EngineReported | None) -> None:
        job = report.job if report else ""
        words = job
        counted = report is not None and bool(job) and report.steps > 0
        self._progress.setVisible(counted)
        if report is not None and counted:
            words = f"{job} · step {report.step:,} of {report.steps:,}"
            self._progress.setMaximum(report.steps)
            self._progress.setValue(report.step)
        self._job.set_words(words)
        self._job.setToolTip(words or JOB_TIP)
        self._rate.setText(rate_text(report) if report and job else "")

    def _show_loading(self, loading: DataLoading) -> None:
        self._progress.setVisible(True)
        self._progress.setMaximum(loading.total)  # 0: an endless bar
        self._progress.setValue(loading.done)
        words = loading_text(loading)
        self._job.set_words(words)
        self._job.setToolTip(words)
        self._rate.setText(rate_words(loading.rate, loading.unit, loading.seconds_left))

    def _show_state(self, report: EngineReported | None) -> None:
        words, role = STATES[self._engine.state.phase]
        if self._engine.state.answers and report is not None:
            words = BUSY.get(report.state, words)
        machine = self._engine.machine
        if machine:
            words = REMOTE_STATES.get(self._engine.state.phase, f"{words} on {{}}").format(machine[:MAX_MACHINE])
        self._state.setText(words)
        place = f" It runs on {machine}." if machine else f" Process {self._engine.state.pid}."
        self._state.setToolTip(f"{STATE_TIP}{place}")
        self._state_icon.setPixmap(theme().icon("live", role).pixmap(QSize(16, 16), self.devicePixelRatioF()))

    def _on_device_activated(self, index: int) -> None:
        self._engine.choose_device(self._device.itemText(index))


def rate_text(report: EngineReported) -> str:
    """Format rate and time left of a job: ``820 images/s · 12 s left``."""
    seconds_left = -1.0 if report.state == "paused" else report.seconds_left
    return rate_words(report.rate, report.rate_unit.removesuffix("/s"), seconds_left)
