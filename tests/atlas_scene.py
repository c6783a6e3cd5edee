"""State of the Atlas without an engine: a catalog of four families, runs of two of them, and events by hand."""

from typing import Any

import numpy as np
from fake_client import FakeClient

from gmstudio.protocol.array import Array
from gmstudio.protocol.atlas import DemonstrationCard, DrawLiveSamples, LiveSamplesDrawn
from gmstudio.protocol.engine import Catalog
from gmstudio.protocol.families import FamilyCard, FamilyEntry, Objective, PublishedFigure, Term
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo, RunsListed
from gmstudio.protocol.training_settings import Training
from gmstudio.window.state.atlas.state import AtlasState
from gmstudio.window.state.runs.library import RunLibrary

SPEC = ImageSpec(1, 4, 4, 2)
CAPABILITIES: dict[str, tuple[str, ...]] = {
    "pixelcnn": ("log_prob", "sample", "pixel_session"),
    "vae": ("elbo", "log_prob_estimate", "sample", "encode", "decode"),
    "gan": ("sample", "decode"),
    "ddpm": ("elbo", "sample", "decode", "trajectory"),
    "foreign": ("sample",),
}
BRANCHES: dict[str, tuple[str, ...]] = {
    "pixelcnn": ("Explicit density", "Tractable density", "Autoregressive"),
    "vae": ("Explicit density", "Approximate density", "Variational"),
    "gan": ("Implicit density", "Direct"),
    "ddpm": ("Explicit density", "Approximate density", "Variational"),
    "foreign": ("Explicit density", "Approximate density", "Unheard of"),
}
FIGURE = PublishedFigure(
    data="binarized MNIST",
    value=81.3,
    unit="nats",
    source="A paper",
    section="table 4",
    compared="binarized_mnist",
    compared_config={"levels": 2},
)
DEMONSTRATIONS = (
    DemonstrationCard(name="race", title="Race", sentence="Two race.", families=("pixelcnn",)),
    DemonstrationCard(name="holes", title="Holes", sentence="Holes are shown.", families=("vae", "gan")),
)


def entry(name: str) -> FamilyEntry:
    objective = Objective(r"-\log p(x)", (Term("loss", r"-\log p(x)", "It is minimized."),))
    card = FamilyCard(
        name=name,
        title=name.upper(),
        branch=BRANCHES[name],
        summary=f"Summary of {name}.",
        source=f"Source of {name}.",
        objectives=(objective,),
        published=(FIGURE,) if name == "pixelcnn" else (),
        beside=name == "ddpm",
    )
    return FamilyEntry(
        card=card, config_schema={"properties": {}}, training=Training(), capabilities=CAPABILITIES[name]
    )


def catalog(*families: str) -> Catalog:
    return Catalog(
        protocol=1,
        version="0",
        pid=1,
        families=tuple(entry(name) for name in families or CAPABILITIES),
        data=(),
        devices=("cpu",),
        device="cpu",
        training_schema={"properties": {}},
        demonstrations=DEMONSTRATIONS,
    )


def info(run: str, family: str, *, example: bool = False, **values: Any) -> RunInfo:
    settings: dict[str, Any] = {
        "run": run,
        "title": f"{family} of {run}",
        "spec": RunSpec(family=family, data="binarized_mnist", data_config={"levels": 2}),
        "family_title": family.upper(),
        "image": SPEC,
        "status": "finished",
        "step": 600,
        "created": "2026-01-01T00:00:00",
        "capabilities": CAPABILITIES[family],
        "checkpoint_steps": (600,),
        "data_label": "Digits",
        "example": example,
    }
    return RunInfo(**{**settings, **values})


class AtlasScene:
    """The state, and the engine's side of it.

    Attributes:
        client: takes commands, delivers events.
        library: library of runs.
        state: state under test.
    """

    def __init__(self) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = AtlasState(self.client, self.library)

    def start(self, *runs: RunInfo) -> None:
        """Deliver the catalog and the list of runs: by default examples of PixelCNN and VAE."""
        self.client.deliver(catalog())
        self.list_runs(*(runs or (info("/vae", "vae", example=True), info("/pixelcnn", "pixelcnn", example=True))))

    def list_runs(self, *runs: RunInfo) -> None:
        self.client.deliver(RunsListed(home="/runs", runs=runs, problems=()))

    def select(self, name: str) -> None:
        node = next(node for node in self.state.tree.nodes if node.name == name)
        self.state.select(node)

    def draws(self, count: int) -> list[DrawLiveSamples]:
        """Commands for sets of this many images."""
        return [c for c in self.client.sent if isinstance(c, DrawLiveSamples) and c.count == count]

    def draw(self, command: DrawLiveSamples, *, done: bool = True, ms: float = 9.0, level: int = 255) -> None:
        """Answer a command."""
        images = np.full((command.count, *SPEC.shape), level, np.uint8)
        self.client.deliver(
            LiveSamplesDrawn(
                request=command.request,
                run=command.run,
                kind="samples",
                images=Array.of(images),
                share=1.0 if done else 0.5,
                engine_ms=ms,
                weights_step=600,
                done=done,
            )
        )
