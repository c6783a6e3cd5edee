"""Statistics that cure raw log p, each against its formula on models whose density is enumerated."""

import dataclasses
import io
import math
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from density_subjects import TINY, all_images, dataset_of, enumerated_log_probs, subject_with
from numpy.typing import NDArray
from PIL import Image

from gmstudio.engine.density.statistics import statistics_of, typicality
from gmstudio.engine.density.statistics.complexity import Complexity, code_lengths, coders_of, counted_bytes, encoded
from gmstudio.engine.density.statistics.ratio import Ratio
from gmstudio.engine.density.statistics.statistic import Scored, Statistic
from gmstudio.engine.density.statistics.typicality import Typicality
from gmstudio.engine.density.statistics.waic import Waic
from gmstudio.families import FAMILIES
from gmstudio.families.base import Preparation
from gmstudio.media.levels import grey_values
from gmstudio.protocol.density import StatisticSettings
from gmstudio.protocol.images import ImageSpec

NO_SETTINGS = StatisticSettings()
WITH_BACKGROUND = StatisticSettings(background="/runs/background")
ENSEMBLE = StatisticSettings(ensemble=("/runs/a", "/runs/b", "/runs/c"))


def scored(statistic: Statistic, images: NDArray[np.uint8] | None = None, seed: int = 0) -> Scored:
    """Score images in pieces as large as the statistic wants them."""
    images = all_images() if images is None else images
    for _ in statistic.prepare():
        pass
    generator = torch.Generator().manual_seed(seed)
    size = statistic.batch_size
    parts = [statistic.score(images[start : start + size], generator) for start in range(0, len(images), size)]
    errors = [part.errors for part in parts if part.errors is not None]
    return Scored(np.concatenate([part.values for part in parts]), np.concatenate(errors) if errors else None)


def ensemble_of(family: str = "nade", **config: Any) -> Any:
    """Subject ``/runs/a`` with two more members."""
    others = {
        f"/runs/{name}": subject_with(f"/runs/{name}", family, seed=seed, **config)
        for seed, name in ((1, "b"), (2, "c"))
    }
    return subject_with("/runs/a", family, others=others, **config)


def test_all_are_found_with_formula_help_and_source() -> None:
    found = statistics_of()
    names = [name for name in found if name in ("ratio", "complexity", "typicality", "waic")]
    assert names == ["ratio", "complexity", "typicality", "waic"]
    for name in names:
        card = found[name].card
        assert card.latex and card.help and "arXiv" in card.source
        assert found[name].refusal(FAMILIES["gan"](FAMILIES["gan"].Config(), ImageSpec(1, 8, 8, 2)))
        assert found[name].refusal(subject_with("/runs/a").model) == ""


class TestRatio:
    def test_it_is_the_difference_of_the_log_probabilities(self) -> None:
        background = subject_with("/runs/background", seed=7, mutation=0.3)
        model = subject_with("/runs/model", others={"/runs/background": background})
        ratio = Ratio(model, WITH_BACKGROUND, 0)
        found = scored(ratio)
        expected = enumerated_log_probs(model) - enumerated_log_probs(background)
        np.testing.assert_allclose(found.values, expected, atol=1e-5)
        assert found.errors is None
        assert ratio.kind_text == "exact log-likelihood ratio, background μ = 0.3"
        assert ratio.warnings() == ()

    def test_the_weights_of_the_background_are_part_of_the_key(self) -> None:
        keys = set()
        for seed in (1, 2):
            other = subject_with("/runs/background", seed=seed, mutation=0.3)
            keys.add(Ratio(subject_with("/runs/model", others={"/runs/background": other}), WITH_BACKGROUND, 0).key)
        assert len(keys) == 2

    def test_bounds_are_named_and_have_errors(self) -> None:
        background = subject_with("/runs/background", "vae", seed=2, mutation=0.1, num_latent=2)
        model = subject_with("/runs/model", "vae", others={"/runs/background": background}, num_latent=2)
        ratio = Ratio(model, msgspec.structs.replace(WITH_BACKGROUND, num_samples=8), 0)
        found = scored(ratio)
        assert found.errors is not None and (found.errors > 0).all()
        assert ratio.kind_text.startswith("difference of two")

    @pytest.mark.parametrize(
        ("background", "settings", "text"),
        [
            (None, NO_SETTINGS, "This run has no background model. Train one"),
            (None, StatisticSettings(background="/runs/model"), "is the model itself"),
            (("vae", TINY), WITH_BACKGROUND, "log-likelihood of another kind"),
            (("nade", ImageSpec(1, 2, 2, 2)), WITH_BACKGROUND, "has images of 2×2 grey, 2 levels"),
            (("autoencoder", TINY), WITH_BACKGROUND, "gives no likelihood"),
        ],
    )
    def test_what_is_no_background_is_refused(
        self, background: tuple[str, ImageSpec] | None, settings: StatisticSettings, text: str
    ) -> None:
        others = {}
        if background is not None:
            others["/runs/background"] = subject_with("/runs/background", background[0], image=background[1])
        with pytest.raises(ValueError, match=text):
            Ratio(subject_with("/runs/model", others=others), settings, 0)

    def test_a_background_without_noise_is_said(self) -> None:
        others = {"/runs/background": subject_with("/runs/background", seed=7)}
        (said,) = Ratio(subject_with("/runs/model", others=others), WITH_BACKGROUND, 0).warnings()
        assert "was trained without noise" in said


