"""The setting ``log_to``: read, checked before a training begins."""

import sys
import types
from pathlib import Path

import pytest
import torch

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.loggers import packages
from gmstudio.engine.training.loggers.targets import Target, parse_targets, refusal_of
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.run_spec import RunSpec


def test_several_targets_are_read(tmp_path: Path) -> None:
    text = f"tensorboard; jsonl:{tmp_path}/a b ;trackio:mine;"
    assert parse_targets(text) == (
        Target("tensorboard", ""),
        Target("jsonl", f"{tmp_path}/a b"),
        Target("trackio", "mine"),
    )
    assert parse_targets("") == ()
    assert refusal_of("tensorboard") == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("os:system", "names no logger"),  # no other module is imported
        ("jsonl:logs", "relative path"),
        ("jsonl;jsonl", "twice"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(text: str, said: str) -> None:
    assert said in refusal_of(text)


def test_a_missing_package_is_refused_before_training_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    spec = RunSpec(family="vae", data="digits", training={"log_to": "wandb:project"})
    with pytest.raises(ConfigError, match="pip install wandb") as refused:
        plan_run(DatasetCache(), spec, torch.device("cpu"))
    assert list(refused.value.errors) == ["training.log_to"]


def test_a_module_without_specification_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = types.ModuleType("wandb")
    broken.__spec__ = None
    monkeypatch.setitem(sys.modules, "wandb", broken)
    assert "pip install wandb" in refusal_of("wandb")
