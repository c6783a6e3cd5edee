r"""Markov chains: Metropolis and Gibbs sampling on a grid of known probabilities, an RBM enumerated beside its chain.

The transition matrix is written out, so that detailed balance, the distribution after each step and the autocorrelation
are exact numbers, beside those of a chain that is run.

Source: MacKay 2003, chapters 29 and 43; Bishop 2006, sections 11.2 and 11.3.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
import torch
from msgspec import Struct

from gmstudio.labs import markov_chains_grid as grid
from gmstudio.labs import markov_chains_scene as drawn
from gmstudio.labs.base import Lab, LabBench, Numbers
from gmstudio.labs.markov_chains_rbm import TRAINING, Machine
from gmstudio.protocol.config import field
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.scenes import Scene

STEPS = {"step_1": 1, "step_10": 10, "step_1000": 1000}
PIECE = {"grid": 250, "rbm": 10}
"""Steps that are made at a time."""


class MarkovChains(Lab):
    """Laboratory of Markov chains."""

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of the density and of the chain."""

        view: Annotated[
            Literal["grid", "rbm"],
            field(
                "States",
                "A grid of places with known probabilities, or the images of a small RBM.",
                labels={"grid": "grid", "rbm": "10 × 8 RBM"},
            ),
        ] = "grid"
        density: Annotated[
            Literal["two", "four", "correlated", "ring"],
            field(
                "Density π",
                "Distribution that the chain is to sample; modes can be dragged.",
                labels={
                    "two": "two modes",
                    "four": "four modes",
                    "correlated": "correlated",
                    "ring": "ring",
                },
                when={"view": "grid"},
            ),
        ] = "two"
        chain: Annotated[
            Literal["metropolis", "gibbs_scan", "gibbs_random"],
            field(
                "Chain",
                "Metropolis with a uniform proposal in a box, or Gibbs sampling: x₁ and then x₂, or one at random.",
                labels={
                    "metropolis": "Metropolis",
                    "gibbs_scan": "Gibbs, in order",
                    "gibbs_random": "Gibbs, at random",
                },
                when={"view": "grid"},
            ),
        ] = "metropolis"
        radius: Annotated[
            int,
            field(
                "Proposal radius",
                "Half the width of the box of proposals.",
                ge=1,
                le=grid.GRID // 2,
                unit="cells",
                when={"view": "grid", "chain": "metropolis"},
            ),
        ] = 2
        width: Annotated[
            float,
            field(
                "Width σ", "Standard deviation of a mode, or across the ring.", ge=0.2, le=1.5, when={"view": "grid"}
            ),
        ] = 0.5
        correlation: Annotated[
            float,
            field(
                "Correlation ρ",
                "Of the correlated Gaussian.",
                ge=-0.98,
                le=0.98,
                when={"view": "grid", "density": "correlated"},
            ),
        ] = 0.9
        beta: Annotated[
            float,
            field(
                "Inverse temperature β",
                "Factor of all weights and biases of the RBM; the larger, the slower the chain.",
                ge=0,
                le=4,
                when={"view": "rbm"},
            ),
        ] = 1.0

    card: ClassVar[LabCard] = LabCard(
        name="markov_chains",
        title="Markov chains",
        question="When do the states of a chain follow the distribution, and how fast?",
        latex=r"\pi_i P_{ij} = \pi_j P_{ji} \;\Rightarrow\; \pi P = \pi",
        notes="notes 1, line 11; notes 3, line 12; notes 5, lines 23–25 (Markov chains in the taxonomy)",
        book="MacKay 2003, chapters 29 and 43; Bishop 2006, PRML, sections 11.2–11.3",
    )
    actions: ClassVar[tuple[LabAction, ...]] = (
        LabAction(name="step_1", title="Make 1 step", help="Make one step of the chain."),
        LabAction(name="step_10", title="Make 10 steps", help="Make ten steps of the chain."),
        LabAction(name="step_1000", title="Make 1,000 steps", help="Make a thousand steps of the chain."),
        LabAction(
            name="restart", title="Restart", help="Remove all steps and begin at the start with the seed's noise."
        ),
        LabAction(
            name="train",
            title="Train RBM",
            help="Show the RBM, train it on images whose columns are 0 or 1 as a whole, and restart its chains.",
        ),
    )
    config: Config

    def __init__(self, bench: LabBench, config: Config) -> None:
        self._modes = {name: modes.copy() for name, modes in grid.MODES.items()}
        self._start = np.array([[-2.2, 2.2]])
        self._machine: Machine | None = None
        super().__init__(bench, config)
        self._take_density()
        if config.view == "rbm":
            self.machine()

    def machine(self) -> Machine:
        """The RBM, built when it is first shown."""
        if self._machine is None:
            self._machine = Machine(self.bench)
            self._machine.set_beta(self.config.beta)
            self._facts = drawn.MachineFacts.of(self._machine)
        return self._machine

    # ---- settings and inputs ---------------------------------------------------------------------------------

    def default_inputs(self) -> dict[str, Numbers]:
        """Handles of the modes and of the start."""
        if self.config.view == "rbm":
            return {}
        modes = self._modes.get(self.config.density)
        return {"start": self._start, **({"modes": modes} if modes is not None else {})}

    def configure(self, config: Config) -> None:
        """Take new settings; the chain begins anew where they change it."""
        before, self.config = self.config, config
        changed = {name for name in config.__struct_fields__ if getattr(before, name) != getattr(config, name)}
        self.inputs = self.default_inputs()
        if changed & {"density", "chain", "radius", "width", "correlation"}:
            self._take_density()
        if config.view == "rbm":
            machine = self.machine()
            if "beta" in changed:
                machine.set_beta(config.beta)
                self._facts = drawn.MachineFacts.of(machine)

    def edit(self, name: str, values: Numbers) -> str:
        """Move the start or the modes; the chain begins anew."""
        inside = np.clip(values, grid.LOW, grid.HIGH)
        if name == "start":
            self._start = inside
        else:
            self._modes[self.config.density] = inside
        self.inputs = self.default_inputs()
        self._take_density()
        return (
            ""
            if (inside == values).all()
            else f"Moved to the edge of the grid, which goes from {grid.LOW:g} to {grid.HIGH:g}."
        )

    def _take_density(self) -> None:
        config = self.config
        modes = self._modes.get(config.density, np.zeros((0, 2)))
        self.pi = grid.density(config.density, modes, config.width, config.correlation)
        matrix = grid.transition_matrix(self.pi, config.chain, config.radius)
        self._exact = drawn.GridFacts.of(
            self.pi, matrix, grid.nearest_state(self._start[0]), config.chain, config.radius
        )
        self._restart()

    def _restart(self) -> None:
        self._noise = torch.Generator().manual_seed(self.bench.seed)
        self.chain = grid.GridChain(self.pi, self.config.chain, self.config.radius, self._exact.start)

    # ---- actions ---------------------------------------------------------------------------------------------

    def act(self, action: str) -> Iterator[Scene | None]:
        """Make steps, begin anew, or train the RBM.

        Raises:
            ValueError: when there would be more steps than are kept.
        """
        if action == "train":
            yield from self._train()
        elif action == "restart":
            self.machine().restart() if self.config.view == "rbm" else self._restart()
        else:
            yield from self._steps(STEPS[action])

    def _train(self) -> Iterator[Scene | None]:
        self.configure(msgspec.structs.replace(self.config, view="rbm"))
        for step in self.machine().train():
            stage = f"Training the RBM, step {step} of {TRAINING.steps}"
            yield drawn.with_stage(self.scene(), stage, step / TRAINING.steps) if self.bench.due() else None
        self._facts = drawn.MachineFacts.of(self.machine())

    def _steps(self, wanted: int) -> Iterator[Scene | None]:
        made = self._made()
        if made + wanted > drawn.MAX_STEPS:
            raise ValueError(f"There are {made:,} steps, and at most {drawn.MAX_STEPS:,} are kept; restart the chain.")
        piece = PIECE[self.config.view]
        for begun in range(0, wanted, piece):
            number = min(piece, wanted - begun)
            if self.config.view == "rbm":
                self.machine().run(number)
            else:
                self.chain.run(torch.rand(number, 2, generator=self._noise, dtype=torch.float64).numpy())
            yield self.scene() if self.bench.due() else None

    def _made(self) -> int:
        return len(self.machine().states if self.config.view == "rbm" else self.chain.path) - 1

    # ---- scene -----------------------------------------------------------------------------------------------

    def scene(self) -> Scene:
        """The distribution beside the chain's states, distances, autocorrelation and tests."""
        if self.config.view == "rbm":
            return drawn.machine_scene(self.machine(), self._facts)
        return drawn.grid_scene(self.pi, self._exact, self.chain, self.inputs)
