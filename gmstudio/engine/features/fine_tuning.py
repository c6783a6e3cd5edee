r"""Fine-tuning: the encoder of a trained model as the initialization of a classifier, against a frozen one and none.

Three classifiers have the same form: an encoder up to a layer, features standardized, and a linear layer,

    p(y | x) = \mathrm{softmax}(W\, (f_\theta(x) - m) / s + b).

*Fine-tuned* starts from the run's θ and trains everything; *frozen* trains W and b alone; *scratch* starts from random
θ of the same architecture. For a seed all three have the same labelled images, batches, number of steps, learning rates
(that of W and b is ten times the encoder's) and first W and b; m and s are the mean and deviation of the features of
the labelled images before training. Nothing is augmented, and no layer is different in training from evaluation.

Sources: Erhan et al., Why Does Unsupervised Pre-training Help Deep Learning?, JMLR 11, 2010, section 6; Goodfellow,
Bengio & Courville, Deep Learning, 2016, section 15.1; Kornblith, Shlens & Le, Do Better ImageNet Models Transfer
Better?, CVPR 2019, arXiv:1805.08974, section 3 (fine-tuned, frozen and random initialization side by side).

Shapes: n labelled images, M test images, B batch, F features, K classes, S seeds, T places of a curve.
"""

import copy
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.data.dataset import Dataset
from gmstudio.engine.density.subjects import subject_of
from gmstudio.engine.features import probing
from gmstudio.engine.features.extraction import view_pieces
from gmstudio.engine.features.layers import layer_of, values_of
from gmstudio.engine.runtime.beside import result_of
from gmstudio.engine.runtime.building import build_model
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.inspection import PIECE_S, check_fit, exploring
from gmstudio.engine.runtime.meter import MEASURED_S, Meter
from gmstudio.families.base import Family
from gmstudio.nn.ema import MovingAverage
from gmstudio.nn.plain_adam import PlainAdam
from gmstudio.protocol.array import Array
from gmstudio.protocol.features import FeatureLayer, WorkProgress
from gmstudio.protocol.features_fine_tuning import FineTune, FineTuneCurve, FineTuned, TuningKind

T = TypeVar("T")
Work = Generator[FineTuned | None, None, T]
"""Events of progress, or None, after each piece; returns a result."""
KINDS: tuple[TuningKind, ...] = get_args(TuningKind)
NUM_PLACES = 11
"""Places of a curve, the beginning and the end among them."""
MAX_STEPS, MAX_BATCH, MAX_SEEDS = 100_000, 1024, 20
MAX_RATE = 1.0
HEAD_RATE = 10.0
"""Learning rate of the linear layer, which begins anew, relative to that of the encoder."""
SMALLEST_DEVIATION = 0.1
"""Least s of a feature, relative to the root mean square of all: those that hardly vary are not blown up."""
MAX_LOSS_IMAGES = 1000
"""Labelled images whose loss is measured, at most."""


