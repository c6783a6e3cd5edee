"""All tests of the window watch the event loop."""

import importlib
from collections.abc import Iterator

import pytest
from event_loop import LoopMonitor


@pytest.fixture(autouse=True)
def loop_is_free(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in whose event loop something takes too long; see ``event_loop``."""
    if "qtbot" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("qapp")
    importlib.import_module("pyqtgraph")  # half a second, which the program spends in a thread before a panel needs it
    monitor = LoopMonitor(monkeypatch)
    yield
    found = monitor.close()
    if found:
        pytest.fail(found, pytrace=False)
