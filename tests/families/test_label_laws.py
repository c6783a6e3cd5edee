"""Class-conditional models: the laws hold given any label and without one, and labels go where they should."""

from typing import Any

import pytest
import torch
from autoregressive_cases import CASES, LARGER, describe, make

from gmstudio.families.autoregressive.gated_pixelcnn.model import GatedPixelCNN
from gmstudio.nn.stepping.ops import TorchOps
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import COUNTABLE, GREY, random_images, seeded

CONDITIONAL: dict[str, Any] = {"num_layers": 2, "num_channels": 4, "num_head_channels": 5, "num_classes": 3}
MIXTURE = {**CONDITIONAL, "output": "logistic mixture", "num_mixtures": 2, "corner": "bottom right"}

either_output = pytest.mark.parametrize("values", [CONDITIONAL, MIXTURE], ids=["softmax", "mixture"])
some_labels = pytest.mark.parametrize("label", [0, 2, -1, None])


@either_output
@some_labels
@pytest.mark.parametrize("image", COUNTABLE, ids=describe)
def test_probabilities_sum_to_one_given_a_label(values: dict[str, Any], image: ImageSpec, label: int | None) -> None:
    laws.probabilities_sum_to_one(make("gated_pixelcnn", values, image), label=label)


@either_output
@pytest.mark.parametrize("label", [2, -1])
@pytest.mark.parametrize("image", [LARGER[0], LARGER[3]], ids=describe)
def test_the_laws_hold_given_a_label(values: dict[str, Any], image: ImageSpec, label: int | None) -> None:
    model = make("gated_pixelcnn", values, image)
    laws.autoregression(model, label=label)
    laws.earlier_pixels_matter(model, label=label)
    laws.stepping_equals_scoring(model, label=label, batch=3)
    laws.fast_equals_plain(model, label=label, batch=1)
    laws.fast_equals_plain(model, label=label, batch=3)
    laws.rewinding_recomputes(model, label=label)
    laws.parallel_equals_sequential(model, label=label)


def test_images_of_a_batch_have_labels_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    model, labels = make("gated_pixelcnn", CONDITIONAL, LARGER[3]), torch.tensor([2, -1, 0, 1, 0])
    drawn = model.sample(5, seeded(), labels=labels)
    scored = model.log_prob(drawn, labels=labels)
    for index, label in enumerate(labels):
        alone = model.log_prob(drawn[index : index + 1], labels=None if label < 0 else label.view(1))
        assert torch.allclose(alone, scored[index : index + 1], atol=1e-4)
    assert (
        len({round(value, 3) for value in model.log_prob(drawn[:1].expand(5, -1, -1, -1), labels=labels).tolist()}) == 4
    )
    plain = model.plain_pixel_session(5, generator=seeded(), labels=labels)
    plain.finish()
    assert torch.equal(plain.images, drawn)
    monkeypatch.setattr(GatedPixelCNN, "max_session", 2)
    assert torch.equal(model.sample(5, seeded(), labels=labels), drawn)


def test_torch_operations_sample_alike() -> None:
    model, labels = make("gated_pixelcnn", CONDITIONAL, LARGER[3]), torch.tensor([2, -1])
    images = random_images(LARGER[3], 2).numpy()
    expected = model.logits(torch.from_numpy(images), model.own_order, labels)
    stepper = model.open_stepper(images, TorchOps(2, torch.device("cpu")), True, labels)
    for step, (channel, row, column) in enumerate(model.own_order.tolist()):
        found = torch.from_numpy(stepper.logits(step).copy()).softmax(1)
        assert torch.allclose(found, expected[:, channel, row, column].softmax(1), atol=1e-5)


def test_every_label_of_a_batch_is_learned_and_no_other() -> None:
    model = make("gated_pixelcnn", {**CONDITIONAL, "label_dropout": 0.0}, ImageSpec(3, 2, 2, 3))
    (phase,) = model.phases()
    assert phase.takes_labels
    phase.loss(random_images(model.image, 4), seeded(), torch.tensor([0, 1, 0, 1]))["loss"].backward()
    for layer in (model.input, *model.layers):
        for table in (layer.vertical_labels, layer.horizontal_labels):
            if table is not None:
                assert [bool(row.abs().sum() > 0) for row in table.grad] == [True, True, False, False]


