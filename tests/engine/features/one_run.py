"""An engine with one model, for any run."""

from collections.abc import Iterator
from typing import Any

from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.models import Loaded
from gmstudio.families.base import Family
from gmstudio.protocol.base import Event


class OneRun(EngineContext):
    """Context whose runs are all one model.

    Args:
        model: its weights are those of step 7.
        record: of the run; None where it does not matter.

    Attributes:
        sent: events.
        own: the model.
    """

    def __init__(self, model: Family, record: Any = None) -> None:
        self.sent: list[Event] = []
        super().__init__(self.sent.append)
        self.own, self.record = model, record

    def read_model(self, run: str) -> Iterator[None]:
        yield from ()

    def model(self, run: str, capability: str) -> Loaded:
        return Loaded(self.own, 7, self.record)
