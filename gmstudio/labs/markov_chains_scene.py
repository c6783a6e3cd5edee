"""Scenes of the laboratory of Markov chains: density and path, distances to π, autocorrelation, tests of balance."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from gmstudio.labs import markov_chains_grid as grid
from gmstudio.labs import markov_chains_rbm as rbm
from gmstudio.labs.base import Numbers
from gmstudio.labs.drawing import bars, heat, line, small, wide
from gmstudio.labs.information import total_variation
from gmstudio.labs.markov_chains_statistics import FEWEST, autocorrelation, integrated_time
from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Dots, Handles, Paths, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Bars, Curves, Line, Maps, Mark, Number, Pictures, Plane, Scene, Sentence
from gmstudio.protocol.scenes import Numbers as NumbersBlock

LAGS = 200
MACHINE_STEPS = 100
SHOWN_MOVES = 300
EXTENT = (grid.LOW, grid.HIGH, grid.LOW, grid.HIGH)
MAX_STEPS = 50_000
DETAILED = 1e-12
"""Largest difference of the two flows at which detailed balance counts as fulfilled."""


def with_stage(scene: Scene, stage: str, progress: float) -> Scene:
    """A scene with the present work."""
    return msgspec.structs.replace(scene, stage=stage, progress=progress)


def _steps(number: int) -> str:
    return f"{number:,} step{'' if number == 1 else 's'}"


# ---- grid ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class GridFacts:
    """Exact numbers of a chain on the grid.

    Args:
        start: number of its first state.
        balance: of its transition matrix.
        distances: to π after 0, 1, … steps.
        rho: autocorrelation of x1 at rest.
        time: τ = 1 + 2 Σ ρ over the lags of ``rho``.
        decayed: ρ is near 0 at the last lag, so that τ is complete.
        rates: acceptance rate for each radius; empty for Gibbs.
        radius: in use.
    """

    start: int
    balance: grid.Balance
    distances: Numbers
    rho: Numbers
    time: float
    decayed: bool
    rates: Numbers
    radius: int

    @classmethod
    def of(cls, pi: Numbers, matrix: Numbers, start: int, chain: str, radius: int) -> "GridFacts":
        """Compute them."""
        rho = grid.exact_autocorrelation(pi, matrix, LAGS)
        return cls(
            start,
            grid.balance(pi, matrix),
            grid.distances(pi, matrix, start, LAGS),
            rho,
            float(1 + 2 * rho[1:].sum()),
            bool(abs(rho[-1]) < 0.01),
            grid.acceptance_rates(pi, grid.GRID // 2) if chain == "metropolis" else np.zeros(0),
            radius,
        )


def grid_scene(pi: Numbers, exact: GridFacts, chain: grid.GridChain, inputs: Mapping[str, Numbers]) -> Scene:
    """π and the path, visits, distances, autocorrelation and tests."""
    visits = grid.shares(chain.path)
    rho = _measured_autocorrelation(chain)
    return Scene(
        rows=(
            (_density_plane(pi, chain, inputs), _visits_plane(pi, visits, len(chain.path) - 1)),
            (Sentence(text=_grid_finding(pi, visits, exact, chain), finding=True),),
            (_distance_curves(pi, exact, chain), _autocorrelation_curves(exact, rho)),
            (_grid_numbers(exact, chain, rho), *_acceptance_curves(exact)),
        )
    )


def _axes() -> tuple[PointAxis, PointAxis]:
    return PointAxis("x₁", grid.LOW, grid.HIGH), PointAxis("x₂", grid.LOW, grid.HIGH)


def _density_plane(pi: Numbers, chain: grid.GridChain, inputs: Mapping[str, Numbers]) -> Plane:
    x, y = _axes()
    recent = grid.places(chain.path[-SHOWN_MOVES - 1 :])
    layers: list[PlaneLayer] = [heat("π(x)", pi, EXTENT)]
    if len(recent) > 1:
        layers.append(Paths(name=f"last {_steps(len(recent) - 1)}", points=wide(recent[None]), series=1))
    layers.append(Dots(name="present state", points=wide(recent[-1:]), series=2, large=True))
    if "modes" in inputs:
        labels = tuple(f"mode {k + 1}" for k in range(len(inputs["modes"])))
        help_text = "Drag a mode of π; the chain restarts."
        layers.append(Handles(name="modes", points=wide(inputs["modes"]), labels=labels, help=help_text))
    help_text = "Drag the state at which the chain begins."
    layers.append(Handles(name="start", points=wide(inputs["start"]), labels=("start",), help=help_text))
    return Plane(
        title="Density π and the chain's path",
        x=x,
        y=y,
        layers=tuple(layers),
        square=True,
        note=f"{grid.GRID}×{grid.GRID} states; modes and start can be dragged",
    )


def _visits_plane(pi: Numbers, visits: Numbers, steps: int) -> Plane:
    x, y = _axes()
    return Plane(
        title="Share of the steps spent in each state",
        x=x,
        y=y,
        layers=(heat("visits", visits.reshape(pi.shape), EXTENT, top=float(pi.max())),),
        square=True,
        note=f"{_steps(steps)}, in the colours of π",
    )


def _grid_finding(pi: Numbers, visits: Numbers, exact: GridFacts, chain: grid.GridChain) -> str:
    holds = "holds" if exact.balance.detailed < DETAILED else "does not hold"
    rests = "is" if exact.balance.stationary < DETAILED else "is not"
    text = (
        f"Detailed balance {holds} (the flows between two states differ by at most {small(exact.balance.detailed)}), "
        f"and π {rests} stationary (πP and π differ by at most {small(exact.balance.stationary)}). From the start, the "
        f"distribution after {LAGS} steps is {exact.distances[-1]:.3f} in total variation from π."
    )
    if len(chain.path) > 1:
        distance = total_variation(visits, pi.ravel())
        text += f" The states of this chain's {_steps(len(chain.path) - 1)} are {distance:.3f} from π."
    return text


def _distance_curves(pi: Numbers, exact: GridFacts, chain: grid.GridChain) -> Curves:
    lines = [line("after t steps, exact", np.arange(1, LAGS + 1), exact.distances[1:])]
    steps = len(chain.path) - 1
    if steps:
        sizes = np.unique(np.round(np.geomspace(1, steps, 40)).astype(np.int64))
        visited = np.array(chain.path[1:])
        counts = (np.bincount(visited[:size], minlength=pi.size) for size in sizes)
        measured = [total_variation(count / count.sum(), pi.ravel()) for count in counts]
        lines.append(line("states of this chain up to t", sizes, measured))
    return _distance_plot(lines)


def _distance_plot(lines: list[Line], target: str = "π") -> Curves:
    return Curves(
        title=f"Total variation distance to {target}",
        x_title="steps t",
        y_title="½ Σ |difference|",
        lines=tuple(lines),
        x_range=(1.0, float(MAX_STEPS)),
        y_range=(0.0, 1.0),
        log_x=True,
    )


def _measured_autocorrelation(chain: grid.GridChain) -> Numbers:
    if len(chain.path) <= FEWEST:
        return np.zeros(0)
    return autocorrelation(grid.places(chain.path)[1:, 0])


def _autocorrelation_curves(exact: GridFacts, rho: Numbers) -> Curves:
    lags = np.arange(LAGS + 1)
    lines = [line("exact, chain at rest", lags, exact.rho)]
    if len(rho):
        lines.append(line("this chain", lags[: len(rho)], rho[: LAGS + 1]))
    return Curves(
        title="Autocorrelation of x₁",
        x_title="lag k",
        y_title="ρ(k)",
        lines=tuple(lines),
        x_range=(0.0, float(LAGS)),
        y_range=(-0.5, 1.0),
    )


def _grid_numbers(exact: GridFacts, chain: grid.GridChain, rho: Numbers) -> NumbersBlock:
    steps = len(chain.path) - 1
    time = integrated_time(rho) if len(rho) else float("nan")
    none = "too few steps"
    numbers = [
        Number(
            "detailed balance",
            f"{exact.balance.detailed:.2e}",
            "Largest difference of the flows between two states; 0 where the chain is reversible.",
            r"\max_{ij} |\pi_i P_{ij} - \pi_j P_{ji}|",
        ),
        Number(
            "stationarity",
            f"{exact.balance.stationary:.2e}",
            "Largest change of π by one step; 0 where π is stationary.",
            r"\max_j |(\pi P)_j - \pi_j|",
        ),
        Number(
            "autocorrelation time, exact",
            f"{exact.time:.1f} steps" if exact.decayed else f"over {exact.time:.0f} steps",
            f"Steps that are worth one independent draw of x₁, from the exact autocorrelation up to lag {LAGS}.",
            r"\tau = 1 + 2 \sum_k \rho(k)",
        ),
        Number(
            "autocorrelation time, measured",
            f"{time:.1f} steps" if np.isfinite(time) else none,
            "The same from this chain.",
        ),
        Number(
            "effective sample size",
            f"{steps / time:,.1f} of {_steps(steps)}" if np.isfinite(time) else none,
            "Independent draws that the chain is worth for the mean of x₁.",
            r"n / \tau",
        ),
    ]
    if len(exact.rates):
        measured = f"{chain.accepted / steps:.4f}" if steps else none
        numbers.append(
            Number(
                "acceptance rate",
                f"{exact.rates[exact.radius - 1]:.4f} exact, {measured} in this chain",
                "Share of the proposals that are accepted, at rest and in this chain.",
            )
        )
    return NumbersBlock(title="Numbers", numbers=tuple(numbers))


def _acceptance_curves(exact: GridFacts) -> tuple[Curves, ...]:
    if not len(exact.rates):
        return ()
    radii = np.arange(1, len(exact.rates) + 1)
    return (
        Curves(
            title="Acceptance rate against the width of the proposal",
            x_title="radius (cells)",
            y_title="share",
            lines=(line("accepted at rest", radii, exact.rates),),
            marks=(Mark(x=float(exact.radius), label="in use"),),
            x_range=(0.0, float(len(radii))),
            y_range=(0.0, 1.0),
        ),
    )


# ---- RBM -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class MachineFacts:
    """Exact numbers of the RBM at its present parameters.

    Args:
        log_z_joint: log Z as a sum over all joint states.
        detailed: largest difference of the flows between two probable images.
        distances: to p after 0, 1, … steps from the image of zeros.
    """

    log_z_joint: float
    detailed: float
    distances: Numbers

    @classmethod
    def of(cls, machine: rbm.Machine) -> "MachineFacts":
        """Compute them."""
        return cls(machine.log_z_joint(), machine.detailed_balance(), machine.distances(MACHINE_STEPS))


def machine_scene(machine: rbm.Machine, facts: MachineFacts) -> Scene:
    """The RBM's distribution by enumeration beside its chains."""
    shares = machine.shares()
    steps = len(machine.states) - 1
    maps = Maps(
        title="Probability of each of the 1,024 images",
        values=Array.of(np.stack([machine.p, shares]).reshape(2, 32, 32).astype(np.float32)),
        captions=("enumerated", f"{rbm.NUM_CHAINS} chains, {_steps(steps)}"),
        top=float(machine.p.max()),
        scale=f"dark: 0 · bright: {machine.p.max():.3g}",
        note="row: upper five pixels · column: lower five",
    )
    pictures = Pictures(
        title="Present images of the chains",
        images=Array.of((machine.images * 255).cpu().numpy()),
        columns=8,
        note="trained on images of whole columns" if machine.trained else "random weights",
    )
    return Scene(
        rows=(
            (maps, pictures),
            (Sentence(text=_machine_finding(machine, facts, shares), finding=True),),
            (_machine_distances(machine, facts), _means(machine)),
            (_machine_numbers(machine, facts),),
        )
    )


