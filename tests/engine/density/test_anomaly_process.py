"""A real engine: a background model as proposed, anomalies told apart by the ratio, and while a model trains."""

from pathlib import Path

import msgspec
from engine_process import EngineProcess

from gmstudio.protocol.density import AnomaliesDetected, DetectAnomalies
from gmstudio.protocol.density_background import BackgroundProposed, ProposeBackground
from gmstudio.protocol.engine import CommandFailed, Done
from gmstudio.protocol.image_sets import DataImages
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOpened
from gmstudio.protocol.training import PauseTraining, StartTraining, StopTraining, TrainingChanged

SPEC = RunSpec(
    family="nade",
    config={"num_hidden": 8},
    data="digits",
    data_config={"levels": 2},
    training={"steps": 20, "batch_size": 32, "num_samples": 1, "validation_images": 20},
)


def train(engine: EngineProcess, spec: RunSpec) -> str:
    path = engine.ask(StartTraining(spec=spec), RunOpened).info.run
    engine.wait(TrainingChanged, lambda event: event.status == "finished")
    return path


def test_a_proposed_background_is_trained_and_used(tmp_path: Path) -> None:
    with EngineProcess(tmp_path) as engine:
        run = train(engine, SPEC)
        detect = DetectAnomalies(
            run=run,
            typical=DataImages(run=run),
            anomalous=DataImages(data="shapes", split="test", count=100),
            statistic="ratio",
            resamples=20,
        )
        refused = engine.ask(detect, CommandFailed)
        assert refused.message.startswith("This run has no background model. Train one")
        wrong = engine.ask(ProposeBackground(run=run, mutation=2.0), CommandFailed)
        assert wrong.message.startswith("μ = 2: a background model needs a rate above 0")
        proposed = engine.ask(ProposeBackground(run=run, mutation=0.2), BackgroundProposed)
        assert proposed.existing == ()
        background = train(engine, proposed.spec)
        again = engine.ask(ProposeBackground(run=run), BackgroundProposed)
        assert (again.existing, again.mutations) == ((background,), (0.2,))
        assert again.spec.training["mutation"] == 0.3
        request = engine.send(detect)
        found = engine.wait(AnomaliesDetected, lambda event: event.request == request and event.done)
        assert found.curves is not None and 0 <= found.curves.auroc <= 1
        assert found.kind_text == "exact log-likelihood ratio, background μ = 0.2"
        assert len(found.conversions) == 1, "shapes have other sizes than digits"


def test_a_model_in_training_is_scored_with_the_weights_of_one_step(tmp_path: Path) -> None:
    with EngineProcess(tmp_path) as engine:
        spec = msgspec.structs.replace(SPEC, training={**SPEC.training, "steps": 100_000})
        run = engine.ask(StartTraining(spec=spec), RunOpened).info.run
        images = DataImages(data="digits", split="valid")
        request = engine.send(DetectAnomalies(run=run, typical=images, anomalous=images, resamples=20))
        found = engine.wait(AnomaliesDetected, lambda event: event.request == request and event.done)
        assert found.curves is not None and found.curves.auroc == 0.5, "the same images under the same weights"
        engine.ask(PauseTraining(), Done)
        engine.ask(StopTraining(), Done)
