"""Messages about the code of a run's model."""

from typing import ClassVar

from gmstudio.protocol.base import Command, Event


class ShowCode(Command, frozen=True, kw_only=True):
    """Write a run's model as one file of PyTorch, with its present weights compared; answered with ``CodeShown``."""

    superseded_within: ClassVar[tuple[str, ...] | None] = ()
    background: ClassVar[bool] = True

    run: str


class CodeShown(Event, frozen=True, kw_only=True):
    """A run's model as one file of PyTorch.

    Args:
        run: the run.
        step: training steps of the weights with which the file was compared.
        text: the file, which reads its weights from the file of its own name that ends in ``.safetensors``: those of
            the export ``safetensors``. The export ``code`` writes both.
    """

    run: str
    step: int
    text: str
