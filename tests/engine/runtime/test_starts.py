"""First runs that families propose: complete, valid, and the defaults of the command line and the catalog."""

import msgspec
import pytest
import torch

from gmstudio.engine.catalog import build_catalog, family_entries
from gmstudio.engine.runs.label import label_of
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.starts import points_spec, spec_on, start_spec, training_defaults_on
from gmstudio.engine.training.plan import plan_run
from gmstudio.families import FAMILIES
from gmstudio.protocol.run_spec import RunSpec, Start

FAMILY_NAMES = list(FAMILIES)


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_what_a_family_proposes_can_be_trained_as_it_is(name: str) -> None:
    spec = start_spec(FAMILIES[name])
    plan = plan_run(DatasetCache(), spec, torch.device("cpu"))
    planned = plan.record.spec
    assert planned.data == spec.data and planned.data_config == spec.data_config
    assert planned.training == spec.training
    named = {field: value for field, value in planned.config.items() if field != "num_classes"}
    assert named.items() <= spec.config.items()
    assert plan.family.card.name == name
    plan.family(plan.config, plan.record.image)


def test_the_catalog_has_the_proposals() -> None:
    entries = {entry.card.name: entry.start for entry in build_catalog("cpu").families}
    assert entries == {name: start_spec(family) for name, family in FAMILIES.items()}
    assert {spec.data for spec in entries.values() if spec is not None} == {"mnist", "digits"}


def test_training_defaults_depend_on_the_data() -> None:
    family = FAMILIES["vae"]
    usual = msgspec.to_builtins(family.training_defaults)
    assert family.start.training and family.start.data == "mnist"
    assert training_defaults_on(family, "mnist") == {**usual, **family.start.training}
    assert training_defaults_on(family, "digits") == usual
    for data in ("mnist", "digits"):
        plan = plan_run(DatasetCache(), RunSpec(family="vae", data=data), torch.device("cpu"))
        assert plan.record.spec.training == training_defaults_on(family, data)
        assert label_of(plan.record.spec, plan.record.image, family_entries()).model == "VAE"


def test_data_that_are_not_there_give_way_to_the_digits() -> None:
    class Elsewhere(FAMILIES["vae"]):  # type: ignore[misc]
        start = Start(data="elsewhere", training={"steps": 1})

    spec = start_spec(Elsewhere)
    assert spec.data == "digits"
    assert spec.training == msgspec.to_builtins(Elsewhere.training_defaults)


POINT_FAMILIES = [name for name, family in FAMILIES.items() if family.start_on_points is not None]


@pytest.mark.parametrize("name", POINT_FAMILIES)
def test_what_a_family_proposes_on_points_can_be_trained_as_it_is(name: str) -> None:
    spec = points_spec(FAMILIES[name])
    assert spec is not None and spec.data == "points"
    plan = plan_run(DatasetCache(), spec, torch.device("cpu"))
    assert plan.record.spec.training == spec.training
    named = {field: value for field, value in plan.record.spec.config.items() if field != "num_classes"}
    assert named.items() <= spec.config.items()
    plan.family(plan.config, plan.record.image)


def test_settings_on_points_are_those_of_points_alone() -> None:
    class OnPoints(FAMILIES["vae"]):  # type: ignore[misc]
        start_on_points = Start(data="points", config={"num_latent": 2}, training={"steps": 7})

    usual = msgspec.to_builtins(OnPoints.training_defaults)
    assert training_defaults_on(OnPoints, "points") == {**usual, "steps": 7}
    assert training_defaults_on(OnPoints, "digits") == usual
    proposed = spec_on(OnPoints, "points")
    assert proposed is not None and proposed == points_spec(OnPoints) and proposed.config["num_latent"] == 2
    assert spec_on(OnPoints, "digits") is None and spec_on(OnPoints, "mnist") == start_spec(OnPoints)


def test_the_catalog_has_the_proposals_for_points() -> None:
    entries = family_entries()
    assert {name: entry.start_on_points for name, entry in entries.items()} == {
        name: points_spec(family) for name, family in FAMILIES.items()
    }
    for name in POINT_FAMILIES:
        entry, spec = entries[name], points_spec(FAMILIES[name])
        assert spec is not None
        assert entry.start_on("points") == spec and entry.training_on("points") == spec.training
        assert entry.config_on("points") == spec.config
        assert entry.config_on("cifar10") == msgspec.to_builtins(FAMILIES[name].Config())
