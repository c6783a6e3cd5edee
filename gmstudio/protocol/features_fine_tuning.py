"""Messages of the page Fine-tuning: an encoder as the initialization of a classifier, frozen, and from scratch."""

from typing import ClassVar, Literal

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.features import FeatureSpace, WorkProgress

TuningKind = Literal["fine-tuned", "frozen", "scratch"]
"""Classifier: the run's encoder trained on; the run's encoder as it is; the same encoder from random weights."""


class FineTune(Command, frozen=True, kw_only=True):
    """Train three classifiers on the same few labels; answered with ``FineTuned`` many times.

    Each is an encoder up to a layer of the run, a standardization by the labelled images as they are at the beginning,
    and a linear layer.

    Args:
        space: layer of the run whose encoder is used; no baseline.
        run: name of the run whose data are used.
        labels_per_class: labelled training images a class; 0: all.
        steps: of each training.
        learning_rate: of Adam for the encoders; that of the linear layers is ten times as large.
        batch_size: labelled images a step.
        num_seeds: choices of the labelled images, with as many random initializations.
        seed: of the first.
        max_test: test images that are classified at each place of a curve, at most; 0: all.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    space: FeatureSpace
    run: str
    labels_per_class: int = 10
    steps: int = 500
    learning_rate: float = 1e-3
    batch_size: int = 64
    num_seeds: int = 3
    seed: int = 0
    max_test: int = 0


class FineTuneCurve(msgspec.Struct, frozen=True, kw_only=True):
    """Course of one classifier.

    Args:
        kind: which it is.
        steps: (T,) int64, steps after which it is measured; 0 first.
        accuracies: (S, T) float64 test accuracies by seed; NaN where they are not reached yet.
        train_losses: (S, T) float64, mean −log p(label) of the labelled images in nats; NaN likewise.
    """

    kind: TuningKind
    steps: Array
    accuracies: Array
    train_losses: Array


class FineTuned(Event, frozen=True, kw_only=True):
    """Courses of the three classifiers; before the last reply those so far.

    Args:
        space: the encoder.
        run: name of the run whose data are used.
        title: of the encoder, for display.
        num_labels: labelled images in all.
        num_test: test images.
        curves: fine-tuned, frozen, from scratch.
        warnings: sentences.
        weights_step: training step of the run's weights.
        progress: of the work.
        done: this is the last reply.
    """

    space: FeatureSpace
    run: str
    title: str
    num_labels: int
    num_test: int
    curves: tuple[FineTuneCurve, ...]
    warnings: tuple[str, ...] = ()
    weights_step: int
    progress: WorkProgress
    done: bool

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.done
