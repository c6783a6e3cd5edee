r"""The bound: what a VAE maximizes, taken apart for one image, with the integrals over its two-dimensional code.

Source: Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014, arXiv:1312.6114, section 2; Cremer, Li & Duvenaud
2018, Inference suboptimality in variational autoencoders, arXiv:1801.03558, section 3 (what the gap consists of).
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import torch
from msgspec import Struct

from gmstudio.data.dataset import Dataset
from gmstudio.families.variational.base import Variational
from gmstudio.families.variational.vae import VAE
from gmstudio.labs.base import Lab, LabBench, Numbers
from gmstudio.labs.bound_estimates import BoundEstimates
from gmstudio.labs.bound_terms import CodeModel, Gaussian2, Terms, TruePosterior, terms_of, tighten, true_posterior
from gmstudio.labs.drawing import bars, heat, wide
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.config import field
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.plane_layers import Dots, Ellipses, Handles
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Block, Number, Pictures, Plane, Scene, Sentence
from gmstudio.protocol.scenes import Numbers as NumbersBlock
from gmstudio.protocol.training_settings import Training

DATA, DATA_CONFIG = "digits", {"levels": 2}
CONFIG = {"num_latent": 2, "num_hidden": 128}
TRAINING = Training(steps=1500, batch_size=64, learning_rate=3e-3, schedule="cosine")
NUM_DRAWS = 40
SHOWN_DRAWS = 6
TIGHTEN_STEPS = 150
MIN_DEVIATION, MAX_DEVIATION = 0.005, 2.0
SHOWN_REACH = 5.0
"""Standard deviations of the posterior that are shown to each side of its mean."""


class BoundConfig(Struct, frozen=True, kw_only=True):
    """Settings of the lab."""

    image: Annotated[
        int, field("Image", "Number of the validation image whose bound is taken apart.", ge=0, le=9_999)
    ] = 0
    draws: Annotated[
        int,
        field(
            "Draws",
            "Codes that are drawn from the prior, and from q, to estimate log p(x).",
            ge=5_000,
            le=500_000,
            unit="draws",
            log=True,
        ),
    ] = 50_000


class Bound(Lab):
    """The three terms of log p(x) for an image, and a q that is dragged."""

    card: ClassVar[LabCard] = LabCard(
        name="bound",
        title="The bound",
        question="What does a VAE maximize in place of log p(x), and how far below it is that?",
        latex=r"\log p(x) = \mathbb{E}_q[\log p(x|z)] - D_{KL}(q\,\|\,p(z)) + D_{KL}(q\,\|\,p(z|x))",
        notes="notes 2, lines 78–88; notes 1, lines 46–69; notes 3, lines 121–154",
        book="Kingma & Welling (2014), arXiv:1312.6114, section 2; Prince (2023), Understanding Deep Learning, §17.3",
        families=("vae",),
        examples=("vae-2d",),
    )
    Config = BoundConfig
    config: BoundConfig
    actions: ClassVar[tuple[LabAction, ...]] = (
        LabAction(name="encoder", title="Encoder's q", help="Set q to what the encoder proposes for this image."),
        LabAction(name="tighten", title="Tighten the bound", help="Raise the bound by gradient steps on q's μ and σ."),
        LabAction(
            name="estimate",
            title="Estimate log p(x)",
            help="Draw codes from the prior, and from q, and average more and more of their weights.",
        ),
        LabAction(
            name="gradients",
            title="Compare gradients",
            help="Measure two estimates of the bound's gradient with respect to q's mean, thousands of times.",
        ),
    )

    def __init__(self, bench: LabBench, config: BoundConfig) -> None:
        self._model: Variational | None = None
        self._data: Dataset | None = None
        self._words = ""
        self._image: CodeModel | None = None
        self._posterior: TruePosterior | None = None
        super().__init__(bench, config)
        self._estimates = BoundEstimates()

    # ---- model and image ---------------------------------------------------------------------------------------

    def default_inputs(self) -> dict[str, Numbers]:
        """Handles of q: rows are its mean and the places of one standard deviation along each axis."""
        q = Gaussian2(np.zeros(2), np.ones(2)) if self._image is None else self._encoded()
        return {"q": _handles(q)}

    def prepare(self) -> Iterator[Scene | None]:
        """Take a run's VAE with two latent dimensions, else train a small one on the 8×8 digits."""
        ready = yield from self.bench.ready("vae")
        model = ready.model if ready is not None else None
        if ready is not None and ready.dataset is not None and isinstance(model, Variational) and _fits(model):
            self._model, self._data = model, ready.dataset
            self._words = f"The model is “{ready.title}”, step {ready.step:,}."
        else:
            yield from self._train(ready.title if ready is not None else "")
        self._choose()

    def _train(self, refused: str) -> Iterator[None]:
        dataset = yield from self.bench.data(DATA, DATA_CONFIG)
        model = self.bench.build("vae", CONFIG, dataset)
        assert isinstance(model, Variational)
        for _step in self.bench.train(model, dataset, TRAINING):
            yield None
        self._model, self._data = model.eval(), dataset
        why = f"“{refused}” has not two latent dimensions, or its data are missing. " if refused else ""
        self._words = f"{why}The model is a VAE that was trained just now on 8×8 digits, {TRAINING.steps:,} steps."

    def configure(self, config: BoundConfig) -> None:
        """Another image has another posterior, and begins at the encoder's q."""
        changed, self.config = config.image != self.config.image, config
        if changed and self._model is not None:
            self._choose()

    def _choose(self) -> None:
        assert self._model is not None and self._data is not None
        x_1CHW = torch.from_numpy(self._data.view("valid", range(self._index, self._index + 1))).to(self._model.device)
        self._image = CodeModel(self._model, x_1CHW)
        self._posterior = true_posterior(self._image)
        self.inputs = self.default_inputs()
        self._estimates = BoundEstimates()

    @property
    def _index(self) -> int:
        assert self._data is not None
        return self.config.image % len(self._data.valid)

    def _encoded(self) -> Gaussian2:
        assert self._image is not None
        with torch.inference_mode():
            mean, deviation = (
                values[0].double().cpu().numpy() for values in self._image.model.posterior(self._image.x_1CHW)
            )
        return Gaussian2(mean, np.clip(deviation, MIN_DEVIATION, MAX_DEVIATION))

    @property
    def q(self) -> Gaussian2:
        """The Gaussian that is in place."""
        handles = self.inputs["q"]
        return Gaussian2(handles[0], np.array([handles[1, 0] - handles[0, 0], handles[2, 1] - handles[0, 1]]))

    # ---- acting ------------------------------------------------------------------------------------------------

    def edit(self, name: str, values: Numbers) -> str:
        """Take handles: a dragged mean takes the others along, and a deviation stays within its limits."""
        mean, moved = values[0], values[0] - self.inputs["q"][0]
        if np.abs(moved).max() > 0 and np.array_equal(values[1:], self.inputs["q"][1:]):
            values = values + np.stack([np.zeros(2), moved, moved])
        deviation = np.abs(np.array([values[1, 0] - mean[0], values[2, 1] - mean[1]]))
        kept = np.clip(deviation, MIN_DEVIATION, MAX_DEVIATION)
        self.inputs[name] = _handles(Gaussian2(mean, kept))
        self._estimates.forget_q()
        if np.array_equal(kept, deviation):
            return ""
        was = float(deviation[kept != deviation][0])
        return f"A standard deviation of q was {was:.3g}; it stays from {MIN_DEVIATION:g} to {MAX_DEVIATION:g}."

    def act(self, action: str) -> Iterator[Scene | None]:
        """Move q, or estimate by Monte Carlo."""
        assert self._image is not None
        if action == "encoder":
            self.inputs["q"] = _handles(self._encoded())
            self._estimates.forget_q()
        elif action == "tighten":
            self._estimates.forget_q()
            for step, q in enumerate(tighten(self._image, self.q, TIGHTEN_STEPS)):
                self.inputs["q"] = _handles(q)
                yield self._staged("Tightening", step / TIGHTEN_STEPS) if self.bench.due() else None
        elif action == "estimate":
            pieces = self._estimates.estimate(self._image, self.q, self.config.draws, self.bench.generator(1))
            for share in pieces:
                yield self._staged("Drawing codes", share) if self.bench.due() else None
        else:
            yield from self._estimates.compare_gradients(self._image, self.q, self.bench.generator(2))

    def _staged(self, stage: str, share: float) -> Scene:
        return msgspec.structs.replace(self.scene(), stage=f"{stage} …", progress=share)

    # ---- drawing -----------------------------------------------------------------------------------------------

    def scene(self) -> Scene:
        """Posterior and q; the terms; estimates from the prior and from q; gradients."""
        if self._image is None or self._posterior is None:
            return Scene(rows=((Sentence(text="Training a small VAE …"),),), stage="Training a small VAE")
        terms = terms_of(self._image, self._posterior, self.q)
        best = self._posterior.log_evidence
        rows: tuple[tuple[Block, ...], ...] = (
            (self._plane(self._posterior), self._pictures(self._image)),
            (Sentence(text=self._finding(terms), finding=True),),
            (_numbers(terms), _bars(terms)),
            (self._estimates.prior_curves(best), self._estimates.bound_curves(best)),
            (self._estimates.gradient_table(),),
            (Sentence(text=self._estimates.finding(best), finding=True),),
            (Sentence(text=self._estimates.gradient_finding(), finding=True),),
            (Sentence(text=f"{self._words} {_parameter_words(self._image.model)}".strip()),),
        )
        return Scene(rows=rows)

    def _plane(self, posterior: TruePosterior) -> Plane:
        reach = np.maximum(SHOWN_REACH * posterior.deviation, np.abs(self._encoded().mean - posterior.mean) * 2)
        left, bottom, right, top = (float(end) for end in (*(posterior.mean - reach), *(posterior.mean + reach)))
        q, handles = self.q, self.inputs["q"]
        draws = q.draw(NUM_DRAWS, self.bench.generator(3))
        return Plane(
            title="True posterior p(z | x), and q(z) over it",
            x=PointAxis("z₁", left, right),
            y=PointAxis("z₂", bottom, top),
            layers=(
                heat("p(z | x)", posterior.density, posterior.extent, contours=4),
                Ellipses(
                    name="q(z)", means=wide(q.mean[None]), covariances=wide(np.diag(q.deviation**2)[None]), series=0
                ),
                Dots(name="draws from q", points=wide(draws), series=0),
                Handles(
                    name="q",
                    points=wide(handles),
                    labels=("μ", "σ₁", "σ₂"),
                    help="Drag μ to move q, and σ₁ or σ₂ to make it wider or narrower: the gap is KL(q ‖ p(z | x)).",
                ),
            ),
            note="Ellipses at one and two standard deviations of q.",
        )

    def _pictures(self, image: CodeModel) -> Pictures:
        assert self._data is not None
        q = self.q
        codes = np.concatenate([q.mean[None], q.draw(NUM_DRAWS, self.bench.generator(3))[:SHOWN_DRAWS]])
        with torch.inference_mode():
            means = image.model.decode(torch.from_numpy(codes).float().to(image.model.device))
        decoded = (means.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
        original = to_display(image.x_1CHW.cpu().numpy(), self._data.image.levels)
        draws = tuple(f"draw {number + 1}" for number in range(SHOWN_DRAWS))
        return Pictures(
            title=f"Image {self._index}, and means of p(x | z) for z from q",
            images=Array.of(np.concatenate([original, decoded])),
            captions=("x", "at μ", *draws),
            columns=4,
        )

    def _finding(self, terms: Terms) -> str:
        share = terms.kl_posterior
        return (
            f"log p(x) = {terms.log_evidence:.3f} nats by quadrature. The bound is {terms.bound:.3f}, lower by "
            f"KL(q ‖ p(z | x)) = {share:.3f} nats: the three terms add up to log p(x) within "
            f"{abs(terms.total - terms.log_evidence):.0e} nats."
        )


def _fits(model: Variational) -> bool:
    """Whether integrals over the codes of a model can be computed on a grid, fast enough to follow a hand."""
    return model.latent.num_dims == 2 and model.image.num_dims * model.image.levels <= 4096


def _parameter_words(model: Variational) -> str:
    """Number of parameters of each network; empty where the model does not have an encoder apart."""
    if not isinstance(model, VAE):
        return ""
    phi = sum(parameter.numel() for parameter in model.encoder.parameters())
    theta = model.num_parameters() - phi
    return f"Its encoder q_φ(z | x) has {phi:,} parameters φ, its decoder p_θ(x | z) {theta:,} parameters θ."


def _handles(q: Gaussian2) -> Numbers:
    """(3, 2): mean, and one standard deviation to the right of it and above."""
    handles: Numbers = q.mean + np.array([[0.0, 0.0], [q.deviation[0], 0.0], [0.0, q.deviation[1]]])
    return handles


def _numbers(terms: Terms) -> NumbersBlock:
    exact = "By quadrature over a grid of codes."
    return NumbersBlock(
        title="The identity, nats",
        numbers=(
            Number("E_q[log p(x|z)]", f"{terms.reconstruction:.4f}", exact, r"\mathbb{E}_q[\log p(x|z)]"),
            Number("−KL(q ‖ p(z))", f"{-terms.kl_prior:.4f}", "In closed form.", r"-D_{KL}(q\,\|\,p(z))"),
            Number("ELBO", f"{terms.bound:.4f}", "The sum of both: the bound.", r"\mathcal{L}"),
            Number("KL(q ‖ p(z|x))", f"{terms.kl_posterior:.4f}", exact, r"D_{KL}(q\,\|\,p(z|x))"),
            Number("Sum", f"{terms.total:.4f}", "Of the three terms."),
            Number(
                "log p(x)", f"{terms.log_evidence:.4f}", "log ∫ p(x|z) p(z) dz, on the posterior's grid.", r"\log p(x)"
            ),
            Number(
                "Difference", f"{terms.total - terms.log_evidence:.1e}", "Of the two lines above: error of the grids."
            ),
        ),
    )


def _bars(terms: Terms) -> Block:
    labels = ("−E log p(x|z)", "KL to p(z)", "−ELBO", "KL to p(z|x)", "−log p(x)")
    values = (-terms.reconstruction, terms.kl_prior, -terms.bound, terms.kl_posterior, -terms.log_evidence)
    return bars("The terms, nats", labels, {"nats": values})
