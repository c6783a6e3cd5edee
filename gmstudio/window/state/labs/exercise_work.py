"""An exercise that is done: its runs trained one after the other, and what it asks for written from each."""

import math
from pathlib import PurePath
from typing import Any

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, EngineReported, Reason
from gmstudio.protocol.exercises import DeliverablesWritten, Exercise, ExerciseRun, TestValue, WriteDeliverables
from gmstudio.protocol.runs import RunOpened
from gmstudio.protocol.training import StartTraining, StopTraining, TrainingChanged
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.library import RunLibrary

IN_TRAINING = "A run is in training; stop it in Train first, as one run trains at a time."
STOPPED = "Stopped. The run is kept in the library; what was written before is in the folder."
ENGINE_GONE = "The engine ended meanwhile; what was trained is kept in the library. Start the exercise again."
Key = tuple[str, str]
"""Exercise and run."""


class ExerciseWork(QObject):
    """Does one exercise at a time.

    Args:
        events: connection to the engine.
        library: library of runs.

    Attributes:
        exercise: that is under way, or was last; None: none yet.
        run: of it; None: none yet.
        folder: into which files are written.
        stage: present work, or how it ended.
        progress: share of the present run that is trained, 0 to 1.
        problem: reason why it ended early; empty: none.
        files: paths of the written files.
        values: exercise and run → newest test value of the user.

    Signals:
        changed: an attribute changed.
    """

    changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self.exercise: Exercise | None = None
        self.run: ExerciseRun | None = None
        self.folder = self.stage = self.problem = ""
        self.progress = 0.0
        self.files: tuple[str, ...] = ()
        self.values: dict[Key, TestValue] = {}
        self._due: list[ExerciseRun] = []
        self._training = ""
        self._starting, self._stopping, self._writing = (Request(events, self) for _ in range(3))
        self._starting.replied.connect(self._on_started)
        self._writing.replied.connect(self._on_written)
        for request in (self._starting, self._writing):
            request.failed.connect(self._on_failed)
        events.on(TrainingChanged).connect(self._on_training_changed)
        events.on(EngineReported).connect(self._on_reported)

    @property
    def busy(self) -> bool:
        """An exercise is under way."""
        return self._starting.busy or bool(self._training) or self._writing.busy

    @property
    def elsewhere(self) -> str:
        """Sentence on the machine of the engine, which writes the files; "" where it is this one."""
        return self._library.elsewhere

    def start(self, exercise: Exercise, folder: str) -> None:
        """Train all runs of an exercise and write what each asks for into a folder of its own below ``folder``."""
        if self.busy:
            return
        self.exercise, self.folder, self.run = exercise, folder, None
        self.files, self.problem, self.progress = (), "", 0.0
        if self._library.live:
            self.problem = IN_TRAINING
            self.changed.emit()
            return
        self._due = list(exercise.runs)
        self._next()

    def stop(self) -> None:
        """End the training with a checkpoint, or the writing; nothing further is begun."""
        if not self.busy:
            return
        may_train = bool(self._training) or self._starting.busy  # it may have begun, with the reply still on its way
        self._due, self._training = [], ""
        self._starting.cancel()
        self._writing.cancel()
        if may_train:
            self._stopping.send(StopTraining())  # fails where the data were still being loaded, which was all to end
        self.stage = STOPPED
        self.changed.emit()

    def to_json(self) -> list[Any]:
        """Values as plain values; JSON has no NaN, so that an unknown error is null."""
        kept = []
        for key, value in self.values.items():
            fields = msgspec.to_builtins(value)
            kept.append([*key, fields | {"error": None if math.isnan(value.error) else value.error}])
        return kept

    def from_json(self, kept: object) -> None:
        """Take values that were kept, perhaps by another version; what is not of the right kind is left out."""
        for entry in kept if isinstance(kept, list) else ():
            try:
                exercise, run, fields = msgspec.convert(entry, tuple[str, str, dict[str, Any]])
                error = math.nan if fields.get("error") is None else fields["error"]
                self.values[exercise, run] = msgspec.convert(fields | {"error": error}, TestValue)
            except msgspec.ValidationError:
                continue

    # ---- steps ---------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        if not self._due:
            count = len(self.files)
            self.stage = f"Done: {count} files in {self.folder}"
            self.changed.emit()
            return
        self.run, self.progress = self._due.pop(0), 0.0
        self.stage = f"{self.run.title}: loading the data"
        self._starting.send(StartTraining(spec=self.run.spec))
        self.changed.emit()

    def _on_started(self, event: RunOpened) -> None:
        self._training = event.info.run
        self._say("training")

    def _on_reported(self, event: EngineReported) -> None:
        if self._training and event.steps:
            self.progress = event.step / event.steps
            self._say(f"training, step {event.step:,} of {event.steps:,}")

    def _on_training_changed(self, event: TrainingChanged) -> None:
        if not self._training or event.run != self._training:
            return
        if event.status == "finished":
            self._training, self.progress = "", 1.0
            assert self.run is not None, "a training that was started belongs to a run"
            folder = str(PurePath(self.folder) / self.run.name)
            self._say("writing")
            self._writing.send(WriteDeliverables(run=event.run, deliverables=self.run.deliverables, folder=folder))
        elif event.status in ("stopped", "failed"):
            self._training, self._due = "", []
            self.stage, self.problem = STOPPED, event.message
            self.changed.emit()
        elif event.status == "paused":
            self._say("paused in Train")

    def _on_written(self, event: DeliverablesWritten) -> None:
        assert self.exercise is not None and self.run is not None, "files are written for a run of an exercise"
        if event.test is not None:
            self.values[self.exercise.name, self.run.name] = event.test
        self._say(event.stage[:1].lower() + event.stage[1:])
        if event.done:
            self.files = (*self.files, *event.files)
            self._next()

    def _on_failed(self, failure: CommandFailed) -> None:
        self._training, self._due = "", []
        self.problem = ENGINE_GONE if failure.reason is Reason.ENGINE_GONE else failure.message
        self.stage = ""
        self.changed.emit()

    def _say(self, words: str) -> None:
        assert self.run is not None and self.exercise is not None
        number = 1 + [run.name for run in self.exercise.runs].index(self.run.name)
        self.stage = f"Run {number} of {len(self.exercise.runs)}, {self.run.title}: {words}"
        self.changed.emit()
