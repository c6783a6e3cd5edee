"""One line on the run that is looked at: what it is, how far it is, how fast and how good."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.state.training.curves import headline_of, number, shown_in_bits
from gmstudio.window.state.training.state import TrainingState

REFRESH_MS = 200
GAP = 16
WORDS = {"starting": "Starting …", "running": "Training", "paused": "Paused", "stopping": "Stopping …"}


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any: ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class StatusLine(QWidget):
    """Title, state, step, elapsed time, images/s and best validation loss; a thin bar of the progress.

    Args:
        session: the state.
        panel: names the controls.
    """

    def __init__(self, session: TrainingState, panel: Panel) -> None:
        super().__init__()
        self._session = session
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
        tip = "Step of all steps, time since the start or resume without pauses, speed, lowest validation loss."
        panel.name_widget(self._numbers, "status", "State of the run", tip)
        panel.name_widget(self._bar, "progress", "Progress of the run", "Steps made of all steps.")
        panel.name_widget(self._problem, "problem", "What went wrong", "")
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
        session.history_changed.connect(self._schedule)
        session.status_changed.connect(self.refresh)
        session.run_changed.connect(self.refresh)
        self.refresh()

    def _schedule(self, run: str) -> None:
        if run == self._session.run and not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Write what is known now."""
        session, info = self._session, self._session.info
        self._problem.setText(session.problem)
        self._problem.setVisible(bool(session.problem))
        self._bar.setVisible(info is not None)
        if info is None:
            self._title.setText(WORDS.get(session.status, "No run yet"))
            self._parts = {}
            self._numbers.setText("")
            return
        live = info.run == session.live
        word = WORDS.get(session.status, "") if live else info.status.capitalize()
        self._title.setText(f"{info.title} · {word}")
        step = max(info.step, session.history(info.run).last_step()) if live else info.step
        self._bar.setRange(0, info.training.steps)
        self._bar.setValue(min(step, info.training.steps))
        self._parts = self._parts_of(step, live)
        self._write_numbers()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say as much as there is room for."""
        super().resizeEvent(event)
        self._write_numbers()

    def _write_numbers(self) -> None:
        """All parts; in a narrow window without the ones that the status bar or the curves say too."""
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
        session, info = self._session, self._session.info
        assert info is not None
        history, objective = session.history(info.run), session.objective_of(info.run)
        parts = {"step": f"step {step:,} of {info.training.steps:,}"}
        if live:
            parts["clock"] = clock(session.elapsed_s)
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
