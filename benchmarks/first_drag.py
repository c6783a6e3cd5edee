"""From the start of the process to the first image that a slider of the ready VAE moved; run by ``startup``.

The window opens on an empty library. As soon as they exist, the Latents panel is opened (which shows the ready VAE by
itself) and its first slider is moved, as an impatient person would; the time ends with the painting of the image that
decodes the moved code.
"""

import json
import sys
import time
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QAbstractSlider

from gmstudio import app
from gmstudio.window.gui.shell import main_window

TRY_EVERY_MS = 5


class DraggingWindow(main_window.MainWindow):
    """Window that moves the first slider it has, and closes when the image has followed.

    Attributes:
        drag_ms: since the start of the process; 0 until then.
    """

    started = 0.0
    drag_ms = 0.0

    def __init__(self, studio: Any, *arguments: Any) -> None:
        super().__init__(studio, *arguments)
        self._studio_of_drag = studio
        self._code = b""
        self._tries = QTimer(self)
        self._tries.timeout.connect(self._try)
        self._tries.start(TRY_EVERY_MS)

    def _try(self) -> None:
        """Open Latents; once it shows an image and sliders, move the first one."""
        from benchmarks.slider import ROWS
        from gmstudio.window.gui.panels.latents.panel import LatentsPanel
        from gmstudio.window.state.latents.state import LatentsState

        panel = self.findChild(LatentsPanel)
        if not isinstance(panel, LatentsPanel) or not panel.isVisible():
            self.show_panel("latents")
            return
        state = self._studio_of_drag.state(LatentsState)
        if state.shown is None:
            return
        sliders = [s for s in panel.findChildren(QAbstractSlider) if ROWS.fullmatch(s.objectName()) and s.isVisible()]
        if not sliders:
            return
        self._tries.stop()
        panel.image.painted.connect(lambda number: self._on_painted(state, number))
        sliders[0].setValue(sliders[0].maximum())
        self._code = state.code.values.tobytes()

    def _on_painted(self, state: Any, number: int) -> None:
        shown = state.shown
        if shown is not None and shown.request == number and shown.code.tobytes() == self._code:
            DraggingWindow.drag_ms = (time.time() - DraggingWindow.started) * 1000
            self.close()


def main(started: float) -> int:
    """Run the window, and print the time as JSON."""
    DraggingWindow.started = started
    setattr(main_window, "MainWindow", DraggingWindow)  # noqa: B010 - the name that app.run is about to import
    code = app.run(["gmstudio"])
    print(json.dumps({"drag_ms": DraggingWindow.drag_ms, "torch": "torch" in sys.modules}))
    return code


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
