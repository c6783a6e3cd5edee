"""State of the Plane panel without an engine: runs of points, and surfaces as an engine sends them."""

from collections.abc import Iterable

import numpy as np
from fake_client import FakeClient
from numpy.typing import NDArray

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command
from gmstudio.protocol.data import DataEntry
from gmstudio.protocol.engine import Catalog
from gmstudio.protocol.families import FamilyCard, FamilyEntry
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.plane import (
    DescribePoint,
    DrawInside,
    DrawSurface,
    InsideDrawn,
    ListSurfaces,
    OpenPlane,
    PlaneOpened,
    PlaneSlider,
    PlaneView,
    PointDescribed,
    SurfaceDrawn,
    SurfaceMetrics,
    SurfaceRecorded,
    SurfacesListed,
)
from gmstudio.protocol.plane_layers import Dots, Guide, Handles, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo, RunsListed
from gmstudio.protocol.scenes import Number
from gmstudio.protocol.training import TrainingChanged
from gmstudio.protocol.training_settings import Training
from gmstudio.window.state.plane.state import PlaneState
from gmstudio.window.state.runs.library import RunLibrary

LEVELS = 16
IN_THE_PLANE, ON_A_LINE = ImageSpec(1, 1, 2, LEVELS), ImageSpec(1, 1, 1, LEVELS)
AXES = (PointAxis("x₁", -2.0, 2.0), PointAxis("x₂", -1.0, 3.0, "m"))
MADE, FLOW, VAE, GAN, NADE, OTHER, LINE, IMAGES = (
    "/made",
    "/flow",
    "/vae",
    "/gan",
    "/nade",
    "/other",
    "/line",
    "/images",
)
SLICES = PlaneView(name="slices", title="Chain rule", help="p(x₁) and p(x₂ | x₁).")
PATHS = PlaneView(
    name="paths",
    title="Denoising paths",
    help="From noise to points.",
    sliders=(
        PlaneSlider(name="frame", title="Step", low=0, high=10, step=1, value=0),
        PlaneSlider(name="noise", title="Noise", low=0, high=1, step=0.1, value=0.5, unit="σ"),
    ),
    animated=True,
)
CODES = PlaneView(
    name="codes",
    title="Codes",
    help="The plane of codes.",
    axes=(PointAxis("z₁", -3.0, 3.0), PointAxis("z₂", -3.0, 3.0)),
)
VIEWS = (SLICES, PATHS, CODES)


def info(run: str, image: ImageSpec = IN_THE_PLANE, *, source: str = "moons") -> RunInfo:
    return RunInfo(
        run=run,
        title=f"{run[1:].upper()} on moons",
        label=run[1:].upper(),
        data_label="Two moons",
        spec=RunSpec(family=run[1:], data="points", data_config={"set": source}),
        family_title=run[1:].upper(),
        image=image,
        status="finished",
        step=40,
        created="2026-01-01T00:00:00",
        capabilities=("log_prob", "sample"),
        checkpoint_steps=(40,),
    )


RUNS = (
    *(info(run) for run in (MADE, FLOW, VAE, GAN, NADE)),
    info(OTHER, source="ring"),
    info(LINE, ON_A_LINE, source="line"),
    info(IMAGES, ImageSpec(1, 2, 2, 4)),
)


def truth(dimensions: int = 2) -> NDArray[np.float64]:
    """A p* that is highest in the middle of the plane."""
    along = np.exp(-0.5 * ((np.arange(LEVELS) - 7.5) / 3) ** 2)
    grid = along[None] if dimensions == 1 else along[:, None] * along[None]
    return np.asarray(grid / grid.sum(), np.float64)


def metrics(step: int) -> SurfaceMetrics:
    """Metrics that fall with the step."""
    return SurfaceMetrics(
        entropy=2.0,
        cross_entropy=2.0 + 10 / (1 + step),
        forward_kl=10 / (1 + step),
        reverse_kl=5 / (1 + step),
        train_nll=2.1 + 10 / (1 + step),
        valid_nll=2.2 + 10 / (1 + step),
        mass=1.0,
    )


SOURCE = DataEntry(
    name="points",
    title="Points",
    summary="",
    config_schema={
        "properties": {
            "shape": {"enum": ["csv", "drawn", "ring", "moons"], "labels": {"moons": "two moons"}, "default": "moons"}
        }
    },
)


def family(name: str, *, on_points: bool = True) -> FamilyEntry:
    """Catalog entry of a family that proposes settings for points, or does not."""
    spec = RunSpec(family=name, data="points", data_config={"shape": "moons", "levels": LEVELS})
    card = FamilyCard(name=name, title=name.upper(), branch=(), summary="", source="", objectives=())
    return FamilyEntry(
        card=card,
        config_schema={"properties": {}},
        training=Training(),
        capabilities=(),
        start_on_points=spec if on_points else None,
    )


