r"""The game: a GAN in one or two dimensions, move by move, beside the best discriminator and the value that they know.

Source: Goodfellow et al. 2014, Generative adversarial nets, arXiv:1406.2661, sections 3 and 4; the two losses of G,
Goodfellow 2016, arXiv:1701.00160, section 3.2. Players and densities are in ``game_players``.
"""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
import torch
from msgspec import Struct

from gmstudio.labs.base import Lab, LabBench, Numbers
from gmstudio.labs.drawing import heat, line, wide
from gmstudio.labs.game_players import REACH, Players, Position, RealPoints
from gmstudio.protocol.config import field
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.plane_layers import Arrows, Dots
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Block, Curves, Line, Mark, Number, Plane, Scene, Sentence
from gmstudio.protocol.scenes import Numbers as NumbersBlock

PLAYED, ALONE = 200, 100
"""Steps of an action."""
RECORD_EVERY = 10
BATCH = 256
SHOWN_POINTS, SHOWN_ARROWS = 256, 100
ARROW = 0.45
"""Length of the longest arrow."""
LOG_4 = math.log(4.0)


class GameConfig(Struct, frozen=True, kw_only=True):
    """Settings of the lab."""

    space: Annotated[
        Literal["line", "plane"],
        field("Data", "Numbers, or points of the plane.", labels={"line": "one dimension", "plane": "two dimensions"}),
    ] = "line"
    modes: Annotated[
        int, field("Modes", "Gaussians of the real data; in the plane, along each side of a square.", ge=1, le=5)
    ] = 2
    objective: Annotated[
        Literal["minimax", "non-saturating"],
        field("Loss of G", "minimax: log(1 − D(G(z))), the game as written. non-saturating: −log D(G(z))."),
    ] = "minimax"
    d_steps: Annotated[int, field("D steps", "Updates of D in each step of play.", ge=1, le=20, unit="updates")] = 1
    g_steps: Annotated[
        int, field("G steps", "Updates of G in each step of play; many make it collapse.", ge=1, le=20, unit="updates")
    ] = 1
    d_rate: Annotated[float, field("Rate of D", "Adam's step size of D.", gt=0, le=0.1, log=True, advanced=True)] = 2e-3
    g_rate: Annotated[float, field("Rate of G", "Adam's step size of G.", gt=0, le=0.1, log=True, advanced=True)] = 1e-3
    noise: Annotated[
        float,
        field(
            "Noise s", "Deviation of the noise on real and generated points, which gives both a density.", ge=0.1, le=1
        ),
    ] = 0.15


