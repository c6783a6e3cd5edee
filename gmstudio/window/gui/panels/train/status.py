"""Header of the run shown: its title and status, what can be done with it, progress, speed and best validation loss."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gmstudio.window.gui.forms.editors import NumberEdit
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.run_text import run_tip, status_text
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.state.training.commands import RESUMABLE
from gmstudio.window.state.training.curves import headline_of, number, shown_in_bits
from gmstudio.window.state.training.state import TrainingState

REFRESH_MS = 200
GAP = 16
UNTIL_WIDTH = 88
TITLE_SHARE = 0.4
"""Part of the width that a long title keeps; the numbers that do not fit beside it are left out."""
NUMBERS_TIP = "Steps made, time of training without pauses, speed, lowest validation loss."
NO_RUN = "No run yet: choose settings at the left and press Start"
STATUS_TEXTS = {"starting": "Starting …", "running": "Training", "paused": "Paused", "stopping": "Stopping …"}


def clock(seconds: float) -> str:
    """Format a duration as ``1:02``, with hours as ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class StatusLine(QWidget):
    """Title and status, buttons, step, elapsed time, images/s and best validation loss, with a progress bar.

    Args:
        state: state of training.
        panel: panel that names the controls.
        buttons: of the actions on the run shown; the first one resumes it, up to the step that is entered beside it.
    """

    def __init__(self, state: TrainingState, panel: Panel, buttons: Sequence[QWidget] = ()) -> None:
        super().__init__()
        self._state = state
        self._parts: dict[str, str] = {}
        self._side = QLabel("Run shown", self)
        self._side.setProperty("role", "muted")
        self._title = ElidedLabel(self)
        self._title.setProperty("role", "heading")
        self._numbers = QLabel(self)
        self._numbers.setProperty("role", "muted")
        self._numbers.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._numbers.setMinimumWidth(1)  # it says less in a narrower window, which its text must not prevent
        self._problem = QLabel(self)
        self._problem.setProperty("role", "error")
        for label in (self._title, self._numbers, self._problem):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._problem.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._problem.setWordWrap(True)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(4)
        panel.name_widget(self._title, "shown", "Run shown", "")
        panel.name_widget(self._numbers, "status", "Status of the run", NUMBERS_TIP)
        panel.name_widget(self._bar, "progress", "Progress of the run", "Steps made out of all steps.")
        panel.name_widget(self._problem, "problem", "Problem", "")
        self._until_label = QLabel("until step", self)
        self._until = NumberEdit(whole=True, low=1, high=10_000_000, log=True, parent=self)
        self._until.setFixedWidth(UNTIL_WIDTH)
        self._until_label.setBuddy(self._until)
        tip = "Number of steps after which the run shown ends when it is resumed."
        panel.name_widget(self._until, "until", "Resume until step", tip)
        self._until.edited.connect(self._on_until_edited)
        self._button_row = QWidget(self)
        self._buttons = QHBoxLayout(self._button_row)
        self._buttons.setContentsMargins(0, 0, 0, 0)
        self._buttons.setSpacing(4)
        self._tool_buttons = [button for button in buttons if isinstance(button, QToolButton)]
        for place, button in enumerate(buttons):
            self._buttons.addWidget(button)
            if place == 0:
                self._buttons.addWidget(self._until_label)
                self._buttons.addWidget(self._until)
        self._buttons.addStretch(1)
        above = QHBoxLayout()
        above.setSpacing(GAP)
        above.addWidget(self._side)
        above.addWidget(self._title, 1)
        above.addWidget(self._numbers)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(above)
        layout.addWidget(self._button_row)
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

    def set_narrow(self, narrow: bool) -> None:
        """Leave out the texts of the buttons, except that of the first one."""
        styles = Qt.ToolButtonStyle
        for button in self._tool_buttons[1:]:
            button.setToolButtonStyle(styles.ToolButtonIconOnly if narrow else styles.ToolButtonTextBesideIcon)

    def set_buttons_shown(self, shown: bool) -> None:
        """Show the buttons, or title and numbers alone."""
        self._button_row.setVisible(shown)

    def _schedule(self, run: str) -> None:
        if run == self._state.run and not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Write status and numbers."""
        state, info = self._state, self._state.info
        self._problem.setText(state.problem)
        self._problem.setVisible(bool(state.problem))
        self._bar.setVisible(info is not None)
        self._show_until()
        if info is None:
            self._title.set_words(STATUS_TEXTS.get(state.status, NO_RUN))
            self._parts = {}
            self._numbers.setText("")
            return
        live = info.run == state.live
        status = STATUS_TEXTS.get(state.status, "") if live else _capitalized(status_text(info))
        # Who else trains the run is said nowhere else, its title is: it is at the end, which may be cut off.
        self._title.set_words(f"{status} · {info.title}" if info.writer else f"{info.title} · {status}")
        self._title.setToolTip(run_tip(info))
        images = info.training.validation_images
        self._numbers.setToolTip(
            f"{NUMBERS_TIP} Validation: mean over at most {images:,} images of the validation split."
        )
        step = max(info.step, state.history(info.run).last_step()) if live else info.step
        self._bar.setRange(0, info.training.steps)
        self._bar.setValue(min(step, info.training.steps))
        self._parts = self._parts_of(step)
        self._write_numbers()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Write as many numbers as fit."""
        super().resizeEvent(event)
        self._write_numbers()

    def _write_numbers(self) -> None:
        """Write all parts; in a narrow window without those that the status bar or the curves show too."""
        parts = self._parts
        title = self._title.fontMetrics().horizontalAdvance(self._title.words)
        room = self.width() - self._side.sizeHint().width() - 2 * GAP - min(title, int(TITLE_SHARE * self.width()))
        for left_out in ((), ("speed",), ("speed", "clock"), ("speed", "clock", "bits"), ("speed", "clock", "best")):
            texts = [parts[name] for name in ("step", "clock", "speed") if name in parts and name not in left_out]
            if "best" in parts and "best" not in left_out:
                bits = parts.get("bits", "") if "bits" not in left_out else ""
                texts.append(f"{parts['best']}{bits} {parts['best_at']}")
            self._numbers.setText(" · ".join(texts))
            if self._numbers.sizeHint().width() <= room:
                return

    def _on_until_edited(self) -> None:
        try:
            steps = self._until.value
        except ValueError:
            return
        if steps is not None:
            self._state.set_resume_steps(int(steps))

    def _show_until(self) -> None:
        """Show where a resumed run ends, while the run shown can be resumed."""
        info = self._state.info
        resumable = self._state.status == "idle" and info is not None and info.status in RESUMABLE
        self._until.setVisible(resumable)
        self._until_label.setVisible(resumable)
        if not self._until.hasFocus():
            with QSignalBlocker(self._until):
                self._until.set_value(self._state.resume_steps if resumable else None)

    def _parts_of(self, step: int) -> dict[str, str]:
        state, info = self._state, self._state.info
        assert info is not None
        history, objective = state.history(info.run), state.objective_of(info.run)
        parts = {"step": f"step {step:,} of {info.training.steps:,}"}
        elapsed = state.elapsed_s(info, step)
        if elapsed is not None:
            parts["clock"] = clock(elapsed)
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


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
