"""Import of files: before and after side by side, the settings, what was guessed, and progress."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.data import SPLIT_TITLES
from gmstudio.protocol.data_import import ImportPreviewed, ImportProgressed, PreviewedImage
from gmstudio.window.gui.forms.form import Form
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.content import draw_curves, draw_dots, kind_of, pictures_of
from gmstudio.window.gui.panels.data.pages import DOTS
from gmstudio.window.gui.panels.data.statistics import label_text, text_label
from gmstudio.window.gui.progress_text import progress_words, rate_words
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.pair_grid import Pair, PairGrid
from gmstudio.window.gui.widgets.progress_line import ProgressLine
from gmstudio.window.gui.widgets.style_property import set_style_property
from gmstudio.window.state.data.settings_split import import_schema
from gmstudio.window.state.data.state import DataState

SIDE_WIDTH, LEAST_SIDE_WIDTH = 336, 304
CANCEL_WIDTH = 88
BAR_HEIGHT = 4
RAW_LEVELS = 256
MANY_CLASSES = 6
"""Classes that are named; of more, the number is."""


class ImportView(QWidget):
    """Preview and import of files.

    Args:
        state: state of the panel.
        panel: panel that names the controls.

    Signals:
        form_made: the settings are there, which changes ``in_tab_order``.
    """

    form_made = Signal()

    def __init__(self, state: DataState, panel: Panel) -> None:
        super().__init__()
        self._state, self._assistant, self._panel = state, state.assistant, panel
        self._form: Form | None = None
        self._path = ElidedLabel(self)
        self._path.setProperty("role", "muted")
        self._name = QLineEdit(self)
        self._name.setMaxLength(80)
        self._line = ElidedLabel(self)
        self._bar = ProgressLine(self)
        self._bar.setFixedHeight(BAR_HEIGHT)
        self._pairs = PairGrid(self)
        self._page = QLabel(self)
        self._page.setProperty("role", "muted")
        self._guesses = text_label(self)
        self._side = QWidget()
        self._name_controls()
        self._add_actions()
        self._lay_out()
        self._connect()
        self._show_path()
        self._show_previewed()
        self._show()

    @property
    def in_tab_order(self) -> list[QWidget]:
        """Widgets that take the focus, in their order."""
        return [*self._buttons, *(self._form.in_tab_order() if self._form is not None else ())]

    def _name_controls(self) -> None:
        for widget, name, words, tip in (
            (self._path, "import_path", "Path of the files", ""),
            (self._name, "import_name", "Name of the data set", "Name of the data set; empty: that of the files."),
            (self._line, "import_line", "Images, progress or problem", ""),
            (self._bar, "import_bar", "Progress of the import", "Images or files done, of all."),
            (
                self._pairs,
                "pairs",
                "Images before and after",
                "A sample of the images: at the left as they are, at the right as a model will see them.",
            ),
            (self._guesses, "guesses", "What was guessed", "What was guessed; settings below decide otherwise."),
        ):
            self._panel.name_widget(widget, name, words, tip)

    def _add_actions(self) -> None:
        add, assistant = self._panel.add_action, self._assistant
        self._start = add(
            "import",
            "Import",
            "Ctrl+Shift+Return",
            assistant.start,
            icon="add",
            tip="Import all images",
            needs="No files to import are previewed.",
        )
        self._cancel = add(
            "cancel_import", "Close", "", self._cancel_or_close, icon="close", tip="Leave without importing"
        )
        self._reread = add(
            "reread", "Reload", "F6", assistant.refresh, icon="refresh", tip="List the files again, if they changed"
        )
        self._earlier = add(
            "earlier_sample",
            "Previous sample",
            ",",
            lambda: assistant.turn_page(-1),
            icon="left",
            needs="There is no sample before these.",
        )
        self._later = add(
            "later_sample",
            "Next sample",
            ".",
            lambda: assistant.turn_page(1),
            icon="right",
            needs="There is no sample after these.",
        )

    def _lay_out(self) -> None:
        start = self._panel.button(self._start)
        start.setProperty("primary", True)
        label = QLabel("Name", self)
        label.setBuddy(self._name)
        head = QHBoxLayout()
        head.setSpacing(GRID)
        title = QLabel("Import", self)
        title.setProperty("role", "title")
        for widget in (title, label):
            head.addWidget(widget)
        head.addWidget(self._name, 1)
        cancel = self._panel.button(self._cancel)
        cancel.setMinimumWidth(CANCEL_WIDTH)  # its text changes
        reread, earlier = self._panel.button(self._reread), self._panel.button(self._earlier, icon_only=True)
        later = self._panel.button(self._later, icon_only=True)
        for button in (reread, cancel, start):
            head.addWidget(button)
        foot = QHBoxLayout()
        foot.setSpacing(GRID)
        foot.addStretch(1)
        foot.addWidget(earlier)
        foot.addWidget(self._page)
        foot.addWidget(later)
        foot.addStretch(1)
        middle = QWidget(self)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self._pairs, 1)
        column.addLayout(foot)
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._panel.name_widget(splitter, "import_splitter", "Images and settings", "")
        splitter.addWidget(middle)
        splitter.addWidget(self._settings_column())
        splitter.setStretchFactor(0, 1)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(GRID)
        splitter.setSizes([620, SIDE_WIDTH])
        self._panel.remember(splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(GRID // 2)
        layout.addLayout(head)
        layout.addWidget(self._path)
        layout.addWidget(self._line)
        layout.addWidget(self._bar)
        layout.addWidget(splitter, 1)
        self._buttons: list[QWidget] = [self._name, reread, cancel, start, earlier, later]

    def _settings_column(self) -> QScrollArea:
        column = QScrollArea(self)
        column.setWidgetResizable(True)
        column.setFrameShape(QFrame.Shape.NoFrame)
        column.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column.setMinimumWidth(LEAST_SIDE_WIDTH)
        self._column = QVBoxLayout(self._side)
        self._column.setContentsMargins(GRID, 0, GRID, GRID)
        self._column.setSpacing(GRID)
        for title, widget in (("Settings", None), ("What was guessed", self._guesses)):
            heading = QLabel(title, self._side)
            heading.setProperty("role", "heading")
            self._column.addWidget(heading)
            if widget is not None:
                self._column.addWidget(widget)
        self._column.addStretch(1)
        column.setWidget(self._side)
        return column

    def _connect(self) -> None:
        assistant = self._assistant
        assistant.path_changed.connect(self._show_path)
        assistant.previewed_changed.connect(self._show_previewed)
        assistant.changed.connect(self._show)
        assistant.restored.connect(self._show_settings)
        self._state.lists_changed.connect(self._make_form)
        self._name.textEdited.connect(assistant.set_name)

    # ---- content -------------------------------------------------------------------------------------------------

    def _make_form(self) -> None:
        """Create the form when the engine's catalog is there."""
        schema = import_schema(self._state.catalog)
        if self._form is not None or not schema["properties"]:
            return
        form = Form(schema, "data.import", self._side)
        form.set_values(self._assistant.settings)
        form.changed.connect(lambda: self._assistant.set_settings(form.values(), form.errors()))
        self._column.insertWidget(1, form)
        self._form = form
        self.form_made.emit()

    def _show_settings(self) -> None:
        """Write settings that were undone or redone into the form."""
        if self._form is not None:
            self._form.set_values(self._assistant.settings)

    def _show_path(self) -> None:
        self._make_form()
        self._path.set_words(self._assistant.path)
        self._name.setText(self._assistant.name)
        self._name.setPlaceholderText("that of the files")

    def _show_previewed(self) -> None:
        previewed = self._assistant.previewed
        if previewed is None:
            self._pairs.set_pairs(())
            self._page.setText("")
            self._guesses.setText("")
            return
        self._name.setPlaceholderText(previewed.title)
        self._pairs.set_pairs(_pairs(previewed))
        self._page.setText(f"sample {previewed.page + 1:,} of {previewed.pages:,}")
        guesses = [guess.text for guess in previewed.guesses]
        self._guesses.setText("\n".join(f"• {text}" for text in (*guesses, *previewed.remarks)) or "Nothing.")

    def _show(self) -> None:
        assistant, progress = self._assistant, self._assistant.progress
        busy = assistant.importing
        text, role = assistant.problem, "error"
        if not text and assistant.previewed is not None:
            text, role = _counts(assistant.previewed), "muted"
        if not assistant.problem and (progress is not None or busy or not text):
            text, role = _progress_text(progress, importing=busy), "muted"
        self._line.set_words(text or " ")
        set_style_property(self._line, "role", role)
        self._bar.setVisible(progress is not None or busy)
        self._bar.setMaximum(progress.total if progress is not None else 0)
        self._bar.setValue(progress.done if progress is not None else 0)
        self._pairs.set_placeholder(self._problem_in_full() if assistant.problem else "Reading the files …")
        self._start.setEnabled(assistant.can_import)
        self._cancel.setText("Cancel" if busy else "Close")
        tip = "Cancel the import; nothing is left behind" if busy else "Leave without importing"
        self._panel.set_action_tip(self._cancel, tip)
        self._reread.setEnabled(not busy)
        self._side.setEnabled(not busy)
        self._name.setEnabled(not busy)
        pages = assistant.previewed.pages if assistant.previewed is not None else 0
        self._earlier.setEnabled(assistant.page > 0)
        self._later.setEnabled(assistant.page + 1 < pages)
        if self._form is not None:
            self._form.set_refusals(assistant.refusals)

    def _problem_in_full(self) -> str:
        """The problem, where the line above cuts its remedy off."""
        return self._line.words if self._line.text() != self._line.words else ""

    def _cancel_or_close(self) -> None:
        if self._assistant.importing:
            self._assistant.stop()
        else:
            self._state.close_import()


