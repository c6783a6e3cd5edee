"""Updates of training phases replayed from CUDA graphs, where the device and the family allow it.

What a graph repeats is forward, backward, clipping and Adam of all phases that are due on one batch. The batch, its
labels and the learning rates are written into buffers beforehand; what the phases tell of themselves is gathered in one
vector, which is copied when it is to be kept. Each set of phases that are due together has a graph of its own: a GAN
whose discriminator makes several updates has two, and when a person lets one phase run alone, that one gets its own.

The first updates of such a set are rehearsals, training as good as any other. A family that waits for the device in an
update, or puts other tensors in the place of its buffers, cannot be captured; then training goes on as it is made
anyway (``TrainStep``), and the run's history says why.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gmstudio.engine.training.optimizers import PhaseOptimizer
from gmstudio.engine.training.step import Outcome, TrainStep, UpdateInput, Updates
from gmstudio.nn.cuda_graph import CaptureError, Recorder, recorder_for
from gmstudio.protocol.training_settings import Training

REHEARSALS = 3
"""Updates before one is captured; in the last it is watched whether anything waits for the device."""
Key = tuple[str, ...]
Layout = list[tuple[str, ...]]
"""For each phase that is due, the names of its terms."""


class _Recording(NamedTuple):
    """A captured update.

    Args:
        replay: makes the update.
        batch: where it reads the images.
        labels: where it reads the labels.
        values: phase by phase its terms and the gradient's norm, float32; made by the replay.
        layout: the terms' names.
    """

    replay: Callable[[], object]
    batch: Tensor
    labels: Tensor | None
    values: list[Tensor]
    layout: Layout


class GraphedStep:
    """Makes updates from graphs, each captured after some rehearsals.

    Args:
        plain: makes the updates that a graph repeats, and those that none can.
        optimizers: of all phases of the model.
        model: whose buffers must stay where they are.
        recorder: captures on the model's device.
        log: takes a sentence for the run's history.
    """

    def __init__(
        self,
        plain: TrainStep,
        optimizers: Sequence[PhaseOptimizer],
        model: nn.Module,
        recorder: Recorder,
        log: Callable[[str], object],
    ) -> None:
        self._plain = plain
        self._model = model
        self._recorder = recorder
        self._log = log
        self._rehearsed: dict[Key, int] = {}
        self._recorded: dict[Key, _Recording] = {}
        self._given_up = False
        for optimizer in optimizers:
            optimizer.keep_rate_on_device()

    def run(self, given: UpdateInput) -> list[Outcome]:
        """See ``Updates``."""
        key = tuple(optimizer.phase.name for optimizer in given.optimizers)
        if not self._given_up and key not in self._recorded and self._rehearsed.get(key, 0) == REHEARSALS:
            self._capture(key, given)
        recording = self._recorded.get(key)
        if recording is not None:
            return self._replay(recording, given)

        def plainly() -> list[Outcome]:
            return self._plain.run(given)

        return plainly() if self._given_up else self._rehearse(key, plainly)

    def _rehearse(self, key: Key, plainly: Callable[[], list[Outcome]]) -> list[Outcome]:
        count = self._rehearsed[key] = self._rehearsed.get(key, 0) + 1
        if count < REHEARSALS:
            return self._recorder.rehearse(plainly)
        outcomes, waited = self._recorder.watch(plainly)
        if waited:
            self._give_up("the update waits for the device")
        return outcomes

    def _capture(self, key: Key, given: UpdateInput) -> None:
        labels = None if given.labels is None else given.labels.clone()
        static = given._replace(batch=given.batch.clone(), labels=labels, want_norm=True)
        values: list[Tensor] = []
        layout: Layout = []

        def update() -> None:
            outcomes = self._plain.update(static)
            layout[:] = [tuple(outcome.terms) for outcome in outcomes]
            values[:] = [_gathered(outcomes)]

        buffers = _Buffers(self._model)
        for optimizer in given.optimizers:
            optimizer.capturable = True
        try:
            replay = self._recorder.record(update)
        except CaptureError as error:
            buffers.put_back()
            self._give_up(str(error))
        else:
            moved = buffers.put_back()
            if moved:
                self._give_up(f"the update puts another tensor in the place of {', '.join(moved)}")
            else:
                self._recorded[key] = _Recording(replay, static.batch, static.labels, values, layout)
                self._log(f"Updates of {' and '.join(key)} are replayed from a CUDA graph from here on.")
        finally:
            for optimizer in given.optimizers:
                optimizer.capturable = False

    def _replay(self, recording: _Recording, given: UpdateInput) -> list[Outcome]:
        recording.batch.copy_(given.batch)
        if recording.labels is not None and given.labels is not None:
            recording.labels.copy_(given.labels)
        for optimizer in given.optimizers:
            optimizer.set_rate(given.step)
        recording.replay()
        if not given.record:
            return []
        kept = iter(recording.values[0].clone().unbind())  # the next replay writes over the original
        outcomes = []
        for optimizer, names in zip(given.optimizers, recording.layout, strict=True):
            terms = {name: next(kept) for name in names}
            norm = next(kept)
            outcomes.append(Outcome(optimizer.phase, terms, norm if given.want_norm else None))
        return outcomes

    def _give_up(self, reason: str) -> None:
        self._given_up = True
        self._recorded.clear()
        self._log(f"Trains without CUDA graphs: {reason}.")


class _Buffers:
    """Which tensors a model's buffers and parameters are."""

    def __init__(self, model: nn.Module) -> None:
        self._kept = [
            (f"{prefix}.{name}" if prefix else name, tensors, name, tensor)
            for prefix, module in model.named_modules()
            for tensors in (module._buffers, module._parameters)
            for name, tensor in tensors.items()
        ]

    def put_back(self) -> list[str]:
        """Put them back; returns the names of those that were no longer there."""
        moved = []
        for full_name, tensors, name, tensor in self._kept:
            if tensors.get(name) is not tensor:
                moved.append(full_name)
                tensors[name] = tensor
        return moved


def updates_for(
    plain: TrainStep,
    optimizers: Sequence[PhaseOptimizer],
    model: nn.Module,
    training: Training,
    generator: torch.Generator,
    log: Callable[[str], object],
) -> Updates:
    """What makes a run's updates: graphs on a CUDA device, unless its settings turn them off; else ``plain``.

    Args:
        plain: makes updates on any device.
        optimizers: of all phases.
        model: whose phases they are.
        training: the settings.
        generator: source of the losses' noise.
        log: takes a sentence for the run's history.
    """
    recorder = recorder_for(generator.device, (generator,)) if training.cuda_graphs == "auto" else None
    return plain if recorder is None else GraphedStep(plain, optimizers, model, recorder, log)


def _gathered(outcomes: Sequence[Outcome]) -> Tensor:
    """All their numbers in one vector, float32."""
    numbers = []
    for outcome in outcomes:
        assert outcome.norm is not None
        numbers += [value.float() for value in outcome.terms.values()] + [outcome.norm.float()]
    return torch.stack(numbers)
