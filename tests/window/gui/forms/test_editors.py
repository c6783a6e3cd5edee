import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.forms.editors import ChoiceEdit, ListEdit, NumberEdit
from gmstudio.window.gui.forms.path_edit import FolderEdit


@pytest.mark.parametrize(
    ("text", "whole", "value"),
    [("64", True, 64), ("1e3", True, 1000), ("1e-3", False, 0.001), ("0,001", False, 0.001), ("", False, None)],
)
def test_numbers_are_read_as_people_write_them(qtbot: QtBot, text: str, whole: bool, value: float | None) -> None:
    edit = NumberEdit(whole=whole)
    qtbot.addWidget(edit)
    qtbot.keyClicks(edit.lineEdit(), text)
    assert edit.value == value and edit.text() == text


@pytest.mark.parametrize(
    ("text", "whole"),
    [("abc", False), ("1.5", True), ("inf", True), ("1e", False), ("1,000", True), ("1.000,5", False)],
)
def test_what_is_no_number_stays_as_typed(qtbot: QtBot, text: str, whole: bool) -> None:
    edit = NumberEdit(whole=whole, low=1, high=10)
    qtbot.addWidget(edit)
    qtbot.keyClicks(edit.lineEdit(), text)
    edit.clearFocus()
    assert edit.text() == text
    with pytest.raises(ValueError):
        _ = edit.value


def test_log_fields_step_by_factors_to_the_limits(qtbot: QtBot) -> None:
    edit = NumberEdit(whole=True, low=1, high=512, log=True)
    qtbot.addWidget(edit)
    edit.set_value(64)
    seen = []
    for _ in range(5):
        edit.stepBy(1)
        seen.append(edit.value)
    assert seen == [100, 200, 500, 512, 512]
    edit.set_value(3)
    edit.stepBy(-1)
    edit.stepBy(-1)
    edit.stepBy(-1)
    assert edit.value == 1


def test_a_learning_rate_steps_by_factors_and_never_reaches_zero(qtbot: QtBot) -> None:
    edit = NumberEdit(whole=False, low=0, high=10, log=True, above=True)
    qtbot.addWidget(edit)
    edit.set_value(1e-3)
    edit.stepBy(-1)
    assert edit.value == pytest.approx(5e-4) and edit.text() == "0.0005"
    edit.stepBy(-100)
    assert edit.value > 0


def test_linear_steps(qtbot: QtBot) -> None:
    edit = NumberEdit(whole=False, low=0, high=2)
    qtbot.addWidget(edit)
    edit.set_value(0.2)
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    assert edit.value == pytest.approx(0.3)
    edit.stepBy(-10)
    assert edit.value == 0


def test_choices_keep_their_types(qtbot: QtBot) -> None:
    edit = ChoiceEdit([2, 4, 16], "auto")
    qtbot.addWidget(edit)
    edit.set_value(4)
    assert edit.value == 4 and edit.currentText() == "4"
    edit.set_value(None)
    assert edit.value is None and edit.currentText() == "auto"
    edit.set_value(99)
    assert edit.value is None and edit.currentIndex() == -1


def test_choices_are_shown_by_their_labels(qtbot: QtBot) -> None:
    edit = ChoiceEdit(["threshold", "sample"], labels={"sample": "stochastic"})
    qtbot.addWidget(edit)
    edit.set_value("sample")
    assert edit.value == "sample" and edit.currentText() == "stochastic"
    assert edit.itemText(0) == "threshold"


def test_lists(qtbot: QtBot) -> None:
    edit = ListEdit(int)
    qtbot.addWidget(edit)
    edit.setText("3, 8,")
    assert edit.value == [3, 8]
    edit.setText("3, x")
    with pytest.raises(ValueError):
        _ = edit.value


def test_a_folder_is_chosen_without_holding_up_the_window(qtbot: QtBot) -> None:
    edit = FolderEdit()
    qtbot.addWidget(edit)
    edit.show()
    qtbot.mouseClick(edit.browse, Qt.MouseButton.LeftButton)
    (dialog,) = edit.findChildren(QFileDialog)
    assert not dialog.isModal()
    with qtbot.waitSignal(edit.edited):
        dialog.fileSelected.emit("/data/mnist")
    assert edit.value == "/data/mnist"
    dialog.close()


@pytest.mark.parametrize(
    ("position", "mode", "path"),
    [(0, QFileDialog.FileMode.Directory, "/data/birds"), (1, QFileDialog.FileMode.ExistingFile, "/data/birds.zip")],
)
def test_a_folder_or_a_file_is_chosen_where_both_are_accepted(
    qtbot: QtBot, position: int, mode: QFileDialog.FileMode, path: str
) -> None:
    edit = FolderEdit(files=True)
    qtbot.addWidget(edit)
    edit.show()
    menu = edit.browse.menu()
    assert menu is not None
    menu.actions()[position].trigger()
    (dialog,) = edit.findChildren(QFileDialog)
    assert dialog.fileMode() == mode and not dialog.isModal()
    with qtbot.waitSignal(edit.edited):
        dialog.fileSelected.emit(path)
    assert edit.value == path
    dialog.close()