def _machine_finding(machine: rbm.Machine, facts: MachineFacts, shares: Numbers) -> str:
    text = (
        f"Enumerated over images, over hidden states and over all 2^18 joint states, log Z is {machine.log_z:.6f}, "
        f"{machine.log_z_hidden:.6f} and {facts.log_z_joint:.6f}. From the image of zeros, the distribution after "
        f"{MACHINE_STEPS} Gibbs steps is {facts.distances[-1]:.3f} in total variation from p."
    )
    if len(machine.states) > 1:
        text += f" The states of {rbm.NUM_CHAINS} chains so far are {total_variation(shares, machine.p):.3f} from it."
    return text


def _machine_distances(machine: rbm.Machine, facts: MachineFacts) -> Curves:
    lines = [line("after t steps, exact", np.arange(1, MACHINE_STEPS + 1), facts.distances[1:])]
    steps = len(machine.states) - 1
    if steps:
        sizes = np.unique(np.round(np.geomspace(1, steps, 24)).astype(np.int64))
        lines.append(line(f"states of {rbm.NUM_CHAINS} chains up to t", sizes, machine.distances_of_states(sizes)))
    return _distance_plot(lines, "p")


def _means(machine: rbm.Machine) -> Bars:
    pixels = rbm.bits(rbm.NUM_VISIBLE)
    labels = [f"x{chr(0x2081 + i)}" if i < 9 else "x₁₀" for i in range(rbm.NUM_VISIBLE)]
    series: dict[str, ArrayLike] = {"enumerated": machine.p @ pixels, "chains": machine.shares() @ pixels}
    return bars("Mean of each pixel", labels, series, top=1.0)


def _machine_numbers(machine: rbm.Machine, facts: MachineFacts) -> NumbersBlock:
    return NumbersBlock(
        title="Enumeration",
        numbers=(
            Number("log Z over 2^10 images", f"{machine.log_z:.9f}", "Sum of exp(−F(x)).", r"\log \sum_x e^{-F(x)}"),
            Number(
                "log Z over 2^8 hidden states",
                f"{machine.log_z_hidden:.9f}",
                "The sum that the family makes, over the smaller layer.",
                r"\log \sum_h \sum_x e^{-E(x, h)}",
            ),
            Number(
                "log Z over 2^18 joint states",
                f"{facts.log_z_joint:.9f}",
                "Every energy by itself.",
                r"\log \sum_{x, h} e^{-E(x, h)}",
            ),
            Number(
                "detailed balance",
                f"{facts.detailed:.2e}",
                f"Largest difference of the flows between two of the {rbm.BALANCED} most probable images.",
                r"\max |p(x) P(x, x') - p(x') P(x', x)|",
            ),
        ),
    )