class PlaneScene:
    """The state, and the engine's side of it.

    Attributes:
        client: takes commands, delivers events.
        library: of runs on two moons, on a ring, on a line, and on images.
        state: state under test.
    """

    def __init__(self) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = PlaneState(self.client, self.library)
        self.answered = 0

    def arrive(self, runs: Iterable[RunInfo] = RUNS, families: tuple[FamilyEntry, ...] = ()) -> None:
        """Deliver the catalog and the runs."""
        self.client.deliver(
            Catalog(
                protocol=1,
                version="1",
                pid=1,
                families=families,
                data=(SOURCE,),
                devices=("auto",),
                device="cpu",
                training_schema={},
            )
        )
        self.client.deliver(RunsListed(home="/runs", runs=tuple(runs), problems=()))

    def serve(self) -> list[Command]:
        """Answer all commands that were not answered yet; returns those of the plane."""
        served: list[Command] = []
        while self.answered < len(self.client.sent):
            command = self.client.sent[self.answered]
            self.answered += 1
            if self.answer(command):
                served.append(command)
        return served

    def answer(self, command: Command) -> bool:
        """Answer one command as an engine; False: it is none of the plane."""
        match command:
            case OpenPlane():
                self.client.deliver(self.opened(command))
            case ListSurfaces():
                self.list_steps(command)
            case DrawSurface():
                self.client.deliver(self.surface(command))
            case DrawInside():
                self.client.deliver(self.inside(command))
            case DescribePoint():
                self.client.deliver(self.described(command))
            case _:
                return False
        return True

    def opened(self, command: OpenPlane) -> PlaneOpened:
        dimensions = 1 if command.run == LINE else 2
        generator = np.random.default_rng(0)
        low = np.array([axis.low for axis in AXES[:dimensions]])
        points = (low + 4 * generator.random((50, dimensions))).astype(np.float32)
        return PlaneOpened(
            request=command.request,
            run=command.run,
            axes=AXES[:dimensions],
            levels=LEVELS,
            truth=Array.of(truth(dimensions)),
            points={"train": Array.of(points[:40]), "valid": Array.of(points[40:])},
            labels={"train": Array.of(np.arange(40) % 2)},
            method="exact",
            method_help="By the chain rule.",
            views=VIEWS,
        )

    def list_steps(self, command: ListSurfaces) -> None:
        steps = np.array([0, 10, 20, 40], np.int64)
        values = [metrics(int(step)) for step in steps]
        found = {
            name: Array.of(np.array([getattr(m, name) for m in values])) for name in SurfaceMetrics.__struct_fields__
        }
        self.client.deliver(
            SurfacesListed(
                request=command.request,
                run=command.run,
                steps=Array.of(steps),
                seconds=Array.of(steps / 10.0),
                metrics=found,
            )
        )

    def surface(self, command: DrawSurface, *, step: int = 40, done: bool = True, ms: float = 5.0) -> SurfaceDrawn:
        """A surface that comes near the truth with the step."""
        dimensions = 1 if command.run == LINE else 2
        at = step if command.step is None else command.step
        share = at / (at + 10)
        values = share * truth(dimensions) + (1 - share) / truth(dimensions).size
        samples = np.zeros((command.num_samples, dimensions), np.float32)
        return SurfaceDrawn(
            request=command.request,
            run=command.run,
            method="exact",
            values=Array.of(values.astype(np.float32)),
            samples=Array.of(samples) if command.num_samples else None,
            metrics=metrics(at),
            weights_step=at,
            engine_ms=ms,
            done=done,
        )

    def inside(self, command: DrawInside) -> InsideDrawn:
        layers: tuple[PlaneLayer, ...] = ()
        if command.view == "slices":
            at = command.inputs["x1"].numpy() if "x1" in command.inputs else np.array([0.5])
            layers = (Guide(name="x1", axis="x", value=float(at[0]), label="x₁", help="Moves the slice."),)
        elif command.view == "codes":
            at = command.inputs["z"].numpy() if "z" in command.inputs else np.zeros((1, 2))
            layers = (Handles(name="z", points=Array.of(at)),)
        else:
            layers = (Dots(name="states", points=Array.of(np.zeros((3, 2)))),)
        return InsideDrawn(
            request=command.request,
            run=command.run,
            view=command.view,
            layers=layers,
            numbers=(Number("p(x₁)", "0.1", "The marginal.", r"p(x_1)"),),
            note="What is seen.",
            weights_step=40,
            engine_ms=2.0,
        )

    def described(self, command: DescribePoint) -> PointDescribed:
        return PointDescribed(
            request=command.request,
            run=command.run,
            point=command.point,
            numbers=(Number("log p(x)", "−3.2 nats", "Natural logarithm.", r"\log p(x)"),),
            layers=(Dots(name="code", points=Array.of(np.zeros((1, 2)))),),
            weights_step=40,
        )

    def train(self, run: str, step: int = 50, status: str = "running") -> None:
        """Deliver that a run trains, or ended."""
        self.client.deliver(TrainingChanged(run=run, status=status, step=step))  # type: ignore[arg-type]

    def record(self, run: str, step: int) -> None:
        """Deliver that the training recorded a surface."""
        self.client.deliver(SurfaceRecorded(run=run, step=step, seconds=step / 10, metrics=metrics(step)))

    def asked(self, kind: type[Command]) -> list[Command]:
        """Every command of a kind."""
        return [command for command in self.client.sent if isinstance(command, kind)]
