"""The Features panel without an engine: made replies to what it asks for."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from fake_client import FakeClient
from numpy.typing import NDArray
from training_scene import SPEC, catalog, info

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.features import (
    FeatureLayer,
    FeatureLayersListed,
    FeatureSpace,
    FeaturesProbed,
    ListFeatureLayers,
    ProbeFeatures,
    ProbeResult,
    WorkProgress,
)
from gmstudio.protocol.features_factors import FactorMatrix, FactorScore, FactorsMeasured, MeasureFactors
from gmstudio.protocol.features_fine_tuning import FineTune, FineTuneCurve, FineTuned
from gmstudio.protocol.image_sets import FetchImages, ImagesFetched
from gmstudio.protocol.runs import RunInfo, RunsListed
from gmstudio.window.state.features.fine_tuning import CLASSIFIERS
from gmstudio.window.state.features.state import FeaturesState
from gmstudio.window.state.runs.library import RunLibrary

VAE, GAN, OTHER = "/runs/vae", "/runs/gan", "/runs/other"
LAYERS = (
    FeatureLayer(name="code", title="Posterior mean", num_dims=3, help="Mean of q(z|x).", default=True),
    FeatureLayer(name="layer1", title="Layer 1", num_dims=16),
    FeatureLayer(name="middle", title="Middle", num_dims=8, max_timestep=1000, default_timestep=100),
)
NUM_TEST, NUM_CLASSES = 30, 3
FACTORS = ("kind", "scale", "x")


def runs() -> tuple[RunInfo, ...]:
    """Two runs on the same data, and one on other data."""
    other = info(OTHER, "finished", 9, checkpoint_steps=(9,))
    other = msgspec.structs.replace(other, spec=msgspec.structs.replace(other.spec, data_config={"levels": 16}))
    return (*(info(run, "finished", 9, checkpoint_steps=(9,)) for run in (VAE, GAN)), other)


class FeaturesScene:
    """Client, library and state; ``serve`` answers the commands that were sent since.

    Attributes:
        answers: by class of command; a test may replace them.
        refusals: sentence by space, for commands about it.
    """

    def __init__(self) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = FeaturesState(self.client, self.library)
        self.refusals: dict[FeatureSpace, str] = {}
        self.layers: dict[str, tuple[FeatureLayer, ...]] = {VAE: LAYERS, GAN: LAYERS[1:2], OTHER: LAYERS}
        self._served = 0
        self.answers: dict[type[Command], Callable[[Any], list[Event]]] = {
            ListFeatureLayers: self._layers,
            ProbeFeatures: lambda command: probed(command, (0.5, 1.0)),
            FetchImages: fetched,
            MeasureFactors: measured,
            FineTune: tuned,
        }

    def start(self) -> None:
        """The engine says hello and lists the runs; the panel's choices are answered."""
        self.client.deliver(catalog())
        self.client.deliver(RunsListed(home="/runs", runs=runs(), problems=()))
        self.serve()

    def serve(self, most: int = 100) -> None:
        """Answer the commands that were sent, and those that follow from the answers."""
        while self._served < len(self.client.sent) and most:
            command = self.client.sent[self._served]
            self._served, most = self._served + 1, most - 1
            refusal = self.refusals.get(getattr(command, "space", FeatureSpace(layer="none")))
            if refusal:
                self.fail(command, refusal)
            elif type(command) in self.answers:
                for event in self.answers[type(command)](command):
                    self.client.deliver(event)

    def fail(self, command: Command, message: str, reason: Reason = Reason.NOT_POSSIBLE) -> None:
        """Refuse a command."""
        self.client.deliver(
            CommandFailed(request=command.request, command=type(command).__name__, reason=reason, message=message)
        )

    def sent(self, kind: type[Command]) -> list[Any]:
        """Commands of a class that were sent."""
        return [command for command in self.client.sent if isinstance(command, kind)]

    def _layers(self, command: ListFeatureLayers) -> list[Event]:
        return [FeatureLayersListed(request=command.request, run=command.run, layers=self.layers[command.run])]