class Game(Lab):
    """A GAN whose densities are known."""

    card: ClassVar[LabCard] = LabCard(
        name="game",
        title="The game",
        question="What do generator and discriminator play for, and when does the generator learn nothing?",
        latex=r"\min_G \max_D\ \mathbb{E}_{p}[\log D(x)] + \mathbb{E}_{z}[\log(1 - D(G(z)))],\quad D^* = \frac{p}{p+q}",
        notes="notes 2, lines 128–159",
        book="Goodfellow et al. (2014), arXiv:1406.2661, section 4; Prince (2023), Understanding Deep Learning, §15.2",
    )
    Config = GameConfig
    config: GameConfig
    actions: ClassVar[tuple[LabAction, ...]] = (
        LabAction(name="d_step", title="D step", help="One update of the discriminator; G stays."),
        LabAction(name="g_step", title="G step", help="One update of the generator; D stays."),
        LabAction(
            name="play", title=f"Play {PLAYED} steps", help="Updates of D and of G in turn, as the settings say."
        ),
        LabAction(name="d_alone", title="Train D alone", help=f"{ALONE} updates of D against the present G."),
    )
    live_inputs: ClassVar[frozenset[str]] = frozenset({"x"})

    def __init__(self, bench: LabBench, config: GameConfig) -> None:
        super().__init__(bench, config)
        self._begin()

    def default_inputs(self) -> dict[str, Numbers]:
        """Place at which the densities and D are read."""
        return {"x": np.array([0.0])}

    def configure(self, config: GameConfig) -> None:
        """Another space, real density or noise begins a new game; losses and rates change the next moves."""
        old, self.config = self.config, config
        if (config.space, config.modes, config.noise) != (old.space, old.modes, old.noise):
            self._begin()

    def edit(self, name: str, values: Numbers) -> str:
        """See ``Lab``; the place stays on the axis."""
        self.inputs[name] = np.clip(values, -REACH, REACH)
        return ""

    def _begin(self) -> None:
        make = RealPoints.on_a_line if self.config.space == "line" else RealPoints.on_a_grid
        # Draws and weights come from the processor's generator, so that a game is the same on every device.
        source = torch.Generator().manual_seed(self.bench.seed)
        self._players = Players(make(self.config.modes), self.config.noise, source)
        self._moves = {"d": 0, "g": 0}
        self._track: list[tuple[float, ...]] = []
        self._record()

    # ---- moves -------------------------------------------------------------------------------------------------

    def act(self, action: str) -> Iterator[Scene | None]:
        """Make the moves of an action, one a piece."""
        if action == "play":
            for step in range(1, PLAYED + 1):
                for _ in range(self.config.d_steps):
                    self._move("d")
                    yield None
                for _ in range(self.config.g_steps):
                    self._move("g")
                    yield None
                yield from self._after("Playing", step, PLAYED)
        elif action == "d_alone":
            for step in range(1, ALONE + 1):
                self._move("d")
                yield from self._after("Training D alone", step, ALONE)
        else:
            self._move(action[0])
            self._record()

    def _move(self, player: str) -> None:
        if player == "d":
            self._players.step_d(BATCH, self.config.d_rate)
        else:
            self._players.step_g(BATCH, self.config.g_rate, self.config.objective)
        self._moves[player] += 1

    def _after(self, words: str, step: int, last: int) -> Iterator[Scene | None]:
        if step % RECORD_EVERY == 0:
            self._record()
        if self.bench.due():
            stage = f"{words}, step {step} of {last}"
            yield msgspec.structs.replace(self.scene(), stage=stage, progress=step / last)
        else:
            yield None

    def _record(self) -> None:
        position = self._players.measure()
        covered, _ = self._players.modes_covered(position)
        moves = self._moves["d"] + self._moves["g"]
        self._track.append((moves, position.value, position.best_value, covered))

    # ---- drawing -----------------------------------------------------------------------------------------------

    def scene(self) -> Scene:
        """Densities and discriminators; both losses of G; the value and the modes covered over the moves."""
        position = self._players.measure()
        first = self._on_a_line(position) if self.config.space == "line" else self._in_the_plane(position)
        rows: tuple[tuple[Block, ...], ...] = (
            first,
            (Sentence(text=self._finding(position), finding=True),),
            (_losses(position), self._numbers(position)),
            (self._values(), self._modes()),
            (Sentence(text=self._words()),),
        )
        return Scene(rows=rows)

    def _on_a_line(self, position: Position) -> tuple[Block, ...]:
        marks = (Mark(name="x", x=float(self.inputs["x"][0]), label="x"),)
        densities = Curves(
            title="Densities: real p, generated q",
            x_title="x",
            y_title="density",
            lines=(line("p(x)", position.axis, position.p), line("q(x)", position.axis, position.q)),
            x_range=(-REACH, REACH),
            marks=marks,
        )
        critics = Curves(
            title="Trained D and the best D* = p / (p + q)",
            x_title="x",
            y_title="probability of being real",
            lines=(line("D(x)", position.axis, position.d), line("D*(x)", position.axis, position.best_d)),
            x_range=(-REACH, REACH),
            y_range=(0.0, 1.0),
            marks=marks,
        )
        return densities, critics

    def _in_the_plane(self, position: Position) -> tuple[Block, ...]:
        every = len(position.atoms) // SHOWN_ARROWS
        starts = torch.from_numpy(position.atoms[::every]).float()
        pulls = self._players.pulls(starts, self.config.objective).double().numpy()
        longest = max(float(np.linalg.norm(pulls, axis=1).max()), 1e-12)
        real = self._players.real.draw(SHOWN_POINTS, self.config.noise, torch.Generator().manual_seed(self.bench.seed))
        points = (
            Dots(name="real", points=wide(real.double().numpy())),
            Dots(name="G(z)", points=wide(position.atoms[:: max(1, len(position.atoms) // SHOWN_POINTS)]), series=0),
        )
        arrows = Arrows(
            name="−∂ loss of G / ∂x",
            starts=wide(position.atoms[::every]),
            ends=wide(position.atoms[::every] + ARROW * pulls / longest),
            series=1,
        )
        return (
            _plane("Trained D", "D(x)", position.d, (*points, arrows)),
            _plane("The best D* = p / (p + q)", "D*(x)", _where_points_are(position), points),
        )

    def _numbers(self, position: Position) -> NumbersBlock:
        mean = position.mean_d
        norms = {name: self._players.push_on_g(name) for name in ("minimax", "non-saturating")}
        found = [
            Number("Mean D(G(z))", f"{mean:.4f}", "Over generated points.", r"\mathbb{E}_z[D(G(z))]"),
            Number("Slope of log(1 − D)", f"{-mean:.4f}", "Mean derivative by D's logit: −D."),
            Number("Slope of −log D", f"{mean - 1:.4f}", "Mean derivative by D's logit: D − 1."),
            Number("Gradient of G, minimax", f"{norms['minimax']:.5f}", "Norm over all weights of G."),
            Number("Gradient of G, non-saturating", f"{norms['non-saturating']:.5f}", "Norm over all weights of G."),
            Number("V(D, G)", f"{position.value:.5f} nats", "Value of the game for the trained D."),
            Number("V(D*, G)", f"{position.best_value:.5f} nats", "Its largest value against this G."),
            Number("JSD(p, q)", f"{position.jensen_shannon:.5f} nats", "From 0 to log 2 = 0.693 nats."),
            Number(
                "2 JSD − log 4",
                f"{2 * position.jensen_shannon - LOG_4:.5f} nats",
                "It is V(D*, G); −log 4 = −1.386 where p = q.",
            ),
        ]
        if self.config.space == "line":
            x = float(self.inputs["x"][0])
            d, best = (float(np.interp(x, position.axis, values)) for values in (position.d, position.best_d))
            found.append(Number(f"D, D* at x = {x:.2f}", f"{d:.4f}, {best:.4f}", "Drag the line x to read them."))
        return NumbersBlock(title="Where the game stands", numbers=tuple(found))

    def _values(self) -> Curves:
        track = np.array(self._track)
        lines: list[Line] = [
            line("V(D, G)", track[:, 0], track[:, 1]),
            line("V(D*, G)", track[:, 0], track[:, 2]),
            line("−log 4", [0, max(1.0, track[-1, 0])], [-LOG_4, -LOG_4]),
        ]
        return Curves(title="Value of the game", x_title="moves of D and G", y_title="nats", lines=tuple(lines))

    def _modes(self) -> Curves:
        track = np.array(self._track)
        count = len(self._players.real.means)
        return Curves(
            title=f"Modes covered, of {count}",
            x_title="moves of D and G",
            y_title="modes",
            lines=(line("with a quarter of their share or more", track[:, 0], track[:, 3]),),
            y_range=(0.0, count + 0.5),
        )

    def _finding(self, position: Position) -> str:
        mean = position.mean_d
        covered, near = self._players.modes_covered(position)
        gap = position.best_value - position.value
        weaker = "log(1 − D)" if mean < 0.5 else "−log D"
        ratio = max(mean, 1 - mean) / max(min(mean, 1 - mean), 1e-9)
        return (
            f"D gives generated points {mean:.3f} on average, where {weaker} has the smaller slope, by a factor of "
            f"{ratio:.1f}. The trained D is {gap:.3f} nats short of D*, and V(D*, G) = {position.best_value:.3f} is "
            f"{position.best_value + LOG_4:.3f} nats above −log 4: twice the Jensen–Shannon divergence. G covers "
            f"{covered} of {len(self._players.real.means)} modes; {100 * near:.0f} % of its points are at one."
        )

    def _words(self) -> str:
        return (
            f"So far {self._moves['d']:,} moves of D and {self._moves['g']:,} of G. Both kinds of points carry noise "
            f"of deviation {self.config.noise:g}, so that q(x) = E_z[N(x; G(z), s²)] is a density; it is computed by "
            f"quadrature over {len(self._players.codes):,} codes of equal probability. D sees x and sines and cosines "
            "of it."
        )


def _plane(title: str, name: str, values: Numbers, layers: tuple[Dots | Arrows, ...]) -> Plane:
    step = 2 * REACH / (len(values) - 1) / 2
    extent = (-REACH - step, REACH + step, -REACH - step, REACH + step)
    return Plane(
        title=title,
        x=PointAxis("x₁", -REACH, REACH),
        y=PointAxis("x₂", -REACH, REACH),
        layers=(heat(name, values, extent, scale="shade", top=1.0), *layers),
        square=True,
    )


def _where_points_are(position: Position) -> Numbers:
    """D* without the places where neither density is a millionth of the largest: nothing is drawn there."""
    both = position.p + position.q
    return np.where(both > 1e-6 * both.max(), position.best_d, np.nan)


def _losses(position: Position) -> Curves:
    """Both losses of G over D, with the mean D(G(z)) marked."""
    d = np.linspace(0.005, 0.995, 199)
    return Curves(
        title="Losses of G over D(G(z))",
        x_title="D(G(z))",
        y_title="loss, nats",
        lines=(line("log(1 − D), minimax", d, np.log(1 - d)), line("−log D, non-saturating", d, -np.log(d))),
        x_range=(0.0, 1.0),
        y_range=(-5.5, 5.5),
        marks=(Mark(x=position.mean_d, label="mean D(G(z))"),),
    )
