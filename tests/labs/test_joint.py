"""The laboratory of joint distributions: factors multiply to entries, Bayes holds, projections are the nearest ones."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lab_bench import Bench, acted, blocks, configured, edited, finding, opened, result_of, sent, titled

from gmstudio.labs import joint_parameters as counts
from gmstudio.labs.base import ReadyModel
from gmstudio.labs.joint import JointDistribution
from gmstudio.labs.joint_scene import factor_values
from gmstudio.labs.joint_tables import EXAMPLES, Joint, example_joint, kl_between
from gmstudio.protocol.scenes import Curves, Formula, Number, Numbers, Pictures, Sentence, Table

PARTS = ("conditional", "chain_rule", "bayes", "independence", "parameters")
positive = arrays(np.float64, (2, 2, 2, 2), elements=st.floats(0.01, 1))
some = arrays(np.float64, (2, 2, 2, 2), elements=st.sampled_from([0.0, 0.1, 1.0]))


def normalized(p: np.ndarray) -> Joint:  # type: ignore[type-arg]
    p = p + (p.sum() == 0)
    return Joint(p / p.sum())


@given(p=some, order=st.permutations(range(4)))
def test_the_factors_multiply_to_every_entry_in_any_order(p: np.ndarray, order: list[int]) -> None:  # type: ignore[type-arg]
    joint = normalized(p)
    factors = joint.factors(order)
    for state in joint.states():
        assert math.prod(factor_values(factors, state)) == pytest.approx(float(joint.p[state]), abs=1e-12)
    for factor in factors:
        rows = factor.table.sum(1)
        assert np.isnan(rows) | (np.abs(rows - 1) < 1e-12) == pytest.approx(np.ones(len(rows)))
    assert [len(factor.table) for factor in factors] == [1, 2, 4, 8]


@given(p=positive, asked=st.sampled_from([(0,), (2, 1), (3, 0)]), conditions=st.sampled_from([(), (2,), (1, 3)]))
def test_conditionals_are_joint_over_marginal(
    p: np.ndarray,  # type: ignore[type-arg]
    asked: tuple[int, ...],
    conditions: tuple[int, ...],
) -> None:
    joint = normalized(p)
    conditions = tuple(i for i in conditions if i not in asked)
    table = joint.conditional(asked, conditions)
    for row, values in enumerate(itertools.product((0, 1), repeat=len(conditions))):
        for column, wanted in enumerate(itertools.product((0, 1), repeat=len(asked))):
            held = dict(zip(conditions, values, strict=True))
            both = held | dict(zip(asked, wanted, strict=True))
            total = sum(joint.p[s] for s in joint.states() if all(s[i] == v for i, v in held.items()))
            part = sum(joint.p[s] for s in joint.states() if all(s[i] == v for i, v in both.items()))
            assert table[row, column] == pytest.approx(part / total, abs=1e-12)


@given(p=some, pair=st.permutations(range(4)), size=st.integers(0, 2))
def test_imposed_independence_holds_and_costs_the_mutual_information(
    p: np.ndarray,  # type: ignore[type-arg]
    pair: list[int],
    size: int,
) -> None:
    joint = normalized(p)
    a, b, condition = pair[0], pair[1], tuple(pair[2 : 2 + size])
    after = joint.with_independence(a, b, condition)
    assert after.p.sum() == pytest.approx(1, abs=1e-12)
    assert after.mutual_information(a, b, condition) == pytest.approx(0, abs=1e-9)
    assert after.dependence(a, b, condition) == pytest.approx(0, abs=1e-9)
    assert kl_between(joint, after) == pytest.approx(joint.mutual_information(a, b, condition), abs=1e-9)


@given(p=positive, other=positive, order=st.permutations(range(4)))
def test_the_chain_is_the_nearest_one(p: np.ndarray, other: np.ndarray, order: list[int]) -> None:  # type: ignore[type-arg]
    joint = normalized(p)
    chain = joint.as_chain(order)
    assert kl_between(joint, chain) <= kl_between(joint, normalized(other).as_chain(order)) + 1e-12
    assert chain.mutual_information(order[0], order[2], (order[1],)) == pytest.approx(0, abs=1e-9)
    assert joint.as_chain(order, parents=3).p == pytest.approx(joint.p, abs=1e-12)
    marginals = joint.as_chain(order, parents=0)
    assert marginals.p[1, 0, 1, 1] == pytest.approx(
        math.prod(joint.marginal([i])[v] for i, v in enumerate((1, 0, 1, 1))), abs=1e-12
    )


def test_the_examples_are_what_they_say() -> None:
    for name, example in EXAMPLES.items():
        joint = example_joint(name)
        assert joint.num_variables == len(example.symbols)
        assert joint.p.sum() == pytest.approx(1, abs=1e-12)
    image = example_joint("image")
    assert (
        image.mutual_information(0, 3, (1, 2)) == pytest.approx(0, abs=1e-12) and image.mutual_information(0, 3) > 1e-3
    )
    rain = example_joint("sprinkler")
    assert rain.mutual_information(0, 1) == pytest.approx(0, abs=1e-12) and rain.mutual_information(0, 1, (2,)) > 0.01
    xor = example_joint("xor")
    assert xor.mutual_information(0, 1) == pytest.approx(0) and xor.mutual_information(0, 1, (2,)) == pytest.approx(
        math.log(2)
    )
    cause = example_joint("cause")
    assert cause.mutual_information(0, 1) > 0.01 and cause.mutual_information(0, 1, (2,)) == pytest.approx(0, abs=1e-12)
    # 0.01 · 0.95 / (0.01 · 0.95 + 0.99 · 0.1)
    assert example_joint("test").conditional([0], [1])[1, 1] == pytest.approx(0.0095 / 0.1085, abs=1e-12)


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_every_example_is_drawn(example: str, part: str) -> None:
    lab = opened(JointDistribution, {"example": example, "part": part})
    scene = lab.scene()
    assert sent(scene) == sent(lab.scene())
    assert finding(scene)
    if part != "parameters":
        assert titled(scene, Table, "(editable)").name == "table"
        assert bool(blocks(scene, Pictures)) == (example == "image")


def test_the_chain_rule_is_written_with_its_numbers() -> None:
    lab = opened(JointDistribution, {"example": "chain", "part": "chain_rule", "state": 1})
    scene = lab.scene()
    assert r"0.6000 \cdot 0.8000 \cdot 0.8000 \cdot 0.2000 = 0.076800" in blocks(scene, Formula)[1].latex
    assert "1 + 2 + 4 + 8 = 15" in finding(scene)
    assert titled(scene, Table, "p(x₂ | x₁)").highlighted == ((0, 0),)
    assert titled(scene, Table, "p(x₄ | x₁, x₂, x₃)").highlighted == ((0, 1),)
    scene = configured(lab, order="4321")
    assert titled(scene, Table, "p(x₁ | x₄, x₃, x₂)").values.numpy().shape == (8, 2)


def test_marginals_and_conditionals_are_chosen() -> None:
    lab = opened(JointDistribution, {"example": "test", "part": "conditional", "role_1": "asked", "role_2": "given"})
    table = titled(lab.scene(), Table, "p(D | T)").values.numpy()
    assert table[1, 1] == pytest.approx(0.0095 / 0.1085, abs=1e-9)
    scene = configured(lab, role_2="summed")
    assert titled(scene, Table, "p(D)").values.numpy() == pytest.approx(np.array([[0.99, 0.01]]))
    scene = configured(lab, role_1="given")
    assert "set at least one" in " ".join(sentence.text for sentence in blocks(scene, Sentence))


def test_a_condition_of_probability_zero_is_said() -> None:
    lab = opened(
        JointDistribution, {"example": "test", "part": "conditional", "role_1": "asked", "role_2": "given", "state": 1}
    )
    edited(lab, "table", [[0.5, 0], [0.5, 0]])
    scene = lab.scene()
    assert np.isnan(titled(scene, Table, "p(D | T)").values.numpy()[1]).all()
    assert "probability 0" in finding(scene)
    configured(lab, part="bayes")
    assert finding(lab.scene())


def test_bayes_goes_both_ways() -> None:
    lab = opened(JointDistribution, {"example": "test", "part": "bayes"})
    formulas = [formula.latex for formula in blocks(lab.scene(), Formula)]
    assert r"\frac{0.9500 \cdot 0.0100}{0.1085} = 0.0876" in formulas[0]
    assert r"p(T = 1 \mid D = 1)" in formulas[1] and "= 0.9500" in formulas[1]
    assert "from 0.0100 to 0.0876" in finding(lab.scene())


def test_independence_is_tested_and_imposed() -> None:
    lab = opened(
        JointDistribution, {"example": "image", "part": "independence", "first": "1", "second": "2", "condition": "3"}
    )

    def information() -> Number:
        return blocks(lab.scene(), Numbers)[0].numbers[0]

    assert float(information().value.split()[0]) > 0.01
    assert "x₁ ⊥ x₂ | x₃ does not hold" in finding(lab.scene())
    scene = acted(lab, "impose")
    assert float(information().value.split()[0]) == 0
    assert "x₁ ⊥ x₂ | x₃ holds" in finding(scene) and "Imposed x₁ ⊥ x₂ | x₃" in finding(scene)
    before = example_joint("image").mutual_information(0, 1, (2,))
    assert f"KL(before ‖ now) = {before:.6f} nats" in finding(scene)
    acted(lab, "restore")
    assert lab.joint.p == pytest.approx(example_joint("image").p)
    acted(lab, "impose_chain")
    assert lab.joint.p == pytest.approx(example_joint("image").as_chain(range(4)).p)
    acted(lab, "impose_all")
    assert lab.joint.mutual_information(0, 1) == pytest.approx(0, abs=1e-12)


def test_variables_that_are_not_different_are_refused_in_a_sentence() -> None:
    lab = opened(JointDistribution, {"example": "sprinkler", "part": "independence", "first": "2", "second": "2"})
    assert "both variable 2; choose two different" in blocks(lab.scene(), Sentence)[1].text
    with pytest.raises(ValueError, match="both variable 2"):
        acted(lab, "impose")
    assert "There is no variable 4" in blocks(configured(lab, first="4"), Sentence)[1].text
    assert "which is a or b already" in blocks(configured(lab, first="1", condition="2"), Sentence)[1].text
    assert "There is no variable 4" in blocks(configured(lab, condition="4"), Sentence)[1].text
    assert "W" in finding(configured(lab, condition="rest"))


def test_a_table_that_does_not_sum_to_one_is_normalized_and_a_negative_entry_refused() -> None:
    lab = opened(JointDistribution, {"example": "test"})
    assert edited(lab, "table", [[1, 1], [1, 1]]).startswith("The numbers summed to 4")
    assert lab.inputs["table"] == pytest.approx(np.full((2, 2), 0.25))
    with pytest.raises(ValueError, match=r"A probability is -0\.5; type 0 or more"):
        edited(lab, "table", [[-0.5, 1], [1, 1]])
    assert lab.inputs["table"] == pytest.approx(np.full((2, 2), 0.25))
    configured(lab, example="xor")
    assert lab.inputs["table"].shape == (2, 4)


def test_a_state_that_the_example_lacks_is_said() -> None:
    lab = opened(JointDistribution, {"example": "test", "state": 6})
    assert "no state 6; state 2 is followed" in blocks(lab.scene(), Sentence)[0].text


@pytest.mark.parametrize("pixels", [1, 2, 4, 9, 30])
def test_built_models_have_the_parameters_of_the_formulas(pixels: int) -> None:
    assert counts.built("markov", pixels, 1) == counts.autoregressive(pixels, 1) == 2 * pixels - 1
    assert counts.built("markov", pixels, 4) == counts.autoregressive(pixels, 4)
    assert counts.built("fvbn", pixels, 0) == counts.fvbn(pixels)
    assert counts.built("nade", pixels, 7) == counts.nade(pixels, 7)
    assert counts.autoregressive(pixels, pixels) == counts.full_table(pixels)


def test_the_numbers_of_parameters_are_drawn_and_counted() -> None:
    lab = opened(JointDistribution, {"part": "parameters"})
    scene = lab.scene()
    values = titled(scene, Table, "n = 784").values.numpy()
    assert values[1:, 0].tolist() == values[1:, 1].tolist() == [1567, 397_311, 307_720, 785_284]
    assert values[0, 0] == pytest.approx(2.0**784)
    assert "about 10^236" in finding(scene)
    assert len(blocks(scene, Curves)[0].lines) == 5
    scene = configured(lab, num_pixels=521)  # a prime number: an image of one row would be too wide
    assert np.isnan(titled(scene, Table, "n = 521").values.numpy()[:, 1]).all()
    configured(lab, num_pixels=1)
    sent(lab.scene())


def test_models_of_runs_are_counted() -> None:
    bench = Bench()
    dataset = result_of(bench.data("digits", {"levels": 2}))
    model = bench.build("fvbn", {}, dataset)
    lab = opened(
        JointDistribution, {"part": "parameters"}, Bench(models={"fvbn": ReadyModel(model, 9, "My FVBN", dataset)})
    )
    table = titled(lab.scene(), Table, "n = 784")
    assert "My FVBN" in table.rows[-1] and table.values.numpy()[-1, 1] == counts.fvbn(64)
    assert blocks(lab.scene(), Curves)[0].lines[-1].y.numpy().tolist() == [counts.fvbn(64)] * 2
