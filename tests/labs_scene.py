"""State of the Foundations panel without an engine: a tiny lab's entry, and replies by hand."""

from typing import Any

import msgspec
import numpy as np
from fake_client import CommandT, FakeClient

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command
from gmstudio.protocol.engine import Catalog, CommandFailed, Reason
from gmstudio.protocol.exercises import Exercise, ExerciseRun, OurValue
from gmstudio.protocol.labs import ConfigureLab, EditLab, LabAction, LabCard, LabEntry, LabShown, OpenLab, RunLabAction
from gmstudio.protocol.plane_layers import Handles
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo, RunsListed
from gmstudio.protocol.scenes import Number, Numbers, Plane, Scene, Sentence
from gmstudio.window.state.labs.state import LabsState
from gmstudio.window.state.runs.library import RunLibrary

SCHEMA: dict[str, Any] = {
    "properties": {
        "spread": {
            "type": "number",
            "title": "Spread",
            "description": "Width.",
            "exclusiveMinimum": 0,
            "maximum": 10,
            "default": 1.0,
        },
        "draws": {
            "type": "integer",
            "title": "Draws",
            "description": "Number.",
            "minimum": 1,
            "maximum": 100,
            "default": 5,
        },
    }
}
ACTIONS = (
    LabAction(name="draw", title="Draw", help="Draw once."),
    LabAction(name="draw_many", title="Draw 10,000", help="Draw often."),
)


EXERCISES = (
    Exercise(
        name="hw1",
        title="Two models of points",
        course="A university, a course",
        year="2020",
        number="Homework 1, question 1",
        task="Fit two models.",
        differs="On a grid.",
        labs=("second",),
        runs=(
            ExerciseRun(
                name="a",
                title="(a) One",
                spec=RunSpec(family="made", data="points", training={"steps": 1500}),
                deliverables=("curve", "test"),
                ours=OurValue(value=4.25, unit="nats per point", kind="exact log-likelihood", seconds=3.0),
            ),
            ExerciseRun(
                name="b",
                title="(b) Two",
                spec=RunSpec(family="gan", data="points"),
                deliverables=("samples",),
            ),
        ),
    ),
    Exercise(name="hw2", title="By hand", course="C", year="2021", number="2", task="Derive.", after=True, runs=()),
)


def lab(name: str, **changes: Any) -> LabEntry:
    """Entry of a lab."""
    values: dict[str, Any] = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "question": f"What does {name} show?",
        "latex": r"p(x) = \frac{1}{2}",
        "notes": "notes 4, lines 21–35",
        "book": "A book, §1.2",
    }
    return LabEntry(card=LabCard(**{**values, **changes}), config_schema=SCHEMA, actions=ACTIONS)


def scene(stage: str = "", progress: float = 0.0, mean: float = 0.5) -> Scene:
    """Scene with a plane, a table of numbers and a sentence."""
    axis = PointAxis("x", -5.0, 5.0)
    handles = Handles(name="points", points=Array.of(np.zeros((2, 2))), help="Moves a point.")
    numbers = Numbers(title="Numbers", numbers=(Number("mean", f"{mean:g}"),))
    rows = ((Plane(title="Points", x=axis, y=axis, layers=(handles,)), numbers), (Sentence(text="A mean."),))
    return Scene(rows=rows, stage=stage, progress=progress)


class LabsScene:
    """The state, and the engine's side of it.

    Attributes:
        client: takes commands, delivers events.
        library: library of runs.
        state: state under test.
        begun: number that the next replies have.
    """

    def __init__(self, *labs: LabEntry) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = LabsState(self.client, self.library)
        self.labs = labs or (lab("first"), lab("second"))
        self.begun = 1

    def start(self, *runs: RunInfo, active: bool = True) -> None:
        """Deliver the catalog and the list of runs, by default with the panel on the screen."""
        self.state.set_active(active)
        self.client.deliver(
            Catalog(
                protocol=1,
                version="0",
                pid=1,
                families=(),
                data=(),
                devices=("cpu",),
                device="cpu",
                training_schema={"properties": {}},
                labs=self.labs,
                exercises=EXERCISES,
            )
        )
        self.client.deliver(RunsListed(home="/runs", runs=runs, problems=()))

    def open(self) -> LabShown:
        """Answer the newest opening."""
        command = self.last(OpenLab)
        inputs = {name: values.numpy() for name, values in command.inputs.items()}
        return self.show(command, config={"spread": 1.0, "draws": 5} | command.config, inputs=inputs, seed=command.seed)

    def show(
        self,
        command: Command,
        *,
        config: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        shown: Scene | None = None,
        **values: Any,
    ) -> LabShown:
        """Answer a command about a lab: by default with what the state has."""
        settings = self.state.work.settings
        arrays = {"points": np.zeros((2, 2)), "level": np.array([0.5])} | settings.inputs | (inputs or {})
        event = LabShown(
            request=command.request,
            name=command.name,  # type: ignore[attr-defined]
            scene=shown or scene(),
            config=dict(settings.config) if config is None else config,
            inputs={name: Array.of(np.asarray(value, np.float64)) for name, value in arrays.items()},
            begun=self.begun,
            **{"seed": settings.seed} | values,
        )
        self.client.deliver(event)
        return event

    def fail(self, command: Command, message: str, reason: Reason = Reason.NOT_POSSIBLE, **fields: str) -> None:
        """Refuse a command."""
        named = {f"config.{name}": text for name, text in fields.items()}
        name = type(command).__name__
        self.client.deliver(
            CommandFailed(request=command.request, command=name, message=message, reason=reason, fields=named)
        )

    def last(self, kind: type[CommandT]) -> CommandT:
        return self.client.last(kind)

    def sent(self, *kinds: type[Command]) -> list[Any]:
        """Commands about the lab that were sent, in their order; by default of all kinds."""
        return [c for c in self.client.sent if isinstance(c, kinds or (OpenLab, ConfigureLab, EditLab, RunLabAction))]


def plain(command: Command) -> dict[str, Any]:
    """Fields of a command without its number."""
    return {name: value for name, value in msgspec.structs.asdict(command).items() if name != "request"}
