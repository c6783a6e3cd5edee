"""State of the Runs panel without an engine: runs of several families on two data sets, as an engine lists them."""

from collections.abc import Callable
from typing import Any

import fake_engine
import msgspec
from fake_client import FakeClient

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo, RunOrigin, RunsListed
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.state import RunsState

FLOW, CNN, VAE, BRANCH, FAILED, OLD = "flow-01", "cnn-01", "vae-01", "vae-02", "nade-01", "old-01"
EXAMPLE = "examples/vae"


def run(path: str, /, **values: Any) -> RunInfo:
    """Description of a run that was trained for 10 steps."""
    family = values.pop("family", "toy")
    training = {**msgspec.to_builtins(fake_engine.RUN.training), "seed": values.pop("seed", 0)}
    spec = RunSpec(family=family, config={}, data="toy_data", data_config={}, training=training)
    defaults = {
        "run": path,
        "title": path,
        "label": path,
        "family_title": family.upper(),
        "spec": spec,
        "status": "finished",
        "step": 10,
        "checkpoint_steps": (10,),
        "data_label": "Digits 8×8",
        "data_digest": "d1",
        "capabilities": ("log_prob", "sample"),
        "created": "2026-03-14T15:09:26.000+00:00",
    }
    return msgspec.structs.replace(fake_engine.RUN, **{**defaults, **values})


RUNS = (
    run(FLOW, family="flow", best_bits=2.5, created="2026-03-18T09:00:00.000+00:00", starred=True),
    run(CNN, family="cnn", best_bits=1.25, created="2026-03-17T09:00:00.000+00:00", tags=("thesis", "Figure 2")),
    run(
        VAE,
        family="vae",
        best_bits=1.5,
        capabilities=("elbo", "decode", "sample"),
        created="2026-03-16T09:00:00.000+00:00",
        differing=("β: 10 (default 1)", "Batch size: 32 (default 64)"),
        note="Blurred.\nTry a smaller β.",
        name="Wide",
    ),
    run(
        BRANCH,
        family="vae",
        data_label="Shapes 16×16",
        data_digest="d2",
        best_bits=0.75,
        capabilities=("elbo", "decode", "sample"),
        created="2026-03-15T09:00:00.000+00:00",
        origin=RunOrigin(run=VAE, created="2026-03-16T09:00:00.000+00:00", step=5),
        seed=7,
    ),
    run(FAILED, family="nade", status="failed", message="The loss is not finite.", best_bits=None, step=3),
    run(OLD, family="gan", best_bits=None, archived=True, created="2025-01-01T09:00:00.000+00:00"),
    run(EXAMPLE, family="vae", example=True, best_bits=1.0, capabilities=("elbo", "decode", "sample")),
)


class RunsScene:
    """State on a client whose engine is the test.

    Attributes:
        client: records commands, and delivers events.
        library: runs.
        state: of the panel.
        answers: class of a command → function that makes its replies.
    """

    def __init__(self) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = RunsState(self.client, self.library)
        self.answers: dict[type[Command], Callable[[Any], list[Event]]] = {}
        self._served = 0

    def start(self, runs: tuple[RunInfo, ...] = RUNS) -> None:
        """Deliver catalog and runs, and answer what follows."""
        self.client.deliver(fake_engine.catalog())
        self.list(runs)
        self.serve()

    def list(self, runs: tuple[RunInfo, ...] = RUNS) -> None:
        """List these runs."""
        self.client.deliver(RunsListed(home="/runs", runs=runs, problems=()))

    def serve(self) -> None:
        """Answer the commands that were sent since, those without an answer not at all."""
        while self._served < len(self.client.sent):
            command = self.client.sent[self._served]
            self._served += 1
            for event in self.answers.get(type(command), lambda _command: [])(command):
                self.client.deliver(event)
