"""Settings of decoding in the Latents panel: for a diffusion model, the steps from a code to its image."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from latent_engine import VAE, LatentEngine
from pytestqt.qtbot import QtBot

from gmstudio.engine.catalog import build_catalog
from gmstudio.families import FAMILIES
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.latents import ChooseDecoder, ComputeDimensionStats, Decode
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary

DDPM = "/runs/ddpm"


class DecodingEngine(LatentEngine):
    """Leaves the statistics of dimensions pending, which take a diffusion model a minute."""

    def _answers(self, command: Command) -> list[Event]:
        return [] if isinstance(command, ComputeDimensionStats) else super()._answers(command)


class Scene:
    """The Latents panel with a run of a diffusion model and one of a VAE."""

    def __init__(self, qtbot: QtBot, choices: dict[str, Any] | None = None) -> None:
        self.engine = DecodingEngine()
        torch.manual_seed(0)
        kind = FAMILIES["ddpm"]
        self.engine.models[DDPM] = kind(kind.Config(num_channels=4, num_timesteps=8), self.engine.dataset.image)
        library = RunLibrary(self.engine)
        self.state = LatentsState(self.engine, library)
        self.state.restore_choices(choices or {})
        self.panel = LatentsPanel(self.state, library)
        qtbot.addWidget(self.panel)
        self.engine.hello()
        self.engine.deliver(build_catalog("cpu"))
        self.state.choose_run(DDPM)
        self.state.set_active(True)
        self.engine.serve()

    def sent(self, kind: type[Command]) -> list[Any]:
        return [command for command in self.engine.sent if isinstance(command, kind)]


@pytest.fixture
def scene(qtbot: QtBot) -> Iterator[Scene]:
    scene = Scene(qtbot)
    yield scene
    scene.engine.serve()
    scene.state.set_active(False)
    scene.state.choose_run("")


def test_steps_are_chosen_where_the_family_has_them_and_images_decoded_again(scene: Scene) -> None:
    form = scene.panel.sliders.decoder.form
    assert form is not None and form.values() == {"steps": 4} and not scene.sent(ChooseDecoder)
    decoded = len(scene.sent(Decode))
    form.fields["steps"].editor.set_value(8)
    (chosen,) = scene.sent(ChooseDecoder)
    assert chosen.run == DDPM and chosen.decoder == {"steps": 8}
    scene.engine.serve()
    assert len(scene.sent(Decode)) > decoded
    scene.state.choose_run(VAE)
    scene.engine.serve()
    assert scene.panel.sliders.decoder.form is None


def test_chosen_steps_are_sent_before_the_first_image_is_decoded(scene: Scene, qtbot: QtBot) -> None:
    scene.state.decoder.set_values({"steps": 6})
    later = Scene(qtbot, scene.state.choices())
    kinds = [type(c) for c in later.engine.sent if isinstance(c, ChooseDecoder | Decode)]
    later.state.set_active(False)
    assert kinds[0] is ChooseDecoder and later.sent(ChooseDecoder)[0].decoder == {"steps": 6}


def test_a_refusal_is_kept(scene: Scene) -> None:
    scene.state.decoder.set_values({"steps": 9})
    (chosen,) = scene.sent(ChooseDecoder)
    scene.engine.deliver(CommandFailed(request=chosen.request, command="ChooseDecoder", message="Too many."))
    assert scene.state.decoder.problem == "Too many."
