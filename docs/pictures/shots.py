"""What taking pictures needs: the real window, training through the real engine, and a picture of what is shown."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))  # benchmarks/ is not installed

from benchmarks.window import PATIENCE_S, run_events, wait_until  # noqa: E402
from gmstudio.gui.theme import theme  # noqa: E402
from gmstudio.messages import StartTraining  # noqa: E402
from gmstudio.session.studio import Studio  # noqa: E402

MODES = ("dark", "light")
SETTLE_MS = 1500
MOST_TRAINING_S = 1200.0


def settle(milliseconds: int = SETTLE_MS) -> None:
    """Let answers arrive and be painted."""
    run_events(milliseconds / 1000)


def take(window: QWidget, name: str, modes: tuple[str, ...] = MODES) -> None:
    """One picture in each theme, or in those that are asked for."""
    for mode in modes:
        theme().set_mode(mode)
        settle()
        window.grab().save(str(HERE / f"{name}-{mode}.png"))
    theme().set_mode("dark")


def learn(
    studio: Studio,
    family: str,
    steps: int,
    config: Mapping[str, Any],
    data: str = "digits",
    data_config: Mapping[str, Any] | None = None,
) -> str:
    """Train to the end and give the run's path.

    Args:
        studio: whose engine trains.
        family: its name.
        steps: parameter updates.
        config: the family's fields that are not left as they are.
        data: name of the data source.
        data_config: its fields likewise.
    """
    before = {info.run for info in studio.library.runs}
    studio.client.send(
        StartTraining(
            family=family,
            config=dict(config),
            data=data,
            data_config=dict(data_config or {}),
            training={"steps": steps, "seed": 1},
        )
    )
    wait_until(lambda: bool(studio.library.live) and studio.library.live not in before, f"the training of {family}")
    run = studio.library.live
    for _ in range(round(MOST_TRAINING_S / PATIENCE_S)):
        run_events(PATIENCE_S, lambda: studio.library.live != run)
    wait_until(lambda: studio.library.live != run, f"the end of {family}")
    return run