class TestWaic:
    def test_it_is_the_mean_minus_the_variance(self) -> None:
        subject = ensemble_of()
        log_probs = [enumerated_log_probs(member) for member in subject.ensemble(ENSEMBLE)]
        expected = []
        for values in zip(*log_probs, strict=True):
            mean = sum(values) / 3
            expected.append(mean - sum((value - mean) ** 2 for value in values) / 2)
        np.testing.assert_allclose(scored(Waic(subject, ENSEMBLE, 0)).values, expected, rtol=1e-5, atol=1e-5)

    def test_the_order_of_the_others_changes_nothing(self) -> None:
        turned = StatisticSettings(ensemble=("/runs/c", "/runs/b", "/runs/a"))
        subject = ensemble_of()
        assert Waic(subject, ENSEMBLE, 0).key == Waic(subject, turned, 0).key

    def test_errors_are_those_of_repeated_scores(self) -> None:
        """The error of the first order agrees with the spread over seeds."""
        settings = msgspec.structs.replace(ENSEMBLE, num_samples=200)
        waic = Waic(ensemble_of("vae", num_latent=1), settings, 0)
        images = all_images()[::40]
        found = [scored(waic, images, seed) for seed in range(60)]
        spread = np.std([one.values for one in found], axis=0, ddof=1)
        assert all(one.errors is not None for one in found)
        mean_error = np.mean([one.errors for one in found if one.errors is not None], axis=0)
        assert np.median(mean_error / spread) == pytest.approx(1, abs=0.35)

    def test_one_run_is_no_ensemble(self) -> None:
        with pytest.raises(ValueError, match="ensemble of two or more runs, and 1 is chosen; choose runs of the same"):
            Waic(subject_with("/runs/a"), StatisticSettings(ensemble=("/runs/a",)), 0)

    def test_a_mixture_of_kinds_is_said(self) -> None:
        subject = subject_with("/runs/a", others={"/runs/b": subject_with("/runs/b", "vae", num_latent=2)})
        (said,) = Waic(subject, ENSEMBLE, 0).warnings()
        assert "of several kinds (estimate, exact)" in said or "of several kinds (exact, lower bound)" in said


class TestTypicality:
    def test_it_is_the_distance_from_the_mean_over_training_images(self) -> None:
        subject = subject_with("/runs/model", seed=3)
        model: Any = subject.model
        with torch.no_grad():
            training = -model.log_prob(torch.from_numpy(dataset_of().train.images)).double().numpy()
        statistic = Typicality(subject, NO_SETTINGS, 0)
        expected = np.abs(-enumerated_log_probs(subject) - training.mean())
        np.testing.assert_allclose(scored(statistic).values, expected, atol=1e-5)
        assert statistic.entropy == pytest.approx(training.mean())
        error = training.std(ddof=1) / math.sqrt(len(training))
        assert statistic.kind_text.endswith(f"over 40 training images, {training.mean():.1f} ± {error:.1f} nats")

    def test_training_images_are_a_bounded_choice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(typicality, "MAX_TRAINING", 10)
        statistic = Typicality(subject_with("/runs/model", seed=4), NO_SETTINGS, 0)
        steps = list(statistic.prepare())
        assert steps and all(isinstance(step, Preparation) for step in steps) and steps[-1].share == 1.0
        assert "over 10 training images" in statistic.kind_text

    def test_the_mean_is_computed_once_for_the_same_weights(self) -> None:
        subject = subject_with("/runs/model", seed=5)
        first = Typicality(subject, NO_SETTINGS, 0)
        assert list(first.prepare())
        again = Typicality(subject, NO_SETTINGS, 0)
        assert list(again.prepare()) == []
        assert again.entropy == first.entropy

    def test_groups_are_scored_by_their_mean(self) -> None:
        subject = subject_with("/runs/model", seed=6)
        statistic = Typicality(subject, NO_SETTINGS, 0)
        list(statistic.prepare())
        log_probs = enumerated_log_probs(subject)
        groups = np.array([[0, 5, 9], [100, 200, 300]])
        expected = [abs(-(log_probs[a] + log_probs[b] + log_probs[c]) / 3 - statistic.entropy) for a, b, c in groups]
        np.testing.assert_allclose(statistic.group_scores(log_probs, groups), expected)

    def test_log_probabilities_that_are_not_finite_are_refused(self) -> None:
        subject = subject_with("/runs/model", seed=8)
        broken: Any = dataclasses.replace(subject, weights="broken")
        with torch.no_grad():
            next(iter(broken.model.parameters())).fill_(math.nan)
        with pytest.raises(ValueError, match="of 40 training images is not finite, so typicality has no mean"):
            list(Typicality(broken, NO_SETTINGS, 0).prepare())


