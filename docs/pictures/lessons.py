"""Picture of a lesson: the card below a laboratory, and the controls that its step outlines."""

from PySide6.QtGui import QImage

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab, settle
from gmstudio.window.gui.panels.labs.panel import LabsPanel
from gmstudio.window.gui.shell.lessons.guide import LessonGuide
from gmstudio.window.gui.shell.lessons.stage import LessonStage
from gmstudio.window.state.labs.state import LabsState

LESSON, STEP, LAB = "likelihood", 3, "likelihood"


def take(stage: Stage) -> QImage:
    """Picture of a step after its *Show me*."""
    panel, state = stage.panel(LabsPanel), stage.studio.state(LabsState)
    guide = stage.window.findChild(LessonGuide)
    assert guide is not None
    guide.state.open(LESSON)
    guide.state.go(STEP)
    wait_until(lambda: state.name == LAB and state.work.ready, f"the laboratory {LAB}")
    lesson = stage.window.findChild(LessonStage)
    assert lesson is not None
    settle()
    lesson.card.show_me.click()
    wait_until(lambda: not state.work.running, "the action of the step")
    settle()
    return grab(panel.window())


PICTURES = (Picture("lesson", (), take, "light", examples=True),)