def probed(command: ProbeFeatures, shares: tuple[float, ...]) -> list[Event]:
    """Replies to a probe: the first half of the label counts, then all; the better the more labels."""
    labels = np.arange(NUM_TEST, dtype=np.int64) % NUM_CLASSES
    counts = command.labels_per_class

    def result(number: int, count: int) -> ProbeResult:
        predicted = labels.copy()
        predicted[: NUM_TEST // (number + 2)] = 0
        accuracy = 0.4 + 0.1 * number + 0.01 * np.arange(command.num_seeds)
        return ProbeResult(
            labels_per_class=count,
            num_labels=(count or 200) * NUM_CLASSES,
            linear=Array.of(accuracy),
            neighbours=Array.of(accuracy - 0.1),
            regularization=Array.of(np.full(command.num_seeds, 0.1)),
            predicted=Array.of(predicted),
        )

    results = [result(number, count) for number, count in enumerate(counts)]
    return [
        FeaturesProbed(
            request=command.request,
            space=command.space,
            title=f"{command.space.layer} of {command.space.run or 'no run'}",
            num_dims=3,
            results=tuple(results[: max(1, round(share * len(results)))]),
            test_labels=Array.of(labels),
            test_indices=Array.of(np.arange(NUM_TEST, dtype=np.int64) * 2),
            label_names=("zero", "one", "two"),
            warnings=("A class has few labels.",),
            weights_step=9,
            progress=WorkProgress(stage="Fitting", share=share, seconds_left=3.0),
            done=share == 1.0,
        )
        for share in shares
    ]


def fetched(command: FetchImages) -> list[Event]:
    """Images whose first pixel tells their number."""
    indices = command.indices.numpy()
    images = np.zeros((len(indices), *SPEC.shape), np.uint8)
    images[:, 0, 0, 0] = indices % 2
    return [ImagesFetched(request=command.request, indices=command.indices, images=Array.of(images), image=SPEC)]


def factor_matrices(num_dims: int) -> dict[str, NDArray[np.float64]]:
    """Made matrices (D, K)."""
    random = np.random.default_rng(0)
    return {
        "correlation": random.uniform(-1, 1, (num_dims, len(FACTORS))),
        "information": random.uniform(0, 1, (num_dims, len(FACTORS))),
    }


def measured(command: MeasureFactors) -> list[Event]:
    """Replies to a measurement: the matrices, then all."""
    num_dims = 3
    random = np.random.default_rng(1)
    matrices = tuple(
        FactorMatrix(
            name=name, title=name.title(), values=Array.of(values), signed=name == "correlation", help="A help."
        )
        for name, values in factor_matrices(num_dims).items()
    )
    scores = tuple(
        FactorScore(
            name=name, title=title, value=value, by_factor=Array.of(parts), formula="x", help=f"Help of {title}."
        )
        for name, title, value, parts in (
            ("mig", "MIG", 0.25, np.array([0.1, 0.2, 0.45])),
            ("sap", "SAP", 0.5, np.array([0.4, 0.5, 0.6])),
        )
    )
    kinds = random.integers(0, 3, 40).astype(np.float32)
    factors = np.stack([kinds, random.uniform(size=40), random.uniform(size=40)], axis=1).astype(np.float32)
    return [
        FactorsMeasured(
            request=command.request,
            space=command.space,
            run=command.run,
            title="VAE, posterior mean",
            num_dims=num_dims,
            factors=FACTORS,
            ordered=(False, True, True),
            num_images=5000,
            num_held_out=1000,
            scores=scores[: 1 + done],
            matrices=matrices,
            points=Array.of(random.normal(size=(40, num_dims)).astype(np.float32)),
            point_factors=Array.of(factors),
            warnings=("A dimension is dead.",),
            weights_step=9,
            progress=WorkProgress(stage="Random forests", share=0.4 if not done else 1.0, seconds_left=5.0),
            done=bool(done),
        )
        for done in (0, 1)
    ]


def tuned(command: FineTune) -> list[Event]:
    """Replies to fine-tuning: half of the first seed, then all."""
    steps = np.linspace(0, command.steps, 5).astype(np.int64)

    def curves(known: int) -> tuple[FineTuneCurve, ...]:
        found = []
        for number, kind in enumerate(CLASSIFIERS):
            accuracies = 0.9 - 0.1 * number + 0.02 * np.arange(command.num_seeds)[:, None] - 0.5 / (1 + np.arange(5))
            accuracies.flat[known:] = np.nan
            losses = 1.0 - accuracies
            found.append(
                FineTuneCurve(
                    kind=kind, steps=Array.of(steps), accuracies=Array.of(accuracies), train_losses=Array.of(losses)
                )
            )
        return tuple(found)

    return [
        FineTuned(
            request=command.request,
            space=command.space,
            run=command.run,
            title="VAE, posterior mean",
            num_labels=command.labels_per_class * NUM_CLASSES,
            num_test=NUM_TEST,
            curves=curves(known),
            warnings=("One class has few labels.",),
            weights_step=9,
            progress=WorkProgress(stage="Seed 1", share=share, seconds_left=9.0),
            done=share == 1.0,
        )
        for known, share in ((3, 0.25), (5 * command.num_seeds, 1.0))
    ]
