r"""Joint distribution of a few binary variables: marginals, conditionals, chain rule, Bayes, independence, projections.

    p(x_1, …, x_n) = \prod_i p(x_i | x_1, …, x_{i-1})                                  in any order
    I(a; b | z) = Σ p(a, b, z) log[ p(a, b | z) / (p(a | z) p(b | z)) ]                0 where a ⊥ b | z

Of all distributions with a ⊥ b | z, the nearest to p in KL(p ‖ ·) keeps p(z), p(a | z), p(b | z) and the conditional of
the rest; its KL is I(a; b | z). In the same way the nearest Markov chain keeps the conditionals of neighbours.

Source: MacKay 2003, chapters 2 and 8; Cover & Thomas 2006, sections 2.3-2.8; Koller & Friedman 2009, section 8.5
(projections). A conditional whose condition has probability 0 is not defined, and is NaN.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from gmstudio.labs.base import Numbers
from gmstudio.labs.information import kl


@dataclass(frozen=True, eq=False)
class Factor:
    """Conditional of one variable given the earlier ones of an order.

    Args:
        variable: its number.
        context: numbers of the earlier variables, in their order.
        table: (2^contexts, 2): p(variable | context); NaN where the context has probability 0.
    """

    variable: int
    context: tuple[int, ...]
    table: Numbers

    def row(self, state: Sequence[int]) -> int:
        """Row of the table for a state of all variables."""
        return reduce(lambda number, variable: 2 * number + state[variable], self.context, 0)


class Joint:
    """Probabilities of all states.

    Args:
        p: (2, …, 2) float64, one axis for each variable; sums to one.
    """

    def __init__(self, p: Numbers) -> None:
        assert p.shape == (2,) * p.ndim and abs(float(p.sum()) - 1) < 1e-6, p
        self.p = p

    @property
    def num_variables(self) -> int:
        """Number of variables n."""
        return self.p.ndim

    def states(self) -> list[tuple[int, ...]]:
        """All states, the last variable changing fastest."""
        return list(itertools.product((0, 1), repeat=self.num_variables))

    def marginal(self, variables: Sequence[int]) -> Numbers:
        """(2, …, 2) probabilities of some variables, in the order given."""
        summed = tuple(i for i in range(self.num_variables) if i not in variables)
        left = [i for i in range(self.num_variables) if i in variables]
        found: Numbers = self.p.sum(axis=summed).transpose([left.index(variable) for variable in variables])
        return found

    def conditional(self, asked: Sequence[int], given: Sequence[int] = ()) -> Numbers:
        """(2^given, 2^asked): p(asked | given), a row for each condition; NaN where its probability is 0."""
        table = self.marginal([*given, *asked]).reshape(2 ** len(given), -1)
        with np.errstate(invalid="ignore"):
            found: Numbers = table / table.sum(1, keepdims=True)
        return found

    # ---- chain rule ------------------------------------------------------------------------------------------

    def factors(self, order: Sequence[int]) -> list[Factor]:
        """Factors of the chain rule in an order of all variables."""
        places = range(len(order))
        contexts = [tuple(order[:place]) for place in places]
        return [Factor(order[i], contexts[i], self.conditional([order[i]], contexts[i])) for i in places]

    # ---- independence ----------------------------------------------------------------------------------------

    def split(self, a: int, b: int, given: Sequence[int]) -> tuple[Numbers, Numbers]:
        """(2^given, 2, 2) p(a, b, z), and p(z) p(a | z) p(b | z)."""
        joint = self.marginal([*given, a, b]).reshape(-1, 2, 2)
        total = joint.sum((1, 2), keepdims=True)
        there = np.where(total > 0, total, 1.0)
        return joint, joint.sum(2, keepdims=True) * joint.sum(1, keepdims=True) / there

    def mutual_information(self, a: int, b: int, given: Sequence[int] = ()) -> float:
        """I(a; b | z), nats, 0 or more."""
        return kl(*self.split(a, b, given))

    def dependence(self, a: int, b: int, given: Sequence[int] = ()) -> float:
        """Largest |p(a, b | z) - p(a | z) p(b | z)|, over conditions of positive probability."""
        joint, product = self.split(a, b, given)
        total = joint.sum((1, 2), keepdims=True)
        return float((np.abs(joint - product) / np.where(total > 0, total, 1.0)).max())

    def with_independence(self, a: int, b: int, given: Sequence[int]) -> "Joint":
        """The nearest distribution with a ⊥ b | z; variables that are neither keep their conditional."""
        rest = [i for i in range(self.num_variables) if i not in (a, b, *given)]
        _, product = self.split(a, b, given)
        of_rest = self.conditional(rest, [*given, a, b])
        of_rest = np.where(np.isnan(of_rest), 0.5 ** len(rest), of_rest)
        axes = [*given, a, b, *rest]
        p = (product.reshape(-1, 1) * of_rest).reshape((2,) * self.num_variables)
        return Joint(p.transpose(np.argsort(axes)))

    def as_chain(self, order: Sequence[int], parents: int = 1) -> "Joint":
        """The nearest distribution in which each variable depends only on the last ``parents`` ones of an order.

        One parent is the Markov assumption; none makes all variables independent.
        """
        p = np.ones((2,) * self.num_variables)
        for place, variable in enumerate(order):
            context = list(order[max(0, place - parents) : place])
            table = self.conditional([variable], context)
            table = np.where(np.isnan(table), 0.5, table).reshape((2,) * (len(context) + 1))
            shape = [2 if i in (variable, *context) else 1 for i in range(self.num_variables)]
            p = p * table.transpose(np.argsort([*context, variable])).reshape(shape)
        return Joint(p)


def kl_between(before: Joint, after: Joint) -> float:
    """KL(before ‖ after), nats."""
    return kl(before.p, after.p)


# ---- examples ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    """A joint distribution to begin with.

    Args:
        title: name of the example.
        symbols: of its variables, as LaTeX.
        meaning: of the variables, one sentence.
    """

    title: str
    symbols: tuple[str, ...]
    meaning: str


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"x_{i + 1}" for i in range(count))


EXAMPLES = {
    "image": Example(
        "2×2 binary image", _numbered(4), "The pixels of a 2×2 image in raster order; neighbours tend to be equal."
    ),
    "test": Example(
        "disease and test",
        ("D", "T"),
        "D: one in a hundred is ill; T: the test is positive for 95% of the ill, 10% of others.",
    ),
    "sprinkler": Example(
        "rain, sprinkler, wet grass",
        ("R", "S", "W"),
        "R: rain and S: the sprinkler are independent causes of W: wet grass.",
    ),
    "chain": Example("Markov chain", _numbered(4), "Each variable equals the one before it with probability 0.8."),
    "cause": Example("common cause", ("X", "Y", "Z"), "X and Y are independent given Z, their common cause."),
    "xor": Example("exclusive or", ("X", "Y", "Z"), "X and Y are fair coins; Z is 1 where they differ."),
    "independent": Example("independent variables", _numbered(4), "Four independent variables of different rates."),
}


def example_joint(name: str) -> Joint:
    """The probabilities of an example."""
    one = {"test": _test, "sprinkler": _sprinkler, "cause": _cause, "xor": _xor, "image": _image, "chain": _chain}
    return Joint(one[name]() if name in one else _product([0.3, 0.6, 0.8, 0.5]))


def _coin(p: float) -> Numbers:
    return np.array([1 - p, p])


def _product(rates: Sequence[float]) -> Numbers:
    return reduce(np.multiply.outer, [_coin(rate) for rate in rates])


def _test() -> Numbers:
    return _coin(0.01)[:, None] * np.stack([_coin(0.1), _coin(0.95)])


def _sprinkler() -> Numbers:
    wet = np.array([[0.02, 0.9], [0.8, 0.98]])
    causes = np.multiply.outer(_coin(0.2), _coin(0.3))
    found: Numbers = causes[:, :, None] * np.stack([1 - wet, wet], axis=2)
    return found


def _cause() -> Numbers:
    x, y = np.stack([_coin(0.2), _coin(0.8)]), np.stack([_coin(0.1), _coin(0.7)])
    found: Numbers = np.einsum("z,zx,zy->xyz", _coin(0.4), x, y)
    return found


def _xor() -> Numbers:
    x, y, z = np.indices((2, 2, 2))
    return np.where(z == (x ^ y), 0.25, 0.0)


def _image() -> Numbers:
    x1, x2, x3, x4 = np.indices((2, 2, 2, 2))
    equal = sum((a == b).astype(np.float64) for a, b in ((x1, x2), (x1, x3), (x2, x4), (x3, x4)))
    weights = np.exp(0.8 * equal - 0.5 * (x1 + x2 + x3 + x4))
    found: Numbers = weights / weights.sum()
    return found


def _chain() -> Numbers:
    stay = np.array([[0.8, 0.2], [0.2, 0.8]])
    found: Numbers = np.einsum("a,ab,bc,cd->abcd", _coin(0.4), stay, stay, stay)
    return found
