r"""Noise and score: diffusion of numbers, where the marginals, the score and the mean before the noise are known.

Source: Ho, Jain & Abbeel 2020, arXiv:2006.11239, section 2; Song et al. 2021, arXiv:2011.13456, section 3; formulas in
``diffusion_line``.
Shapes: K components, T timesteps, N particles.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
import torch
from msgspec import Struct

from gmstudio.labs.base import Lab, LabBench, Numbers
from gmstudio.labs.diffusion_line import (
    LineDiffusion,
    Score,
    ScoreNetwork,
    kolmogorov_smirnov,
    learn_score,
    score_by_differences,
    total_variation,
)
from gmstudio.labs.drawing import heat, line, wide
from gmstudio.labs.gaussian_mixture import GaussianMixture, checked_table
from gmstudio.protocol.array import Array
from gmstudio.protocol.config import field
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.plane_layers import Guide, Paths, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Block, Curves, Mark, Number, Plane, Scene, Sentence, Table
from gmstudio.protocol.scenes import Numbers as NumbersBlock

REACH = 4.0
X = np.linspace(-REACH, REACH, 321)
EDGES = np.linspace(-REACH, REACH, 65)
SHOWN_PATHS = {"ODE": 14, "ancestral": 4}
MAX_PATH_POINTS = 101
HIDDEN, LEARN_STEPS, LEARN_BATCH = 48, 1500, 256
STEPS_AT_ONCE = 5
START = np.array([[0.35, -1.5, 0.3], [0.65, 1.0, 0.45], [0.2, 2.4, 0.2], [0.2, 0.0, 0.15]])
WAYS = {"ODE": 0.0, "ancestral": 1.0}
LEARNED = "ODE, learned score"


class NoiseAndScoreConfig(Struct, frozen=True, kw_only=True):
    """Settings of the lab."""

    time: Annotated[
        float, field("Time t / T", "How much noise: 0 is the data, 1 is noise alone.", ge=0, le=1, unit="of T")
    ] = 0.3
    schedule: Annotated[
        Literal["linear", "cosine"],
        field("Schedule", "β_t rises linearly (Ho et al. 2020), or ᾱ_t falls as a squared cosine (Nichol 2021)."),
    ] = "linear"
    timesteps: Annotated[
        int,
        field("Timesteps T", "Number of steps of noise, and of steps back.", ge=10, le=1000, unit="steps", log=True),
    ] = 200
    components: Annotated[
        int, field("Components", "Gaussians in the mixture p₀; a change starts a new table.", ge=1, le=4)
    ] = 2
    particles: Annotated[
        int,
        field("Particles", "Particles that run back from noise.", ge=100, le=20_000, unit="particles", log=True),
    ] = 2000


@dataclass(frozen=True, eq=False)
class WayBack:
    """Particles that ran back from noise.

    Args:
        end: (N,) at t = 0.
        paths: (P, T + 1) of some of them, from t = T to 0.
    """

    end: Numbers
    paths: Numbers


class NoiseAndScore(Lab):
    """Forward and reverse process of diffusion on a line."""

    card: ClassVar[LabCard] = LabCard(
        name="noise_and_score",
        title="Noise and score",
        question="How can noise be taken away again, when all that is known is the score?",
        latex=r"\mathbb{E}[x_0 \mid x_t] = \frac{x_t + (1-\bar\alpha_t)\,\nabla \log q(x_t)}{\sqrt{\bar\alpha_t}}",
        notes="notes 4, lines 3–5 (draw x ~ p(x))",
        book="Ho, Jain & Abbeel (2020), arXiv:2006.11239, section 2; Bishop & Bishop (2024), Deep Learning, chapter 20",
    )
    Config = NoiseAndScoreConfig
    config: NoiseAndScoreConfig
    actions: ClassVar[tuple[LabAction, ...]] = (
        LabAction(name="run", title="Run back", help="Draw particles of noise and run them back to t = 0, both ways."),
        LabAction(
            name="learn",
            title="Learn the score",
            help="Train a small network by denoising score matching, and run the same particles back with it.",
        ),
    )

    live_inputs: ClassVar[frozenset[str]] = frozenset({"x0", "xt", "time"})

    def __init__(self, bench: LabBench, config: NoiseAndScoreConfig) -> None:
        super().__init__(bench, config)
        self._ways: dict[str, WayBack] = {}
        self._network: ScoreNetwork | None = None
        self._losses: list[float] = []

    def default_inputs(self) -> dict[str, Numbers]:
        """A mixture, and the places of x₀, x_t and t."""
        table = START[: self.config.components].copy()
        table[:, 0] /= table[:, 0].sum()
        return {"mixture": table, "x0": np.array([1.0]), "xt": np.array([0.2]), "time": np.array([self.config.time])}

    def configure(self, config: NoiseAndScoreConfig) -> None:
        """A change of schedule, T or mixture drops what was run or learned with the old one."""
        old, self.config = self.config, config
        if config.components != old.components:
            self.inputs["mixture"] = self.default_inputs()["mixture"]
        self.inputs["time"] = np.array([config.time])
        if msgspec.structs.replace(old, time=config.time, particles=config.particles) != config:
            self._forget()
        elif config.particles != old.particles:
            self._ways = {}

    def edit(self, name: str, values: Numbers) -> str:
        """See ``Lab``; weights are normalized, places are kept inside the axis."""
        if name == "mixture":
            table, note = checked_table(values, reach=3.0)
            if not np.array_equal(table, self.inputs[name]):
                self.inputs[name] = table
                self._forget()
            return note
        limit = (0.0, 1.0) if name == "time" else (-REACH, REACH)
        self.inputs[name] = np.clip(values, *limit)
        if name == "time":
            self.config = msgspec.structs.replace(self.config, time=round(float(self.inputs[name][0]), 3))
        return ""

    def prepare(self) -> Iterator[Scene | None]:
        """Run the first particles back."""
        yield from self.act("run")

    def act(self, action: str) -> Iterator[Scene | None]:
        """Run particles back with the exact score, or learn a score and run them back with it."""
        if action == "run":
            for offset, (name, eta) in enumerate(WAYS.items()):
                yield from self._run(name, self.diffusion.exact_score(self.start), eta, offset)
        else:
            yield from self._learn()
        if self._network is not None:
            yield from self._run(LEARNED, self._network.score(self.diffusion), 0.0, 0)

    # ---- computing ---------------------------------------------------------------------------------------------

    @property
    def start(self) -> GaussianMixture:
        """p₀."""
        return GaussianMixture.of_table(self.inputs["mixture"])

    @property
    def diffusion(self) -> LineDiffusion:
        """The forward process."""
        return LineDiffusion(self.config.timesteps, self.config.schedule)

    @property
    def t(self) -> int:
        """Timestep in use, 1 … T: at 0 there is no noise whose score could be followed."""
        return max(1, round(self.config.time * self.config.timesteps))

    def _forget(self) -> None:
        self._ways, self._network, self._losses = {}, None, []

    def _run(self, name: str, score: Score, eta: float, offset: int) -> Iterator[Scene | None]:
        noise = self.bench.generator(10)
        particles = torch.randn(self.config.particles, generator=noise, dtype=torch.float64).numpy()
        kept, state = [], particles
        for count, state in enumerate(
            self.diffusion.backward(particles, score, eta, self.bench.generator(11 + offset))
        ):
            kept.append(state[: max(SHOWN_PATHS.values())].copy())
            if count % STEPS_AT_ONCE == 0:
                yield None
        self._ways[name] = WayBack(state, np.stack(kept, axis=1))

    def _learn(self) -> Iterator[Scene | None]:
        self._network = ScoreNetwork(HIDDEN, self.bench.generator(20))
        self._losses = []
        training = learn_score(
            self._network, self.diffusion, self.start, LEARN_STEPS, LEARN_BATCH, self.bench.generator(21)
        )
        for step, loss in enumerate(training, 1):
            self._losses.append(loss)
            if step % STEPS_AT_ONCE == 0:
                yield self._staged(step) if self.bench.due() else None

    def _staged(self, step: int) -> Scene:
        stage = f"Learning the score, step {step:,} of {LEARN_STEPS:,}"
        return msgspec.structs.replace(self.scene(), stage=stage, progress=step / LEARN_STEPS)

    # ---- drawing -----------------------------------------------------------------------------------------------

    def scene(self) -> Scene:
        """The process over time; marginals, posterior and score at t; where the particles end; the schedules."""
        start, diffusion = self.start, self.diffusion
        rows: tuple[tuple[Block, ...], ...] = (
            (self._over_time(start, diffusion), self._at_t(start, diffusion)),
            (Sentence(text=self._finding(start), finding=True),),
            (self._posterior(start, diffusion), self._score(start, diffusion)),
            (self._measured(start, diffusion), self._table()),
            (self._ends(start), self._errors(start, diffusion)),
            self._schedules(),
        )
        return Scene(rows=rows)

    def _over_time(self, start: GaussianMixture, diffusion: LineDiffusion) -> Plane:
        times = np.unique(np.linspace(0, diffusion.timesteps, 101).round().astype(int))
        densities = np.stack([diffusion.marginal(start, int(t)).density(X[::2]) for t in times], axis=1)
        densities /= densities.max(axis=0)
        layers: list[PlaneLayer] = [heat("q(x_t) / its maximum", densities, (0.0, 1.0, -REACH, REACH), scale="shade")]
        every = np.unique(np.linspace(0, diffusion.timesteps, MAX_PATH_POINTS).round().astype(int))
        for series, name in enumerate(WAYS):
            if name in self._ways:
                paths = self._ways[name].paths[: SHOWN_PATHS[name], every]
                points = np.stack([np.broadcast_to(1 - every / diffusion.timesteps, paths.shape), paths], axis=2)
                layers.append(Paths(name=name, points=Array.of(points.astype(np.float32)), series=series, marked=True))
        layers.append(
            Guide(
                name="time",
                axis="x",
                value=self.config.time,
                label=f"t = {self.t}",
                help="Drag to choose the time t at which everything else is computed.",
            )
        )
        return Plane(
            title="q(x_t) over time, and paths back from noise",
            x=PointAxis("t / T", 0.0, 1.0),
            y=PointAxis("x_t", -REACH, REACH),
            layers=tuple(layers),
            note="Each column in units of its own maximum.",
        )

    def _at_t(self, start: GaussianMixture, diffusion: LineDiffusion) -> Curves:
        x0 = float(self.inputs["x0"][0])
        point = GaussianMixture(np.ones(1), np.array([x0]), np.zeros(1))
        return Curves(
            title=f"At t = {self.t}: q(x_t) and q(x_t | x₀)",
            x_title="x_t",
            y_title="density",
            lines=(
                line("q(x_t)", X, diffusion.marginal(start, self.t).density(X)),
                line("q(x_t | x₀)", X, diffusion.marginal(point, self.t).density(X)),
                line("p₀(x)", X, start.density(X)),
            ),
            x_range=(-REACH, REACH),
            marks=(Mark(name="x0", x=x0, label="x₀"),),
        )

    def _posterior(self, start: GaussianMixture, diffusion: LineDiffusion) -> Curves:
        xt = self.inputs["xt"]
        density = diffusion.posterior_density(start, X, float(xt[0]), self.t)
        mean = diffusion.denoised(xt, self.t, diffusion.marginal(start, self.t).score(xt))
        return Curves(
            title="Posterior q(x₀ | x_t), before the noise",
            x_title="x₀",
            y_title="density",
            lines=(line("q(x₀ | x_t)", X, density), line("p₀(x₀)", X, start.density(X))),
            x_range=(-REACH, REACH),
            marks=(Mark(name="xt", x=float(xt[0]), label="x_t"), Mark(x=float(mean[0]), label="E[x₀ | x_t]")),
        )

    def _score(self, start: GaussianMixture, diffusion: LineDiffusion) -> Curves:
        marginal = diffusion.marginal(start, self.t)
        lines = [line("exact", X, marginal.score(X)), line("finite differences", X, score_by_differences(marginal, X))]
        if self._network is not None:
            lines.append(line("learned", X, self._network.score(diffusion)(X, self.t)))
        return Curves(
            title=f"Score ∂ log q(x_t) / ∂x_t at t = {self.t}",
            x_title="x_t",
            y_title="score",
            lines=tuple(lines),
            x_range=(-REACH, REACH),
            marks=(Mark(name="xt", x=float(self.inputs["xt"][0]), label="x_t"),),
        )

    def _schedules(self) -> tuple[Block, ...]:
        t_over_T = np.linspace(0, 1, self.config.timesteps + 1)
        both = {kind: LineDiffusion(self.config.timesteps, kind).alpha_bar for kind in ("linear", "cosine")}
        marks = (Mark(x=self.t / self.config.timesteps, label=f"t = {self.t}"),)
        kept = Curves(
            title="Signal that is left, ᾱ_t",
            x_title="t / T",
            y_title="ᾱ_t",
            lines=tuple(line(kind, t_over_T, values) for kind, values in both.items()),
            x_range=(0.0, 1.0),
            y_range=(0.0, 1.0),
            marks=marks,
        )
        ratio = Curves(
            title="Signal-to-noise ratio ᾱ_t / (1 − ᾱ_t)",
            x_title="t / T",
            y_title="SNR",
            lines=tuple(line(kind, t_over_T[1:], values[1:] / (1 - values[1:])) for kind, values in both.items()),
            x_range=(0.0, 1.0),
            log_y=True,
            marks=marks,
        )
        return kept, ratio

    def _ends(self, start: GaussianMixture) -> Curves:
        centres = (EDGES[1:] + EDGES[:-1]) / 2
        found = [
            line(name, centres, np.histogram(way.end, EDGES)[0] / len(way.end) / np.diff(EDGES))
            for name, way in self._ways.items()
        ]
        return Curves(
            title=f"Ends of {self.config.particles:,} particles against p₀",
            x_title="x",
            y_title="density",
            lines=(line("p₀(x)", X, start.density(X)), *found),
            x_range=(-REACH, REACH),
        )

    def _errors(self, start: GaussianMixture, diffusion: LineDiffusion) -> Curves:
        lines = []
        if self._network is not None:
            times = np.unique(np.linspace(1, diffusion.timesteps, 40).round().astype(int))
            learned = self._network.score(diffusion)
            errors = [diffusion.noise_error(start, learned, X, int(t)) for t in times]
            lines = [line("learned", times / diffusion.timesteps, errors)]
        return Curves(
            title="Error of the learned score, (1 − ᾱ_t) E‖s_θ − s‖²",
            x_title="t / T",
            y_title="error",
            lines=tuple(lines),
            x_range=(0.0, 1.0),
        )

    def _table(self) -> Table:
        return Table(
            title="Mixture p₀",
            columns=("weight", "mean", "deviation"),
            rows=tuple(str(k + 1) for k in range(self.config.components)),
            values=wide(self.inputs["mixture"]),
            name="mixture",
            format=".3f",
        )

    def _measured(self, start: GaussianMixture, diffusion: LineDiffusion) -> NumbersBlock:
        xt, t = self.inputs["xt"], self.t
        marginal = diffusion.marginal(start, t)
        exact = float(marginal.score(xt)[0])
        tweedie = float(diffusion.denoised(xt, t, marginal.score(xt))[0])
        bayes = float(diffusion.posterior_mean(start, xt, t)[0])
        largest = float(np.abs(marginal.score(X) - score_by_differences(marginal, X)).max())
        found = [
            Number("Score at x_t", f"{exact:.6f}", "∂ log q(x_t) / ∂x_t in closed form."),
            Number(
                "Score by differences", f"{float(score_by_differences(marginal, xt)[0]):.6f}", "Of log q, ± 0.0001."
            ),
            Number("Largest difference on the axis", f"{largest:.1e}", "Between both scores."),
            Number(
                "E[x₀ | x_t] by Tweedie",
                f"{tweedie:.6f}",
                "From the score.",
                r"\mathbb{E}[x_0\mid x_t]\ \mathrm{(score)}",
            ),
            Number(
                "E[x₀ | x_t] by Bayes",
                f"{bayes:.6f}",
                "Component by component, without the score.",
                r"\mathbb{E}[x_0\mid x_t]\ \mathrm{(Bayes)}",
            ),
        ]
        for name in (*WAYS, LEARNED):
            way = self._ways.get(name)
            shown = "–"
            if way is not None:
                shown = f"{kolmogorov_smirnov(way.end, start):.4f}, {total_variation(way.end, start, EDGES):.4f}"
            found.append(Number(f"{name}: KS, TV", shown, "Distance of the particles' ends from p₀."))
        return NumbersBlock(title=f"Checked at x_t = {xt[0]:.2f}, t = {t}", numbers=tuple(found))

    def _finding(self, start: GaussianMixture) -> str:
        if not self._ways:
            return "Run back: particles of noise follow the score to p₀."
        expected = 0.869 / math.sqrt(self.config.particles)
        parts = [f"{name}: {kolmogorov_smirnov(way.end, start):.3f}" for name, way in self._ways.items()]
        return (
            f"Distance (KS) of {self.config.particles:,} particles from p₀ after {self.config.timesteps} steps back: "
            f"{'; '.join(parts)}. As many exact draws from p₀ are {expected:.3f} away on average."
        )
