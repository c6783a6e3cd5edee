"""Messages about branches: runs that begin at a checkpoint of another run, with other settings."""

from typing import Any, ClassVar

import msgspec

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.training import ContinuedSchedule


class BranchRun(Command, frozen=True, kw_only=True):
    """Begin a new run at a checkpoint of another one, and train it; answered with ``RunOpened`` of the branch.

    Its curves begin with those of the other run. While another run trains, the branch is made and waits as a stopped
    run. Weights that do not fit the changed settings are refused with the names of those that differ.

    Args:
        run: the run that is branched from.
        step: of its checkpoint.
        training: fields of ``Training`` that change, as plain values.
        config: settings of the family that change, as plain values.
        schedule: as in ``ResumeRun``, where ``training`` has ``steps``.
        train: train the branch at once, where no other run is in training.
    """

    background: ClassVar[bool] = True

    run: str
    step: int
    training: dict[str, Any] = msgspec.field(default_factory=dict)
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    schedule: ContinuedSchedule = ""
    train: bool = True


class FindFixedSettings(Command, frozen=True, kw_only=True):
    """Find the settings that no branch of a run can change; answered with ``FixedSettingsFound``.

    Args:
        run: the run.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    run: str


class FixedSettingsFound(Event, frozen=True, kw_only=True):
    """Settings of a run that its checkpoints fix: those of which the network is made.

    Args:
        run: the run.
        fields: ``config.x`` or ``training.x`` → why it is fixed, a sentence.
    """

    run: str
    fields: dict[str, str]
