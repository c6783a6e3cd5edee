r"""Maximum likelihood is minimal KL: a model of a density on a line, dragged or fitted, and parts of its likelihood.

    -E_{p*}[log p] = H(p*, p) = H(p*) + KL(p* ‖ p)

The entropy does not depend on the model, so that the most likely model is the one of least KL. With draws in place of
p* the same holds for their distribution p̂, whose cross-entropy is the mean of -log p over the draws. Reversed,
KL(p ‖ p*) prefers a model that stays where p* is large.

Source: the notes; Bishop 2006, sections 1.6.1 and 10.1.2; Goodfellow, Bengio & Courville 2016, sections 3.13 and 5.5.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from msgspec import Struct
from torch import Tensor

from gmstudio.labs import likelihood_models as models
from gmstudio.labs import likelihood_scene as drawn
from gmstudio.labs.adam import Adam
from gmstudio.labs.base import Lab, LabBench, Numbers
from gmstudio.labs.information import cross_entropy
from gmstudio.protocol.config import field
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.scenes import Scene

STEPS = {"step_1": 1, "step_100": 100}
MAX_DRAWS = 10_000


@dataclass
class Fit:
    """A model and the course of its fitting.

    Args:
        model: with its parameters.
        reverse: it minimizes KL(p ‖ p*) in place of KL(p* ‖ p).
        optimizer: of its parameters; None: to be made.
        track: (step, cross-entropy of what it is fitted to, cross-entropy of p*), nats.
    """

    model: models.Model
    reverse: bool = False
    optimizer: Adam | None = None
    track: list[tuple[int, float, float]] = attribute(default_factory=list)


class MaximumLikelihood(Lab):
    """Laboratory of maximum likelihood and KL."""

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of p*, of the model and of its fitting."""

        view: Annotated[
            Literal["identity", "directions", "overfitting"],
            field(
                "Shown",
                "The likelihood and its parts, fits by both directions of KL, or draws and the capacity of a model.",
                labels={
                    "identity": "likelihood",
                    "directions": "both KL",
                    "overfitting": "overfitting",
                },
            ),
        ] = "identity"
        target: Annotated[
            Literal["two", "three", "skewed", "one"],
            field(
                "True density p*",
                "Where the data come from.",
                labels={"two": "two modes", "three": "three modes", "skewed": "skewed", "one": "Gaussian"},
            ),
        ] = "two"
        num_draws: Annotated[
            int,
            field("Draws n", "Data drawn from p*; fewer of them are the first ones.", ge=1, le=MAX_DRAWS, log=True),
        ] = 200
        fit_to: Annotated[
            Literal["truth", "draws"],
            field(
                "Fit to",
                "What the likelihood is averaged over: p* itself, as with infinitely many data, or the draws. Both "
                "directions of KL use p*.",
                labels={"truth": "p* itself", "draws": "the draws"},
            ),
        ] = "draws"
        family: Annotated[
            Literal["gaussian", "mixture", "logistic", "histogram"],
            field(
                "Model p",
                "Family of the model.",
                labels={
                    "gaussian": "Gaussian",
                    "mixture": "mixture of Gaussians",
                    "logistic": "discretized logistic",
                    "histogram": "histogram",
                },
            ),
        ] = "gaussian"
        num_components: Annotated[
            int, field("Components K", "Gaussians of the mixture.", ge=2, le=20, when={"family": "mixture"})
        ] = 2
        levels: Annotated[
            int, field("Levels L", "Levels of the logistic over the line.", ge=4, le=240, when={"family": "logistic"})
        ] = 24
        bins: Annotated[int, field("Bins", "Bins of the histogram.", ge=2, le=120, when={"family": "histogram"})] = 12
        learning_rate: Annotated[
            float, field("Learning rate", "Step size of Adam on the parameters.", gt=0, le=1, log=True)
        ] = 0.05
        smoothing: Annotated[
            float,
            field(
                "Smoothing α",
                "Pseudo-count of each bin in the curve of capacity; 0: plain maximum likelihood.",
                ge=0,
                le=10,
                when={"view": "overfitting"},
            ),
        ] = 0.5

    card: ClassVar[LabCard] = LabCard(
        name="likelihood",
        title="Maximum likelihood and KL",
        question="Why does maximizing the likelihood bring the model near the data, and in which sense?",
        latex=r"-\mathbb{E}_{p^*}[\log p_\theta(x)] = H(p^*, p_\theta) = H(p^*) + D_{KL}(p^* \,\|\, p_\theta)",
        notes="notes 5, lines 9–21; notes 2, lines 17–18; notes 3, line 22; notes 1, line 59",
        book="Bishop 2006, PRML, section 1.6.1; Goodfellow et al. 2016, Deep Learning, section 5.5",
    )
    actions: ClassVar[tuple[LabAction, ...]] = (
        LabAction(name="step_1", title="Make 1 step", help="One step of gradient descent on the chosen objective."),
        LabAction(
            name="step_100", title="Make 100 steps", help="A hundred steps of gradient descent, shown as they go."
        ),
        LabAction(name="restart", title="Restart model", help="Give the parameters their values at the start."),
    )
    config: Config

    def __init__(self, bench: LabBench, config: Config) -> None:
        uniforms = torch.rand(MAX_DRAWS, generator=torch.Generator().manual_seed(bench.seed), dtype=torch.float64)
        self._uniforms: Numbers = uniforms.numpy()
        self.fits: dict[str, Fit] = {}
        super().__init__(bench, config)
        self._restart()

    # ---- settings and inputs ---------------------------------------------------------------------------------

    @property
    def truth(self) -> Numbers:
        """(M,) masses of p*."""
        return models.target(self.config.target)

    @property
    def shares(self) -> Numbers:
        """(M,) shares p̂ of the draws."""
        return models.empirical(self.truth, self._uniforms[: self.config.num_draws])

    def _restart(self) -> None:
        config = self.config
        names = ("forward", "reverse") if config.view == "directions" else ("model",)
        sizes = config.num_components, config.levels, config.bins
        self.fits = {name: Fit(models.build(config.family, *sizes), name == "reverse") for name in names}
        self._follow()

    def _follow(self) -> None:
        """Take handles, and the start of the course, from the models as they are."""
        self.inputs = self.default_inputs()
        for fit in self.fits.values():
            fit.optimizer, fit.track = None, []
            self._note(fit, 0)

    def default_inputs(self) -> dict[str, Numbers]:
        """Handles of the models that are shown."""
        return {name: fit.model.handles() for name, fit in self.fits.items()}

    def configure(self, config: Config) -> None:
        """Take new settings; a new family or size begins at its start, another p* or n keeps the parameters."""
        before, self.config = self.config, config
        shape = ("family", "num_components", "levels", "bins")
        two = {before.view == "directions", config.view == "directions"}
        if len(two) == 2 or any(getattr(before, name) != getattr(config, name) for name in shape):
            self._restart()
        elif any(getattr(before, name) != getattr(config, name) for name in ("target", "num_draws", "fit_to")):
            self._follow()
        elif before.learning_rate != config.learning_rate:
            for fit in self.fits.values():
                fit.optimizer = None

    def edit(self, name: str, values: Numbers) -> str:
        """Drag handles of a model; its course begins anew."""
        fit = self.fits[name]
        fit.model.drag(values)
        fit.optimizer, fit.track = None, []
        self._note(fit, 0)
        self.inputs[name] = fit.model.handles()
        return ""

    # ---- actions ---------------------------------------------------------------------------------------------

    def act(self, action: str) -> Iterator[Scene | None]:
        """Fit by gradient steps, or begin anew."""
        if action == "restart":
            self._restart()
            return
        truth, shares = torch.from_numpy(self.truth), torch.from_numpy(self.shares)
        to_truth = self.config.fit_to == "truth" or self.config.view == "directions"
        for _ in range(STEPS[action]):
            for name, fit in self.fits.items():
                self._step(fit, truth, truth if to_truth else shares)
                self.inputs[name] = fit.model.handles()
            yield self.scene() if self.bench.due() else None

    def _step(self, fit: Fit, truth: Tensor, data: Tensor) -> None:
        if fit.optimizer is None:
            fit.optimizer = Adam(fit.model.parameters.values(), self.config.learning_rate)
        log_p = fit.model.log_masses()
        loss = (log_p.exp() * (log_p - truth.log())).sum() if fit.reverse else -(data * log_p).sum()
        fit.optimizer.step(loss)
        self._note(fit, fit.track[-1][0] + 1)

    def _note(self, fit: Fit, step: int) -> None:
        masses, truth = fit.model.masses(), self.truth
        data = truth if self.config.fit_to == "truth" else self.shares
        nats = [cross_entropy(p, masses) + np.log(models.WIDTH) for p in (data, truth)]
        fit.track.append((step, *nats))

    # ---- scene -----------------------------------------------------------------------------------------------

    def scene(self) -> Scene:
        """The densities, and the numbers that belong to the chosen view."""
        config, truth, shares = self.config, self.truth, self.shares
        if config.view == "directions":
            return drawn.directions(truth, self.fits["forward"].model, self.fits["reverse"].model)
        fit = self.fits["model"]
        to_truth = config.fit_to == "truth"
        data = drawn.Data(truth, shares, config.num_draws)
        if config.view == "identity":
            return drawn.identity(data, fit.model, fit.track, to_truth=to_truth)
        return drawn.overfitting(data, fit.model, fit.track, config.smoothing, to_truth=to_truth)
