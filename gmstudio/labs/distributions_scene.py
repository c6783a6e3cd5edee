"""Scene of the laboratory of distributions: the distribution with its draws, the error against n, the numbers of both.

Shapes: N draws, M cells, S numbers of draws.
"""

import numpy as np
from numpy.typing import NDArray

from gmstudio.labs import distributions_laws as laws
from gmstudio.labs.base import Numbers
from gmstudio.labs.drawing import bars, line, wide
from gmstudio.protocol.scenes import Block, Curves, Line, Mark, Table

MAX_DRAWS = 200_000
REPETITIONS = 50
SIZES = np.unique(np.round(np.logspace(0, 5, 16)).astype(np.int64))
"""Numbers of draws at which the error is measured."""

Cells = NDArray[np.int64]


def picture(law: laws.Law, cells: Cells, marks: tuple[Mark, ...]) -> Block:
    """The distribution and the shares of the draws: bars of a few values, curves over an axis."""
    share = np.bincount(cells, minlength=len(law.probabilities)) / max(1, len(cells))
    if law.labels:
        title = f"Probability and share of {len(cells):,} draws"
        return bars(
            title,
            law.labels,
            {"probability p": law.probabilities, "share of the draws": share},
            top=1.0 if len(share) == 2 else 0.0,
        )
    drawn = share / np.diff(law.edges) if law.continuous else share
    lines = [_steps("share of the draws", law.edges, drawn)] if len(cells) else []
    if law.continuous:
        places = np.linspace(laws.LOW, laws.HIGH, 801)
        lines.append(line("density p", places, np.exp(law.log_prob(places))))
    else:
        lines.append(_steps("probability p", law.edges, law.probabilities))
    return Curves(
        title=f"{'Density' if law.continuous else 'Probability'} and {len(cells):,} draws",
        x_title="x" if law.continuous else "level v",
        y_title="density" if law.continuous else "probability",
        lines=tuple(lines),
        x_range=(float(law.edges[0]), float(law.edges[-1])),
        marks=marks,
    )


def measured_errors(law: laws.Law, seed: int) -> Numbers:
    """Root mean square of ‖p̂ - p‖ over repeated draws of each size, (S,)."""
    rng = np.random.default_rng(seed)
    counts = np.stack([rng.multinomial(int(n), law.probabilities, size=REPETITIONS) for n in SIZES])
    errors = counts / SIZES[:, None, None] - law.probabilities
    found: Numbers = np.sqrt(np.square(errors).sum(2).mean(1))
    return found


def law_of_error(law: laws.Law, sizes: Cells) -> Numbers:
    """√(E ‖p̂ - p‖²) = √((1 - Σ p_i²) / n) for each number of draws, (S,)."""
    found: Numbers = np.sqrt(max(0.0, 1.0 - float(np.square(law.probabilities).sum())) / sizes)
    return found


def errors_of(law: laws.Law, cells: Cells, sizes: Cells) -> Numbers:
    """‖p̂ - p‖ of the first n draws, whose cells are given, for each n, (S,)."""
    shares = (np.bincount(cells[:n], minlength=len(law.probabilities)) / n for n in sizes)
    return np.array([np.linalg.norm(share - law.probabilities) for share in shares])


def convergence(law: laws.Law, cells: Cells, measured: Numbers) -> Curves:
    """The error against n: its law, as measured over repetitions, and that of these draws as they came."""
    lines = [
        line("√((1 − Σ pᵢ²) / n)", SIZES, law_of_error(law, SIZES)),
        line(f"measured, {REPETITIONS} repetitions", SIZES, measured),
    ]
    if len(cells):
        sizes = np.unique(np.round(np.geomspace(1, len(cells), 40)).astype(np.int64))
        lines.append(line("these draws", sizes, errors_of(law, cells, sizes)))
    return Curves(
        title="Error ‖p̂ − p‖ against the number of draws",
        x_title="draws n",
        y_title="error",
        lines=tuple(_above_zero(curve) for curve in lines),
        x_range=(1.0, float(MAX_DRAWS)),
        log_x=True,
        log_y=True,
    )


def numbers(law: laws.Law, values: Numbers) -> Table:
    """Mean, variance and entropy of the distribution and of its draws."""
    nats = law.log_prob(values)
    of_draws = np.array([values.mean(), values.var(), -nats.mean()]) if len(values) else np.full(3, np.nan)
    true = np.array([law.mean, law.variance, law.entropy])
    note = f"Log-likelihood of the {len(values):,} draws: {nats.sum():,.3f} nats"
    return Table(
        title="Mean, variance and entropy",
        columns=("distribution", "draws", "difference"),
        rows=("mean", "variance", "entropy; mean −log p (nats)"),
        values=wide(np.column_stack([true, of_draws, of_draws - true])),
        format=".5f",
        note=note if len(values) else "No draws yet.",
    )


def finding(law: laws.Law, cells: Cells, measured: Numbers) -> str:
    """What the measured errors show."""
    some = measured > 0
    if some.sum() < 2:
        return "All probability is on one value: every draw is the same, and the error is 0 for every n."
    slope = float(np.polyfit(np.log(SIZES[some]), np.log(measured[some]), 1)[0])
    written = f"{slope:.3f}".replace("-", "−")
    text = f"Over {REPETITIONS} repetitions the error falls as n^{written}; the law is n^−0.5."
    if len(cells):
        size = np.array([len(cells)])
        error, expected = errors_of(law, cells, size)[0], law_of_error(law, size)[0]
        text += f" These {len(cells):,} draws have an error of {error:.4f}, where {expected:.4f} is expected."
    return text


def weights_table(weights: Numbers) -> Table:
    """Editable probabilities of a die."""
    return Table(
        title="Probabilities (editable)",
        columns=tuple(str(i + 1) for i in range(len(weights))),
        rows=("p",),
        values=wide(weights[None]),
        name="weights",
        format=".4f",
        note="They are divided by their sum.",
    )


def components_table(components: Numbers) -> Table:
    """Editable components of a mixture."""
    return Table(
        title="Components (editable)",
        columns=("weight w", "mean μ", "deviation σ"),
        rows=tuple(f"k = {k + 1}" for k in range(len(components))),
        values=wide(components),
        name="components",
        format=".3f",
        note="Weights are divided by their sum; means are also marks of the plot.",
    )


def _steps(name: str, edges: Numbers, heights: Numbers) -> Line:
    return line(name, np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(heights, 2), [0.0]]))


def _above_zero(curve: Line) -> Line:
    """Without the points that a logarithmic axis cannot show."""
    x, y = curve.x.numpy(), curve.y.numpy()
    return line(curve.name, x[y > 0], y[y > 0])
