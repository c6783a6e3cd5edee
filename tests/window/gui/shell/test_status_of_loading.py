"""The status bar while data are loaded: in place of the job, with a button that cancels."""

from PySide6.QtWidgets import QLabel, QProgressBar, QToolButton
from pytestqt.qtbot import QtBot
from studio_fixture import StartStudio, start_studio, wait_ready
from toy_panels import PLACES

from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.engine import Cancel
from gmstudio.window.gui.shell.main_window import MainWindow

__all__ = ["start_studio"]


def test_loading_is_shown_in_place_of_the_job_and_can_be_cancelled(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    window.show()
    wait_ready(qtbot, studio)
    cancel = window.findChild(QToolButton, "status.cancel")
    bar, job, rate = (
        window.findChild(kind, f"status.{name}")
        for kind, name in ((QProgressBar, "progress"), (QLabel, "job"), (QLabel, "rate"))
    )
    assert isinstance(cancel, QToolButton) and isinstance(bar, QProgressBar)
    assert isinstance(job, QLabel) and isinstance(rate, QLabel) and not cancel.isVisible()
    event = DataLoading(
        request=999, load=1, title="birds", stage="Decoding images", done=40, total=80, rate=20.0, seconds_left=2.0
    )
    studio.client.deliver(event)
    assert cancel.isVisible() and (bar.value(), bar.maximum()) == (40, 80)
    assert job.text().startswith("birds: decoding images") and rate.text() == "20 images/s · 2 s left"
    sent: list[object] = []
    studio.client._write = sent.append  # type: ignore[method-assign]
    cancel.click()
    assert [command.target for command in sent if isinstance(command, Cancel)] == [999]
    studio.client.deliver(DataLoading(request=999, load=1, title="birds", over=True))
    assert not cancel.isVisible() and not bar.isVisible() and job.text() == ""
