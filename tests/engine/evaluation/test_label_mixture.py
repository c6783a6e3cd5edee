"""log p(x) of class-conditional models: a mixture over the labels, in scores and in validation."""

import math

import numpy as np
import pytest
import torch
from autoregressive_cases import make
from msgspec.structs import asdict

from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.evaluation.label_mixture import MAX_LABELS, label_mixture
from gmstudio.engine.evaluation.likelihood import score
from gmstudio.engine.training.batches import Batches
from gmstudio.engine.training.validation import Validation
from gmstudio.families import FAMILIES
from gmstudio.protocol.families import MARGINAL_NLL
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.training_settings import Training
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import all_images

SPEC = ImageSpec(1, 2, 3, 2)
CONDITIONAL = {"num_layers": 1, "num_channels": 4, "num_head_channels": 5, "num_classes": 4}
LABELS = np.array([0, 0, 0, 1, 3, 3])
"""Of the training images; none is 2."""


def test_the_mixture_is_a_distribution_of_the_labels_that_were_trained() -> None:
    model, images = make("gated_pixelcnn", CONDITIONAL, SPEC).eval(), torch.cat(list(all_images(SPEC)))
    mixture = label_mixture(model, LABELS)
    assert mixture is not None and mixture.labels == [0, 1, 3]
    with torch.no_grad():
        given = {y: model.log_prob(images, labels=torch.full((len(images),), y)).exp() for y in (0, 1, 3)}
    expected = given[0] * 3 / 6 + given[1] * 1 / 6 + given[3] * 2 / 6
    found = mixture.log_prob(model, images).exp()
    torch.testing.assert_close(found, expected)
    assert found.sum().item() == pytest.approx(1.0, abs=1e-5)
    assert (given[0] - expected).abs().max() > 1e-3, "labels make a difference"


def test_a_score_by_the_mixture_says_so() -> None:
    model, images = make("gated_pixelcnn", CONDITIONAL, SPEC).eval(), torch.cat(list(all_images(SPEC)))
    mixture = label_mixture(model, LABELS)
    *_, found = score(model, images.numpy(), 1, mixture=mixture)
    assert found is not None and mixture is not None
    assert "log p(x) = log Σ p(y) p(x | y) over 3 labels y" in found.kind
    np.testing.assert_allclose(found.nats, mixture.log_prob(model, images).numpy(), rtol=1e-5)


def test_there_is_no_mixture_without_labels_or_of_too_many() -> None:
    assert label_mixture(make("gated_pixelcnn", CONDITIONAL, SPEC), None) is None
    assert label_mixture(make("pixelcnn", {}, SPEC), LABELS) is None
    many = make("gated_pixelcnn", CONDITIONAL | {"num_classes": MAX_LABELS + 1}, SPEC)
    assert label_mixture(many, np.arange(MAX_LABELS + 1)) is None


def test_validation_tells_both_likelihoods_apart() -> None:
    model = make("gated_pixelcnn", CONDITIONAL, SPEC).eval()
    random = np.random.default_rng(0)
    labels = random.choice(LABELS, 600)
    images = random.integers(0, 2, (600, 1, 2, 3), dtype=np.uint8)
    split = Split(images, labels)
    dataset, training = Dataset("made", {}, SPEC, split, split, split), Training(batch_size=64, validation_images=600)
    batches = Batches(dataset, 64, 0, torch.device("cpu"))
    *_, found = Validation(model, model.phases(), dataset, batches, training).measure()
    mixture = label_mixture(model, labels)
    assert found is not None and mixture is not None
    x = torch.from_numpy(images)
    with torch.no_grad():
        given = -model.log_prob(x, labels=torch.from_numpy(labels)).mean().item()
    marginal = -mixture.log_prob(model, x).mean().item()
    assert found["loss"] == pytest.approx(given, rel=1e-5)
    assert found[MARGINAL_NLL] == pytest.approx(marginal, abs=0.2 * abs(given - marginal) + 0.05)
    assert given - marginal > -math.log(6)


def test_a_model_of_no_classes_has_the_plain_objective_and_one_of_some_passes_the_laws() -> None:
    card = FAMILIES["gated_pixelcnn"].card
    plain = make("gated_pixelcnn", {**CONDITIONAL, "num_classes": None}, SPEC)
    assert card.objective(asdict(plain.config)).terms[0].latex == r"-\log p_\theta(x)"
    laws.losses_are_explained(make("gated_pixelcnn", CONDITIONAL, SPEC))


def test_the_card_says_which_likelihood_the_loss_is() -> None:
    card = FAMILIES["gated_pixelcnn"].card
    labelled, plain = card.objective({"num_classes": 10}), card.objective({"num_classes": 0})
    terms = {term.name: term for term in labelled.terms}
    assert terms["loss"].latex == r"-\log p_\theta(x \mid y)" and r"x \mid y" in labelled.latex
    assert terms[MARGINAL_NLL].latex == r"-\log p_\theta(x)"
    assert terms[MARGINAL_NLL].per_image_nats and not terms["loss"].per_image_nats
    assert [term.latex for term in plain.terms] == [r"-\log p_\theta(x)"]
