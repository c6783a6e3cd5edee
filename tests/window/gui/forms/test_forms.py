from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Struct
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot
from training_scene import FolderConfig, GanConfig, VaeConfig

from gmstudio.protocol.config import ConfigError, field, parse_config, schema_of
from gmstudio.protocol.training_settings import Training
from gmstudio.window.gui.forms.editors import NumberEdit
from gmstudio.window.gui.forms.field_title import FieldTitle
from gmstudio.window.gui.forms.form import Form
from gmstudio.window.gui.forms.form_field import LABEL_WIDTH, shown_unit
from gmstudio.window.gui.forms.path_edit import FolderEdit


@pytest.fixture
def form(qtbot: QtBot) -> Form:
    form = Form(schema_of(VaeConfig), "train.config")
    qtbot.addWidget(form)
    form.show()
    return form


def _editor(form: Form, name: str) -> Any:
    found = form.findChild(QWidget, f"train.config.{name}")
    assert found is not None
    return found


@pytest.mark.parametrize("config", [VaeConfig, GanConfig, FolderConfig, Training])
def test_every_config_becomes_a_form_with_its_defaults(qtbot: QtBot, config: type[Struct]) -> None:
    form = Form(schema_of(config), "train.config")
    qtbot.addWidget(form)
    assert form.errors() == {}
    assert parse_config(config, form.values()) == config()
    for name, form_field in form.fields.items():
        editor = form.findChild(QWidget, f"train.config.{name}")
        assert editor.accessibleName() and editor.toolTip()
        assert editor is form_field.editor or form_field.editor.isAncestorOf(editor)


def test_each_type_has_its_editor(form: Form, qtbot: QtBot) -> None:
    kinds = {name: type(_editor(form, name)) for name in form.fields}
    assert issubclass(kinds["architecture"], QComboBox) and issubclass(kinds["tied"], QCheckBox)
    assert kinds["num_latent"] is kinds["beta"] is kinds["clip"] is NumberEdit
    folders = Form(schema_of(FolderConfig), "train.data")
    qtbot.addWidget(folders)
    assert isinstance(folders.fields["folder"].editor, FolderEdit)


@pytest.mark.parametrize("text", ["0", "513", "ten", "", "2.5"])
def test_what_is_invalid_is_marked_as_typed_in_the_engines_words(form: Form, qtbot: QtBot, text: str) -> None:
    editor = _editor(form, "num_latent")
    editor.lineEdit().clear()
    qtbot.keyClicks(editor.lineEdit(), text)
    sentence = form.errors()["num_latent"]
    assert "Latent dimensions" in sentence and "a whole number from 1 to 512" in sentence
    assert editor.text() == text and editor.property("invalid") is True
    label = form.findChild(QLabel, "train.config.num_latent.error")
    assert label.isVisible() and label.text() == sentence
    with pytest.raises(ConfigError):
        parse_config(VaeConfig, form.values())
    editor.set_value(7)
    assert form.errors() == {} and editor.property("invalid") is False and not label.isVisible()


@pytest.mark.parametrize(
    ("name", "text", "remedy"),
    [
        ("num_latent", "1.000", "write 1 or 1000"),
        ("num_latent", "1,000", "write 1 or 1000"),
        ("beta", "1.000,5", "at most one decimal mark"),
    ],
)
def test_an_ambiguous_number_is_refused_with_the_remedy(
    form: Form, qtbot: QtBot, name: str, text: str, remedy: str
) -> None:
    editor = _editor(form, name)
    editor.lineEdit().clear()
    qtbot.keyClicks(editor.lineEdit(), text)
    assert remedy in form.errors()[name] and text in form.errors()[name]
    assert form.values()[name] == text


@pytest.mark.parametrize("text", ["0,5", "0.5"])
def test_a_decimal_comma_is_a_point(form: Form, qtbot: QtBot, text: str) -> None:
    editor = _editor(form, "beta")
    editor.lineEdit().clear()
    qtbot.keyClicks(editor.lineEdit(), text)
    assert form.values()["beta"] == 0.5 and form.errors() == {}


