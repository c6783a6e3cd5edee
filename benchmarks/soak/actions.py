"""What a user of a soak does: one random action after another, on the states and panels of the real window."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QPushButton

from gmstudio.protocol.runs import RunInfo, RunTrashed
from gmstudio.protocol.runs_branching import BranchRun
from gmstudio.protocol.runs_exports import ExportForm
from gmstudio.protocol.training import ChangeTraining, PaceTraining
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.edit_menu import EditMenu
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.run_exports import RunExports
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.runs.travel import TravelState
from gmstudio.window.state.studio import Studio
from gmstudio.window.state.training.state import TrainingState

FAMILIES = ("vae", "pixelcnn", "nade")
SMALL = {"steps": 100_000, "batch_size": 16, "num_samples": 4, "validation_images": 20}
OFTEN = {"checkpoint_every": 100, "validate_every": 100, "sample_every": 200}
SLIDER_HZ = 1000
SLIDER = f"a slider at {SLIDER_HZ:,} Hz"
LONG_S = 10.0
"""Length of what is done under load."""
STEPS_PER_S = 60
"""Pace of the trainings: a run of some minutes has thousands of points, and the window its share of the processor."""
MOST_RUNS = 8
SIZES = ((1366, 768), (960, 540), (1600, 900))


class Actions:
    """Random actions.

    Args:
        window: the window.
        studio: its state.
        place: folder for exports.
        choose: source of all choices.

    Attributes:
        done: action → how often it was done.
        forms_exported: names of the forms in which runs were exported.
    """

    def __init__(self, window: MainWindow, studio: Studio, place: Path, choose: random.Random) -> None:
        self._window, self._studio, self._place, self._choose = window, studio, place, choose
        self._trashed: list[RunTrashed] = []
        self._exported: list[Path] = []
        self._names = 0
        self._choose_place = random.Random(0)  # apart, so that the other choices stay those of the seed
        self.done: dict[str, int] = {}
        self.forms_exported: set[str] = set()
        studio.library.trashed.connect(lambda event, _title: self._trashed.append(event))
        self._sliding = QTimer(window, interval=1000 // SLIDER_HZ)
        self._sliding.setTimerType(Qt.TimerType.PreciseTimer)
        self._sliding.timeout.connect(self._slide)
        self._all: dict[str, tuple[float, Callable[[], bool]]] = {
            "switch panel": (6, self._switch_panel),
            "drag a slider": (8, self._drag),
            SLIDER: (0.3, self._drag_long),
            "start": (4, self._start),
            "stop": (2, self._stop),
            "pause or resume": (3, self._pause),
            "make single steps": (2, self._step),
            "keep a checkpoint": (1, self._keep),
            "change a setting while training": (1, self._change),
            "branch": (2, self._branch),
            "open a run": (3, self._open),
            "step pixels": (5, self._step_pixels),
            "rename": (2, self._rename),
            "star": (1, self._star),
            "to the trash": (1, self._trash),
            "from the trash": (1, self._restore),
            "compare": (2, self._compare),
            "time travel": (4, self._travel),
            "export": (2, self._export),
            "drop a file": (1, self._drop),
            "undo": (2, self._undo),
            "resize": (1, self._resize),
            "press a notice's button": (3, self._press),
        }

    def act(self) -> str:
        """Do one action that can be done now; its name."""
        names = list(self._all)
        weights = [weight for weight, _ in self._all.values()]
        while True:
            (name,) = self._choose.choices(names, weights)
            if self._all[name][1]():
                self.done[name] = self.done.get(name, 0) + 1
                return name

    def do(self, name: str) -> None:
        """Do one action, where it can be done now."""
        self._all[name][1]()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all actions."""
        return tuple(self._all)

    # ---- training ------------------------------------------------------------------------------------------------

    @property
    def _training(self) -> TrainingState:
        return self._studio.state(TrainingState)

    def runs(self, capability: str = "") -> list[RunInfo]:
        """Runs of this library that can be explored."""
        return [info for info in self._studio.library.runs_with(capability) if not info.example]

    def _start(self) -> bool:
        if len(self.runs()) > MOST_RUNS:
            return False
        return self.train(self._choose.choice(FAMILIES))

    def train(self, family: str) -> bool:
        """Start a training of a family, where none is under way."""
        training = self._training
        setup = training.setup
        if training.status != "idle" or self._studio.library.catalog is None:
            return False
        setup.choose_family(family)
        setup.choose_data("digits")
        setup.set_training({**setup.training, **SMALL, **OFTEN}, {})
        can = training.can_start
        if can:
            training.start()
            self._pace()
        return can

    def _pace(self) -> None:
        self._studio.client.send(PaceTraining(steps_per_s=STEPS_PER_S))

    def _stop(self) -> bool:
        can = self._training.can_stop
        self._training.stop()
        return can

    def _pause(self) -> bool:
        training = self._training
        if training.status == "running":
            training.pause()
        elif training.can_resume:
            training.resume()
            self._pace()
        else:
            return False
        return True

    def _step(self) -> bool:
        live = self._training.is_live
        self._training.step(self._choose.randint(1, 20))
        return live

    def _keep(self) -> bool:
        can = self._training.can_keep_checkpoint
        self._training.keep_checkpoint()
        return can

    def _change(self) -> bool:
        live = self._studio.library.live
        if live:
            rate = self._choose.choice((1e-3, 3e-3, 1e-4))
            self._studio.client.send(ChangeTraining(run=live, training={"learning_rate": rate}))
        return bool(live)

    def _branch(self) -> bool:
        runs = [info for info in self.runs() if info.checkpoint_steps]
        if not runs or len(runs) > MOST_RUNS:
            return False
        info = self._choose.choice(runs)
        step = self._choose.choice(info.checkpoint_steps)
        self._studio.client.send(BranchRun(run=info.run, step=step, training={"learning_rate": 2e-3}))
        self._pace()
        return True

    # ---- exploring -----------------------------------------------------------------------------------------------

    def _switch_panel(self) -> bool:
        self._window.show_panel(self._choose.choice(PLACES).name)
        return True

    def _drag(self) -> bool:
        """Move a slider ten times, faster than the engine answers."""
        runs = self.runs("decode")
        if not runs:
            return False
        self._window.show_panel("latents")
        latents = self._studio.state(LatentsState)
        if latents.run not in [info.run for info in runs]:
            latents.choose_run(self._choose.choice(runs).run)
            return True
        if not latents.code.num_dims:
            return False
        dim = self._choose.randrange(latents.code.num_dims)
        for _ in range(10):
            latents.code.set_value(dim, self._choose.uniform(-3, 3))
        return True

    def _drag_long(self) -> bool:
        """Move a slider for ten seconds at the rate of a gaming mouse."""
        if not self._drag() or not self._studio.state(LatentsState).code.num_dims:
            return False
        self._sliding.start()
        QTimer.singleShot(round(1000 * LONG_S), self._sliding.stop)
        return True

    def _slide(self) -> None:
        code = self._studio.state(LatentsState).code
        if code.num_dims:
            code.set_value(0, self._choose_place.uniform(-3, 3))

    def _step_pixels(self) -> bool:
        runs = self.runs("pixel_session")
        if not runs:
            return False
        self._window.show_panel("pixels")
        pixels = self._studio.state(PixelsState)
        navigator = pixels.navigator
        if pixels.run not in [info.run for info in runs]:
            pixels.choose_run(self._choose.choice(runs).run)
        elif navigator.usable and navigator.state is not None:
            go = self._choose.choice((navigator.forward, navigator.back, navigator.play, navigator.pause))
            go()
        return True

    def _open(self) -> bool:
        runs = self.runs()
        if runs:
            self._training.choose_run(self._choose.choice(runs).run)
        return bool(runs)

    # ---- the library ---------------------------------------------------------------------------------------------

    @property
    def _library(self) -> RunsState:
        return self._studio.state(RunsState)

    def _rename(self) -> bool:
        runs = self.runs()
        if runs:
            self._names += 1
            self._studio.library.annotate(self._choose.choice(runs).run, name=f"Läufer {self._names} = 50 %")
        return bool(runs)

    def _star(self) -> bool:
        runs = self.runs()
        if runs:
            info = self._choose.choice(runs)
            self._studio.library.annotate(info.run, starred=not info.starred)
        return bool(runs)

    def _trash(self) -> bool:
        runs = [info for info in self.runs() if info.run != self._studio.library.live]
        if len(runs) < 3:
            return False
        self._studio.library.trash(self._choose.choice(runs).run)
        return True

    def _restore(self) -> bool:
        if self._trashed:
            self._studio.library.restore(self._trashed.pop())
            return True
        return False

    def _compare(self) -> bool:
        runs = [info.run for info in self.runs()]
        if len(runs) < 2:
            return False
        self._window.show_panel("runs")
        self._library.compare(tuple(self._choose.sample(runs, min(3, len(runs)))))
        self._library.page_wanted.emit(self._choose.choice(("compare", "pictures")))
        return True

    def _travel(self) -> bool:
        runs = [info for info in self.runs() if info.step > 0]
        if not runs:
            return False
        self._window.show_panel("runs")
        self._library.page_wanted.emit("travel")
        travel = self._library.page(TravelState)
        if self._library.run not in [info.run for info in runs]:
            self._library.choose_run(self._choose.choice(runs).run)
        elif travel.last > 0:
            travel.go(self._choose.randrange(travel.last + 1))
        return True

    def _export(self) -> bool:
        runs = self.runs()
        exports = self._library.page(RunExports)
        if not runs or exports.busy:
            return False
        if self._library.run not in [info.run for info in runs]:
            self._library.choose_run(self._choose.choice(runs).run)
        if not exports.forms:
            exports.list_forms()
            return False
        return self.export_as(self._choose.choice(exports.forms))

    def export_as(self, form: ExportForm) -> bool:
        """Export the run on display, where it has this form."""
        exports = self._library.page(RunExports)
        if exports.busy or exports.refusal(form):
            return False
        target = self._place / f"export {len(self._exported)}{form.suffix}"
        self._exported.append(target)
        self.forms_exported.add(form.name)
        exports.start(form, str(target))
        return True

    def _drop(self) -> bool:
        """Drop what was exported, or a file that is none of ours."""
        path = self._choose.choice([*self._exported, self._place / "damaged.png"])
        if not path.is_file():
            path = self._place / "damaged.png"
            path.write_bytes(b"\x89PNG\r\n\x1a\n" + np.random.default_rng(0).bytes(500))
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        entered = QDragEnterEvent(QPoint(200, 200), Qt.DropAction.CopyAction, data, left, none)
        QApplication.sendEvent(self._window, entered)  # without it Qt delivers no drop
        dropped = QDropEvent(QPointF(200, 200), Qt.DropAction.CopyAction, data, left, none)
        QApplication.sendEvent(self._window, dropped)
        return True

    # ---- the window ----------------------------------------------------------------------------------------------

    def _undo(self) -> bool:
        menu = self._window.findChild(EditMenu)
        assert menu is not None, "the window has an Edit menu"
        backwards = self._choose.random() < 0.6
        if (menu.history.undoable if backwards else menu.history.redoable) is None:
            return False
        (menu.history.undo if backwards else menu.history.redo)()
        return True

    def _resize(self) -> bool:
        self._window.resize(*self._choose.choice(SIZES))
        return True

    def _press(self) -> bool:
        notice = self._window.banner.notice
        buttons = self._window.banner.findChildren(QPushButton)
        buttons = [button for button in buttons if button.isVisible() and button.text() != "Choose folder…"]
        if notice is None or not buttons:
            return False
        self._choose.choice(buttons).click()
        return True
