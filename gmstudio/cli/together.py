"""``torchrun -m gmstudio train``: the processes that train one run together."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from gmstudio.cli.watcher import EndSignals

if TYPE_CHECKING:
    import torch

    from gmstudio.engine.training.distributed import Ranks


@contextmanager
def together(device: str) -> "Iterator[tuple[torch.device, Ranks | None]]":
    """Context with the device of this process, and the processes that ``torchrun`` has started; None: this one alone.

    However rank 0 ends, the others end, too.

    Args:
        device: name of the device.

    Raises:
        ValueError: when there is no such device, or there are not enough.
    """
    from gmstudio.engine.runtime.device import choose_device
    from gmstudio.engine.training.distributed import Ranks

    ranks = Ranks.of_environment(device)
    if ranks is None:
        yield choose_device(device), None
        return
    try:
        yield ranks.device, ranks
    finally:
        if ranks.rank == 0:
            ranks.end()
        ranks.leave()


def help_training(ranks: "Ranks") -> None:
    """Train along with rank 0, which writes and reports.

    Raises:
        Exit: with code 1, when there was nothing to train or rank 0 has ended without notice; it says the reason.
        ValueError: when a process cannot train.
    """
    from gmstudio.engine.training.companion import train_along

    with EndSignals(patient=True) as signals:
        if not train_along(ranks, lambda: signals.requested):
            raise typer.Exit(1)
