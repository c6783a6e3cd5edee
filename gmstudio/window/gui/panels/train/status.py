"""Status line of the selected run: title, status, progress, speed and best validation loss."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.state.training.curves import headline_of, number, shown_in_bits
from gmstudio.window.state.training.state import TrainingState

REFRESH_MS = 200
GAP = 16
STATUS_TEXTS = {"starting": "Starting …", "running": "Training", "paused": "Paused", "stopping": "Stopping …"}


def clock(seconds: float) -> str:
    """Format a duration as ``1:02``, with hours as ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class StatusLine(QWidget):
    """Title, status, step, elapsed time, images/s and best validation loss, with a progress bar.

    Args:
        state: state of training.
        panel: panel that names the controls.
    """

    def __init__(self, state: TrainingState, panel: Panel) -> None:
        super().__init__()
        self._state = state
        self._parts: dict[str, str] = {}
        self._title = QLabel(self)
        self._title.setProperty("role", "heading")
        self._numbers = QLabel(self)
        self._numbers.setProperty("role", "muted")
        self._numbers.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._problem = QLabel(self)
        self._problem.setProperty("role", "error")
        for label in (self._title, self._numbers, self._problem):
            label.setTextFormat(Qt.TextFormat.PlainText)
        for label in (self._title, self._problem):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._problem.setWordWrap(True)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(4)
        tip = "Steps made, time since start or resume without pauses, speed, lowest validation loss."
        panel.name_widget(self._numbers, "status", "Status of the run", tip)
        panel.name_widget(self._bar, "progress", "Progress of the run", "Steps made out of all steps.")
        panel.name_widget(self._problem, "problem", "Problem", "")
        row = QHBoxLayout()
        row.addWidget(self._title, 1)
        row.addWidget(self._numbers)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self._bar)
        layout.addWidget(self._problem)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        state.history_changed.connect(self._schedule)
        state.status_changed.connect(self.refresh)
        state.run_changed.connect(self.refresh)
        self.refresh()

    def _schedule(self, run: str) -> None:
        if run == self._state.run and not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Write status and numbers."""
        state, info = self._state, self._state.info
        self._problem.setText(state.problem)
        self._problem.setVisible(bool(state.problem))
        self._bar.setVisible(info is not None)
        if info is None:
            self._title.setText(STATUS_TEXTS.get(state.status, "No run yet"))
            self._parts = {}
            self._numbers.setText("")
            return
        live = info.run == state.live
        status = STATUS_TEXTS.get(state.status, "") if live else info.status.capitalize()
        self._title.setText(f"{info.title} · {status}")
        step = max(info.step, state.history(info.run).last_step()) if live else info.step
        self._bar.setRange(0, info.training.steps)
        self._bar.setValue(min(step, info.training.steps))
        self._parts = self._parts_of(step, live)
        self._write_numbers()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Write as many numbers as fit."""
        super().resizeEvent(event)
        self._write_numbers()

    def _write_numbers(self) -> None:
        """Write all parts; in a narrow window without those that the status bar or the curves show too."""
        parts, room = self._parts, self.width() - GAP
        room -= self._title.fontMetrics().horizontalAdvance(self._title.text())
        for left_out in ((), ("speed",), ("speed", "clock"), ("speed", "clock", "bits"), ("speed", "clock", "best")):
            texts = [parts[name] for name in ("step", "clock", "speed") if name in parts and name not in left_out]
            if "best" in parts and "best" not in left_out:
                bits = parts.get("bits", "") if "bits" not in left_out else ""
                texts.append(f"{parts['best']}{bits} {parts['best_at']}")
            self._numbers.setText(" · ".join(texts))
            if self._numbers.sizeHint().width() <= room:
                return

    def _parts_of(self, step: int, live: bool) -> dict[str, str]:
        state, info = self._state, self._state.info
        assert info is not None
        history, objective = state.history(info.run), state.objective_of(info.run)
        parts = {"step": f"step {step:,} of {info.training.steps:,}"}
        if live:
            parts["clock"] = clock(state.elapsed_s)
        speed = history.recent("train", "images_per_s")
        if speed == speed:
            parts["speed"] = f"{number(speed)} images/s"
        name = headline_of(objective, history)
        best = history.best(name) if name else None
        if best is not None:
            parts |= {"best": f"best validation {number(best[1])}", "best_at": f"at step {best[0]:,}"}
            if shown_in_bits(objective, name):
                parts["bits"] = f" ({number(info.image.bits_per_dim(best[1]))} bits/dim)"
        return parts
