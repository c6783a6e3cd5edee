"""Notices about the engine in the banner: died, not restarted, not responding, closing, and the interrupted run."""

from functools import partial

from PySide6.QtCore import QObject

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.client.engine_command import LOCAL
from gmstudio.window.client.process_status import ProcessExit
from gmstudio.window.gui.shell.banner import Banner, Notice, Severity
from gmstudio.window.state.studio import Studio

ENGINE = "engine"
SILENCE = "silence"
CLOSING = "closing"
PAUSED = "paused"
CONTINUED = "continued"


class EngineNotices(QObject):
    """Updates the notices about the engine with its state.

    Args:
        studio: studio of the engine.
        banner: banner of the notices.
    """

    def __init__(self, studio: Studio, banner: Banner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._banner = banner
        self._exit: ProcessExit | None = None
        studio.engine.died.connect(self._on_died)
        studio.engine.changed.connect(self._update)
        studio.interrupted_changed.connect(self._update)
        studio.engine.problem.connect(self._on_problem)
        studio.continued.connect(self._on_continued)

    def _on_died(self, process_exit: ProcessExit) -> None:
        self._exit = process_exit
        self._update()

    def _on_continued(self, info: RunInfo) -> None:
        last = max(info.checkpoint_steps)
        text = (
            f"The connection to {self._studio.engine.machine} was lost and is there again. "
            f"The training of {info.title} goes on from its checkpoint of step {last:,}."
        )
        self._banner.show_notice(Notice(CONTINUED, text))

    def _on_problem(self, sentence: str, detail: str) -> None:
        self._banner.show_notice(Notice(f"problem: {sentence}", sentence, "error" if detail else "warning", detail))

    def _update(self) -> None:
        self._report_exit()
        self._report_silence()
        self._report_pause()
        if self._studio.engine.state.phase == "closing":
            saving = self._studio.engine.training
            text = "Saving a checkpoint of the run in training, then closing…" if saving else "Closing…"
            text += " Close the window again to leave without waiting."
            self._banner.show_notice(Notice(CLOSING, text))

    def _report_exit(self) -> None:
        if self._exit is None:
            return
        stopped = self._studio.engine.state.phase == "given up"
        if self._studio.library.live and not stopped:
            self._forget()  # the run is in training again
            return
        actions = []
        if stopped:
            again = "Restart engine" if self._studio.engine.is_local else "Connect again"
            actions.append((again, self._studio.engine.restart))
            if not self._studio.engine.is_local:
                actions.append(("Use this computer", partial(self._studio.engine.connect_to, LOCAL)))
        elif self._studio.engine.state.phase == "dead" and not self._studio.engine.is_local:
            actions.append(("Connect now", self._studio.engine.restart))
        elif self._can_resume():
            actions.append(("Resume training", self._studio.resume_interrupted))
        sentences = (self._exit.sentence, self._restart_text(), self._run_text())
        text = " ".join(sentence for sentence in sentences if sentence)
        severity: Severity = "error" if stopped else "warning"
        self._banner.show_notice(Notice(ENGINE, text, severity, self._exit.stderr, tuple(actions), self._forget))

    def _restart_text(self) -> str:
        phase = self._studio.engine.state.phase
        if phase == "given up":
            return "It is not restarted automatically."
        if not self._studio.engine.is_local:
            return "It is there again." if phase == "ready" else "It is tried again until it is there…"
        return "A new engine is running." if phase == "ready" else "A new engine is starting…"

    def _run_text(self) -> str:
        info = self._studio.interrupted
        if info is None:
            return ""
        if info.checkpoint_steps:
            last = info.checkpoint_steps[-1]
            return f"The training of {info.title} was interrupted; its last checkpoint is of step {last:,}."
        return f"The training of {info.title} was interrupted before its first checkpoint; start it again under Train."

    def _can_resume(self) -> bool:
        info = self._studio.interrupted
        return info is not None and bool(info.checkpoint_steps) and self._studio.engine.state.answers

    def _forget(self) -> None:
        self._exit = None
        self._banner.withdraw(ENGINE)
        self._studio.forget_interrupted()

    def _report_pause(self) -> None:
        """Say in every panel why a training pauses that nobody has paused, until it goes on."""
        reason = self._studio.engine.paused_because
        if reason:
            self._banner.show_notice(Notice(PAUSED, f"The training is paused. {reason}", "warning"))
        else:
            self._banner.withdraw(PAUSED)

    def _report_silence(self) -> None:
        state = self._studio.engine.state
        if state.phase == "not responding":
            text = (
                f"The engine (process {state.pid}) is not responding. The window stays usable and waits for it; "
                "a restart loses the training since the last checkpoint."
            )
            actions = (("Restart engine", self._studio.engine.restart),)
            self._banner.show_notice(Notice(SILENCE, text, "warning", self._studio.engine.stderr_tail, actions))
        else:
            self._banner.withdraw(SILENCE)