def test_optional_values(form: Form) -> None:
    assert form.values()["clip"] is None and form.errors() == {}
    _editor(form, "clip").set_value(0.5)
    assert form.values()["clip"] == 0.5
    _editor(form, "clip").set_value(-1)
    assert "above 0" in form.errors()["clip"]
    _editor(form, "clip").set_value(None)
    assert form.values()["clip"] is None and form.errors() == {}


def test_reset_appears_for_changed_fields_only(form: Form, qtbot: QtBot) -> None:
    reset = form.findChild(QToolButton, "train.config.beta.reset")
    assert not reset.isVisible()
    title = next(label for label in form.fields["beta"].findChildren(QLabel) if label.text() == "β")
    assert not title.font().bold()
    _editor(form, "beta").set_value(4.0)
    assert reset.isVisible() and title.font().bold()
    qtbot.mouseClick(reset, Qt.MouseButton.LeftButton)
    assert form.values()["beta"] == 1.0 and not reset.isVisible() and not title.font().bold()


def test_advanced_fields_are_folded_until_asked_for_or_refused(form: Form, qtbot: QtBot) -> None:
    assert not _editor(form, "tied").isVisible() and _editor(form, "beta").isVisible()
    more = form.findChild(QToolButton, "train.config.more")
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton)
    assert _editor(form, "tied").isVisible()
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton)
    form.set_refusals({"tied": "Cannot be tied."})
    assert _editor(form, "tied").isVisible()


def test_nothing_is_red_before_one_has_edited_it(qtbot: QtBot) -> None:
    form = Form(schema_of(FolderConfig), "train.data")
    qtbot.addWidget(form)
    folder = form.fields["folder"].editor
    assert isinstance(folder, FolderEdit)
    error = form.findChild(QLabel, "train.data.folder.error")
    assert isinstance(error, QLabel)
    form.set_refusals({"folder": "Choose a folder."})
    assert error.text() == "Choose a folder." and error.property("role") == "muted"
    assert not folder.line.property("invalid")
    form.set_values({"folder": "/data"})
    form.set_refusals({"folder": "Not there."})
    assert error.property("role") == "muted"
    qtbot.keyClicks(folder.line, "/x")
    form.set_refusals({"folder": "Not there."})
    assert error.property("role") == "error" and folder.line.property("invalid")


@pytest.mark.parametrize(
    ("title", "unit", "shown"),
    [
        ("Steps", "steps", ""),
        ("Hidden units", "units", ""),
        ("Batch size", "images", "images"),
        ("Max. training images", "images", ""),
        ("Learning rate", "", ""),
        ("Footsteps", "steps", "steps"),
    ],
)
def test_a_unit_that_the_title_says_is_not_repeated(title: str, unit: str, shown: str) -> None:
    assert shown_unit(title, unit) == shown


def test_refusals_stay_until_the_field_is_edited(form: Form) -> None:
    label = form.findChild(QLabel, "train.config.beta.error")
    form.set_refusals({"beta": "Not with this."})
    assert label.text() == "Not with this." and form.errors() == {}
    _editor(form, "beta").set_value(2.0)
    assert not label.isVisible()


