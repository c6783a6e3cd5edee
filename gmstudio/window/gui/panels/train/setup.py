"""Setup column of the Train panel: family, data and settings of the next run."""

from itertools import pairwise

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.data import SPLIT_TITLES
from gmstudio.window.gui.forms.form_slot import FormSlot
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.content import are_points, draw_points
from gmstudio.window.gui.panels.train.family_chooser import FamilyChooser
from gmstudio.window.gui.progress_text import loading_text
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.state.data.settings_split import POINTS, without_reading
from gmstudio.window.state.training.setup import TrainingSetup

PREVIEW_COLUMNS = 8
PREVIEW_HEIGHT = 88
SET = "set:"
"""Begins the item data of an imported set, before its folder."""


def text_label(role: str, parent: QWidget) -> QLabel:
    """Create a wrapping label of plain text in a role of the style sheet."""
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


class DataChooser(QWidget):
    """Choice of the data source, its settings, and a preview of its images.

    Args:
        setup: state of the setup.
        panel: panel that names the controls.
    """

    def __init__(self, setup: TrainingSetup, panel: Panel) -> None:
        super().__init__()
        self._setup = setup
        self._form = FormSlot("train.data", self)
        self._is_set = False
        self._combo = QComboBox(self)
        self._preview = ImageGrid(self)
        self._sizes = text_label("muted", self)
        panel.name_widget(self._combo, "data", "Data source", "Source of the training images.")
        panel.name_widget(
            self._preview, "preview", "Images of the data source", "Training images, preprocessed as for the model."
        )
        self._preview.setFixedHeight(PREVIEW_HEIGHT)
        self._preview.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._preview.set_columns(PREVIEW_COLUMNS)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        for widget in (self._combo, self._form, self._preview, self._sizes):
            self._layout.addWidget(widget)
        self._combo.activated.connect(self._on_chosen)
        self._form.changed.connect(setup.set_data_config)
        setup.catalog_changed.connect(self._fill)
        setup.data_sets.changed.connect(self._fill)
        setup.data_changed.connect(self._show_source)
        setup.values_restored.connect(self._show_settings)
        setup.browsed_changed.connect(self._show_images)
        setup.verdict_changed.connect(self._show_refusals)
        self._fill()
        self._show_source()
        self._show_images()

    def _fill(self) -> None:
        with QSignalBlocker(self._combo):
            self._combo.clear()
            for entry in self._setup.catalog.data if self._setup.catalog else ():
                self._combo.addItem(entry.title, entry.name)
                self._combo.setItemData(self._combo.count() - 1, entry.summary, Qt.ItemDataRole.ToolTipRole)
            sets = self._setup.data_sets.sets
            if sets:
                self._combo.insertSeparator(self._combo.count())
            for info in sets:
                self._combo.addItem(info.name, f"{SET}{info.folder}")
                tip = f"Imported set: {info.size:,} × {info.image}"
                self._combo.setItemData(self._combo.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._show_choice()

    def _show_choice(self) -> None:
        """Show in the closed list which source or set is chosen."""
        info = self._setup.data_set
        with QSignalBlocker(self._combo):
            self._combo.setCurrentIndex(
                self._combo.findData(self._setup.data if info is None else f"{SET}{info.folder}")
            )
        if self._form.form is not None and (info is not None) != self._is_set:
            self._show_source()

    def _on_chosen(self, index: int) -> None:
        chosen = str(self._combo.itemData(index))
        if chosen.startswith(SET):
            self._setup.choose_set(chosen.removeprefix(SET))
        elif self._setup.data_set is not None and chosen == self._setup.data:
            self._setup.choose_set("")  # other files, to be chosen in the form
        else:
            self._setup.choose_data(chosen)

    def _show_source(self) -> None:
        """Show the form of the chosen source."""
        entry = self._setup.data_entry
        self._is_set = self._setup.data_set is not None
        if entry is None:
            self._form.set_schema(None)
        else:
            schema = without_reading(entry.config_schema) if self._is_set else entry.config_schema
            self._form.set_schema(schema, hide_idle=entry.name == POINTS)
        self._show_settings()

    def _show_settings(self) -> None:
        """Write the settings of the same source into the form, and show which set they choose."""
        self._form.set_values(self._setup.data_config, self._setup.defaults("data_config"))
        self._show_choice()

    def in_tab_order(self) -> list[QWidget]:
        """Return the widgets that take the focus, from top to bottom."""
        return [self._combo, *self._form.in_tab_order()]

    def _show_images(self) -> None:
        browsed = self._setup.browsed
        self._preview.setVisible(browsed is not None)
        self._sizes.setVisible(browsed is not None)
        loading = self._setup.loading
        if browsed is None and loading is not None:
            self._sizes.setText(loading_text(loading))
            self._sizes.setVisible(True)
        if browsed is not None:
            images = browsed.images.numpy()
            levels, is_plane = browsed.image.levels, are_points(images.shape)
            self._preview.set_columns(1 if is_plane else PREVIEW_COLUMNS)
            if is_plane:
                self._preview.set_images(draw_points(images, levels))
            else:
                self._preview.set_levels_images(images, levels)
            sizes = ", ".join(f"{n:,} {SPLIT_TITLES[split]}" for split, n in browsed.sizes.items())
            words = f"{browsed.image.width}-D, {levels} levels" if is_plane else str(browsed.image)
            self._sizes.setText(f"{words} · {sizes} {'points' if is_plane else 'images'}")

    def _show_refusals(self) -> None:
        self._form.set_refusals(self._setup.refusals("data_config"))


class SetupColumn(QScrollArea):
    """Column with the choices for the next run.

    Args:
        setup: state of the setup.
        panel: panel that names the controls.
    """

    def __init__(self, setup: TrainingSetup, panel: Panel) -> None:
        super().__init__()
        self._setup = setup
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        self._layout = QVBoxLayout(inner)
        self._layout.setContentsMargins(8, 8, 8, 8)
        self._layout.setSpacing(8)
        self._family = FamilyChooser(panel, inner)
        self._waiting = text_label("muted", inner)
        self._waiting.setText("Waiting for the engine …")
        self._add_section("Model", self._family, self._waiting)
        self._data = DataChooser(setup, panel)
        self._add_section("Data", self._data)
        self._forms = {part: FormSlot(f"train.{part}", inner) for part in ("config", "training")}
        self._titles = {
            part: self._add_section(title, self._forms[part])
            for part, title in (("config", "Settings"), ("training", "Training"))
        }
        self._layout.addStretch(1)
        self.setWidget(inner)
        self._family.chosen.connect(setup.choose_family)
        self._forms["config"].changed.connect(setup.set_config)
        self._forms["training"].changed.connect(setup.set_training)
        setup.catalog_changed.connect(self._fill)
        setup.family_changed.connect(self._show_family)
        setup.data_changed.connect(self._show_values)
        setup.values_restored.connect(self._show_values)
        setup.data_changed.connect(self._order_tabs)  # after the slot of the data chooser
        setup.verdict_changed.connect(self._show_refusals)
        self._fill()
        self._show_family()

    def _add_section(self, title: str, *widgets: QWidget) -> QLabel:
        heading = text_label("heading", self)
        heading.setText(title)
        self._layout.addWidget(heading)
        for widget in widgets:
            self._layout.addWidget(widget)
        return heading

    def _fill(self) -> None:
        self._family.fill(self._setup.catalog.families if self._setup.catalog else ())

    def _show_family(self) -> None:
        """Show the forms of the chosen family, with its remembered values."""
        setup, entry = self._setup, self._setup.entry
        self._family.show_family(setup.family)
        self._waiting.setVisible(entry is None)
        for title in self._titles.values():
            title.setVisible(entry is not None)
        if entry is not None:
            self._titles["config"].setText(f"Settings of {entry.card.title}")
        self._forms["config"].set_schema(entry.config_schema if entry is not None else None)
        self._forms["training"].set_schema(setup.catalog.training_schema if entry and setup.catalog else None)
        self._show_values()
        self._order_tabs()

    def _show_values(self) -> None:
        """Write the settings into the forms; their defaults depend on family and data."""
        for part, values in (("config", self._setup.config), ("training", self._setup.training)):
            self._forms[part].set_values(values, self._setup.defaults(part))

    def _order_tabs(self) -> None:
        """Order the Tab key from top to bottom after forms were replaced."""
        chain = [self._family.button, *self._data.in_tab_order()]
        for form in self._forms.values():
            chain += form.in_tab_order()
        for before, after in pairwise(chain):
            QWidget.setTabOrder(before, after)

    def _show_refusals(self) -> None:
        for part, form in self._forms.items():
            form.set_refusals(self._setup.refusals(part))
