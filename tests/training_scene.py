"""State of training without an engine: a catalog of two small families, and events as an engine sends them."""

from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from fake_client import FakeClient
from msgspec import Meta, Struct

from gmstudio.protocol.array import Array
from gmstudio.protocol.config import field, schema_of
from gmstudio.protocol.data import DataBrowsed, DataEntry
from gmstudio.protocol.engine import Catalog
from gmstudio.protocol.families import FamilyCard, FamilyEntry, Objective, Term
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import HistoryAppended, RunInfo, RunOpened, SamplesDrawn, Series
from gmstudio.protocol.training import ResumeRun, StartTraining, TrainingChanged
from gmstudio.protocol.training_settings import Training
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.state import TrainingState

SPEC = ImageSpec(channels=1, height=8, width=8, levels=2)


class VaeConfig(Struct):
    architecture: Annotated[Literal["mlp", "conv"], field("Architecture", "Dense layers or convolutions.")] = "mlp"
    num_latent: Annotated[int, field("Latent dimensions", "Entries of z.", ge=1, le=512, unit="dimensions")] = 10
    num_hidden: Annotated[int, field("Hidden units", "Width.", ge=1, le=8192, unit="units", log=True)] = 512
    beta: Annotated[float, field("β", "Weight of the KL.", ge=0, le=1000)] = 1.0
    clip: Annotated[Annotated[float, Meta(gt=0)] | None, field("Clip", "Largest norm.", advanced=True)] = None
    tied: Annotated[bool, field("Tied", "Share weights.", advanced=True)] = False


class GanConfig(Struct):
    objective: Annotated[Literal["non-saturating", "minimax"], field("Objective", "Of G.")] = "non-saturating"


class FolderConfig(Struct):
    folder: Annotated[str, field("Folder", "Holds the files.")] = ""
    levels: Annotated[Literal[2, 4, 16], field("Levels", "Values of a pixel.", unit="levels")] = 2


ELBO = Objective(
    r"\mathcal{L} = R + D_{KL}",
    (
        Term("loss", r"\mathcal{L}", "The bound.", "nats", per_image_nats=True),
        Term("reconstruction", "R", "Reconstruction.", "nats"),
        Term("kl", "D_{KL}", "Divergence.", "nats"),
    ),
    when={"beta": 1.0},
)
WEIGHTED = Objective(r"\mathcal{L} = R + \beta D_{KL}", (Term("loss", r"\mathcal{L}", "Weighted.", "nats"),))
GAME = Objective(
    r"\mathcal{L}_D, \mathcal{L}_G",
    (
        Term("discriminator_loss", r"\mathcal{L}_D", "Of D.", "nats"),
        Term("generator_loss", r"\mathcal{L}_G", "Of G.", "nats"),
        Term("d_real", "D(x)", "On real images.", "probability"),
        Term("d_fake", "D(G(z))", "On generated images.", "probability"),
    ),
)


def _family(name: str, branch: tuple[str, ...], config: type[Struct], objectives: tuple[Objective, ...]) -> FamilyEntry:
    card = FamilyCard(
        name=name,
        title=name.upper(),
        branch=branch,
        summary=f"What a {name} is.",
        source="A paper, 2014.",
        objectives=objectives,
    )
    capabilities = ("sample", "decode")
    steps = 1500 if name == "vae" else 4000
    return FamilyEntry(
        card=card, config_schema=schema_of(config), training=Training(steps=steps), capabilities=capabilities
    )


def catalog() -> Catalog:
    families = (
        _family("vae", ("Explicit density", "Approximate density", "Variational"), VaeConfig, (ELBO, WEIGHTED)),
        _family("gan", ("Implicit density", "Direct"), GanConfig, (GAME,)),
    )
    sources = (
        DataEntry(
            name="digits",
            title="Digits",
            summary="Small.",
            config_schema={"properties": {"levels": schema_of(FolderConfig)["properties"]["levels"]}},
        ),
        DataEntry(name="idx", title="IDX folder", summary="Yours.", config_schema=schema_of(FolderConfig)),
    )
    return Catalog(
        protocol=1,
        version="0",
        pid=1,
        families=families,
        data=sources,
        devices=("cpu",),
        device="cpu",
        training_schema=schema_of(Training),
    )


def info(run: str = "/runs/a", status: str = "running", step: int = 0, **values: Any) -> RunInfo:
    named: dict[str, Any] = {
        "title": run.rsplit("/", 1)[-1],
        "spec": RunSpec(
            family="vae",
            config={"beta": 1.0},
            data="digits",
            data_config={"levels": 2},
            training={"steps": 1500},
        ),
        "family_title": "VAE",
        "image": SPEC,
        "created": "2026-01-01T00:00:00+00:00",
        "capabilities": ("sample", "decode"),
    }
    return RunInfo(run=run, status=status, step=step, **(named | values))


def opened(run: str = "/runs/a", live: bool = True, sample_steps: tuple[int, ...] = (), **values: Any) -> RunOpened:
    objective = values.pop("objective", ELBO)
    return RunOpened(
        info=info(run, **values),
        live=live,
        objective=objective,
        latent=None,
        num_parameters=1234,
        sample_steps=sample_steps,
    )


def points(run: str, name: str, steps: Any, values: Any, split: str = "train", reset: bool = False) -> HistoryAppended:
    series = Series(split, name, Array.of(np.asarray(steps, np.int64)), Array.of(np.asarray(values, np.float64)))
    return HistoryAppended(run=run, series=(series,), reset=reset)


def grid(run: str, step: int, request: int = 0, kept: tuple[int, ...] = ()) -> SamplesDrawn:
    images = np.full((4, 1, 8, 8), step % 256, np.uint8)
    return SamplesDrawn(request=request, run=run, step=step, kind="samples", images=Array.of(images), kept=kept)


def browsed(request: int, data: str = "digits", count: int = 12) -> DataBrowsed:
    images = np.random.default_rng(0).integers(0, 2, (count, 1, 8, 8), dtype=np.uint8)
    return DataBrowsed(
        request=request,
        data=data,
        image=SPEC,
        split="train",
        start=0,
        sizes={"train": 1437, "valid": 180, "test": 180},
        images=Array.of(images),
        labels=Array.of(np.arange(count, dtype=np.int64) % 10),
        label_names=tuple("0123456789"),
    )


class Scene:
    """A client that records, a library and the state of training."""

    def __init__(self, *, with_catalog: bool = True) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = TrainingState(self.client, self.library)
        if with_catalog:
            self.client.deliver(catalog())

    def begin(self, run: str = "/runs/a", **values: Any) -> None:
        """The engine starts a run, in reply to the newest request for one if there is any."""
        starts = [c.request for c in self.client.sent if isinstance(c, StartTraining | ResumeRun)]
        reply = msgspec.structs.replace(opened(run, **values), request=starts[-1] if starts else 0)
        self.client.deliver(reply)
        self.client.deliver(TrainingChanged(run=run, status="running", step=0))

    def close(self) -> None:
        """Delete the state with its timers."""
        self.state.deleteLater()
