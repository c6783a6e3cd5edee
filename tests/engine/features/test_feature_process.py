"""A real engine process: layers, a probe and a fine-tuning of a run in training, cancelled and refused work."""

from pathlib import Path

import numpy as np
from engine_process import EngineProcess

from gmstudio.protocol.engine import Cancel, CommandFailed, Reason
from gmstudio.protocol.features import (
    FeatureLayersListed,
    FeatureSpace,
    FeaturesProbed,
    FindNeighbours,
    ListFeatureLayers,
    NeighboursFound,
    ProbeFeatures,
)
from gmstudio.protocol.features_fine_tuning import FineTune, FineTuned
from gmstudio.protocol.image_sets import DataImages
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import StartTraining, StopTraining, TrainingChanged


def test_a_run_in_training_is_probed_and_tuned_beside_it(tmp_path: Path) -> None:
    with EngineProcess(tmp_path) as engine:
        path = str(tmp_path / "run")
        spec = RunSpec(family="vae", data="digits", config={"num_hidden": 32}, training={"steps": 200_000})
        engine.send(StartTraining(spec=spec, folder=path))
        engine.wait(TrainingChanged, lambda event: event.status == "running")
        listed = engine.ask(ListFeatureLayers(run=path), FeatureLayersListed)
        assert [layer.name for layer in listed.layers if layer.default] == ["code"]

        space = FeatureSpace(run=path, layer="code")
        probe = ProbeFeatures(space=space, run=path, labels_per_class=(2,), num_seeds=1, max_test=100)
        engine.send(probe)
        probed = engine.wait(FeaturesProbed, lambda event: event.done)
        assert probed.weights_step >= 0 and 0.0 < probed.results[0].linear.numpy()[0] < 1.0

        engine.send(FineTune(space=space, run=path, labels_per_class=2, steps=5, num_seeds=1, max_test=50))
        tuned = engine.wait(FineTuned, lambda event: event.done)
        assert all(np.isfinite(curve.accuracies.numpy()).all() for curve in tuned.curves)

        endless = engine.send(FineTune(space=space, run=path, labels_per_class=2, steps=100_000, num_seeds=1))
        engine.wait(FineTuned, lambda event: event.request == endless)
        engine.send(Cancel(target=endless))
        failed = engine.wait(CommandFailed, lambda event: event.request == endless)
        assert failed.reason is Reason.CANCELLED

        engine.send(FineTune(space=FeatureSpace(layer="pixels"), run=path))
        failed = engine.wait(CommandFailed)
        assert failed.message.startswith("Pixels and principal components have no encoder")

        images = DataImages(run=path, split="test")
        command = FindNeighbours(space=FeatureSpace(layer="pixels"), images=images, query=images, index=3, count=4)
        assert engine.ask(command, NeighboursFound).indices.numpy()[0] == 3
        engine.send(StopTraining())
        engine.wait(TrainingChanged, lambda event: event.status != "running")
