"""A real engine process that trains on points: density, recorded surfaces, what is inside, a point."""

from pathlib import Path

import numpy as np
from engine_process import EngineProcess

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.plane import (
    DescribePoint,
    DrawInside,
    DrawSurface,
    InsideDrawn,
    ListSurfaces,
    OpenPlane,
    PlaneOpened,
    PointDescribed,
    SurfaceDrawn,
    SurfaceRecorded,
    SurfacesListed,
)
from gmstudio.protocol.plane_layers import Profile
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import StartTraining, StopTraining, TrainingChanged

DATA = {"shape": "moons", "num_points": 2000, "levels": 64}


def test_a_model_of_points_is_seen_while_it_trains_and_afterwards(tmp_path: Path) -> None:
    with EngineProcess(tmp_path) as engine:
        path = str(tmp_path / "run")
        spec = RunSpec(family="made", data="points", data_config=DATA, training={"steps": 400, "sample_every": 100})
        engine.send(StartTraining(spec=spec, folder=path))
        recorded = engine.wait(SurfaceRecorded, lambda event: event.step >= 5)
        assert recorded.run == path and recorded.metrics.forward_kl > 0 and abs(recorded.metrics.mass - 1) < 1e-5
        live = engine.ask(DrawSurface(run=path, num_samples=100), SurfaceDrawn)
        assert live.samples is not None and live.samples.shape == (100, 2) and live.method == "exact"
        assert live.weights_step >= 5
        ended = engine.wait(TrainingChanged, lambda event: event.status != "running")
        assert ended.status == "finished"

        opened = engine.ask(OpenPlane(run=path), PlaneOpened)
        assert opened.levels == 64 and opened.truth is not None and abs(opened.truth.numpy().sum() - 1) < 1e-9
        assert [view.name for view in opened.views] == ["chain_rule", "other_order"]
        assert opened.points["train"].shape == (2000, 2)
        surface = engine.ask(DrawSurface(run=path, num_samples=0), SurfaceDrawn)
        assert surface.weights_step == 400 and abs(surface.values.numpy().sum() - 1) < 1e-5

        listed = engine.ask(ListSurfaces(run=path), SurfacesListed)
        steps = listed.steps.numpy().tolist()
        assert steps[0] == 0 and steps[-1] == 400 and steps == sorted(set(steps))  # how many depends on the time
        kl = listed.metrics["forward_kl"].numpy()
        assert kl[-1] < 0.5 * kl[0] and (np.diff(listed.seconds.numpy()) >= 0).all()
        last = engine.ask(DrawSurface(run=path, step=400), SurfaceDrawn)
        assert np.allclose(last.values.numpy(), surface.values.numpy(), rtol=2e-3, atol=1e-9)
        first = engine.ask(DrawSurface(run=path, step=0), SurfaceDrawn)
        assert first.weights_step == 0 and first.metrics.forward_kl == kl[0]

        inputs = {"x1": Array.of(np.array([0.5]))}
        inside = engine.ask(DrawInside(run=path, view="chain_rule", inputs=inputs), InsideDrawn)
        assert sum(isinstance(layer, Profile) for layer in inside.layers) == 2
        described = engine.ask(DescribePoint(run=path, point=(0.5, 0.5)), PointDescribed)
        assert described.numbers[0].name == "log p(x)"
        refused = engine.ask(DrawInside(run=path, view="warp"), CommandFailed)
        assert refused.reason is Reason.NOT_POSSIBLE and "no view" in refused.message


def test_a_run_of_images_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with EngineProcess(tmp_path) as engine:
        path = str(tmp_path / "images")
        spec = RunSpec(family="fvbn", data="digits", data_config={"levels": 2}, training={"steps": 100_000})
        engine.send(StartTraining(spec=spec, folder=path))
        engine.wait(TrainingChanged)
        failed = engine.ask(OpenPlane(run=path), CommandFailed)
        assert failed.reason is Reason.NOT_POSSIBLE and "points" in failed.message and "64 sub-pixels" in failed.message
        engine.send(StopTraining())
        engine.wait(TrainingChanged, lambda event: event.status == "stopped")
