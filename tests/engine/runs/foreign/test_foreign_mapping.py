"""Mapping of names: read, written, compared with a model, proposed."""

import random

import pytest

from gmstudio.engine.runs.foreign.mapping import WeightMap, WeightRule, misfit_of, parse_map, same_names, write_map
from gmstudio.engine.runs.foreign.proposing import propose

OURS = {"encoder.0.weight": (5, 4), "encoder.0.bias": (5,), "decoder.0.weight": (4, 5), "decoder.0.bias": (4,)}


def test_a_mapping_is_read_as_it_was_written() -> None:
    mapping = WeightMap(
        {
            'odd "name".w': WeightRule(("a.b",)),
            "two": WeightRule(("a", "b")),
            "full": WeightRule(("c",), transpose=(1, 0), reshape=(2, 3)),
        },
        ignore=("step",),
        keep=("basis",),
    )
    assert parse_map(write_map(mapping, {"two": "check it"})) == mapping


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[weights", "not TOML"),
        ("other = 1", "no key 'other'"),
        ("weights = 3", "must be a table"),
        ("ignore = 3", "lists of names"),
        ('[weights]\n"a" = 3', "'a'"),
        ('[weights]\n"a" = { to = "b", turn = 1 }', "turn"),
        ("[weights]\na.b = { c = 1 }", "quotation marks"),
    ],
)
def test_what_is_no_mapping_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_map(text)


def test_all_differences_are_listed() -> None:
    theirs = {"w": (4, 5), "b": (5,), "extra": (2,), "more": (1,)}
    mapping = WeightMap(
        {
            "w": WeightRule(("encoder.0.weight",)),
            "b": WeightRule(("encoder.0.bias", "nowhere")),
            "gone": WeightRule(("decoder.0.bias",)),
            "more": WeightRule(("encoder.0.bias",), reshape=(3,)),
        },
        keep=("decoder.0.bias",),
    )
    assert misfit_of(mapping, theirs, OURS).lines() == [
        "missing: decoder.0.weight 4×5",
        "left over: extra 2",
        "does not fit: w is 4×5, encoder.0.weight is 5×4",
        "does not fit: the model has no nowhere, to which b is mapped",
        "does not fit: the file has no gone",
        "does not fit: encoder.0.bias is filled by b and by more",
    ]
    assert not misfit_of(same_names(OURS, OURS), OURS, OURS)
    assert misfit_of(WeightMap({"w": WeightRule(("encoder.0.bias",), transpose=(0, 0))}), theirs, OURS).unfit == (
        "w: transpose = [0, 0] is no order of the axes of (4, 5)",
    )


def test_a_proposal_finds_names_by_shape_likeness_and_order() -> None:
    theirs = {"model.enc.fc.w": (4, 5), "model.enc.fc.b": (5,), "model.dec.fc.w": (4, 5), "model.dec.fc.b": (1, 4)}
    mapping, remarks = propose(theirs, {**OURS, "basis": (7, 7)}, {"basis"})
    assert {name: rule.to[0] for name, rule in mapping.rules.items()} == {
        "model.enc.fc.w": "encoder.0.weight",
        "model.enc.fc.b": "encoder.0.bias",
        "model.dec.fc.w": "decoder.0.weight",
        "model.dec.fc.b": "decoder.0.bias",
    }
    assert mapping.rules["model.enc.fc.w"].transpose == (1, 0)
    assert mapping.rules["model.dec.fc.b"].reshape == (4,)
    assert mapping.keep == ("basis",) and set(remarks) == {"model.enc.fc.w", "model.dec.fc.b"}
    assert not misfit_of(mapping, theirs, {**OURS, "basis": (7, 7)})


def test_layers_of_one_shape_keep_their_numbers() -> None:
    ours = {f"blocks.{i}.conv.weight": (8, 8, 3, 3) for i in range(12)}
    theirs = [f"module.layer{i}.weight" for i in range(12)]
    random.Random(0).shuffle(theirs)
    mapping, _remarks = propose(dict.fromkeys(theirs, (8, 8, 3, 3)), ours)
    wrong = [name for name, rule in mapping.rules.items() if rule.to[0].split(".")[1] != name[len("module.layer") : -7]]
    assert not wrong
