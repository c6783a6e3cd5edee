"""Every registered laboratory: all its actions from a seed give the same scene twice, and every formula is typeset."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from labs_engine import LabsEngine, short_trainings

from gmstudio.labs import LABS
from gmstudio.protocol.labs import EditLab, LabShown, OpenLab, RunLabAction
from gmstudio.protocol.scenes import Formula, Numbers, Scene
from gmstudio.window.gui.widgets.formula import SEPARATOR, typeset

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures(short_trainings.__name__)]


def play(name: str, seed: int) -> list[LabShown]:
    """Replies of a lab that is opened, each of whose actions is carried out, and each of whose inputs is sent again."""
    engine = LabsEngine()
    shown = [engine.ask(OpenLab(name=name, seed=seed))]
    shown += [engine.ask(RunLabAction(name=name, action=action.name)) for action in LABS[name].actions]
    shown += [engine.ask(EditLab(name=name, input=key, values=value)) for key, value in shown[-1].inputs.items()]
    return shown


@pytest.fixture(scope="module")
def played() -> dict[str, list[LabShown]]:
    """Replies of the labs, played once each."""
    return {}


def replies(name: str, played: dict[str, list[LabShown]]) -> list[LabShown]:
    if name not in played:
        played[name] = play(name, 3)
    return played[name]


def plain(shown: LabShown) -> dict[str, Any]:
    return {"scene": msgspec.msgpack.encode(shown.scene), "config": shown.config, "inputs": shown.inputs}


@pytest.mark.parametrize("name", LABS)
def test_the_same_seed_gives_the_same_scenes(name: str, played: dict[str, list[LabShown]]) -> None:
    for first, again in zip(replies(name, played), play(name, 3), strict=True):
        assert plain(first) == plain(again)


@pytest.mark.parametrize("name", LABS)
def test_inputs_are_numbers_that_are_taken_as_they_were_sent(name: str, played: dict[str, list[LabShown]]) -> None:
    for shown in replies(name, played):
        for values in shown.inputs.values():
            assert values.dtype == "float64" and not np.isinf(values.numpy()).any()


def formulas(scene: Scene) -> Iterator[str]:
    for row in scene.rows:
        for block in row:
            if isinstance(block, Formula):
                yield block.latex
            elif isinstance(block, Numbers):
                yield from (number.latex for number in block.numbers if number.latex)


@pytest.mark.parametrize("name", LABS)
def test_every_formula_is_typeset(name: str, played: dict[str, list[LabShown]]) -> None:
    wanted = {LABS[name].card.latex, *(latex for shown in replies(name, played) for latex in formulas(shown.scene))}
    for latex in wanted:
        for part in SEPARATOR.split(latex):
            assert typeset(part.rstrip(", ")), latex


@pytest.mark.parametrize("name", LABS)
def test_every_input_that_a_scene_offers_is_one_of_the_labs(name: str, played: dict[str, list[LabShown]]) -> None:
    for shown in replies(name, played):
        assert offered(shown.scene) <= set(shown.inputs)


def offered(scene: Scene) -> set[str]:
    """Names of the inputs that can be dragged, clicked or typed."""
    names: set[str] = set()
    for row in scene.rows:
        for block in row:
            names |= {getattr(block, "name", ""), getattr(block, "click", "")}
            for layer in getattr(block, "layers", ()):
                if type(layer).__name__ in ("Handles", "Guide"):
                    names.add(layer.name)
            names |= {mark.name for mark in getattr(block, "marks", ())}
    return names - {""}
