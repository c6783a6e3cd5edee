"""Page Bytes, answered by the engine's own code: sizes, costs, files, and a comparison after a real decoding."""

import os
from pathlib import Path

import numpy as np
import pytest
from density_engine import DensityEngine, write_run
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.data import load
from gmstudio.engine.density.bytes_handlers import BytesFeature
from gmstudio.protocol.density_bytes import CompressImages
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.window.gui.panels.density.bytes import NO_CODER, BytesPage
from gmstudio.window.gui.panels.density.panel import DensityPanel
from gmstudio.window.gui.run_chooser import WAITING
from gmstudio.window.state.density.bytes import MAX_FILE_BYTES, BytesState
from gmstudio.window.state.density.state import DensityState
from gmstudio.window.state.runs.library import RunLibrary


class Stage:
    """A panel on the page Bytes, with a NADE and a VAE of digits."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.engine = DensityEngine(BytesFeature)
        self.nade = write_run(folder / "nade", "nade", num_hidden=6)
        self.vae = write_run(folder / "vae", "vae", num_hidden=8)
        self.library = RunLibrary(self.engine)
        self.state = DensityState(self.engine, self.library)
        self.engine.arrive(self.nade, self.vae)
        self.state.set_runs((self.vae.run, self.nade.run))
        self.panel = DensityPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1270, 640)
        self.panel.show()
        self.panel.tabs.show_page("bytes")
        page = self.panel.tabs.page("bytes")
        assert isinstance(page, BytesPage)
        self.page = page
        self.bytes = self.state.page(BytesState)

    def click(self, name: str) -> None:
        button = self.panel.findChild(QToolButton, f"density.{name}")
        assert isinstance(button, QToolButton)
        assert button.isEnabled(), name
        button.click()
        self.engine.serve()

    def compress(self, count: int = 12) -> None:
        self.page.count.setValue(count)
        self.click("bytes_compress")


@pytest.fixture
def stage(qtbot: QtBot, tmp_path: Path) -> Stage:
    return Stage(qtbot, tmp_path / "runs")


def test_the_first_model_that_codes_compresses_the_images(stage: Stage) -> None:
    stage.compress()
    command = stage.engine.last(CompressImages)
    assert command.run == stage.nade.run
    assert command.count == 12
    result = stage.bytes.result
    assert result is not None
    assert np.array_equal(result.images.numpy(), load("digits", {"levels": 4}).view("test", range(12)))
    assert [bar.title for bar in stage.page.bars.bars][:3] == ["−log₂ p", "range coder", "this file"]
    assert [bar.own for bar in stage.page.bars.bars][:4] == [True, True, True, False]
    assert "12 images" in stage.page.title.words
    assert stage.page.sheet.count == 12


def test_a_pixel_shows_its_bits(qtbot: QtBot, stage: Stage) -> None:
    stage.compress()
    result = stage.bytes.result
    assert result is not None
    stage.page.sheet.opened.emit(4)
    bits = result.bits.numpy()[4]
    assert np.array_equal(stage.page.cost.bits, bits)
    place = stage.page.cost.places()[1]
    point = QPoint(round(place.left() + place.width() * 3.5 / 8), round(place.top() + place.height() * 2.5 / 8))
    qtbot.mouseMove(stage.page.cost, point)
    assert (
        f"Row 2, column 3: level {result.images.numpy()[4, 0, 2, 3]}, {bits[2, 3]:.2f} bits" in stage.page.reading.words
    )
    qtbot.mouseMove(stage.page.cost, QPoint(stage.page.cost.width() - 2, stage.page.cost.height() - 2))
    assert f"Image 4: −log₂ p(x) = {result.ideal.numpy()[4]:,.1f} bits" in stage.page.reading.words


def test_decoding_compares_bit_for_bit(stage: Stage) -> None:
    stage.compress()
    assert stage.page.verdict.words == ""
    stage.click("bytes_decode")
    assert stage.bytes.identical is True
    assert stage.page.verdict.words == "Identical: yes, 12 images bit for bit."
    stage.compress(3)
    assert stage.bytes.identical is None
    assert stage.page.verdict.words == ""


def test_a_saved_file_is_opened_and_dropped(qtbot: QtBot, stage: Stage, tmp_path: Path) -> None:
    stage.compress(5)
    stage.click("bytes_save")
    dialog = stage.page.findChild(QFileDialog, "save_dialog")
    assert isinstance(dialog, QFileDialog)
    path = tmp_path / "digits.gmsz"
    dialog.fileSelected.emit(str(path))
    dialog.close()
    assert stage.bytes.result is not None
    assert path.read_bytes() == stage.bytes.result.file.data
    assert str(path) in stage.page.verdict.words
    stage.compress(2)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, modifiers = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    stage.page.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, mime, buttons, modifiers))
    stage.engine.serve()
    assert stage.page.sheet.count == 5
    assert "digits.gmsz: 5 images, bit for bit" in stage.page.verdict.words
    assert "digits.gmsz, coded with nade" in stage.page.title.words


def test_a_foreign_file_is_refused_in_a_sentence(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "other.gmsz"
    path.write_bytes(b"GIF89a")
    stage.bytes.decode_file(str(path))
    stage.engine.serve()
    assert "holds no coded images" in stage.page.words.words
    stage.bytes.decode_file(str(tmp_path / "missing.gmsz"))
    assert "missing.gmsz cannot be read" in stage.page.words.words
    assert stage.page.words.property("role") == "error"
    large = tmp_path / "large.gmsz"
    with large.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    stage.bytes.decode_file(str(large))
    assert "large.gmsz cannot be read: it has 67,108,865 bytes, and at most 67,108,864" in stage.page.words.words


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(stage: Stage, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gmsz")
    stage.bytes.decode_file(str(tmp_path / "pipe.gmsz"))
    assert "pipe.gmsz cannot be read: it is a pipe" in stage.page.words.words


def test_without_a_model_that_codes_the_page_says_why(stage: Stage) -> None:
    stage.state.set_runs((stage.vae.run,))
    assert "exact conditionals" in stage.page.words.words
    assert not stage.page.compress.isEnabled()
    assert "exact conditionals" in stage.panel.reason(stage.page.compress)


def test_stopping_keeps_what_was_coded(stage: Stage) -> None:
    stage.compress(4)
    stage.page.count.setValue(9)
    stage.page.compress.trigger()
    assert stage.bytes.work == "compress"
    assert stage.page.stop.isEnabled()
    stage.page.stop.trigger()
    stage.engine.serve()
    assert stage.bytes.work == ""
    assert stage.page.sheet.count == 4


def test_the_end_of_the_engine_is_quiet(stage: Stage) -> None:
    stage.page.compress.trigger()
    command = stage.engine.last(CompressImages)
    failure = CommandFailed(command="CompressImages", message="The engine ended.", reason=Reason.ENGINE_GONE)
    stage.engine.deliver(
        CommandFailed(request=command.request, command=failure.command, message=failure.message, reason=failure.reason)
    )
    assert stage.bytes.work == ""
    assert stage.bytes.problem == ""
    assert stage.page.compress.isEnabled()


def test_numbers_are_saved_as_a_table(stage: Stage, tmp_path: Path) -> None:
    stage.compress(3)
    stage.click("bytes_table")
    dialog = stage.page.findChild(QFileDialog, "save_dialog")
    assert isinstance(dialog, QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "bytes.csv"))
    dialog.close()
    lines = (tmp_path / "bytes.csv").read_text().splitlines()
    result = stage.bytes.result
    assert result is not None
    assert f"image 2,{result.ideal.numpy()[2].item()!r}" in lines
    assert any(line.startswith("range coder,") for line in lines)


def test_the_part_is_remembered(stage: Stage) -> None:
    assert stage.page.count in stage.panel.remembered
    assert stage.page.start in stage.panel.remembered
    stage.page.start.setValue(7)
    stage.compress(2)
    assert stage.engine.last(CompressImages).start == 7


def test_reasons_stand_on_a_line_that_holds_them(qtbot: QtBot, stage: Stage) -> None:
    stage.state.set_runs((stage.vae.run,))
    assert stage.page.words.text() == stage.page.words.words == NO_CODER
    assert not stage.page.compress.isEnabled()
    engine = DensityEngine(BytesFeature)  # which has not listed its runs
    library = RunLibrary(engine)
    panel = DensityPanel(DensityState(engine, library), library)
    qtbot.addWidget(panel)
    panel.tabs.show_page("bytes")
    page = panel.tabs.page("bytes")
    assert isinstance(page, BytesPage) and page.words.words == WAITING
    engine.arrive(stage.nade)
    assert page.words.words not in (WAITING, NO_CODER) and page.compress.isEnabled()
