"""Pictures of Foundations: each laboratory after some of its actions, and an exercise."""

from functools import partial

from PySide6.QtGui import QImage

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab
from gmstudio.window.gui.panels.labs.panel import LabsPanel
from gmstudio.window.state.labs.state import LabsState

ACTIONS: dict[str, tuple[str, ...]] = {
    "distributions": ("draw_10000",),
    "joint": (),
    "likelihood": ("step_100",),
    "discriminative": ("train",),
    "bound": ("estimate",),
    "game": ("play",),
    "autoencoder_to_vae": (),
    "markov_chains": ("step_1000",),
    "change_of_variables": ("push",),
    "noise_and_score": ("run",),
}
"""Name of a laboratory → actions that are carried out before its picture."""
EXERCISE = "cs294-hw2-1"


def take_lab(name: str, stage: Stage) -> QImage:
    """Picture of a laboratory."""
    panel, state = stage.panel(LabsPanel), stage.studio.state(LabsState)
    state.select(name)
    wait_until(lambda: state.name == name and state.work.ready, f"the laboratory {name}")
    for action in ACTIONS[name]:
        state.work.act(action)
        wait_until(lambda: not state.work.running, f"{action} of the laboratory {name}")
    return grab(panel.window())


def take_exercise(stage: Stage) -> QImage:
    """Picture of an exercise."""
    panel, state = stage.panel(LabsPanel), stage.studio.state(LabsState)
    state.select(EXERCISE)
    wait_until(lambda: state.page == EXERCISE, "the exercise")
    return grab(panel.window())


PICTURES = (
    *(
        Picture(f"lab-{name.replace('_', '-')}", (), partial(take_lab, name), "dark" if number % 2 else "light", True)
        for number, name in enumerate(ACTIONS)
    ),
    Picture("exercise", (), take_exercise, "light", examples=True),
)
