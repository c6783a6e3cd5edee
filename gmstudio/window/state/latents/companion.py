"""Companion of the decoded image: the original, random samples, or the same of another run."""

from typing import Literal

from PySide6.QtCore import QObject, Signal

from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.latents.comparison import RunComparison
from gmstudio.window.state.latents.encoded_images import EncodedImages
from gmstudio.window.state.latents.random_samples import RandomSamples
from gmstudio.window.state.latents.space import LatentSpace
from gmstudio.window.state.runs.library import RunLibrary

CompanionKind = Literal["original", "samples", "run"]


class Companion(QObject):
    """Chooses what is shown beside the decoded image; only that is requested.

    Args:
        link: the way to the engine.
        library: the runs.
        space: the selected run and its code.
        gallery: the image that was encoded.

    Attributes:
        kind: of the companion.
        samples: random samples.
        comparison: another run.

    Signals:
        kind_changed: ``kind`` differs.
    """

    kind_changed = Signal()

    def __init__(self, link: EngineLink, library: RunLibrary, space: LatentSpace, gallery: EncodedImages) -> None:
        super().__init__(space)
        self.kind: CompanionKind = "original"
        self.samples = RandomSamples(link, space)
        self.comparison = RunComparison(link, library, space, gallery)
        self._active = False
        gallery.encoded.connect(self._on_encoded)

    def choose(self, kind: CompanionKind) -> None:
        """Show another companion."""
        if kind != self.kind:
            self.kind = kind
            self._settle()
            self.kind_changed.emit()

    def set_active(self, active: bool) -> None:
        """Request what is shown, or nothing."""
        self._active = active
        self._settle()

    def refresh(self) -> None:
        """Request what is shown with the weights as they are now."""
        self.samples.refresh()
        self.comparison.refresh()

    def _settle(self) -> None:
        self.samples.set_active(self._active and self.kind == "samples")
        self.comparison.set_active(self._active and self.kind == "run")

    def _on_encoded(self) -> None:
        """Show the original that was asked for in place of samples."""
        if self.kind == "samples":
            self.choose("original")