class PieceSize:
    """Rows that are computed in one piece: as many as take about ``PIECE_S`` of the processor's time."""

    def __init__(self) -> None:
        self._rows = 1

    def slices(self, total: int, work: Callable[[slice], None]) -> Iterator[None]:
        """Do work on consecutive slices of ``total`` rows, and yield after each."""
        start = 0
        while start < total:
            began = time.thread_time()
            rows = slice(start, min(start + self._rows, total))
            work(rows)
            taken, start = time.thread_time() - began, rows.stop
            if taken < PIECE_S / 2 and rows.stop - rows.start == self._rows:
                self._rows = min(2 * self._rows, MAX_BATCH)
            elif taken > PIECE_S:
                self._rows = max(1, self._rows // 2)
            yield


class Classifier:
    """Encoder, standardization and linear layer.

    Args:
        model: has the encoder; its weights are moved unless ``frozen``.
        layer: of the model.
        timestep: of a diffusion model; 0: the layer's default.
        num_classes: K.
        frozen: only the linear layer is trained.
        seed: of the linear layer and of noise in the features.
    """

    def __init__(
        self, model: Family, layer: FeatureLayer, timestep: int, num_classes: int, *, frozen: bool, seed: int
    ) -> None:
        self.model, self.frozen = model, frozen
        self._features = values_of(model, layer, timestep, seed)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.head = nn.Linear(layer.num_dims, num_classes).to(model.device)
        self.mean = torch.zeros(layer.num_dims, device=model.device)
        self.deviation = torch.ones(layer.num_dims, device=model.device)
        self._adam: torch.optim.Adam | None = None

    def prepare(self, learning_rate: float) -> None:
        """Make the optimizer, once the standardization is known."""
        groups: list[dict[str, Any]] = [{"params": list(self.head.parameters()), "lr": HEAD_RATE * learning_rate}]
        if not self.frozen:
            groups.append({"params": list(self.model.parameters())})
        self._adam = PlainAdam(groups, lr=learning_rate)

    def features(self, x_BCHW: Tensor) -> Tensor:
        """Features (B, F) of integer images, without a gradient."""
        with exploring(self.model):
            return self._features(x_BCHW).float().clone()

    def standardize_by(self, features_nF: Tensor) -> None:
        """Take mean and deviation of features of the labelled images."""
        self.mean = features_nF.mean(0)
        deviation = features_nF.std(0, correction=0)
        typical = float(deviation.square().mean().sqrt())
        self.deviation = deviation.clamp(min=SMALLEST_DEVIATION * typical if typical > 0.0 else 1.0)

    def logits(self, x: Tensor) -> Tensor:
        """(B, K) of images, or of features where it is frozen."""
        features = x if self.frozen else self._features(x).float()
        logits: Tensor = self.head((features - self.mean) / self.deviation)
        return logits

    def accumulate(self, x: Tensor, labels_B: Tensor, batch_size: int) -> None:
        """Add the gradients of a part of a batch."""
        with exploring(self.model, grad=True):
            loss = functional.cross_entropy(self.logits(x), labels_B, reduction="sum") / batch_size
            loss.backward()

    def update(self) -> None:
        """Take a step with the gradients of the whole batch.

        Raises:
            ValueError: when the encoder has no gradient.
        """
        assert self._adam is not None
        if not self.frozen and all(parameter.grad is None for parameter in self.model.parameters()):
            raise ValueError(
                f"No gradient leads through this layer of {self.model.card.title} to its weights, so it cannot be "
                "fine-tuned; choose another layer or run."
            )
        self._adam.step()
        self._adam.zero_grad()

    def scores(self, x: Tensor, labels_B: Tensor) -> tuple[int, float]:
        """Number of images that are classified rightly, and the sum of −log p(label) in nats."""
        with exploring(self.model):
            logits = self.logits(x)
            right = int((logits.argmax(1) == labels_B).sum())
            return right, float(functional.cross_entropy(logits, labels_B, reduction="sum"))


class FineTuning:
    """Training of the three classifiers, for each seed in turn; for a seed they advance side by side.

    Args:
        context: of the engine.
        dataset: the images and labels, in the format of the run's model.
        command: what is wanted.

    Raises:
        ValueError: for settings out of range, a baseline, a layer without gradient, or data without two classes.
        RunError: when the run or its checkpoints are missing or damaged.
    """

    def __init__(self, context: EngineContext, dataset: Dataset, command: FineTune) -> None:
        _check(command)
        subject = subject_of(context, command.space.run)
        self._model, self._step = subject.model, subject.step
        check_fit(self._model, dataset)
        self._layer = layer_of(self._model, command.space.layer)
        if not self._layer.differentiable:
            raise ValueError(
                f"{self._layer.title} of {self._model.card.title} has no gradient in the weights, so it cannot be "
                "fine-tuned; choose another layer."
            )
        values_of(self._model, self._layer, command.space.timestep)  # refuses a timestep that there is not
        self._command, self._dataset = command, dataset
        labels = probing.check_labels(dataset.train.labels, "The training images of this data set")
        self._classes = np.unique(labels)
        self._warnings: list[str] = []
        self._test_images, self._test_labels = self._find_test()
        self._sets = [
            probing.choose_labelled(labels, command.labels_per_class, command.seed + number, dataset.label_names)
            for number in range(command.num_seeds)
        ]
        self._warnings += self._sets[0].warnings
        self._train_labels = labels
        self._places = _places(command.steps)
        shape = (len(KINDS), command.num_seeds, len(self._places))
        self._accuracies, self._losses = np.full(shape, np.nan), np.full(shape, np.nan)
        self._meter, self._pieces = Meter(), {kind: PieceSize() for kind in KINDS}
        self._began, self._done_steps = 0.0, 0

    def _find_test(self) -> tuple[NDArray[np.uint8], Tensor]:
        split = self._dataset.test if len(self._dataset.test) else self._dataset.valid
        name = "test" if len(self._dataset.test) else "valid"
        if split.labels is None or not len(split):
            raise ValueError("The data set has no labelled test or validation images; choose other data.")
        if name == "valid":
            self._warnings.append("The data set has no test images; accuracies are of its validation images.")
        indices = np.arange(len(split))
        if 0 < self._command.max_test < len(split):
            order = np.random.RandomState(self._command.seed).permutation(len(split))
            indices = np.sort(order[: self._command.max_test])
        return self._dataset.view(name, indices), torch.from_numpy(self._numbered(split.labels[indices]))

    def _numbered(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of labels among the classes of the training images; −1 for others, which count as errors."""
        places = np.searchsorted(self._classes, labels).clip(max=len(self._classes) - 1)
        return np.where(self._classes[places] == labels, places, -1).astype(np.int64)

    # ---- work --------------------------------------------------------------------------------------------------

    def run(self) -> Iterator[FineTuned | None]:
        """Do the work.

        Returns:
            A generator of None, of courses so far and, last, of the whole ones.

        Raises:
            ValueError: when the features are not finite, or a loss is no longer.
        """
        for number in range(self._command.num_seeds):
            yield from self._run_seed(number)
        yield self._event(WorkProgress(stage="Training classifiers", share=1.0, seconds_left=0.0), done=True)

    def _run_seed(self, number: int) -> Iterator[FineTuned | None]:
        seed = self._command.seed + number
        rows = self._sets[number].indices
        images = yield from result_of(view_pieces(self._dataset, "train", rows))
        labels = torch.from_numpy(self._numbered(self._train_labels[rows])).to(self._model.device)
        classifiers = {kind: self._make(kind, seed) for kind in KINDS}
        inputs: dict[TuningKind, Tensor] = {}
        tests: dict[TuningKind, Tensor] = {}
        train_x = torch.from_numpy(images).to(self._model.device)
        test_x = torch.from_numpy(self._test_images).to(self._model.device)
        for kind, one in classifiers.items():
            features = yield from self._features(kind, one, train_x)
            if not torch.isfinite(features).all():
                raise ValueError(
                    f"{self._layer.title} of {self._model.card.title} has values that are not finite; the training "
                    "has diverged. Choose an earlier checkpoint or another run."
                )
            one.standardize_by(features)
            one.prepare(self._command.learning_rate)
            inputs[kind], tests[kind] = train_x, test_x
            if one.frozen:
                inputs[kind] = features
                tests[kind] = yield from self._features(kind, one, test_x)
        order = np.random.RandomState(seed)
        place = 0
        for step in range(self._command.steps + 1):
            if step == self._places[place]:
                for kind, one in classifiers.items():
                    yield from self._measure(kind, one, (inputs[kind], labels), tests[kind], (number, place))
                yield self._event(self._progress(number))
                place += 1
            if step == self._command.steps:
                return
            self._began = self._began or time.monotonic()  # what came before is done once, whatever the steps
            size = min(self._command.batch_size, len(labels))
            batch = torch.from_numpy(order.permutation(len(labels))[:size]).to(labels.device)
            for kind, one in classifiers.items():
                yield from self._train(kind, one, inputs[kind][batch], labels[batch])
            self._done_steps += 1
            yield self._event(self._progress(number)) if self._meter.due() else None

    def _make(self, kind: TuningKind, seed: int) -> Classifier:
        if kind == "scratch":
            model = build_model(type(self._model), self._model.config, self._model.image, self._model.device, seed)
        else:
            model = copy.deepcopy(self._model)
        model = model.eval()
        for module in list(model.modules()):
            if isinstance(module, MovingAverage):
                module.thaw()
        timestep, count = self._command.space.timestep, len(self._classes)
        return Classifier(model, self._layer, timestep, count, frozen=kind == "frozen", seed=seed)

    def _features(self, kind: TuningKind, one: Classifier, x: Tensor) -> Work[Tensor]:
        parts: list[Tensor] = []
        for _ in self._pieces[kind].slices(len(x), lambda rows: parts.append(one.features(x[rows]))):
            yield None
        return torch.cat(parts)

    def _train(self, kind: TuningKind, one: Classifier, x: Tensor, labels: Tensor) -> Iterator[None]:
        """Make one step, a part of the batch after the other."""
        size = len(labels)
        yield from self._pieces[kind].slices(size, lambda rows: one.accumulate(x[rows], labels[rows], size))
        one.update()

    def _measure(
        self,
        kind: TuningKind,
        one: Classifier,
        train: tuple[Tensor, Tensor],
        test: Tensor,
        where: tuple[int, int],
    ) -> Iterator[None]:
        """Measure test accuracy and training loss of a classifier as it is.

        Raises:
            ValueError: when the loss is not finite.
        """
        found = [0.0, 0.0]
        test_labels = self._test_labels.to(test.device)

        def classify(rows: slice) -> None:
            known = test_labels[rows] >= 0
            if bool(known.any()):
                found[0] += one.scores(test[rows][known], test_labels[rows][known])[0]

        def score(rows: slice) -> None:
            found[1] += one.scores(train[0][rows], train[1][rows])[1]

        yield from self._pieces[kind].slices(len(test), classify)
        count = min(MAX_LOSS_IMAGES, len(train[1]))
        yield from self._pieces[kind].slices(count, score)
        if not np.isfinite(found[1]):
            raise ValueError(
                f"The loss of the {kind} classifier is not finite with the learning rate "
                f"{self._command.learning_rate:g}; choose a smaller one."
            )
        place = (KINDS.index(kind), *where)
        self._accuracies[place], self._losses[place] = found[0] / len(test), found[1] / count

    def _progress(self, number: int) -> WorkProgress:
        total = self._command.steps * self._command.num_seeds
        share, seconds = self._done_steps / total, time.monotonic() - (self._began or time.monotonic())
        left = seconds / share * (1.0 - share) if share > 0.0 and seconds > MEASURED_S else -1.0
        stage = "Training classifiers"
        if self._command.num_seeds > 1:
            stage += f", choice {number + 1} of {self._command.num_seeds}"
        return WorkProgress(stage=stage, share=share, seconds_left=left)

    def _event(self, progress: WorkProgress, *, done: bool = False) -> FineTuned:
        places = Array.of(np.array(self._places, dtype=np.int64))
        return FineTuned(
            request=self._command.request,
            space=self._command.space,
            run=self._command.run,
            title=f"{self._model.card.title}, {self._layer.title}",
            num_labels=len(self._sets[0].indices),
            num_test=len(self._test_labels),
            curves=tuple(
                FineTuneCurve(
                    kind=kind,
                    steps=places,
                    accuracies=Array.of(self._accuracies[number].copy()),
                    train_losses=Array.of(self._losses[number].copy()),
                )
                for number, kind in enumerate(KINDS)
            ),
            warnings=tuple(self._warnings),
            weights_step=self._step,
            progress=progress,
            done=done,
        )


def _places(steps: int) -> list[int]:
    """Steps after which the classifiers are measured: 0, the last, and others evenly between, rising."""
    return sorted({round(steps * number / (NUM_PLACES - 1)) for number in range(NUM_PLACES)})


def _check(command: FineTune) -> None:
    """Raise a ValueError for settings out of range."""
    if not command.space.run:
        raise ValueError("Pixels and principal components have no encoder that could be fine-tuned; choose a run.")
    limits: tuple[tuple[str, int, int], ...] = (
        ("steps", command.steps, MAX_STEPS),
        ("images a batch", command.batch_size, MAX_BATCH),
        ("choices of labelled images", command.num_seeds, MAX_SEEDS),
    )
    for words, value, most in limits:
        if not 1 <= value <= most:
            raise ValueError(f"{value:,} {words}; choose 1 to {most:,}.")
    if not 0.0 < command.learning_rate <= MAX_RATE:
        rate = f"{command.learning_rate:g}"
        raise ValueError(f"The learning rate is {rate}; choose more than 0 and at most {MAX_RATE:g}.")
    if command.max_test < 0:
        raise ValueError(f"{command.max_test} test images; choose 1 or more, or 0 for all.")
