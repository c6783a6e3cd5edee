"""Fine-tuning: three classifiers that differ in what their encoders begin with, and nothing else."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from one_run import OneRun
from torch import Tensor, nn

from gmstudio import data
from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.features import fine_tuning
from gmstudio.engine.features.fine_tuning import Classifier, FineTuning, PieceSize
from gmstudio.engine.features.layers import layer_of
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.nn.ema import MovingAverage
from gmstudio.protocol.features import FeatureSpace
from gmstudio.protocol.features_fine_tuning import FineTune, FineTuned
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.record import new_record

DIGITS = data.load("digits", {"levels": 4})
RUN = "/runs/one"
SMALL: dict[str, dict[str, Any]] = {
    "markov": {"estimator": "logistic", "num_parents": 2},
    "fvbn": {},
    "nade": {"num_hidden": 12},
    "made": {"num_hidden": 20},
    "pixelcnn": {"num_channels": 4, "num_blocks": 1},
    "gated_pixelcnn": {"num_channels": 4, "num_layers": 1, "num_classes": 10},
    "pixelrnn_row": {"num_channels": 3, "num_layers": 1},
    "pixelrnn_diagonal": {"num_channels": 3, "num_layers": 1},
    "realnvp": {"num_channels": 4},
    "vae": {"num_hidden": 16},
    "ddpm": {"num_channels": 8, "num_timesteps": 20},
    "rbm": {"num_hidden": 20},
    "gsn": {"num_hidden": 20},
    "gan": {"num_hidden": 20},
    "autoencoder": {"num_hidden": 16},
}


def build(name: str, **config: Any) -> Family:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(9)
        kind = FAMILIES[name]
        return kind(kind.Config(**{**SMALL[name], **config}), DIGITS.image).eval()


RECORD = new_record(RunSpec(family="vae", data="digits"), image=DIGITS.image, device="cpu")


def started(model: Family, layer: str = "", dataset: Dataset = DIGITS, **settings: Any) -> FineTuning:
    timestep = settings.pop("timestep", 0)
    space = settings.pop("space", FeatureSpace(run=RUN, layer=layer, timestep=timestep))
    settings = {"labels_per_class": 3, "steps": 6, "num_seeds": 1, "max_test": 60, "batch_size": 16, **settings}
    return FineTuning(OneRun(model, RECORD), dataset, FineTune(request=1, space=space, run=RUN, **settings))


def tuned(model: Family, layer: str = "", dataset: Dataset = DIGITS, **settings: Any) -> FineTuned:
    """The last event."""
    *_, last = started(model, layer, dataset, **settings).run()
    assert last is not None and last.done and last.ends_request()
    return last


def values(found: FineTuned, what: str = "accuracies") -> dict[str, Any]:
    return {curve.kind: getattr(curve, what).numpy() for curve in found.curves}


@pytest.mark.parametrize("name", list(FAMILIES))
def test_every_family_can_be_fine_tuned(name: str) -> None:
    model = build(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    rate = 1e-5 if name in ("markov", "fvbn") else 1e-3  # whose weights begin at 0.01
    found = tuned(model, steps=10, learning_rate=rate)
    accuracies, losses = values(found), values(found, "train_losses")
    assert list(accuracies) == ["fine-tuned", "frozen", "scratch"]
    for kind, curve in losses.items():
        assert curve.shape == (1, 11) and np.isfinite(curve).all() and curve[0, -1] < curve[0, 0], kind
    assert accuracies["fine-tuned"][0, 0] == accuracies["frozen"][0, 0]  # they begin alike
    assert losses["fine-tuned"][0, 0] == pytest.approx(losses["frozen"][0, 0], rel=1e-4)
    assert losses["fine-tuned"][0, -1] != losses["frozen"][0, -1]
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), key  # the run's own model stays


def test_the_same_command_gives_the_same_curves() -> None:
    first, second = (values(tuned(build("vae"), num_seeds=2)) for _ in range(2))
    for kind, curve in first.items():
        np.testing.assert_allclose(curve, second[kind], atol=0.04)  # parts of batches are summed in another order
        assert curve.shape == (2, 7)


def test_each_seed_has_labels_of_its_own_and_all_three_share_them() -> None:
    work = started(build("vae"), num_seeds=2)
    first, second = work._sets
    assert len(first.indices) == 30 and set(first.indices) != set(second.indices)


def test_a_frozen_encoder_is_a_linear_classifier_on_fixed_features() -> None:
    model = build("vae")
    found = tuned(model, steps=3, learning_rate=1e-2, batch_size=16, seed=5)
    images = DIGITS.view("train", started(model, seed=5)._sets[0].indices)
    labels = torch.from_numpy(cast(Any, DIGITS.train.labels)[started(model, seed=5)._sets[0].indices])
    with torch.no_grad():
        features = cast(Any, model).encode(torch.from_numpy(images))
    deviation = features.std(0, correction=0)
    standard = (features - features.mean(0)) / deviation.clamp(min=0.1 * float(deviation.square().mean().sqrt()))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        head = nn.Linear(10, 10)
    adam = torch.optim.Adam(head.parameters(), lr=0.1)
    order = np.random.RandomState(5)
    for _ in range(3):
        rows = torch.from_numpy(order.permutation(30)[:16])
        adam.zero_grad()
        nn.functional.cross_entropy(head(standard[rows]), labels[rows]).backward()
        adam.step()
    loss = float(nn.functional.cross_entropy(head(standard), labels).detach())
    assert values(found, "train_losses")["frozen"][0, -1] == pytest.approx(loss, rel=1e-3)


def test_a_good_encoder_helps_with_few_labels() -> None:
    """An encoder that was trained with all labels, against one from scratch with two a class."""
    model = build("autoencoder", num_latent=10, num_hidden=64)
    labels = torch.from_numpy(cast(Any, DIGITS.train.labels))
    images = torch.from_numpy(DIGITS.train.images)
    adam = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(400):
        rows = torch.arange(step * 64, step * 64 + 64) % len(labels)
        adam.zero_grad()
        nn.functional.cross_entropy(4.0 * cast(Any, model).encode(images[rows]), labels[rows]).backward()
        adam.step()
    found = values(tuned(model, "code", labels_per_class=2, steps=60, num_seeds=2, max_test=0))
    last = {kind: curve[:, -1].mean() for kind, curve in found.items()}
    assert min(last["fine-tuned"], last["frozen"]) > last["scratch"] + 0.05


def test_curves_grow_while_it_works_and_progress_reaches_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmstudio.engine.runtime.meter.REPORT_S", 0.0)
    pieces = list(started(build("vae"), steps=20, num_seeds=2).run())
    events = [event for event in pieces if event is not None]
    known = [int(np.isfinite(event.curves[0].accuracies.numpy()).sum()) for event in events]
    shares = [event.progress.share for event in events]
    assert known == sorted(known) and known[-1] == 2 * 11 and known[0] == 1
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert events[0].curves[0].steps.numpy().tolist() == list(range(0, 21, 2))
    assert (events[-1].title, events[-1].num_labels, events[-1].num_test) == ("VAE, Posterior mean", 30, 60)
    assert events[-1].weights_step == 7
    assert events[len(events) // 4].progress.stage == "Training classifiers, choice 1 of 2"


def test_it_ends_between_two_pieces() -> None:
    pieces = started(build("vae"), steps=50).run()
    next(pieces)
    cast(Any, pieces).close()
    assert list(pieces) == []


def test_the_averaged_weights_of_a_diffusion_model_are_those_that_move() -> None:
    model = build("ddpm")
    average = next(module for module in model.modules() if isinstance(module, MovingAverage))
    with torch.no_grad():
        for buffer in average.copy.buffers():
            buffer.mul_(1.1)
    one = started(model)._make("fine-tuned", 0)
    x = torch.from_numpy(DIGITS.train.images[:4])
    with torch.no_grad():
        expected = cast(Any, model).layer_values(x, "middle-grid")
    torch.testing.assert_close(one.features(x), expected)
    one.standardize_by(one.features(x))
    one.prepare(1e-2)
    one.accumulate(x, torch.zeros(4, dtype=torch.int64), 4)
    one.update()
    assert not torch.allclose(one.features(x), expected)


def test_classes_may_have_any_numbers() -> None:
    labels = cast(Any, DIGITS.train.labels)
    few = replace(DIGITS, train=Split(DIGITS.train.images, np.where(labels > 4, 9, 3)))
    found = tuned(build("vae"), dataset=few, steps=30)
    rest = float(np.mean(np.isin(cast(Any, DIGITS.test.labels), (3, 9))))
    assert values(found)["fine-tuned"].max() <= rest + 0.15  # other test labels count as errors


class _Cut(Family):
    """Encodes without a gradient."""

    card, Config, training_defaults = (
        FAMILIES["vae"].card,
        FAMILIES["vae"].Config,
        FAMILIES["vae"].training_defaults,
    )

    def __init__(self, config: Any = None, image: Any = None) -> None:
        super().__init__(self.Config(), DIGITS.image)
        self.weight = nn.Parameter(torch.randn(64, 3))

    def phases(self) -> list[Any]:
        return []

    def encode(self, x: Tensor) -> Tensor:
        return x.flatten(1).float() @ self.weight.detach()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"space": FeatureSpace(layer="pca")}, "Pixels and principal components have no encoder"),
        ({"steps": 0}, "0 steps; choose 1 to 100,000"),
        ({"batch_size": 2000}, "2,000 images a batch; choose 1 to 1,024"),
        ({"num_seeds": 0}, "0 choices of labelled images"),
        ({"learning_rate": 0.0}, "The learning rate is 0; choose more than 0"),
        ({"learning_rate": float("nan")}, "The learning rate is nan"),
        ({"max_test": -1}, "-1 test images"),
        ({"layer": "deep"}, "no layer 'deep'"),
        ({"timestep": 4}, "takes no timestep"),
        ({"dataset": replace(DIGITS, train=Split(DIGITS.train.images))}, "have no labels, which a classifier needs"),
    ],
)
def test_what_cannot_be_tuned_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        started(build("vae"), **settings)


def test_an_encoder_without_gradient_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="No gradient leads through this layer of VAE"):
        tuned(_Cut())


def test_a_loss_that_explodes_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Classifier, "scores", lambda *_: (0, float("nan")))
    with pytest.raises(ValueError, match=r"fine-tuned classifier is not finite with the learning rate 0\.5"):
        tuned(build("vae"), learning_rate=0.5)


def test_features_that_do_not_vary_are_standardized_without_dividing_by_zero() -> None:
    model = build("vae")
    one = Classifier(model, layer_of(model, "code"), 0, 3, frozen=False, seed=0)
    one.standardize_by(torch.ones(5, 10))
    assert one.deviation.tolist() == [1.0] * 10
    features = torch.zeros(4, 10)
    features[:, 0] = torch.tensor([0.0, 2.0, 0.0, 2.0])
    one.standardize_by(features)
    assert one.deviation[0] == 1.0 and one.deviation[1] == pytest.approx(fine_tuning.SMALLEST_DEVIATION / 10**0.5)


def test_pieces_cover_all_rows_once() -> None:
    size, seen = PieceSize(), []
    for _ in range(3):
        rows: list[int] = []
        for _ in size.slices(37, lambda part, rows=rows: rows.extend(range(part.start, part.stop))):  # type: ignore[misc]
            pass
        seen.append(rows)
    assert seen == [list(range(37))] * 3
