"""State of the comparison of runs without an engine: four runs whose curves, settings and samples arrive by hand."""

from typing import Any

import msgspec
import numpy as np
from fake_client import FakeClient
from pytestqt.qtbot import QtBot
from training_scene import ELBO, GAME, WEIGHTED, catalog, info, points

from gmstudio.protocol.array import Array
from gmstudio.protocol.families import Objective
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import FetchSamples, OpenRun, RunInfo, RunOpened, RunsListed, SamplesDrawn
from gmstudio.protocol.runs_compare import (
    ComparedDrawn,
    DescribeSettings,
    DrawCompared,
    SettingDescribed,
    SettingsDescribed,
)
from gmstudio.window.state.runs.compare import CompareState
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.state import RunsState

PLAIN, HEAVY, GAN, OTHER, STRANGE = "/runs/plain", "/runs/heavy", "/runs/gan", "/runs/other", "/runs/strange"
RUNS = (PLAIN, HEAVY, GAN, OTHER)
OBJECTIVES: dict[str, Objective] = {PLAIN: ELBO, HEAVY: WEIGHTED, GAN: GAME, OTHER: ELBO, STRANGE: ELBO}
DIGEST = {PLAIN: "d1", HEAVY: "d1", GAN: "d1", OTHER: "d2", STRANGE: ""}
SAVED = {PLAIN: (10, 20, 30), HEAVY: (12, 24), GAN: (30,), OTHER: (10,), STRANGE: ()}
CHECKPOINTS = {PLAIN: (15, 30), HEAVY: (24,), GAN: (30,), OTHER: (10,), STRANGE: ()}
SEEDS = {PLAIN: 0, HEAVY: 0, GAN: 3, OTHER: 0, STRANGE: 0}
CURVES = {
    PLAIN: ("loss", "kl", "learning_rate"),
    HEAVY: ("loss", "kl", "learning_rate"),
    GAN: ("generator_loss", "d_real", "learning_rate"),
    OTHER: ("loss", "learning_rate"),
    STRANGE: ("loss",),
}


def run_of(run: str, **changes: Any) -> RunInfo:
    """Description of a run."""
    family = "gan" if run == GAN else "vae"
    config: dict[str, Any] = {"objective": "minimax"} if run == GAN else {"beta": 4.0 if run == HEAVY else 1.0}
    training = {"steps": 30, "batch_size": 10, "seed": SEEDS[run]}
    values: dict[str, Any] = {
        "title": run[6:],
        "label": run[6:].upper(),
        "spec": RunSpec(family=family, config=config, data="digits", data_config={}, training=training),
        "family_title": family.upper(),
        "data_label": "Digits" if run != OTHER else "Other digits",
        "data_digest": DIGEST[run],
        "checkpoint_steps": CHECKPOINTS[run],
        "capabilities": ("sample", "decode", "discriminate") if run == GAN else ("sample", "decode", "elbo"),
    }
    return info(run, status="finished", step=30, **(values | changes))


def images_of(run: str, step: int, count: int = 4) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Images that tell run and step."""
    images = np.zeros((count, 1, 8, 8), np.uint8)
    images[:] = (list(OBJECTIVES).index(run) * 40 + step) % 256
    return images


class CompareScene:
    """A client that records, a library, and the state of the Runs panel.

    Attributes:
        state: of the panel.
        compare: of the page Compare.
    """

    def __init__(self, *runs: str) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = RunsState(self.client, self.library)
        self.compare = self.state.page(CompareState)
        self._answered = 0
        self.client.deliver(catalog())
        listed = tuple(run_of(run) for run in OBJECTIVES)
        self.client.deliver(RunsListed(home="/runs", runs=listed, problems=()))
        self.state.set_active(True)
        self.compare.set_active(True)
        if runs:
            self.state.compare(runs)
            self.serve()

    def serve(self) -> None:
        """Answer all commands."""
        while self._answered < len(self.client.sent):
            command = self.client.sent[self._answered]
            self._answered += 1
            match command:
                case OpenRun():
                    self._open(command.run, command.request)
                case FetchSamples():
                    self._send_samples(command)
                case DescribeSettings():
                    settings = settings_of(command.run)
                    self.client.deliver(SettingsDescribed(request=command.request, run=command.run, settings=settings))
                case DrawCompared():
                    step = CHECKPOINTS[command.run][-1] if command.step is None else command.step
                    drawn = images_of(command.run, step, command.count)
                    reply = ComparedDrawn(
                        request=command.request,
                        run=command.run,
                        step=step,
                        seed=command.seed,
                        kind="samples",
                        images=Array.of(drawn),
                    )
                    self.client.deliver(reply)

    def _open(self, run: str, request: int) -> None:
        self.client.deliver(
            RunOpened(
                request=request,
                info=run_of(run),
                live=False,
                objective=OBJECTIVES[run],
                latent=None,
                num_parameters=1234,
                sample_steps=SAVED[run],
                num_train=100,
            )
        )
        steps = np.arange(1, 31)
        for number, name in enumerate(CURVES[run]):
            self.client.deliver(points(run, name, steps, 100.0 / steps + number, reset=number == 0))
        self.client.deliver(points(run, CURVES[run][0], [10, 20, 30], [12.0, 7.0, 9.0], split="valid"))

    def _send_samples(self, command: FetchSamples) -> None:
        saved = SAVED[command.run]
        if not saved:
            return
        step = max((one for one in saved if command.step is None or one <= command.step), default=saved[0])
        images = Array.of(images_of(command.run, step))
        event = SamplesDrawn(run=command.run, step=step, kind="samples", images=images, kept=saved)
        self.client.deliver(msgspec.structs.replace(event, request=command.request))


def settings_of(run: str) -> tuple[SettingDescribed, ...]:
    """Settings as the engine describes them."""
    own = ("beta", "β", "4" if run == HEAVY else "1") if run != GAN else ("objective", "Objective", "minimax")
    return (
        SettingDescribed(section="Model", name="family", title="Family", text="GAN" if run == GAN else "VAE"),
        SettingDescribed(section="Model", name=own[0], title=own[1], text=own[2], usual=run != HEAVY),
        SettingDescribed(section="Training", name="steps", title="Steps", text="30 steps"),
        SettingDescribed(
            section="Training", name="decay", title="Decay from", text=f"{len(run)} steps", usual=False, idle=True
        ),
    )


def settled(qtbot: QtBot, scene: CompareScene) -> None:
    """Answer until nothing is requested any more."""
    qtbot.waitUntil(lambda: scene.serve() is None and scene._answered == len(scene.client.sent))