def _progress_text(progress: ImportProgressed | None, *, importing: bool) -> str:
    if progress is None:
        return "Importing …" if importing else "Reading the files …"
    parts = [progress_words(progress.stage, progress.done, progress.total)]
    speed = rate_words(progress.rate, "images" if importing else "", progress.seconds_left).replace(" /s", "/s")
    if speed:
        parts.append(speed)
    if progress.bad:
        parts.append(f"{progress.bad:,} cannot be decoded")
    return " · ".join(parts)


def _pairs(previewed: ImportPreviewed) -> Sequence[Pair]:
    images = previewed.images.numpy()
    kind = kind_of(previewed.image)
    if kind == "dots":
        return [_dots(previewed)]
    pairs = []
    for number, shown in enumerate(previewed.shown):
        one = images[number : number + 1]
        after = pictures_of(one, previewed.image)[0]
        before = shown.raw.numpy() if shown.raw is not None else None
        if before is not None and kind == "curves":
            before = draw_curves(np.moveaxis(before[..., :1], -1, 0)[None], RAW_LEVELS)[0].transpose(1, 2, 0)
        pairs.append(Pair(before, after, _caption(shown, previewed), _tip(shown, previewed)))
    return pairs


def _dots(previewed: ImportPreviewed) -> Pair:
    """All points of a sample as dots of one picture."""
    raw = [shown.raw.numpy() for shown in previewed.shown if shown.raw is not None]
    before = draw_dots(np.stack(raw)[..., 0][:, None], RAW_LEVELS)[0].transpose(1, 2, 0) if raw else None
    after = pictures_of(previewed.images.numpy(), previewed.image)[0]
    return Pair(before, after, f"{len(raw):,} points", DOTS)


