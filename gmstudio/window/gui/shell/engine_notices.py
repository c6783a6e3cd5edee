"""What the banner says about the engine: dead, given up, silent, closing, and the run that was interrupted."""

from PySide6.QtCore import QObject

from gmstudio.window.client.process_status import ProcessExit
from gmstudio.window.gui.shell.banner import Banner, Notice, Severity
from gmstudio.window.state.studio import Studio

ENGINE = "engine"
SILENCE = "silence"
CLOSING = "closing"


class EngineNotices(QObject):
    """Keeps the banner's notices about the engine in step with the session.

    Args:
        studio: whose engine.
        banner: where to say it.
    """

    def __init__(self, studio: Studio, banner: Banner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._banner = banner
        self._ending: ProcessExit | None = None
        studio.engine.died.connect(self._on_died)
        studio.engine.changed.connect(self._update)
        studio.interrupted_changed.connect(self._update)
        studio.engine.problem.connect(self._on_problem)

    def _on_died(self, process_exit: ProcessExit) -> None:
        self._ending = process_exit
        self._update()

    def _on_problem(self, sentence: str, detail: str) -> None:
        self._banner.show_notice(Notice(f"problem: {sentence}", sentence, "error" if detail else "warning", detail))

    def _update(self) -> None:
        self._report_exit()
        self._report_silence()
        if self._studio.engine.state.phase == "closing":
            saving = self._studio.engine.training
            text = "Saving a checkpoint of the run in training, then closing…" if saving else "Closing…"
            text += " Close the window again to leave without waiting."
            self._banner.show_notice(Notice(CLOSING, text))

    def _report_exit(self) -> None:
        if self._ending is None:
            return
        given_up = self._studio.engine.state.phase == "given up"
        if self._studio.library.live and not given_up:
            self._forget()  # it trains again
            return
        actions = []
        if given_up:
            actions.append(("Restart engine", self._studio.engine.restart))
        elif self._can_resume():
            actions.append(("Resume training", self._studio.resume_interrupted))
        sentences = (self._ending.sentence, self._what_now(), self._what_of_the_run())
        text = " ".join(sentence for sentence in sentences if sentence)
        severity: Severity = "error" if given_up else "warning"
        self._banner.show_notice(Notice(ENGINE, text, severity, self._ending.stderr, tuple(actions), self._forget))

    def _what_now(self) -> str:
        phase = self._studio.engine.state.phase
        if phase == "given up":
            return "It is not started again by itself."
        return "A new engine is running." if phase == "ready" else "A new engine is starting…"

    def _what_of_the_run(self) -> str:
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
        self._ending = None
        self._banner.withdraw(ENGINE)
        self._studio.forget_interrupted()

    def _report_silence(self) -> None:
        state = self._studio.engine.state
        if state.phase == "not responding":
            text = (
                f"The engine (process {state.pid}) is not responding. The window goes on and waits for it; "
                "restarting it loses what was trained since the last checkpoint."
            )
            actions = (("Restart engine", self._studio.engine.restart),)
            self._banner.show_notice(Notice(SILENCE, text, "warning", self._studio.engine.stderr_tail, actions))
        else:
            self._banner.withdraw(SILENCE)
