"""One engine for all tests of data that leave it whole: starting one takes seconds."""

import shutil
from collections.abc import Iterator

import pytest
from engine_process import EngineProcess


@pytest.fixture(scope="session")
def shared_data_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with EngineProcess(tmp_path_factory.mktemp("data-engine")) as engine:
        yield engine


@pytest.fixture
def engine(shared_data_engine: EngineProcess) -> Iterator[EngineProcess]:
    """An engine whose home has no imported sets."""
    shared_data_engine.seen.clear()
    yield shared_data_engine
    shutil.rmtree(shared_data_engine.home / "data", ignore_errors=True)
