"""Row that chooses the features: a layer of the run, or a baseline."""

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QStackedWidget, QWidget

from gmstudio.protocol.features import PCA, PIXELS, FeatureSpace
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.run_text import run_name, started_text
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.sliders.typed_slider import fit_width
from gmstudio.window.state.features.state import FeaturesState
from gmstudio.window.state.runs.library import folder_name

LAYER_TIP = (
    "What is computed of an image: a layer of the model, or a baseline. Raw pixels and their principal components are "
    "what a model’s features are to be compared with."
)
TIMESTEP_TIP = "Noise level at which the network sees the image, from 1 (hardly any) to the last of the chain; 0: {}."
COMPONENTS_TIP = "Number of principal components, fitted to the training images; 0: 50, or as many as there are."
MAX_COMPONENTS = 1024
LEAST_LETTERS = 24


class SpaceRow(QWidget):
    """Layer, timestep or number of components.

    Args:
        panel: that it belongs to.
        state: shown and changed.
    """

    def __init__(self, panel: Panel, state: FeaturesState) -> None:
        super().__init__(panel)
        self._state = state
        self.layer = QComboBox()
        self.layer.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.layer.setMinimumContentsLength(LEAST_LETTERS)
        self.layer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        panel.name_widget(self.layer, "layer", "Features", LAYER_TIP)
        self.timestep = self._field(panel, "timestep", "Timestep", "t = ", TIMESTEP_TIP.format("its default"))
        self.components = self._field(panel, "components", "Principal components", "k = ", COMPONENTS_TIP)
        self.components.setRange(0, MAX_COMPONENTS)
        self._fields = QStackedWidget()
        self._fields.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        for field in (QWidget(), self.timestep, self.components):
            self._fields.addWidget(field)
        label = QLabel("Features")
        label.setBuddy(self.layer)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(label)
        row.addWidget(self.layer, 1)
        row.addWidget(self._fields)
        self.layer.activated.connect(self._on_layer_chosen)
        self.timestep.valueChanged.connect(lambda value: self._edit(timestep=value))
        self.components.valueChanged.connect(lambda value: self._edit(num_dims=value))
        state.layers.changed.connect(self._fill)
        state.run_changed.connect(self._fill)
        state.space_changed.connect(self._show_space)
        self._fill()

    @staticmethod
    def _field(panel: Panel, control: str, name: str, prefix: str, tip: str) -> IntegerField:
        field = IntegerField()
        field.setPrefix(prefix)
        panel.name_widget(field, control, name, tip)
        fit_width(field, f"{prefix}10000")
        return field

    def _fill(self) -> None:
        """List the layers of the run, and the baselines."""
        self.layer.blockSignals(True)
        self.layer.clear()
        for layer in self._state.layers.layers:
            self._add(layer.name, f"{layer.title} · {dimensions(layer.num_dims)}", layer.help)
        if self._state.layers.layers:
            self.layer.insertSeparator(self.layer.count())
        info = self._state.library.info(self._state.run)
        pixels = "" if info is None else f" · {dimensions(info.image.num_dims)}"
        self._add(PIXELS, f"Raw pixels{pixels}", "Baseline: the levels of the pixels, without any model.")
        self._add(PCA, "PCA of the pixels", "Baseline: principal components of the pixels of the training images.")
        self.layer.blockSignals(False)
        self._show_space()

    def _add(self, name: str, text: str, tip: str) -> None:
        self.layer.addItem(text, name)
        self.layer.setItemData(self.layer.count() - 1, tip, 3)  # Qt.ItemDataRole.ToolTipRole

    def _show_space(self) -> None:
        space = self._state.space
        self.layer.setCurrentIndex(self.layer.findData(space.layer))
        layer = self._state.layers.layer(space.layer) if space.run else None
        with_time = layer is not None and layer.max_timestep > 0
        for field in (self.timestep, self.components):
            field.blockSignals(True)
        if layer is not None and with_time:
            self.timestep.setRange(0, layer.max_timestep)
            self.timestep.setToolTip(TIMESTEP_TIP.format(layer.default_timestep))
            self.timestep.setValue(space.timestep or layer.default_timestep)
        self.components.setValue(space.num_dims)
        for field in (self.timestep, self.components):
            field.blockSignals(False)
        shown = self.timestep if with_time else self.components if space.layer == PCA and not space.run else None
        self._fields.setCurrentIndex(0 if shown is None else self._fields.indexOf(shown))
        tip = layer.help if layer is not None and layer.help else LAYER_TIP
        self.layer.setToolTip(tip)

    def _on_layer_chosen(self, index: int) -> None:
        name = self.layer.itemData(index)
        if name in (PIXELS, PCA):
            self._state.set_space(FeatureSpace(layer=name, num_dims=self._state.space.num_dims))
        elif name:
            self._state.set_space(FeatureSpace(run=self._state.run, layer=name))

    def _edit(self, *, timestep: int | None = None, num_dims: int | None = None) -> None:
        space = self._state.space
        self._state.set_space(
            FeatureSpace(
                run=space.run,
                layer=space.layer,
                timestep=space.timestep if timestep is None else timestep,
                num_dims=space.num_dims if num_dims is None else num_dims,
            )
        )


def dimensions(count: int) -> str:
    """Format a number of features: ``1 dimension``, ``784 dimensions``."""
    return f"{count:,} dimension{'' if count == 1 else 's'}"


def space_words(state: FeaturesState, space: FeatureSpace) -> str:
    """Describe a choice of features: ``VAE, posterior mean``, ``Raw pixels``, ``PCA, 20 components``.

    Runs of one name that are compared have their data, too, and where these are the same their start.
    """
    if not space.run:
        if space.layer == PIXELS:
            return "Raw pixels"
        return f"PCA, {space.num_dims} components" if space.num_dims else "PCA"
    info, layer = state.library.info(space.run), state.layers.of(space)
    run = folder_name(space.run) if info is None else run_name(info)
    others = {other.run for other in (state.space, *state.compared)} - {"", space.run}
    named = [other for other in map(state.library.info, others) if other is not None]
    if info is not None and any(run_name(other) == run for other in named):
        run = f"{run} · {info.data_label}"
        if any(other.data_label == info.data_label and run_name(other) == run_name(info) for other in named):
            run = f"{run} · {started_text(info)}"
    words = f"{run}, {layer.title[:1].lower() + layer.title[1:] if layer else space.layer}"
    return f"{words}, t = {space.timestep}" if space.timestep else words
