r"""Autoencoder to VAE: the same data through both, noise on their codes, and samples of codes that were never encoded.

Source: Kingma & Welling 2014, arXiv:1312.6114, section 2.3; Higgins et al. 2017, β-VAE; Ghosh et al. 2020,
arXiv:1903.12436 (a distribution that is fitted to an autoencoder's codes). Measures are in ``coded_models``.
"""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
import torch
from msgspec import Struct
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.families.autoencoder import Autoencoder
from gmstudio.families.variational.vae import VAE
from gmstudio.labs.base import Lab, LabBench, Numbers
from gmstudio.labs.code_priors import Validity, fitted_gaussian, fitted_mixture, standard_normal_prior
from gmstudio.labs.coded_models import CodedModel, to_shares
from gmstudio.labs.drawing import line, wide
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.config import field
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.plane_layers import Dots, Ellipses
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Block, Curves, Mark, Pictures, Plane, Scene, Sentence, Table
from gmstudio.protocol.training_settings import Training

DATA: dict[str, tuple[str, dict[str, Any]]] = {
    "digits": ("digits", {"levels": 2}),
    "points": ("points", {"shape": "moons", "num_points": 2000, "num_valid": 200, "num_test": 50}),
}
TRAINING = Training(steps=600, batch_size=64, learning_rate=5e-3, schedule="cosine")
SIZES = {"num_latent": 2, "num_hidden": 128}
MEASURED = 400
"""Samples whose nearest training images are looked for."""
SHOWN_IMAGES, SHOWN_POINTS, MAX_DOTS = 24, 300, 700
SHOWN_RECONSTRUCTIONS = 8
NOISES: Numbers = np.linspace(0.0, 1.5, 16)


class AutoencoderToVAEConfig(Struct, frozen=True, kw_only=True):
    """Settings of the lab."""

    data: Annotated[
        Literal["digits", "points"],
        field("Data", "8×8 digits of two levels, or two moons in the plane.", labels={"digits": "8×8 digits"}),
    ] = "digits"
    beta: Annotated[
        float, field("β of the second model", "Weight of the KL of the VAE in the middle.", gt=0, le=0.5, log=True)
    ] = 0.1
    noise: Annotated[
        float,
        field("Noise of the code", "Added to the codes, in units of their standard deviation; 0: none.", ge=0, le=1.5),
    ] = 0.3
    prior: Annotated[
        Literal["normal", "gaussian", "mixture"],
        field(
            "Codes are drawn from",
            "The standard normal, or what was fitted to each model's codes after training.",
            labels={"normal": "N(0, I)", "gaussian": "fitted Gaussian", "mixture": "fitted mixture"},
        ),
    ] = "normal"
    components: Annotated[
        int, field("Components", "Gaussians of the mixture that is fitted to codes.", ge=2, le=40)
    ] = 10


PRIORS = ("normal", "gaussian", "mixture")