class TestComplexity:
    @pytest.mark.parametrize("coder", ["png", "webp", "smallest"])
    def test_it_is_the_code_length_of_the_model_minus_that_of_a_coder(self, coder: Any) -> None:
        subject = subject_with("/runs/model", seed=3)
        statistic = Complexity(subject, StatisticSettings(coder=coder), 0)
        lengths = code_lengths(all_images(), 2, coders_of(coder))
        expected = -enumerated_log_probs(subject) / math.log(2) - lengths
        np.testing.assert_allclose(scored(statistic).values, expected, atol=1e-4)
        assert statistic.kind_text.startswith("−log₂ p (exact) minus the code length by ")
        assert statistic.card.direction == "anomalous"

    @pytest.mark.parametrize("coder", ["png", "webp", "jpeg2000"])
    @pytest.mark.parametrize(
        "image", [ImageSpec(channels, 8, 6, levels) for channels in (1, 3) for levels in (2, 3, 4, 16, 17, 256)]
    )
    def test_files_hold_the_levels_without_loss(self, coder: str, image: ImageSpec) -> None:
        if coder not in coders_of("smallest"):
            pytest.skip(f"Pillow has no {coder} here")
        levels = np.random.default_rng(0).integers(0, image.levels, image.shape).astype(np.uint8)
        content = encoded(levels, image.levels, coder)
        with Image.open(io.BytesIO(content)) as picture:
            found = np.atleast_3d(np.asarray(picture)).astype(np.uint8)
        np.testing.assert_array_equal(found[:, :, : image.channels].transpose(2, 0, 1), levels)
        assert 0 < counted_bytes(content, coder) < len(content)

    def test_binary_images_are_files_of_one_bit_a_pixel(self) -> None:
        image = np.random.default_rng(0).integers(0, 2, (1, 64, 64)).astype(np.uint8)
        content = encoded(image, 2, "png")
        assert content[24] == 1, "bit depth in the header"
        assert counted_bytes(content, "png") == pytest.approx(64 * 64 / 8, rel=0.2)
        assert encoded(image, 4, "png")[24] == 2
        assert encoded(image, 16, "png")[24] == 4

    def test_what_is_the_same_for_all_images_is_not_counted(self) -> None:
        image = np.zeros((1, 16, 16), np.uint8)
        content = encoded(image, 256, "png")
        assert counted_bytes(content, "png") == len(content) - 57, "signature, IHDR, IEND, frame of one IDAT"
        assert counted_bytes(encoded(image, 256, "webp"), "webp") < 24

    @pytest.mark.parametrize("levels", [2, 16, 256])
    def test_simple_images_are_shorter(self, levels: int) -> None:
        random = np.random.default_rng(1)
        flat = np.zeros((1, 28, 28), np.uint8)
        noise = random.integers(0, levels, (1, 28, 28)).astype(np.uint8)
        lengths = code_lengths(np.stack([flat, noise]), levels, coders_of("smallest"))
        assert lengths[0] < 300 and lengths[1] > 0.95 * 784 * math.log2(levels)

    def test_smallest_is_the_least_of_all(self) -> None:
        images = all_images()[100:120]
        each = [code_lengths(images, 2, (name,)) for name in coders_of("smallest")]
        np.testing.assert_array_equal(code_lengths(images, 2, coders_of("smallest")), np.min(each, axis=0))

    def test_a_coder_that_is_not_there_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("PIL.features.check", lambda _: False)
        assert coders_of("smallest") == ("png",)
        with pytest.raises(ValueError, match="has no webp coder; choose PNG"):
            coders_of("webp")

    def test_shifted_levels_have_the_same_length(self) -> None:
        """Levels are coded as numbers, not as intensities that depend on how many there are."""
        image = np.random.default_rng(2).integers(0, 4, (1, 12, 12)).astype(np.uint8)
        assert counted_bytes(encoded(image, 4, "webp"), "webp") <= counted_bytes(
            encoded(grey_values(4)[image], 256, "webp"), "webp"
        )
