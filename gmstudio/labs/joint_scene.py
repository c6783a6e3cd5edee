"""Scenes of the laboratory of joint distributions: the table, and what is computed from it.

Variables are numbered from 0; their symbols are LaTeX such as ``x_1``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gmstudio.labs import joint_parameters as counts
from gmstudio.labs.base import Numbers
from gmstudio.labs.drawing import bars, line, small, wide
from gmstudio.labs.information import entropy
from gmstudio.labs.joint_tables import Factor, Joint
from gmstudio.protocol.array import Array
from gmstudio.protocol.scenes import Block, Curves, Formula, Number, Pictures, Sentence, Table
from gmstudio.protocol.scenes import Numbers as NumbersBlock

Row = tuple[Block, ...]
DASH = 1.06
MANY = 10**12
"""Larger numbers of parameters are written as a power of ten."""


@dataclass(frozen=True)
class CountedModel:
    """Model of a run, counted.

    Args:
        family: its name.
        title: of the run.
        pixels: their number, where they are binary; None: they are not.
        parameters: trainable scalars.
    """

    family: str
    title: str
    pixels: int | None
    parameters: int

    @property
    def name(self) -> str:
        """A few words for a legend."""
        return f"{self.family.upper()} run"


# ---- names ---------------------------------------------------------------------------------------------------


def plain(symbol: str) -> str:
    """A symbol in plain text: ``x_1`` as ``x₁``."""
    name, _, number = symbol.partition("_")
    return name + "".join(chr(0x2080 + int(digit)) for digit in number)


def names(symbols: Sequence[str], variables: Sequence[int]) -> str:
    """Variables in plain text, with commas."""
    return ", ".join(plain(symbols[i]) for i in variables)


def probability(symbols: Sequence[str], asked: Sequence[int], given: Sequence[int] = ()) -> str:
    """``p(a | b, c)`` in plain text."""
    return f"p({names(symbols, asked)}{' | ' + names(symbols, given) if given else ''})"


def latex_probability(symbols: Sequence[str], asked: Sequence[int], given: Sequence[int] = ()) -> str:
    """``p(a | b, c)`` as LaTeX."""
    condition = r" \mid " + ", ".join(symbols[i] for i in given) if given else ""
    return f"p({', '.join(symbols[i] for i in asked)}{condition})"


def statement(symbols: Sequence[str], a: int, b: int, given: Sequence[int]) -> str:
    """``a ⊥ b | z`` in plain text."""
    return f"{plain(symbols[a])} ⊥ {plain(symbols[b])}{' | ' + names(symbols, given) if given else ''}"


def _assignments(symbols: Sequence[str], variables: Sequence[int], *, short: bool = False) -> tuple[str, ...]:
    """``x₁x₂ = 01`` and so on, for headings of rows and columns; those of several variables may be short, ``01``."""
    if not variables:
        return ("p",)
    name = "" if short and len(variables) > 1 else "".join(plain(symbols[i]) for i in variables) + " = "
    return tuple(f"{name}{number:0{len(variables)}b}" for number in range(2 ** len(variables)))


# ---- table ---------------------------------------------------------------------------------------------------


def flat(joint: Joint) -> Numbers:
    """(R, C) table: rows are the states of the first half of the variables, columns those of the others."""
    return joint.p.reshape(2 ** (joint.num_variables // 2), -1)


def table_row(joint: Joint, symbols: Sequence[str], number: int, *, as_images: bool) -> Row:
    """The editable table beside a picture of all states; the state of this number is set off."""
    half = joint.num_variables // 2
    values, columns = flat(joint), range(half, joint.num_variables)
    title = f"{probability(symbols, range(joint.num_variables))} (editable)"
    table = Table(
        title=title,
        columns=_assignments(symbols, columns, short=True),
        rows=_assignments(symbols, range(half)),
        values=wide(values),
        name="table",
        format=".4f",
        highlighted=(divmod(number, values.shape[1]),),
        note=f"Columns: {names(symbols, columns)} · entropy {entropy(joint.p):.4f} nats",
    )
    states = joint.states()
    if as_images:
        shown = (255 * np.array(states, np.uint8)).reshape(-1, 1, 2, 2)
        captions = tuple(f"{p:.3f}" for p in joint.p.flat)
        return table, Pictures(
            title="All images and their probabilities", images=Array.of(shown), captions=captions, columns=8
        )
    labels = ["".join(map(str, state)) for state in states]
    return table, bars("Probability of each state", labels, {"p": joint.p.ravel()})


def _conditional_table(
    joint: Joint,
    symbols: Sequence[str],
    asked: Sequence[int],
    given: Sequence[int],
    mark: tuple[int, int] | None = None,
) -> Table:
    return Table(
        title=probability(symbols, asked, given),
        columns=_assignments(symbols, asked, short=True),
        rows=_assignments(symbols, given),
        values=wide(joint.conditional(asked, given)),
        format=".4f",
        highlighted=(mark,) if mark else (),
    )


# ---- parts ---------------------------------------------------------------------------------------------------


def conditional(
    joint: Joint, symbols: Sequence[str], asked: Sequence[int], given: Sequence[int], state: Sequence[int]
) -> list[Row]:
    """The distribution of some variables given others, the rest summed out.

    Raises:
        ValueError: when no variable is asked for.
    """
    if not asked:
        raise ValueError("No variable is asked for; set at least one to “asked for”.")
    mark = _number(state, given), _number(state, asked)
    table = _conditional_table(joint, symbols, asked, given, mark)
    both = latex_probability(symbols, [*asked, *given])
    latex = latex_probability(symbols, asked, given)
    latex += rf" = \frac{{{both}}}{{{latex_probability(symbols, given)}}}" if given else ""
    value = joint.conditional(asked, given)[mark]
    rest = [i for i in range(joint.num_variables) if i not in (*asked, *given)]
    text = f"Summed out: {names(symbols, rest)}. " if rest else ""
    if math.isnan(value):
        text += "The condition has probability 0, so that the conditional is not defined there."
    else:
        text += f"In the state that is set off it is {value:.6f}; each row sums to 1."
    return [(table, Formula(latex=latex, title="Definition")), (Sentence(text=text, finding=True),)]


def chain_rule(joint: Joint, symbols: Sequence[str], order: Sequence[int], state: Sequence[int]) -> list[Row]:
    """Factors in an order, and their product for one state."""
    factors = joint.factors(order)
    tables = [
        _conditional_table(
            joint, symbols, [factor.variable], factor.context, (factor.row(state), state[factor.variable])
        )
        for factor in factors
    ]
    values = factor_values(factors, state)
    entry = float(joint.p[tuple(state)])
    product = math.prod(values)
    written = r" \cdot ".join(f"{value:.4f}" for value in values)
    of_state = ", ".join(f"{symbols[i]} = {state[i]}" for i in range(joint.num_variables))
    factored = " ".join(latex_probability(symbols, [factor.variable], factor.context) for factor in factors)
    everything = latex_probability(symbols, range(joint.num_variables))
    worst = max(abs(math.prod(factor_values(factors, s)) - float(joint.p[s])) for s in joint.states())
    sizes = " + ".join(str(2 ** len(factor.context)) for factor in factors)
    text = (
        f"The factors multiply to {product:.6f}, and the table has {entry:.6f}; over all {joint.p.size} states they "
        f"differ by at most {small(worst)}. Parameters: {sizes} = {counts.full_table(len(order))}, as many as the "
        "table has, in any order."
    )
    return [
        (Formula(latex=f"{everything} = {factored}", title="Chain rule in this order"),),
        *(tuple(tables[place : place + 2]) for place in range(0, len(tables), 2)),
        (Formula(latex=rf"p({of_state}) = {written} = {product:.6f}", title="The state that is followed"),),
        (Sentence(text=text, finding=True),),
    ]


def factor_values(factors: Sequence[Factor], state: Sequence[int]) -> list[float]:
    """Values of the factors for a state; those after one of 0, which are not defined, are left out."""
    values: list[float] = []
    for factor in factors:
        values.append(float(factor.table[factor.row(state), state[factor.variable]]))
        if values[-1] == 0:
            break
    return values


def bayes(joint: Joint, symbols: Sequence[str], a: int, b: int) -> list[Row]:
    """Bayes' rule both ways for two variables."""
    rows: list[Row] = []
    worst = 0.0
    for asked, given in ((a, b), (b, a)):
        prior, likelihood = joint.marginal([asked]), joint.conditional([given], [asked])
        evidence = joint.marginal([given])
        tables = (
            _conditional_table(joint, symbols, [asked], []),
            _conditional_table(joint, symbols, [given], [asked]),
            _conditional_table(joint, symbols, [asked], [given], (1, 1)),
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            by_rule = (likelihood * prior[:, None] / evidence).T  # (given, asked)
        direct = joint.conditional([asked], [given])
        known = ~np.isnan(by_rule) & ~np.isnan(direct)
        worst = max(worst, float(np.abs(by_rule - direct)[known].max(initial=0.0)))
        rows += [tables, (_bayes_formula(symbols, asked, given, prior, likelihood, evidence),)]
    text = f"Posteriors by Bayes' rule and directly from the table differ by at most {small(worst)}."
    posterior, prior_one = joint.conditional([a], [b])[1, 1], joint.marginal([a])[1]
    if not math.isnan(posterior):
        ratio = f", {posterior / prior_one:.3g} times as probable" if prior_one > 0 else ""
        one, other = plain(symbols[a]), plain(symbols[b])
        text += f" Observing {other} = 1 takes p({one} = 1) from {prior_one:.4f} to {posterior:.4f}{ratio}."
    return [*rows, (Sentence(text=text, finding=True),)]


def _bayes_formula(
    symbols: Sequence[str], asked: int, given: int, prior: Numbers, likelihood: Numbers, evidence: Numbers
) -> Formula:
    x, y = symbols[asked], symbols[given]
    one = f"{x} = 1", f"{y} = 1"
    rule = rf"p({one[0]} \mid {one[1]}) = \frac{{p({one[1]} \mid {one[0]})\, p({one[0]})}}{{p({one[1]})}}"
    if evidence[1] <= 0 or math.isnan(likelihood[1, 1]):
        return Formula(latex=rule, title="Not defined here: the condition has probability 0")
    numbers = rf" = \frac{{{likelihood[1, 1]:.4f} \cdot {prior[1]:.4f}}}{{{evidence[1]:.4f}}}"
    return Formula(latex=f"{rule}{numbers} = {likelihood[1, 1] * prior[1] / evidence[1]:.4f}")


def independence(joint: Joint, symbols: Sequence[str], a: int, b: int, given: tuple[int, ...]) -> list[Row]:
    """p(a, b | z) beside p(a | z) p(b | z), their distance and the conditional mutual information."""
    together, product = joint.split(a, b, given)
    total = together.sum((1, 2), keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        both = [(part / total).reshape(-1, 4) for part in (together, product)]
    columns = _assignments(symbols, [a, b], short=True)
    rows = _assignments(symbols, given)
    z = " | " + names(symbols, given) if given else ""
    titles = (f"p({names(symbols, [a, b])}{z})", f"p({plain(symbols[a])}{z}) p({plain(symbols[b])}{z})")
    tables = [
        Table(title=title, columns=columns, rows=rows, values=wide(values), format=".4f")
        for title, values in zip(titles, both, strict=True)
    ]
    information, worst = joint.mutual_information(a, b, given), joint.dependence(a, b, given)
    condition = r" \mid " + ", ".join(symbols[i] for i in given) if given else ""
    numbers = NumbersBlock(
        title="Dependence",
        numbers=(
            Number(
                "conditional mutual information",
                f"{information:.6f} nats",
                "Expected log ratio of p(a, b | z) and p(a | z) p(b | z); 0 where a and b are independent given z.",
                rf"I({symbols[a]}; {symbols[b]}{condition})",
            ),
            Number("largest difference", f"{worst:.6f}", "Largest difference of the two tables."),
        ),
    )
    is_so = information < 1e-9 and worst < 1e-6
    said = statement(symbols, a, b, given)
    text = (
        f"{said} holds: the tables agree."
        if is_so
        else f"{said} does not hold: the tables differ by up to {worst:.4f}."
    )
    return [tuple(tables), (numbers,), (Sentence(text=text, finding=True),)]


# ---- parameters ----------------------------------------------------------------------------------------------


def parameters(pixels: int, order: int, hidden: int, models: Sequence[CountedModel]) -> list[Row]:
    """Numbers of parameters against n, by formula and as built."""
    sizes = np.unique(np.round(np.geomspace(1, max(2, pixels), 60)).astype(int))
    formulas = {
        "full table": [float(counts.full_table(int(n))) if n < 200 else math.inf for n in sizes],
        "Markov chain": [counts.autoregressive(int(n), 1) for n in sizes],
        f"AR-{order}": [counts.autoregressive(int(n), order) for n in sizes],
        "FVBN": [counts.fvbn(int(n)) for n in sizes],
        "NADE": [counts.nade(int(n), hidden) for n in sizes],
    }
    top = 10.0 * max(counts.nade(pixels, hidden), counts.autoregressive(pixels, order), counts.fvbn(pixels))
    lines = []
    for name, values in formulas.items():
        heights = np.array(values, np.float64)
        lines.append(line(name, sizes[heights <= top], heights[heights <= top]))
    lines += [  # a dash, as a line of one point would not be seen
        line(model.name, [model.pixels / DASH, model.pixels * DASH], [model.parameters] * 2)
        for model in models
        if model.pixels is not None and model.pixels <= pixels
    ]
    curves = Curves(
        title="Parameters of models of n binary pixels",
        x_title="pixels n",
        y_title="parameters",
        lines=tuple(lines),
        x_range=(1.0, float(max(2, pixels))),
        y_range=(1.0, top),
        log_x=True,
        log_y=True,
    )
    return [
        (curves,),
        (Sentence(text=_counted(pixels, order), finding=True),),
        (_counts_table(pixels, order, hidden, models),),
    ]


def _counts_table(pixels: int, order: int, hidden: int, models: Sequence[CountedModel]) -> Table:
    rows: list[tuple[str, float, float]] = [
        ("full table: 2ⁿ − 1", _as_float(counts.full_table(pixels)), math.nan),
        ("Markov chain: 2n − 1", counts.autoregressive(pixels, 1), _built("markov", pixels, 1)),
        (f"AR-{order}", counts.autoregressive(pixels, order), _built("markov", pixels, order)),
        ("FVBN: n + n(n − 1)/2", counts.fvbn(pixels), _built("fvbn", pixels, 0)),
        (f"NADE, H = {hidden}: 2nH + H + n", counts.nade(pixels, hidden), _built("nade", pixels, hidden)),
    ]
    rows += [(f"{model.name}, {model.title}", math.nan, model.parameters) for model in models]
    shape = counts.picture_shape(pixels)
    built = (
        f"built for {shape[0]}×{shape[1]} pixels" if shape else f"not built: an image of {pixels} pixels is too wide"
    )
    return Table(
        title=f"Parameters for n = {pixels:,}",
        columns=("formula", "model, counted"),
        rows=tuple(name for name, _, _ in rows),
        values=wide([values for _, *values in rows]),
        format=",.6g",
        note=f"Models are {built}.",
    )


def _built(family: str, pixels: int, setting: int) -> float:
    found = counts.built(family, pixels, setting)
    return math.nan if found is None else found


def _as_float(number: int) -> float:
    return float(number) if number.bit_length() < 1024 else math.inf


def written(number: int) -> str:
    """A count with commas, or as a power of ten."""
    if number < MANY:
        return f"{number:,}"
    return f"about 10^{math.floor(math.log10(number))}"


def _counted(pixels: int, order: int) -> str:
    full, chain = counts.full_table(pixels), counts.autoregressive(pixels, 1)
    return (
        f"A full table of {pixels:,} binary pixels has {written(full)} parameters. The Markov assumption leaves "
        f"{chain:,}, dependence on {order} earlier pixels {counts.autoregressive(pixels, order):,}, and a logistic "
        f"regression for each pixel on all earlier ones {counts.fvbn(pixels):,}."
    )


def _number(state: Sequence[int], variables: Sequence[int]) -> int:
    number = 0
    for variable in variables:
        number = 2 * number + state[variable]
    return number
