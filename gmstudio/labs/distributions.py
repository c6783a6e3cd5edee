r"""Distributions: one of five is set, drawn from, and compared with what was drawn.

Of n draws the empirical distribution p̂ has the counts of a multinomial, so that exactly

    E ‖p̂ - p‖² = Σ_i p_i (1 - p_i) / n = (1 - Σ_i p_i²) / n,

which the lab shows beside errors measured over repeated draws. The mean of -log p over the draws tends to the entropy.

Source: Bishop 2006, sections 2.1-2.3; MacKay 2003, chapter 2. Shapes: N draws, M cells, K components.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
import torch
from msgspec import Struct

from gmstudio.labs import distributions_laws as laws
from gmstudio.labs import distributions_scene as drawn
from gmstudio.labs.base import Lab, LabBench, Numbers
from gmstudio.labs.simplex import normalized
from gmstudio.protocol.config import field
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.scenes import Block, Formula, Mark, Scene, Sentence

DRAWS = {"draw_1": 1, "draw_10": 10, "draw_10000": 10_000}
LATEX = {
    "bernoulli": r"p(x) = p^{x} (1 - p)^{1 - x}, \quad x \in \{0, 1\}",
    "categorical": r"P(x = i) = p_i, \quad \sum_{i=1}^{m} p_i = 1",
    "gaussian": r"p(x) = \frac{1}{\sqrt{2 \pi \sigma^2}} \exp\left(-\frac{(x - \mu)^2}{2 \sigma^2}\right)",
    "mixture": r"p(x) = \sum_{k=1}^{K} w_k \, \mathcal{N}(x; \mu_k, \sigma_k^2)",
    "logistic": r"P(v) = \sigma\left(\frac{v + 1/2 - \mu}{s}\right) - \sigma\left(\frac{v - 1/2 - \mu}{s}\right)",
}
COMPONENTS = np.array([[0.5, -3.0, 1.0], [0.3, 2.0, 0.7], [0.2, 5.0, 1.5], [0.15, -7.0, 0.5], [0.1, 8.0, 0.6]])
"""Weight, mean and standard deviation of the components at the start, before the weights are normalized."""


class Distributions(Lab):
    """Laboratory of basic distributions."""

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of the distribution."""

        family: Annotated[
            Literal["bernoulli", "categorical", "gaussian", "mixture", "logistic"],
            field(
                "Distribution",
                "A coin, a die, a density with one or several modes, or the levels of a pixel.",
                labels={
                    "bernoulli": "Bernoulli",
                    "categorical": "categorical",
                    "gaussian": "Gaussian",
                    "mixture": "mixture of Gaussians",
                    "logistic": "discretized logistic",
                },
            ),
        ] = "categorical"
        p: Annotated[float, field("p", "P(x = 1) of the coin.", ge=0, le=1, when={"family": "bernoulli"})] = 0.3
        num_values: Annotated[
            int,
            field(
                "Values m",
                "Sides of the die; their probabilities are typed into the table.",
                ge=2,
                le=12,
                when={"family": "categorical"},
            ),
        ] = 6
        mean: Annotated[
            float,
            field(
                "Mean μ", "Centre of the Gaussian; also a mark of the plot.", ge=-8, le=8, when={"family": "gaussian"}
            ),
        ] = 0.0
        deviation: Annotated[
            float,
            field("Standard deviation σ", "Width of the Gaussian.", ge=0.2, le=5, when={"family": "gaussian"}),
        ] = 1.5
        num_components: Annotated[
            int,
            field(
                "Components K",
                "Gaussians in the mixture; weights, means and deviations are typed into the table.",
                ge=2,
                le=5,
                when={"family": "mixture"},
            ),
        ] = 2
        levels: Annotated[
            int,
            field("Levels L", "Values 0 … L - 1, for example of a pixel.", ge=2, le=256, when={"family": "logistic"}),
        ] = 32
        location: Annotated[
            float,
            field(
                "Location μ",
                "Centre of the logistic, in levels.",
                ge=0,
                le=255,
                unit="levels",
                when={"family": "logistic"},
            ),
        ] = 12.0
        scale: Annotated[
            float,
            field(
                "Scale s",
                "Width of the logistic.",
                ge=0.05,
                le=64,
                unit="levels",
                log=True,
                when={"family": "logistic"},
            ),
        ] = 2.5

    card: ClassVar[LabCard] = LabCard(
        name="distributions",
        title="Distributions",
        question="How near are n draws to the distribution that they come from?",
        latex=r"\mathbb{E}\,\|\hat p - p\|^2 = \frac{1 - \sum_i p_i^2}{n}",
        notes="notes 4, lines 19–35; notes 3, line 104; notes 4, line 100",
        book="Bishop 2006, PRML, sections 2.1–2.3; MacKay 2003, chapter 2",
    )
    actions: ClassVar[tuple[LabAction, ...]] = (
        LabAction(name="draw_1", title="Draw 1", help="Draw one value and add it to the counts."),
        LabAction(name="draw_10", title="Draw 10", help="Draw ten values and add them to the counts."),
        LabAction(name="draw_10000", title="Draw 10,000", help="Draw ten thousand values and add them to the counts."),
        LabAction(name="clear", title="Clear", help="Remove all draws and begin the noise from the seed."),
    )
    config: Config

    def __init__(self, bench: LabBench, config: Config) -> None:
        self._weights = laws_of_a_die(config.num_values)
        self._components = _components(config.num_components)
        super().__init__(bench, config)
        self._clear()

    def _clear(self) -> None:
        self._noise = torch.Generator().manual_seed(self.bench.seed)
        self._uniforms = np.zeros((0, 2))

    # ---- settings and inputs ---------------------------------------------------------------------------------

    def default_inputs(self) -> dict[str, Numbers]:
        """Tables and marks of the present distribution."""
        match self.config.family:
            case "categorical":
                return {"weights": self._weights[None]}
            case "gaussian":
                return {
                    "mean": np.array([self.config.mean]),
                    "edge": np.array([self.config.mean + self.config.deviation]),
                }
            case "mixture":
                means = {f"mean {k + 1}": row[1:2].copy() for k, row in enumerate(self._components)}
                return {"components": self._components, **means}
            case "logistic":
                return {"location": np.array([self.config.location])}
            case _:
                return {}

    def configure(self, config: Config) -> None:
        """Take another distribution; the draws follow it, as they are kept as the uniform numbers behind them."""
        if config.num_values != len(self._weights):
            self._weights = laws_of_a_die(config.num_values)
        if config.num_components != len(self._components):
            self._components = _components(config.num_components)
        self.config = config
        self.inputs = self.default_inputs()

    def edit(self, name: str, values: Numbers) -> str:
        """Take a table or a dragged mark; weights are normalized.

        Raises:
            ValueError: for a weight below 0, weights that are all 0, or a deviation outside its range.
        """
        note = ""
        match name:
            case "weights":
                self._weights, note = normalized(values[0], "probability")
            case "components":
                note = self._take_components(values)
            case "mean":
                self.config = msgspec.structs.replace(self.config, mean=float(np.clip(values[0], -8, 8)))
            case "edge":
                deviation = float(np.clip(abs(values[0] - self.config.mean), 0.2, 5))
                self.config = msgspec.structs.replace(self.config, deviation=deviation)
            case "location":
                self.config = msgspec.structs.replace(self.config, location=float(np.clip(values[0], 0, 255)))
            case _:
                number = int(name.removeprefix("mean ")) - 1
                self._components = self._components.copy()
                self._components[number, 1] = np.clip(values[0], laws.LOW, laws.HIGH)
        self.inputs = self.default_inputs()
        return note

    def _take_components(self, values: Numbers) -> str:
        wrong = [float(deviation) for deviation in values[:, 2] if not 0.05 <= deviation <= 10]
        if wrong:
            raise ValueError(f"The standard deviation is {wrong[0]:g}; type one from 0.05 to 10.")
        outside = [float(mean) for mean in values[:, 1] if not laws.LOW <= mean <= laws.HIGH]
        if outside:
            raise ValueError(
                f"The mean is {outside[0]:g}; type one from {laws.LOW:g} to {laws.HIGH:g}, the axis drawn."
            )
        weights, note = normalized(values[:, 0], "weight")
        self._components = np.column_stack([weights, values[:, 1:]])
        return note

    # ---- actions ---------------------------------------------------------------------------------------------

    def act(self, action: str) -> Iterator[Scene | None]:
        """Draw, or clear the draws.

        Raises:
            ValueError: when there would be more draws than are kept.
        """
        if action == "clear":
            self._clear()
            return
        wanted = DRAWS[action]
        if len(self._uniforms) + wanted > drawn.MAX_DRAWS:
            raise ValueError(
                f"There are {len(self._uniforms):,} draws, and at most {drawn.MAX_DRAWS:,} are kept; clear them first."
            )
        more = torch.rand(wanted, 2, generator=self._noise, dtype=torch.float64)
        self._uniforms = np.concatenate([self._uniforms, more.numpy()])
        yield None

    # ---- scene -----------------------------------------------------------------------------------------------

    @property
    def law(self) -> laws.Law:
        """The distribution in use."""
        config = self.config
        match config.family:
            case "bernoulli":
                return laws.bernoulli(config.p)
            case "categorical":
                return laws.categorical(self._weights)
            case "gaussian":
                return laws.mixture(np.ones(1), np.array([config.mean]), np.array([config.deviation]))
            case "mixture":
                return laws.mixture(*self._components.T)
            case "logistic":
                return laws.discretized_logistic(config.levels, config.location, config.scale)

    def scene(self) -> Scene:
        """The distribution with its draws, the error against n, and the numbers of both."""
        law = self.law
        values = law.draw(self._uniforms)
        cells = law.cells(values)
        measured = drawn.measured_errors(law, self.bench.seed + 1)
        rows: list[tuple[Block, ...]] = [
            (drawn.picture(law, cells, self._marks()), drawn.convergence(law, cells, measured)),
            (Sentence(text=drawn.finding(law, cells, measured), finding=True),),
        ]
        if self.config.family == "categorical":
            rows.append((drawn.weights_table(self._weights),))
        if self.config.family == "mixture":
            rows.append((drawn.components_table(self._components),))
        rows.append((drawn.numbers(law, values),))
        rows.append((Formula(latex=LATEX[self.config.family], title="Distribution"),))
        return Scene(rows=tuple(rows))

    def _marks(self) -> tuple[Mark, ...]:
        labels = {"mean": "μ", "edge": "μ + σ", "location": "μ"}
        labels |= {f"mean {k + 1}": f"μ{chr(0x2081 + k)}" for k in range(len(self._components))}
        places = ((name, float(values[0])) for name, values in self.inputs.items() if name in labels)
        return tuple(Mark(name=name, x=place, label=labels[name]) for name, place in places)


def laws_of_a_die(sides: int) -> Numbers:
    """(m,) probabilities at the start: proportional to m, m - 1, …, 1."""
    falling = np.arange(sides, 0.0, -1.0)
    found: Numbers = falling / falling.sum()
    return found


def _components(number: int) -> Numbers:
    found = COMPONENTS[:number].copy()
    found[:, 0] /= found[:, 0].sum()
    return found
