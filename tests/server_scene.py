"""Trainings in an engine that is a process, for tests of what it answers."""

from typing import Any

from engine_process import EngineProcess

from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOpened
from gmstudio.protocol.training import StartTraining, TrainingChanged

PIXELCNN = {"num_channels": 4, "num_blocks": 1}
LONG = {"steps": 100_000, "batch_size": 16, "validate_every": 50, "sample_every": 50, "checkpoint_every": 20}


def training(family: str, **changes: Any) -> StartTraining:
    """A training that does not end by itself, on images of digits."""
    config = PIXELCNN if family == "pixelcnn" else {}
    training = {**LONG, **changes}
    spec = RunSpec(family=family, config=config, data="digits", data_config={"levels": 2}, training=training)
    return StartTraining(spec=spec)


def start(engine: EngineProcess, family: str, **changes: Any) -> str:
    """Start a training; the name of its run."""
    opened = engine.ask(training(family, **changes), RunOpened)
    assert opened.live and opened.info.spec.family == family
    return opened.info.run


def status(engine: EngineProcess, wanted: str) -> TrainingChanged:
    """The next change to a status."""
    return engine.wait(TrainingChanged, lambda event: event.status == wanted)
