"""The selected run of the Latents panel, its latent space, and the code that is shown of it."""

from typing import Literal

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.families import LatentSpec, dim_label
from gmstudio.protocol.runs import RunOpened
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.latents.code import CodeView, LatentCode
from gmstudio.window.state.latents.code_range import RANGES
from gmstudio.window.state.runs.library import RunLibrary

Scale = Literal["sigma", "quantile"]


class LatentSpace(QObject):
    """The selected run and its code; everything in the Latents panel is about these.

    Args:
        library: the runs.

    Attributes:
        run: path of the selected run, or "".
        description: the run as the engine opened it last; None before. It stays when the engine ends.
        code: of the view.
        edits: of the user: the code, and what other parts register.
        scale: unit of the sliders, ``sigma`` or the normal prior's ``quantile``.

    Signals:
        run_changed: another latent space, or none.
        reopened: the engine opened the same run again.
        halted: the engine is gone; no reply is expected any more.
        scale_changed: ``scale`` differs.
    """

    run_changed = Signal()
    reopened = Signal()
    halted = Signal()
    scale_changed = Signal()

    def __init__(self, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._is_open = False
        self._num_dims: dict[str, int] = {}
        self.run = ""
        self.description: RunOpened | None = None
        self.edits = EditRecorder(self)
        self.code = LatentCode(self, self.edits, self.symbol_of)
        self.scale: Scale = "sigma"

    def select(self, run: str) -> None:
        """Select another run, without a latent space until it is opened; "": none."""
        self.run, self.description, self._is_open = run, None, False
        self.code.restart(0, RANGES["normal"])
        self._announce()

    def open(self, description: RunOpened, view: CodeView | None) -> bool:
        """Take the latent space of the selected run, now that the engine has opened it.

        Args:
            description: of the run, with a latent space.
            view: code to begin with; None: z = 0.

        Returns:
            True for a latent space that was not known; False when the same one is open again, with its code as it was.
        """
        spec = description.latent
        assert spec is not None and description.info.run == self.run
        again = self.description is not None and self.code.num_dims == spec.num_dims
        self.description, self._is_open = description, True
        if again:
            self.reopened.emit()
        else:
            if self._num_dims.setdefault(self.run, spec.num_dims) != spec.num_dims:
                self._num_dims[self.run] = spec.num_dims
                self.edits.clear(self.run)  # to a code of other dimensions they do not apply
            self.code.restart(spec.num_dims, RANGES[spec.prior], view)
            self._announce()
        return not again

    def _announce(self) -> None:
        """Announce another latent space."""
        with self.edits.unrecorded():
            self.run_changed.emit()

    def halt(self) -> None:
        """Note that the engine is gone, and with it the open run."""
        self._is_open = False
        self.halted.emit()

    # ---- description -------------------------------------------------------------------------------------------

    @property
    def opened(self) -> RunOpened | None:
        """The description while the engine has the run open, else None."""
        return self.description if self._is_open else None

    @property
    def live(self) -> bool:
        """The run is in training, so that its weights change."""
        return bool(self.run) and self.run == self._library.live

    @property
    def spec(self) -> LatentSpec:
        """Description of the latent space."""
        latent = self.description.latent if self.description is not None else None
        return latent if latent is not None else LatentSpec(max(1, self.code.num_dims))

    @property
    def family(self) -> str:
        """Title of the run's family."""
        return self.description.info.family_title if self.description is not None else "The family"

    def can(self, capability: str) -> bool:
        """Return whether the run's family has this method."""
        return self.description is not None and capability in self.description.info.capabilities

    def symbol_of(self, dim: int) -> str:
        """Symbol of a coordinate: ``z₃``."""
        return dim_label(self.spec.symbol, dim)

    def set_scale(self, scale: Scale) -> None:
        """Mark the sliders in σ, or in quantiles of a normal prior."""
        if scale != self.scale:
            self.scale = scale
            self.scale_changed.emit()
