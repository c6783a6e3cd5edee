r"""Change of variables: an increasing map of a line, dragged at its knots, and the density that it makes of another.

    p_x(x) = p_z(z) |dz/dx|,   z = f⁻¹(x);        log |dx/dz| of composed maps adds up

The probability of an interval does not change, so that the density falls where lengths grow: a flow in one dimension.

Source: Bishop 2006, section 1.2.1; Murphy 2023, Probabilistic Machine Learning: Advanced Topics, chapter 23; Durkan
et al. 2019, Neural Spline Flows. ``gmstudio/labs/change_of_variables_maps.py`` has the map.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from msgspec import Struct

from gmstudio.labs import change_of_variables_scene as drawn
from gmstudio.labs.base import Lab, LabBench, Numbers
from gmstudio.labs.change_of_variables_maps import BASES, Composition, MonotoneMap
from gmstudio.protocol.config import field
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.scenes import Scene

MAX_SAMPLES = 100_000
DRAWN = 1000
LAYERS = 3
EDGE = 3.0


class ChangeOfVariables(Lab):
    """Laboratory of the change of variables."""

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of the base density and of the maps."""

        base: Annotated[
            Literal["gaussian", "logistic", "uniform"],
            field(
                "Base density p(z)",
                "Distribution of z, before the map: standard Gaussian, logistic, or uniform from -3 to 3.",
                labels={
                    "gaussian": "Gaussian",
                    "logistic": "logistic",
                    "uniform": "uniform",
                },
            ),
        ] = "gaussian"
        num_layers: Annotated[
            int, field("Maps", "Maps that are applied one after another.", ge=1, le=LAYERS, unit="maps")
        ] = 1
        num_knots: Annotated[
            int, field("Knots", "Points through which each map goes; a change resets them.", ge=2, le=9, unit="knots")
        ] = 5

    card: ClassVar[LabCard] = LabCard(
        name="change_of_variables",
        title="Change of variables",
        question="What does an invertible map do to a density, to lengths and to probabilities?",
        latex=r"p_x(x) = p_z(f^{-1}(x)) \left| \frac{d f^{-1}}{dx} \right|",
        notes="notes 2, lines 132–133 (from a simple distribution to another one)",
        book="Bishop 2006, PRML, section 1.2.1; Murphy 2023, PML: Advanced Topics, chapter 23; Prince 2023, chapter 16",
    )
    actions: ClassVar[tuple[LabAction, ...]] = (
        LabAction(
            name="push", title="Push 1,000 samples", help="Draw a thousand z from the base density and map them to x."
        ),
        LabAction(name="clear", title="Clear samples", help="Remove the samples and begin the noise from the seed."),
        LabAction(name="random", title="Random maps", help="Give all knots random places that rise on both axes."),
        LabAction(name="straight", title="Identity", help="Put all knots on the diagonal, where x = z."),
    )
    config: Config

    def __init__(self, bench: LabBench, config: Config) -> None:
        self._knots = _first_knots(config.num_knots)
        self._ends = {"low": -1.0, "high": 1.0, "point": 2.0}
        self._uniforms = np.zeros(0)
        super().__init__(bench, config)
        self._samples_noise, self._map_noise = (torch.Generator().manual_seed(bench.seed + i) for i in range(2))

    # ---- settings and inputs ---------------------------------------------------------------------------------

    def default_inputs(self) -> dict[str, Numbers]:
        """Knots of each map that is used, ends of the interval, and the point."""
        knots = {f"knots {i + 1}": self._knots[i] for i in range(self.config.num_layers)}
        return knots | {name: np.array([place]) for name, place in self._ends.items()}

    def configure(self, config: Config) -> None:
        """Take new settings; samples follow the maps, as they are kept as the uniform numbers behind them."""
        if config.num_knots != self.config.num_knots:
            self._knots = _first_knots(config.num_knots)
        self.config = config
        self.inputs = self.default_inputs()

    def edit(self, name: str, values: Numbers) -> str:
        """Move knots, an end of the interval, or the point.

        Raises:
            ValueError: when the knots do not rise, so that the map has no inverse.
        """
        if name in self._ends:
            self._ends[name] = float(np.clip(values[0], -drawn.SPAN, drawn.SPAN))
            self._ends["low"], self._ends["high"] = sorted((self._ends["low"], self._ends["high"]))
        else:
            MonotoneMap(values)
            self._knots[int(name.removeprefix("knots ")) - 1] = values
        self.inputs = self.default_inputs()
        return ""

    @property
    def flow(self) -> Composition:
        """The maps that are used, one after another."""
        return Composition([MonotoneMap(knots) for knots in self._knots[: self.config.num_layers]])

    # ---- actions ---------------------------------------------------------------------------------------------

    def act(self, action: str) -> Iterator[Scene | None]:
        """Push samples through, remove them, or move all knots.

        Raises:
            ValueError: when there would be more samples than are kept.
        """
        match action:
            case "push":
                if len(self._uniforms) + DRAWN > MAX_SAMPLES:
                    raise ValueError(f"There are {MAX_SAMPLES:,} samples, and no more are kept; clear them first.")
                more = torch.rand(DRAWN, generator=self._samples_noise, dtype=torch.float64).numpy()
                self._uniforms = np.concatenate([self._uniforms, np.clip(more, 1e-12, 1 - 1e-12)])
            case "clear":
                self._samples_noise.manual_seed(self.bench.seed)
                self._uniforms = np.zeros(0)
            case "random":
                self._knots = [self._random_knots() for _ in range(LAYERS)]
            case _:
                diagonal = np.linspace(-EDGE, EDGE, self.config.num_knots)
                self._knots = [np.column_stack([diagonal, diagonal]) for _ in range(LAYERS)]
        self.inputs = self.default_inputs()
        yield None

    def _random_knots(self) -> Numbers:
        steps = torch.rand(self.config.num_knots - 1, 2, generator=self._map_noise, dtype=torch.float64).numpy() + 0.15
        places = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
        knots: Numbers = EDGE * (2 * places / places[-1] - 1)
        return knots

    # ---- scene -----------------------------------------------------------------------------------------------

    def scene(self) -> Scene:
        """The maps, both densities with the interval's probability, and the derivatives of each map at the point."""
        base, flow = BASES[self.config.base], self.flow
        samples = flow.forward(base.quantile(self._uniforms))[0]
        return drawn.scene(drawn.Shown(base, flow, samples, self.inputs))


def _first_knots(number: int) -> list[Numbers]:
    """(K, 2) knots of each map at the start: one that separates, one that leans, one that gathers."""
    z = np.linspace(-EDGE, EDGE, number)
    t = z / EDGE
    places = (np.sign(t) * np.abs(t) ** 0.5, 2 * ((t + 1) / 2) ** 1.5 - 1, np.sign(t) * np.abs(t) ** 1.5)
    return [np.column_stack([z, EDGE * x]) for x in places]