def test_setting_values_is_not_a_change_by_the_user(form: Form, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(form.changed):
        form.set_values({"num_latent": 3, "architecture": "conv", "unknown": 1})
    assert form.values()["num_latent"] == 3 and form.values()["architecture"] == "conv"
    with qtbot.waitSignal(form.changed):
        _editor(form, "architecture").set_value("mlp")


def test_other_defaults_than_the_schemas(form: Form) -> None:
    form.set_defaults({"beta": 4.0})
    reset = form.findChild(QToolButton, "train.config.beta.reset")
    assert reset.isVisible()
    form.fields["beta"].reset()
    assert form.values()["beta"] == 4.0


def test_lists_are_typed_with_commas(qtbot: QtBot) -> None:
    class Many(Struct):
        sizes: Annotated[list[int], field("Sizes", "Several.")] = []

    form = Form(schema_of(Many), "x")
    qtbot.addWidget(form)
    form.fields["sizes"].editor.set_value([1, 2])
    assert form.values() == {"sizes": [1, 2]}


def title_that_wraps_in_bold() -> str:
    """Two words that fit into the width of titles, and in bold do not."""
    probe = QLabel()
    bold = QFont(probe.font())
    bold.setBold(True)
    words = [f"levels {'n' * count}" for count in range(30)]
    fits = [word for word in words if QFontMetrics(probe.font()).horizontalAdvance(word) < LABEL_WIDTH]
    assert QFontMetrics(bold).horizontalAdvance(fits[-1]) > LABEL_WIDTH
    return fits[-1]


def test_a_field_keeps_its_height_when_its_title_becomes_bold(qtbot: QtBot) -> None:
    title = title_that_wraps_in_bold()
    config = msgspec.defstruct("Config", [("levels", Annotated[bool, field(title, "Levels.")], False)])
    form = Form(schema_of(config), "f")
    qtbot.addWidget(form)
    form.show()
    one = form.fields["levels"]

    def height() -> int:
        layout = one.layout()
        assert layout is not None
        layout.invalidate()
        return layout.totalHeightForWidth(320)

    before = height()
    form.set_values({"levels": True})
    label = one.findChild(FieldTitle)
    assert label is not None and label.font().bold() and height() == before


class _Shaped(Struct, frozen=True, kw_only=True):
    shape: Annotated[
        Literal["ring", "moons", "csv"],
        field("Shape", "Which.", labels={"moons": "two moons", "ring": "ring", "csv": "CSV"}),
    ] = "moons"
    noise: Annotated[float, field("Noise", "Of both.", ge=0, when={"shape": ("moons", "ring")})] | None = None
    path: Annotated[str, field("File", "Of the CSV.", files=True, when={"shape": "csv"})] = ""


def test_fields_without_effect_are_hidden_and_hold_nothing_up(qtbot: QtBot) -> None:
    form = Form(schema_of(_Shaped), "data.settings", hide_idle=True)
    qtbot.addWidget(form)
    form.show()
    noise, path = form.fields["noise"], form.fields["path"]
    assert noise.isVisible() and not path.isVisible() and form.values()["noise"] is None
    noise.editor.lineEdit().setText("-1")
    assert set(form.errors()) == {"noise"} and "0 or more, or empty" in form.errors()["noise"]
    form.set_values({"shape": "csv"})
    assert not noise.isVisible() and path.isVisible() and form.errors() == {}
    partial = {"properties": {k: v for k, v in schema_of(_Shaped)["properties"].items() if k != "shape"}}
    beside = Form(partial, "data.beside", hide_idle=True)
    qtbot.addWidget(beside)
    beside.set_beside({"shape": "csv"})
    assert beside.fields["noise"].isHidden() and not beside.fields["path"].isHidden()


def test_choices_stand_in_the_order_of_their_words_and_a_file_is_no_folder(qtbot: QtBot) -> None:
    form = Form(schema_of(_Shaped), "data.settings")
    qtbot.addWidget(form)
    combo = form.fields["shape"].editor
    assert isinstance(combo, QComboBox)
    assert [combo.itemText(index) for index in range(3)] == ["two moons", "ring", "CSV"]
    path = form.fields["path"].editor
    assert isinstance(path, FolderEdit) and path.browse.menu() is None
    assert path.line.placeholderText() == "Path of a file"


def test_a_form_that_was_replaced_emits_nothing_when_its_field_takes_a_late_text(form: Form, qtbot: QtBot) -> None:
    editor = _editor(form, "beta")
    editor.setFocus()
    form.retire()
    with qtbot.assertNotEmitted(form.changed):
        editor.set_value(7.0)
        form.fields["beta"].edited.emit()