def _caption(shown: PreviewedImage, previewed: ImportPreviewed) -> str:
    if shown.label is not None:
        return f"{label_text(shown.label, previewed.label_names)}"
    return shown.name


def _tip(shown: PreviewedImage, previewed: ImportPreviewed) -> str:
    if shown.problem:
        return f"{shown.name}\n{shown.problem}"
    parts = [shown.name, f"{shown.rows}×{shown.columns} pixels, becomes {previewed.image}"]
    if shown.label is not None:
        parts.append(f"class {label_text(shown.label, previewed.label_names)}")
    return "\n".join(parts)


def _counts(previewed: ImportPreviewed) -> str:
    parts = [f"{previewed.size:,} {previewed.content}", f"become {previewed.image}"]
    if previewed.labels:
        names = [label_text(label, previewed.label_names) for label in sorted(previewed.labels)]
        named = f" ({', '.join(names)})" if len(names) <= MANY_CLASSES else ""
        parts.append(f"{len(names):,} {'class' if len(names) == 1 else 'classes'}{named}")
    else:
        parts.append("no classes")
    if previewed.split_sizes:
        sizes = ", ".join(f"{n:,} {SPLIT_TITLES[split]}" for split, n in previewed.split_sizes.items() if n)
        parts.append(f"split by the files: {sizes}")
    bad = sum(bool(shown.problem) for shown in previewed.shown)
    if bad:
        parts.append(f"{bad} of this sample cannot be decoded")
    return " · ".join(parts)
