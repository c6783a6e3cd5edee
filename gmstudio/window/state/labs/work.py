"""The laboratory that is shown: opened in the engine, set, dragged, acted on."""

import time
from collections.abc import Callable, Mapping

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.labs import ConfigureLab, EditLab, LabEntry, LabShown, OpenLab, RunLabAction
from gmstudio.protocol.scenes import Scene
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.edits import same_content
from gmstudio.window.state.labs.changes import ChangeQueue
from gmstudio.window.state.labs.settings import LabSettings, Numbers

ENGINE_GONE = "The engine ended; the lab opens again when it has started."
GONE = "What its actions had computed is gone, since the lab was restarted; run them again."
STOPPED = "Stopped; what was computed so far is kept."
FIELD_PREFIX = "config."
LENGTHY_S = 0.3


class LabWork(QObject):
    """One laboratory at a time, as the engine last described it.

    Args:
        events: connection to the engine.
        models: gives family → name of the run whose model a lab uses, for its chosen runs.

    Attributes:
        entry: lab that is shown; None: none.
        settings: its settings.
        scene: newest scene; None: there is none yet.
        note: sentence on what was changed in the given values, or is gone; empty: nothing.
        problem: sentence on why something could not be done; empty: nothing.
        refusals: field → sentence of the settings that were refused.
        running: name of the action that is under way; empty: none.
        lengthy: it has been for a while.
        ready: the lab can be set and acted on.

    Signals:
        lab_changed: another lab is shown.
        changed: an attribute changed.
        answered: name of an input whose newest numbers the engine has answered; ``settings`` and ``scene`` have them.
    """

    lab_changed = Signal()
    changed = Signal()
    answered = Signal(str)

    def __init__(
        self,
        events: EngineLink,
        models: Callable[[LabEntry, LabSettings], dict[str, str]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.entry: LabEntry | None = None
        self.settings = LabSettings()
        self._models = models
        self._acting_since = 0.0
        self._clear()
        self._known: LabShown | None = None
        self._expected = self._apply_when_open = False
        self._after_config: dict[str, Numbers] | None = None
        self._opening, self._acting = Request(events, self), Request(events, self)
        self._changes = ChangeQueue(events, self)
        self._opening.replied.connect(self._on_opened)
        self._acting.replied.connect(self._on_acted)
        self._changes.replied.connect(self._on_changed)
        self._opening.failed.connect(self._on_failed)
        self._acting.failed.connect(self._on_failed)
        self._changes.failed.connect(self._on_refused)
        self._acting.dropped.connect(self._on_action_ended)

    def _clear(self) -> None:
        self.scene: Scene | None = None
        self.note = self.problem = self._reported = ""
        self._end_action()
        self.refusals: dict[str, str] = {}
        self.ready = False

    def _end_action(self) -> None:
        self.running = self._next = ""
        self.lengthy = False

    @property
    def opening(self) -> bool:
        """The lab is being prepared."""
        return self._opening.busy

    # ---- what is shown -------------------------------------------------------------------------------------------

    def show(self, entry: LabEntry | None, settings: LabSettings, *, apply: bool = False) -> None:
        """Show another lab; the action of the one before is stopped.

        Args:
            entry: the lab; None: none.
            settings: those that it was left with.
            apply: they differ from those that the engine may have, and are sent once it is open.
        """
        self._acting.cancel()
        self._opening.cancel()
        self._changes.reset()
        self.entry, self.settings = entry, settings
        self._clear()
        self._known, self._after_config = None, None
        self.lab_changed.emit()
        if entry is not None:
            self._open(fresh=False, apply=apply)
        self.changed.emit()

    def reopen(self, entry: LabEntry | None) -> None:
        """Open the lab in another engine, with its settings."""
        self.show(entry, self.settings)

    def report(self, problem: str, note: str = "") -> None:
        """Show a sentence on something else that concerns the page, such as a file that was written.

        A problem stays while the lab is being opened, until something is changed.
        """
        self._reported = self.problem = problem
        self.note = note
        self.changed.emit()

    # ---- changing ------------------------------------------------------------------------------------------------

    def apply(self) -> None:
        """Send what the settings have changed since the engine's last reply."""
        settings, known = self.settings, self._known
        if self.entry is None:
            return
        self.refusals, self.problem = {}, ""
        if known is None or not settings.inputs or settings.seed != known.seed or self._models_changed():
            self.restart()
            return
        if settings.config != known.config:
            self._after_config = dict(settings.inputs)
            self._configure()
        else:
            self._send_inputs(settings.inputs)

    def restart(self) -> None:
        """Begin anew with the present settings; what actions have computed is dropped."""
        self.settings.acted = False
        self._acting.cancel()
        self._changes.reset()
        self._end_action()
        self._open(fresh=True)
        self.changed.emit()

    def configure(self) -> None:
        """Send the config; while the lab is being prepared, it is prepared anew with it."""
        self.refusals, self.problem = {}, ""
        if not self.ready:
            self._open(fresh=True)
        else:
            self._configure()
        self.changed.emit()

    def edit(self, name: str) -> None:
        """Send the numbers of an input."""
        if self.entry is not None and self.ready:
            values = Array.of(np.asarray(self.settings.inputs[name], np.float64))
            self._changes.submit(EditLab(name=self.entry.card.name, input=name, values=values))

    def act(self, action: str) -> None:
        """Carry out an action; one that is asked for during another, short one follows it."""
        if self.running:
            self._next = action
        elif self.entry is not None and self.ready:
            self.running, self.problem, self.note, self._reported = action, "", "", ""
            self._acting_since = time.monotonic()
            self._acting.send(RunLabAction(name=self.entry.card.name, action=action))
            self.changed.emit()

    def stop(self) -> None:
        """End the action that is under way; what it has computed is kept, and shown."""
        if self.running:
            self._acting.cancel()
            self._end_action()
            self.note = STOPPED
            self._open(fresh=False)
            self.changed.emit()

    def _open(self, *, fresh: bool, apply: bool = False) -> None:
        assert self.entry is not None
        settings = self.settings
        self._expected, self._apply_when_open = fresh, apply
        self._opened_models = self._models(self.entry, settings)
        if fresh:
            self.ready = False
        self._opening.send(
            OpenLab(
                name=self.entry.card.name,
                config=settings.config,
                inputs={name: Array.of(values) for name, values in settings.inputs.items()},
                models=self._opened_models,
                seed=settings.seed,
                fresh=fresh,
            )
        )

    def _configure(self) -> None:
        assert self.entry is not None
        self._changes.submit(ConfigureLab(name=self.entry.card.name, config=self.settings.config))

    def _models_changed(self) -> bool:
        return self.entry is not None and self._models(self.entry, self.settings) != self._opened_models

    def _send_inputs(self, inputs: Mapping[str, Numbers]) -> None:
        known = {} if self._known is None else self._known.inputs
        for name, values in inputs.items():
            if name in known and not same_content(values, known[name].numpy()):
                self.settings.inputs[name] = values
                self.edit(name)

    # ---- replies -------------------------------------------------------------------------------------------------

    def _on_opened(self, event: LabShown) -> None:
        if event.done:
            self.ready = True
            stopped = self.note == STOPPED and event.begun == self.settings.begun
            self.note = STOPPED if stopped else event.note
            if event.begun != self.settings.begun:
                if self.settings.acted and not self._expected:
                    self.note = " ".join(filter(None, (event.note, GONE)))
                self.settings.acted, self.settings.begun = False, event.begun
            self.problem, self.refusals = self._reported, {}
        self._take(event, adopt=event.done and not self._apply_when_open)
        if event.done:
            self._announce(*event.inputs)
        if event.done and self._apply_when_open:
            self._apply_when_open = False
            self.apply()

    def _on_acted(self, event: LabShown) -> None:
        self.settings.acted = True
        self.lengthy = not event.done and time.monotonic() - self._acting_since > LENGTHY_S
        if event.done:
            self.running = ""
        self._take(event)
        if event.done and self._next:
            following, self._next = self._next, ""
            self.act(following)

    def _on_action_ended(self) -> None:
        """A change ended the action; the reply to the change shows what it has computed."""
        self._end_action()
        self.changed.emit()

    def _on_changed(self, event: LabShown) -> None:
        self.note, self.problem, self._reported = event.note, "", ""
        wanted = self._after_config
        is_config = isinstance(self._changes.answered, ConfigureLab)
        if is_config:
            self.refusals, self._after_config = {}, None
        self._take(event)
        self._announce(*event.inputs)
        if is_config and wanted is not None:
            there = {name: values.shape for name, values in event.inputs.items()}
            self._send_inputs({name: values for name, values in wanted.items() if values.shape == there.get(name)})

    def _take(self, event: LabShown, *, adopt: bool = True) -> None:
        """Show a reply; of the settings, what is being changed meanwhile stays as the user has it."""
        if self.entry is None or event.name != self.entry.card.name:
            return
        self._known, self.scene = event, event.scene
        if adopt:
            if not self._changes.concerns("") and not self.refusals:
                self.settings.config = dict(event.config)
            kept = {name: values for name, values in self.settings.inputs.items() if self._changes.concerns(name)}
            there = {name: np.array(values.numpy(), np.float64) for name, values in event.inputs.items()}
            self.settings.inputs = {name: kept.get(name, values) for name, values in there.items()}
        self.changed.emit()

    def _on_refused(self, failure: CommandFailed) -> None:
        """Return to the numbers in use where an input was refused; refused settings stay in their fields."""
        change, known = self._changes.answered, self._known
        if isinstance(change, EditLab) and known is not None and not self._changes.concerns(change.input):
            present = known.inputs.get(change.input)  # None: other settings have no such input
            if present is not None:
                self.settings.inputs[change.input] = np.array(present.numpy(), np.float64)
        self._on_failed(failure)
        if known is not None and failure.reason is not Reason.ENGINE_GONE:
            self._announce(*known.inputs)

    def _announce(self, *names: str) -> None:
        """Announce the inputs of which no change is under way."""
        for name in names:
            if not self._changes.concerns(name):
                self.answered.emit(name)

    def _on_failed(self, failure: CommandFailed) -> None:
        if not self._acting.busy:
            self._end_action()
        if failure.reason is Reason.ENGINE_GONE:
            self.ready, self.problem = False, ENGINE_GONE
        else:
            fields = failure.fields.items()
            self.refusals = {n.removeprefix(FIELD_PREFIX): t for n, t in fields if n.startswith(FIELD_PREFIX)}
            self.problem = failure.message
        self.changed.emit()
