"""State of the Chains panel without an engine: three families, a run of each, and frames as an engine sends them."""

import numpy as np
from fake_client import FakeClient
from numpy.typing import NDArray

from gmstudio.protocol.array import Array
from gmstudio.protocol.chains import RunTrajectory, TrajectoryAppended
from gmstudio.protocol.engine import Catalog
from gmstudio.protocol.families import FamilyCard, FamilyEntry, TrajectoryCard
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.metrics import DISTANCE, Metric, MetricValues
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo, RunsListed, SamplesDrawn
from gmstudio.protocol.training import TrainingChanged
from gmstudio.protocol.training_settings import Training
from gmstudio.window.state.chains.state import ChainsState
from gmstudio.window.state.runs.library import RunLibrary

SPEC = ImageSpec(1, 2, 2, 4)
RBM, FLOW, GAN = "/rbm", "/flow", "/gan"
ENERGY = Metric("free energy", unit="nats")
CARDS = {
    "rbm": TrajectoryCard(
        steps="Gibbs steps", axis="Gibbs step", shown="Shown: E[x | h].", from_images="Chains start.", mixes=True
    ),
    "flow": TrajectoryCard(
        steps="Layers shown",
        axis="layer",
        shown="Each state.",
        from_images="To their codes.",
        default_steps=64,
        image_position=0,
    ),
    "gan": None,
}
SAMPLER = {
    "properties": {
        "way": {"title": "Way", "type": "string", "enum": ["a", "b"], "default": "a", "labels": {"b": "B way"}},
        "eta": {"title": "η", "type": "number", "minimum": 0, "maximum": 1, "default": 0.5, "when": {"way": "b"}},
        "few": {"title": "Few", "type": "integer", "minimum": 1, "default": 3, "use": "samples"},
    }
}
"""Settings of a sampler: η has an effect with the way b only, and the last concerns samples only."""


def entry(name: str) -> FamilyEntry:
    card = FamilyCard(
        name=name, title=name.upper(), branch=(), summary="", source="", objectives=(), trajectory=CARDS[name]
    )
    sampler = SAMPLER if name == "flow" else {}
    return FamilyEntry(
        card=card, config_schema={"properties": {}}, training=Training(), capabilities=(), sampler_schema=sampler
    )


def info(run: str, *capabilities: str) -> RunInfo:
    return RunInfo(
        run=run,
        title=run,
        spec=RunSpec(family=run[1:], data="digits"),
        family_title=run[1:].upper(),
        image=SPEC,
        status="finished",
        step=10,
        created="2026-01-01T00:00:00",
        capabilities=capabilities,
        checkpoint_steps=(10,),
    )


class ChainsScene:
    """The state, and the engine's side of it.

    Attributes:
        client: takes commands, delivers events.
        library: of runs of an RBM, a flow and a GAN.
        state: state under test.
    """

    def __init__(self) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = ChainsState(self.client, self.library)

    def arrive(self) -> None:
        """Deliver the catalog and the runs."""
        self.client.deliver(
            Catalog(
                protocol=1,
                version="1",
                pid=1,
                families=tuple(entry(name) for name in CARDS),
                data=(),
                devices=("auto",),
                device="cpu",
                training_schema={},
            )
        )
        runs = (info(RBM, "sample", "trajectory"), info(FLOW, "sample", "trajectory"), info(GAN, "sample"))
        self.client.deliver(RunsListed(home="/runs", runs=runs, problems=()))

    @property
    def requested(self) -> list[RunTrajectory]:
        """Every trajectory that was requested."""
        return [command for command in self.client.sent if isinstance(command, RunTrajectory)]

    def answer(
        self,
        frames: int,
        start: int = 0,
        *,
        done: bool = False,
        steps: int = 101,
        values: NDArray[np.float32] | None = None,
    ) -> None:
        """Steps of the newest trajectory: ``values`` (M, N) are the energies, by default minus the step's number."""
        numbers = np.arange(start, start + frames, dtype=np.float32)
        energies = np.tile(-numbers[:, None], (1, 3)) if values is None else values
        images = np.broadcast_to(np.abs(energies)[:, :, None, None, None] % 256, (*energies.shape, 1, 2, 2))
        self.client.deliver(
            TrajectoryAppended(
                request=self.requested[-1].request,
                run=self.requested[-1].run,
                start=start,
                labels=tuple(f"Gibbs step {start + i}" for i in range(frames)),
                positions=tuple(range(start, start + frames)),
                images=Array.of(images.astype(np.uint8)),
                metrics=(
                    MetricValues(ENERGY, Array.of(energies.astype(np.float32))),
                    MetricValues(DISTANCE, Array.of(0 * energies)),
                ),
                steps=steps,
                weights_step=10,
                done=done,
            )
        )

    def lay_layers(self, *layers: int) -> None:
        """Deliver a whole trajectory of the flow at these layers, each image as grey as its frame's number."""
        images = np.broadcast_to(np.arange(len(layers))[:, None, None, None, None] * 85, (len(layers), 3, 1, 2, 2))
        self.client.deliver(
            TrajectoryAppended(
                request=self.requested[-1].request,
                run=FLOW,
                start=0,
                labels=tuple(f"frame {i}" for i in range(len(layers))),
                positions=layers,
                images=Array.of((images + np.arange(3)[:, None, None, None] * 1).astype(np.uint8)),
                metrics=(),
                steps=len(layers),
                weights_step=10,
                done=True,
            )
        )

    def train(self, run: str) -> None:
        """Deliver that a run trains."""
        self.client.deliver(TrainingChanged(run=run, status="running", step=10))

    def keep_grid(self, run: str, step: int) -> None:
        """Deliver a grid that the training saved."""
        images = Array.of(np.zeros((3, *SPEC.shape), np.uint8))
        self.client.deliver(SamplesDrawn(run=run, step=step, kind="samples", images=images))
