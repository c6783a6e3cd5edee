"""The demonstration that is shown: its scenes as the engine computes them."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.atlas import DemonstrationCard, RunDemonstration, SceneShown
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.scenes import Scene
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request

STOPPED = "Stopped."
ENGINE_GONE = "The engine ended meanwhile. Replay computes the demonstration again."


class DemonstrationPlayer(QObject):
    """Runs one demonstration at a time.

    Args:
        models: gives family → path of a ready run, for a demonstration's families.

    Attributes:
        card: of the demonstration; None: none was chosen yet.
        scene: newest scene; None: there is none yet.
        problem: reason why it ended early, or "".
        seed: seed of the demonstration that is shown.

    Signals:
        changed: an attribute or ``running`` changed.
    """

    changed = Signal()

    def __init__(
        self, events: EngineLink, models: Callable[[tuple[str, ...]], dict[str, str]], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.card: DemonstrationCard | None = None
        self.scene: Scene | None = None
        self.problem = ""
        self.seed = 0
        self._models = models
        self._request = Request(events, self)
        self._request.replied.connect(self._on_scene)
        self._request.failed.connect(self._on_failed)

    @property
    def running(self) -> bool:
        """It is being computed."""
        return self._request.busy

    def start(self, card: DemonstrationCard) -> None:
        """Compute a demonstration from its beginning."""
        self.card, self.scene, self.problem = card, None, ""
        self._request.cancel()
        self._request.send(RunDemonstration(name=card.name, models=self._models(card.families), seed=self.seed))
        self.changed.emit()

    def replay(self, *, other_seed: bool = False) -> None:
        """Compute the same demonstration again, with the same random numbers or with others."""
        if self.card is not None:
            self.seed += int(other_seed)
            self.start(self.card)

    def stop(self) -> None:
        """End the computation; the scene stays."""
        if self.running:
            self._request.cancel()
            self.problem = STOPPED
            self.changed.emit()

    def _on_scene(self, event: SceneShown) -> None:
        self.scene = event.scene
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.problem = ENGINE_GONE if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()
