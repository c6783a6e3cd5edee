"""State of the Features panel: the run whose features all its pages are about."""

from typing import Any, TypeVar

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.features import PCA, PIXELS, FeatureSpace
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.features.layers import FeatureLayers
from gmstudio.window.state.pages import PageState, PageStates
from gmstudio.window.state.runs.library import RunLibrary

P = TypeVar("P")
BASELINES = (FeatureSpace(layer=PIXELS), FeatureSpace(layer=PCA))


class FeaturesState(QObject):
    """State of the Features panel; each page has a state of its own, see ``page``.

    Attributes:
        link: connection to the engine.
        library: runs.
        run: name of the run, or "".
        space: chosen features of the run, or of a baseline on its data.
        colour: quantity that colours the points of projections, as ``ProjectionColours`` names it.
        compared: features that the chosen ones are compared with: kept ones and baselines, in this order.
        layers: layers of the run whose values are features.
        active: the panel is on the screen.
        edits: what a user chose, to be undone.

    Signals:
        run_changed: ``run`` changed.
        space_changed: ``space`` changed.
        compared_changed: ``compared`` changed.
        active_changed: ``active`` changed.
    """

    run_changed = Signal()
    space_changed = Signal()
    compared_changed = Signal()
    active_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.link, self.library = events, library
        self.run = ""
        self.space = FeatureSpace()
        self._wished = FeatureSpace(layer="")  # as the user chose it, for the run that is shown next
        self.colour = ""
        self.compared: tuple[FeatureSpace, ...] = BASELINES
        self.active = False
        self.layers = FeatureLayers(events, library, self)
        self.layers.changed.connect(self._settle_space)
        self._pages = PageStates()
        self.edits = EditRecorder(self)
        self.edits.add_part("space", lambda: (self.space, self._wished), self._restore_space)
        self.edits.add_part("compared", lambda: self.compared, self._set_compared)
        self.edits.about_run(lambda: self.run, self.choose_run, library.has_run)

    def page(self, kind: PageState["FeaturesState", P]) -> P:
        """Return the state of a page, created at the first call."""
        return self._pages.of(self, kind)

    def choose_run(self, run: str) -> None:
        """Show another run."""
        if run != self.run:
            self.run = run
            self.layers.show(run)
            self._settle_space()
            self.run_changed.emit()

    def set_space(self, space: FeatureSpace) -> None:
        """Choose the features."""
        with self.edits.recording("Choose features"):
            self._wished = space
            self._set_space(space)

    def keep_space(self) -> None:
        """Keep the chosen features among those that others are compared with."""
        if self.space not in self.compared:
            with self.edits.recording("Keep features"):
                self._set_compared((self.space, *self.compared))

    def drop_space(self, space: FeatureSpace) -> None:
        """Compare with these features no more."""
        with self.edits.recording("Remove features"):
            self._set_compared(tuple(other for other in self.compared if other != space))

    def set_active(self, active: bool) -> None:
        """Request only while the panel is on the screen."""
        if active != self.active:
            self.active = active
            self.layers.set_active(active)
            self.active_changed.emit()

    def choices(self) -> dict[str, Any]:
        """Chosen features and colour as JSON values, kept from one start of the window to the next."""
        wished = self._wished
        compared = [msgspec.to_builtins(space) for space in self.compared]
        return {
            "layer": wished.layer,
            "timestep": wished.timestep,
            "num_dims": wished.num_dims,
            "compared": compared,
            "colour": self.colour,
        }

    def restore_choices(self, values: dict[str, Any]) -> None:
        """Take the features that were kept; they are shown as soon as the layers of the run are known."""
        layer, timestep, num_dims = (values.get(key) for key in ("layer", "timestep", "num_dims"))
        if isinstance(layer, str) and isinstance(timestep, int) and isinstance(num_dims, int):
            self._wished = FeatureSpace(layer=layer, timestep=max(timestep, 0), num_dims=max(num_dims, 0))
            self._settle_space()
        if isinstance(values.get("colour"), str):
            self.colour = values["colour"]
        try:
            self._set_compared(msgspec.convert(values.get("compared"), tuple[FeatureSpace, ...]))
        except msgspec.ValidationError:  # of another version
            return

    def _settle_space(self) -> None:
        """Show the features that the user chose last, where the run has them; else those of its first layer."""
        wished, known = self._wished, self.layers.layers
        if wished.layer in (PIXELS, PCA):
            space = FeatureSpace(layer=wished.layer, num_dims=wished.num_dims)
        elif not self.run or not known:
            space = FeatureSpace()  # until the layers are listed
        else:
            first = next((layer for layer in known if layer.default), known[0])
            layer = next((layer for layer in known if layer.name == wished.layer), first)
            timestep = min(wished.timestep, layer.max_timestep) if layer.name == wished.layer else 0
            space = FeatureSpace(run=self.run, layer=layer.name, timestep=timestep)
        with self.edits.unrecorded():
            self._set_space(space)

    def _restore_space(self, part: tuple[FeatureSpace, FeatureSpace]) -> None:
        self._wished = part[1]
        self._set_space(part[0])

    def _set_compared(self, spaces: tuple[FeatureSpace, ...]) -> None:
        if spaces != self.compared:
            self.compared = spaces
            self.compared_changed.emit()

    def _set_space(self, space: FeatureSpace) -> None:
        if space != self.space:
            self.space = space
            self.space_changed.emit()