def test_some_labels_are_hidden_in_training_and_none_in_validation() -> None:
    x, labels = random_images(GREY, 6), torch.tensor([0, 1, 2, 0, 1, 2])
    losses = {}
    for dropout in (0.0, 0.5, 1.0):
        model = make("gated_pixelcnn", {**CONDITIONAL, "label_dropout": dropout}, GREY)
        (phase,) = model.phases()
        losses[dropout] = phase.loss(x, seeded(), labels)["loss"]
        assert torch.equal(phase.loss(x, seeded(), labels)["loss"], losses[dropout]), "a seed repeats"
        model.eval()
        assert torch.allclose(phase.loss(x, seeded(), labels)["loss"], -model.log_prob(x, labels=labels).mean())
        assert torch.allclose(phase.loss(x, seeded())["loss"], -model.log_prob(x).mean())
    assert torch.allclose(losses[0.0], -model.log_prob(x, labels=labels).mean())
    assert torch.allclose(losses[1.0], -model.log_prob(x).mean())
    assert losses[0.5] not in (losses[0.0], losses[1.0])


def test_classes_and_no_class_are_told_apart_by_training() -> None:
    torch.manual_seed(0)
    model = GatedPixelCNN(GatedPixelCNN.Config(**{**CONDITIONAL, "num_layers": 1, "num_classes": 2}), GREY)
    x = torch.stack([torch.zeros(1, 2, 2), torch.full((1, 2, 2), 3)]).to(torch.uint8).repeat(8, 1, 1, 1)
    labels = torch.tensor([0, 1]).repeat(8)
    (phase,) = model.phases()
    optimizer, noise = torch.optim.Adam(phase.parameters, lr=2e-2), seeded()
    for _ in range(80):
        optimizer.zero_grad()
        phase.loss(x, noise, labels)["loss"].backward()
        optimizer.step()
    with torch.no_grad():
        given, without = model.log_prob(x[:2], labels=labels[:2]), model.log_prob(x[:2])
        swapped = model.log_prob(x[:2], labels=labels[:2].flip(0))
    assert (given > -0.3).all() and (swapped < -3).all()
    assert (without < given - 0.05).all() and (without > swapped + 0.5).all()  # it does not know which of the two


def test_a_model_without_classes_is_what_it_was() -> None:
    plain = make("gated_pixelcnn", {**CONDITIONAL, "num_classes": 0}, GREY)
    default = make("gated_pixelcnn", {**CONDITIONAL, "num_classes": None}, GREY)
    assert plain.num_classes == default.num_classes == 0
    assert not plain.phases()[0].takes_labels
    assert not any("labels" in name for name in plain.state_dict())
    assert list(plain.state_dict()) == list(default.state_dict())


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (torch.tensor([3, 0]), "no label 3; this model has 0 to 2, and -1 for no label"),
        (torch.tensor([-2, 0]), "no label -2"),
        (torch.tensor([0]), r"shape \(1,\) do not fit 2 images"),
        (torch.tensor([[0, 1]]), r"shape \(1, 2\)"),
        (torch.tensor([0.0, 1.0]), "float32"),
        (torch.tensor([True, False]), "bool"),
    ],
)
def test_unsuitable_labels_are_refused(labels: torch.Tensor, said: str) -> None:
    model = make("gated_pixelcnn", CONDITIONAL, GREY)
    x = random_images(GREY, 2)
    for ask in (
        lambda: model.log_prob(x, labels=labels),
        lambda: model.sample(2, labels=labels),
        lambda: model.pixel_session(2, labels=labels),
        lambda: model.plain_pixel_session(2, labels=labels),
    ):
        with pytest.raises(ValueError, match=said):
            ask()


@pytest.mark.parametrize(
    ("name", "values"), [pytest.param(name, values, id=name) for name, number, values in CASES if not number]
)
def test_models_without_labels_refuse_them(name: str, values: dict[str, Any]) -> None:
    model, labels = make(name, values, GREY), torch.tensor([0])
    for ask in (
        lambda: model.log_prob(random_images(GREY, 1), labels=labels),
        lambda: model.sample(1, labels=labels),
        lambda: model.pixel_session(1, labels=labels),
        lambda: model.plain_pixel_session(1, labels=labels),
    ):
        with pytest.raises(ValueError, match="was not trained with labels"):
            ask()
