"""Updates of training phases replayed from CUDA graphs, where the device and the family allow it.

A graph contains forward, backward, clipping and Adam of all phases that are updated on one batch. The batch, its labels
and the learning rates are written into buffers beforehand; terms and norms are gathered in one vector, which is copied
when it is to be recorded. Each set of phases that are updated together has a graph of its own: a GAN whose
discriminator makes several updates has two, and a phase that is trained alone has another.

The first updates of such a set are rehearsals, which train like all others. A family whose update waits for the device,
or replaces its buffers by other tensors, cannot be captured; training then continues without graphs (``TrainStep``),
and the log of the run names the reason.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gmstudio.engine.training.optimizers import PhaseOptimizer
from gmstudio.engine.training.step import Outcome, TrainStep, UpdateInput, Updates
from gmstudio.nn.cuda_graph import CaptureError, Recorder, recorder_for
from gmstudio.nn.soap import UPDATE_BASES_EVERY
from gmstudio.protocol.training_settings import Training

REHEARSALS = 3
"""Updates before the capture; the last one is monitored for operations that wait for the device."""
Key = tuple[str, ...]
Layout = list[tuple[str, ...]]
"""For each phase that is updated, the names of its terms."""


class _Recording(NamedTuple):
    """A captured update.

    Args:
        replay: replays the update.
        batch: buffer of the images.
        labels: buffer of the labels.
        values: terms and gradient norm of each phase, float32; written by the replay.
        layout: names of the terms.
    """

    replay: Callable[[], object]
    batch: Tensor
    labels: Tensor | None
    values: list[Tensor]
    layout: Layout


class GraphedStep:
    """Updates replayed from graphs, each captured after some rehearsals.

    Args:
        plain: makes the updates that are captured, and all others.
        optimizers: optimizers of all phases of the model.
        model: the model, whose parameters and buffers must stay in place.
        recorder: captures work on the model's device.
        log: takes a sentence for the log of the run.
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
            buffers.restore()
            self._give_up(str(error))
        else:
            moved = buffers.restore()
            if moved:
                self._give_up(f"the update replaces the tensor of {', '.join(moved)}")
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
        kept = iter(recording.values[0].clone().unbind())  # the next replay overwrites the original
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
    """Tensors of a model's buffers and parameters."""

    def __init__(self, model: nn.Module) -> None:
        self._kept = [
            (f"{prefix}.{name}" if prefix else name, tensors, name, tensor)
            for prefix, module in model.named_modules()
            for tensors in (module._buffers, module._parameters)
            for name, tensor in tensors.items()
        ]

    def restore(self) -> list[str]:
        """Restore the tensors; returns the names of those that had been replaced."""
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
    """Return updates by graphs on a CUDA device, unless the settings turn them off; otherwise ``plain``.

    Args:
        plain: updates on any device.
        optimizers: optimizers of all phases.
        model: the model.
        training: training settings.
        generator: source of the losses' noise.
        log: takes a sentence for the log of the run.
    """
    recorder = recorder_for(generator.device, (generator,)) if training.cuda_graphs == "auto" else None
    if recorder is not None and any(optimizer.uses_soap for optimizer in optimizers):
        log(f"Trains without CUDA graphs: SOAP decomposes matrices every {UPDATE_BASES_EVERY} updates.")
        return plain
    return plain if recorder is None else GraphedStep(plain, optimizers, model, recorder, log)


def _gathered(outcomes: Sequence[Outcome]) -> Tensor:
    """Gather all terms and norms in one vector, float32."""
    numbers = []
    for outcome in outcomes:
        assert outcome.norm is not None
        numbers += [value.float() for value in outcome.terms.values()] + [outcome.norm.float()]
    return torch.stack(numbers)
