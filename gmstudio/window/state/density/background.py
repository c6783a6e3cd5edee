"""Background models of the first chosen run: those that there are, and the training of another one."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.density_background import DEFAULT_MUTATION, BackgroundProposed, ProposeBackground
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import RunOpened
from gmstudio.protocol.training import StartTraining
from gmstudio.window.client.request import Request

if TYPE_CHECKING:
    from gmstudio.window.state.density.state import DensityState


class BackgroundModels(QObject):
    """Background models, found anew when the first run or the library changes.

    Args:
        owner: state of the panel.

    Attributes:
        mutation: μ of the one that is trained next.
        existing: path → μ, the newest first.
        started: name of the run that was started here; "".
        problem: why none could be started or found, a sentence; "".

    Signals:
        changed: one of these, or the choice.
    """

    changed = Signal()

    def __init__(self, owner: "DensityState") -> None:
        super().__init__(owner)
        self._owner = owner
        self.mutation = DEFAULT_MUTATION
        self.existing: dict[str, float] = {}
        self.started = self.problem = ""
        self._chosen: dict[str, str] = {}
        self._active, self._known_for = False, ""
        self._looked_at: tuple[str, tuple[int, ...]] = ("", ())
        self._trains = False
        """The proposal that is asked for is to be trained."""
        self._proposing, self._starting = Request(owner.link, self), Request(owner.link, self)
        self._proposing.replied.connect(self._on_proposed)
        self._starting.replied.connect(self._on_started)
        for request in (self._proposing, self._starting):
            request.failed.connect(self._on_failed)
            request.dropped.connect(self.changed)
        owner.run_changed.connect(self.renew)
        owner.library.catalog_arrived.connect(self.renew)
        owner.library.live_changed.connect(lambda _run: self.renew())
        owner.library.changed.connect(self._find_started)

    def set_active(self, active: bool) -> None:
        """Find them only while a page that shows them is on the screen."""
        self._active = active
        if active and self._known_for != self._owner.run:
            self.renew()

    def chosen(self, run: str) -> str:
        """Return the background model that is chosen for a run, else the newest one; "": there is none."""
        chosen = self._chosen.get(run, "")
        return chosen if chosen in self.existing else next(iter(self.existing), "")

    def choose(self, background: str) -> None:
        """Choose a background model for the first run."""
        self._chosen[self._owner.run] = background
        self.changed.emit()

    @property
    def unavailable(self) -> str:
        """Why none can be trained now, a sentence; "": one can."""
        if not self._owner.run:
            return self._owner.without_run
        if self._starting.busy or self._trains:
            return "A background model is being started."
        return "A run is in training; stop it, or wait until it ends." if self._owner.library.live else ""

    def train(self) -> None:
        """Train a background model with ``mutation``, as a run of its own beside the first run."""
        if not self.unavailable:
            self.problem, self._trains = "", True
            self._proposing.send(ProposeBackground(run=self._owner.run, mutation=self.mutation))
            self.changed.emit()

    def renew(self) -> None:
        """Find the background models of the first run."""
        if self._owner.run != self._known_for:
            self.existing, self._known_for = {}, ""
        if self._active and self._owner.run and self._owner.library.catalog is not None and not self._trains:
            self._proposing.send(ProposeBackground(run=self._owner.run, mutation=self.mutation))

    def _find_started(self) -> None:
        """Find the model that is in training once it has a checkpoint."""
        info = self._owner.library.info(self.started) if self.started else None
        if info is None or self.started in self.existing or (self.started, info.checkpoint_steps) == self._looked_at:
            return
        if info.checkpoint_steps:
            self._looked_at = self.started, info.checkpoint_steps  # once: it may be of another run
            self.renew()

    def _on_proposed(self, event: BackgroundProposed) -> None:
        if event.run == self._owner.run:
            self._known_for = event.run
            self.existing = dict(zip(event.existing, event.mutations, strict=True))
            self.problem = ""
        if self._trains:
            self._trains = False
            self._starting.send(StartTraining(spec=event.spec))
        self.changed.emit()

    def _on_started(self, event: RunOpened) -> None:
        self.started = event.info.run
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self._trains = False
        self.problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()