class AutoencoderToVAE(Lab):
    """An autoencoder, a VAE with a small β and one with β = 1, trained on the same data."""

    card: ClassVar[LabCard] = LabCard(
        name="autoencoder_to_vae",
        title="Autoencoder to VAE",
        question="What has to be added to an autoencoder before one can sample from it?",
        latex=r"\mathcal{L}_\beta = \mathbb{E}_{q(z|x)}[-\log p(x|z)] + \beta\, D_{KL}(q(z|x)\,\|\,p(z))",
        notes="notes 1, lines 52–65; notes 2, lines 64–116; notes 3, lines 58–101",
        book="Kingma & Welling (2014), arXiv:1312.6114, section 2.3; Prince (2023), Understanding Deep Learning, §17.1",
    )
    Config = AutoencoderToVAEConfig
    config: AutoencoderToVAEConfig
    actions: ClassVar[tuple[LabAction, ...]] = (
        LabAction(name="train", title="Train all three", help="Train the three models on the chosen data."),
        LabAction(
            name="fit", title="Fit priors", help="Fit a Gaussian and a mixture to each model's codes, and measure."
        ),
    )
    live_inputs: ClassVar[frozenset[str]] = frozenset({"noise"})

    def __init__(self, bench: LabBench, config: AutoencoderToVAEConfig) -> None:
        super().__init__(bench, config)
        self._data: Dataset | None = None
        self._models: list[CodedModel] = []
        self._validity: Validity | None = None
        self._held_out = 0.0
        self._curves: dict[str, Numbers] = {}

    def default_inputs(self) -> dict[str, Numbers]:
        """Place of the noise on its curve."""
        return {"noise": np.array([self.config.noise])}

    def prepare(self) -> Iterator[Scene | None]:
        """Train the three models."""
        yield from self.act("train")

    def configure(self, config: AutoencoderToVAEConfig) -> None:
        """Other data or another β ask for a training; another number of components for a fit."""
        old, self.config = self.config, config
        self.inputs["noise"] = np.array([config.noise])
        if (config.data, config.beta) != (old.data, old.beta):
            self._models, self._curves, self._validity = [], {}, None
        elif config.components != old.components:
            for coded in self._models:
                coded.priors, coded.log_evidence, coded.samples = coded.priors[:1], [], []

    def edit(self, name: str, values: Numbers) -> str:
        """See ``Lab``; the mark on the curve is the setting."""
        self.inputs[name] = np.clip(values, 0.0, 1.5)
        self.config = msgspec.structs.replace(self.config, noise=round(float(self.inputs[name][0]), 2))
        return ""

    # ---- training ----------------------------------------------------------------------------------------------

    def act(self, action: str) -> Iterator[Scene | None]:
        """Train all models, or fit distributions to the codes."""
        if action == "train" or not self._models:
            yield from self._train()
        if not self._curves:
            yield from self._measure_noise()
        yield from self._fit()

    def _train(self) -> Iterator[Scene | None]:
        self._models, self._curves, self._validity = [], {}, None
        source, config = DATA[self.config.data]
        dataset = self._data = yield from self.bench.data(source, config)
        levels = dataset.image.levels
        train, valid = (to_shares(torch.from_numpy(s.images), levels) for s in (dataset.train, dataset.valid))
        self._validity = Validity.of(train, valid)
        self._held_out = self._validity.measure(valid)[1]
        yield None
        plans: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("Autoencoder", "autoencoder", {"reconstruction": "likelihood"}),
            (f"VAE, β = {self.config.beta:g}", "vae", {"beta": self.config.beta}),
            ("VAE, β = 1", "vae", {}),
        )
        built: list[Autoencoder | VAE] = []
        for _title, family, settings in plans:
            model = self.bench.build(family, {**SIZES, **settings}, dataset)
            assert isinstance(model, Autoencoder | VAE)
            built.append(model.eval())
        self._models = [self._coded(plan[0], model) for plan, model in zip(plans, built, strict=True)]
        for number, (model, (title, _family, _settings)) in enumerate(zip(built, plans, strict=True)):
            for step in self.bench.train(model, dataset, TRAINING):
                if not self.bench.due():
                    yield None
                    continue
                self._models[number] = self._coded(title, model)
                share = (number + step / TRAINING.steps) / len(plans)
                stage = f"{title}: step {step:,} of {TRAINING.steps:,}"
                yield msgspec.structs.replace(self.scene(), stage=stage, progress=share)
            self._models[number] = self._coded(title, model)
            yield None

    def _coded(self, title: str, model: Autoencoder | VAE) -> CodedModel:
        assert self._data is not None
        return CodedModel.of(title, model, self._data, self._source(7))

    def _measure_noise(self) -> Iterator[None]:
        curves = {}
        for coded in self._models:
            found = []
            for noise in NOISES:  # the same draws at each, so that the curve is smooth
                codes = coded.noisy(coded.valid_means, float(noise), self._source(3))
                found.append(coded.reconstruction(self._valid(), codes))
                yield None
            curves[coded.title] = np.array(found)
        self._curves = curves

    def _fit(self) -> Iterator[Scene | None]:
        assert self._validity is not None
        for number, coded in enumerate(self._models):
            mixture = yield from fitted_mixture(self.bench, coded.train_codes, self.config.components)
            coded.priors = [standard_normal_prior(), fitted_gaussian(coded.train_codes), mixture]
            coded.samples = []
            for prior in coded.priors:
                draws = coded.draws(prior.draw(MEASURED, self._source(5)), self._source(6))
                coded.samples.append(self._validity.measure(to_shares(draws, coded.model.image.levels)))
                yield None
            for share in coded.measure_evidence(self._valid()):
                yield self._fitting((number + share) / len(self._models)) if self.bench.due() else None

    def _fitting(self, share: float) -> Scene:
        return msgspec.structs.replace(self.scene(), stage="Integrating over the codes …", progress=share)

    def _valid(self) -> Tensor:
        assert self._data is not None
        return torch.from_numpy(self._data.valid.images)

    def _source(self, offset: int) -> torch.Generator:
        """Noise that is the same on every device."""
        return torch.Generator().manual_seed(self.bench.seed + offset)

    # ---- drawing -----------------------------------------------------------------------------------------------

    def scene(self) -> Scene:
        """Codes, samples and reconstructions of the three models; what fitted priors gain."""
        if not self._models:
            text = "Train all three: an autoencoder and two VAEs with two latent dimensions."
            return Scene(rows=((Sentence(text=text),),))
        rows: tuple[tuple[Block, ...], ...] = (
            tuple(self._codes(coded) for coded in self._models),
            tuple(self._samples(coded, number) for number, coded in enumerate(self._models)),
            (Sentence(text=self._finding(), finding=True),),
            (self._noise_curve(), self._reconstructions()),
            (self._table(),),
            (Sentence(text=self._words()),),
        )
        return Scene(rows=rows)

    def _prior_of(self, coded: CodedModel) -> int:
        """Number of the prior in use; N(0, I) while the others are not fitted."""
        return min(PRIORS.index(self.config.prior), len(coded.priors) - 1)

    def _codes(self, coded: CodedModel) -> Plane:
        assert self._data is not None
        prior = coded.priors[self._prior_of(coded)]
        reach = max(3.5, 1.05 * float(np.abs(coded.train_codes).max()))
        labels = self._data.train.labels
        groups = None if labels is None else Array.of(labels[:MAX_DOTS])
        return Plane(
            title=f"Codes: {coded.title}",
            x=PointAxis("z₁", -reach, reach),
            y=PointAxis("z₂", -reach, reach),
            layers=(
                Dots(name="codes of images", points=wide(coded.train_codes[:MAX_DOTS]), groups=groups),
                Ellipses(name=prior.title, means=wide(prior.means), covariances=wide(prior.covariances), series=0),
            ),
            square=True,
            note=f"Code noise in training: {coded.deviation:.2f}",
        )

    def _samples(self, coded: CodedModel, number: int) -> Block:
        assert self._data is not None
        prior = coded.priors[self._prior_of(coded)]
        title = f"Samples, z from {prior.title}"
        if self.config.data == "digits":
            images = coded.draws(prior.draw(SHOWN_IMAGES, self._source(1)), self._source(2)).numpy()
            return Pictures(title=title, images=Array.of(to_display(images, self._data.image.levels)), columns=8)
        drawn = coded.draws(prior.draw(SHOWN_POINTS, self._source(1)), self._source(2))
        return self._points_plane(title, {"data": self._places(self._valid()), "samples": self._places(drawn)})

    def _reconstructions(self) -> Block:
        assert self._data is not None
        original = self._valid()
        noisy = [coded.noisy(coded.valid_means, self.config.noise, self._source(3)) for coded in self._models]
        title = f"Reconstructions with noise {self.config.noise:.2f} on the code"
        if self.config.data == "digits":
            shown = [to_display(original[:SHOWN_RECONSTRUCTIONS].numpy(), self._data.image.levels)]
            for coded, codes in zip(self._models, noisy, strict=True):
                means = coded.means(codes[:SHOWN_RECONSTRUCTIONS])
                shown.append((means.clamp(0, 1) * 255).round().to(torch.uint8).numpy())
            names = "; ".join(coded.title for coded in self._models)
            return Pictures(
                title=title,
                images=Array.of(np.concatenate(shown)),
                columns=SHOWN_RECONSTRUCTIONS,
                note=f"Rows: images; {names}.",
            )
        places = {"data": self._places(original)}
        for coded, codes in zip(self._models, noisy, strict=True):
            places[coded.title] = self._places(coded.draws(codes, self._source(4)))
        return self._points_plane(title, places)

    def _places(self, images: Tensor) -> Numbers:
        """(N, 2) centres of the levels of points."""
        assert self._data is not None
        levels = self._data.image.levels
        values = images.flatten(1).double().numpy()
        axes = self._data.axes
        return np.stack(
            [axis.low + (values[:, k] + 0.5) * (axis.high - axis.low) / levels for k, axis in enumerate(axes)], axis=1
        )

    def _points_plane(self, title: str, places: dict[str, Numbers]) -> Plane:
        assert self._data is not None
        layers = tuple(
            Dots(name=name, points=wide(points), series=number - 1)
            for number, (name, points) in enumerate(places.items())
        )
        return Plane(title=title, x=self._data.axes[0], y=self._data.axes[1], layers=layers, square=True)

    def _noise_curve(self) -> Curves:
        return Curves(
            title="Reconstruction loss over the noise of the code",
            x_title="noise, in standard deviations of the codes",
            y_title="−log p(x | z), nats",
            lines=tuple(line(title, NOISES, values) for title, values in self._curves.items()),
            x_range=(0.0, 1.5),
            marks=(Mark(name="noise", x=self.config.noise, label="noise"),),
        )

    def _table(self) -> Table:
        rows, values = [], []
        for coded in self._models:
            for number, prior in enumerate(coded.priors):
                share, distance = coded.samples[number] if number < len(coded.samples) else (np.nan, np.nan)
                evidence = coded.log_evidence[number] if number < len(coded.log_evidence) else np.nan
                rows.append(f"{coded.title}; {prior.title}")
                values.append((100 * share, distance, float(prior.log_density(coded.valid_codes).mean()), evidence))
        return Table(
            title="Samples, and log-likelihoods in nats, of each model with each distribution of codes",
            columns=("valid, %", "distance", "log π(z)", "log p(x)"),
            rows=tuple(rows),
            values=wide(values),
            format=".3f",
        )

    def _finding(self) -> str:
        plain, best = self._models[0], self._models[-1]
        if not self._curves:
            return (
                "What noise on the codes costs, and what a fitted prior gains, is measured when all three are trained."
            )
        at = [float(np.interp(self.config.noise, NOISES, self._curves[coded.title])) for coded in (plain, best)]
        text = (
            f"With noise {self.config.noise:.2f} the autoencoder's reconstruction loss rises by "
            f"{at[0] - self._curves[plain.title][0]:.1f} nats, that of the VAE with β = 1, which saw noise "
            f"{best.deviation:.2f} in training, by {at[1] - self._curves[best.title][0]:.1f}."
        )
        if len(plain.log_evidence) == len(best.log_evidence) == len(PRIORS):
            gaussian, mixture = (round(plain.log_evidence[k] - plain.log_evidence[0], 2) + 0.0 for k in (1, 2))
            text += (
                f" A Gaussian that is fitted to the autoencoder's codes changes log p(x) by {gaussian:+.2f} nats, a "
                f"mixture by {mixture:+.2f}, to {plain.log_evidence[2]:.2f}; the VAE's is {best.log_evidence[0]:.2f} "
                "with the prior that it was trained with."
            )
        return text

    def _words(self) -> str:
        return (
            f"All three have two latent dimensions and were trained just now for {TRAINING.steps:,} steps. The "
            "autoencoder minimizes −log p(x | z) alone: it is what a VAE becomes when β and the noise of its code go "
            "to 0. A sample is valid when it is as near to a training image as 95 % of held-out images, whose mean "
            f"distance from the data is {self._held_out:.3f}; π(z) is the distribution of codes, and log p(x) of "
            "held-out images is integrated over a grid of codes."
        )
