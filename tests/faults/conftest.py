"""A real engine with a short run that was trained, shared by the tests of one module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_engine import TrainedEngine


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainedEngine]:
    with TrainedEngine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture
def folder(trained: TrainedEngine) -> Iterator[Path]:
    """A copy of the trained run in the engine's library, for one test to damage."""
    copy = trained.copy()
    trained.seen.clear()
    yield copy
    trained.remove(copy)
