"""The latent space that is looked at: its run, its code, what its dimensions are called, and when to look anew."""

from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.families import LatentSpec, dim_label
from gmstudio.protocol.runs import RunOpened
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.latents.annotations import LatentAnnotations
from gmstudio.window.state.latents.code import Code, LatentCode
from gmstudio.window.state.latents.code_range import RANGES

Scale = Literal["sigma", "quantile"]


class LatentSpace(LatentCode):
    """What everything in the Latents panel stands on.

    Attributes:
        run: path of the chosen run, or "".
        opened: the open run, or None until the engine has opened it.
        scale: what the sliders are marked in, ``sigma`` or the normal prior's ``quantile``.
        annotations: names of dimensions and directions that are kept with the run.

    Signals:
        run_changed: another latent space, or none; everything is to be shown anew.
        refreshed: the weights may be others and somebody looks: whoever shows something of them asks again.
        halted: the engine is gone, or the run is another: no answer is waited for any more.
        scale_changed: ``scale`` is another.
    """

    run_changed = Signal()
    refreshed = Signal()
    halted = Signal()
    scale_changed = Signal()

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self.opened: RunOpened | None = None
        self.scale: Scale = "sigma"
        self.annotations = LatentAnnotations(events, self)

    @property
    def live(self) -> bool:
        """Whether the run is in training, so that its weights change."""
        raise NotImplementedError

    @property
    def spec(self) -> LatentSpec:
        """The latent space's user_image description."""
        latent = self.opened.latent if self.opened is not None else None
        return latent if latent is not None else LatentSpec(max(1, self.num_dims))

    @property
    def symbol(self) -> str:
        """How the code is written."""
        return self.spec.symbol

    def can(self, capability: str) -> bool:
        """Whether the family of the open run has this method."""
        return self.opened is not None and capability in self.opened.info.capabilities

    @property
    def family(self) -> str:
        """What the family of the open run is called."""
        return self.opened.info.family_title if self.opened is not None else "The family"

    def set_scale(self, scale: Scale) -> None:
        """Mark the sliders in σ, or in quantiles of a normal prior."""
        if scale != self.scale:
            self.scale = scale
            self.scale_changed.emit()

    def label(self, dim: int) -> str:
        """What a dimension is called: ``z₃``, or ``slant (z₃)`` when it was given a name."""
        name = self.annotations.names.get(dim)
        plain = dim_label(self.symbol, dim)
        return f"{name} ({plain})" if name else plain

    def set_space(self, num_dims: int) -> Code:
        """Begin at the code 0 of the open run's space, or of none (0 dimensions)."""
        self.range = RANGES[self.spec.prior]
        self.code, self.locked, self.dim = np.zeros(num_dims, np.float32), np.zeros(num_dims, np.bool_), 0
        return self.code
