"""Errors as sentences for people and as reasons for code."""

from gmstudio.data.dataset import DataError
from gmstudio.engine.runtime.memory import is_out_of_memory
from gmstudio.engine.runtime.run_data import DataChangedError, DataUnavailableError
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.engine import Reason
from gmstudio.protocol.plain_text import plain_text
from gmstudio.runs.record import RunError, RunMissingError
from gmstudio.system.os_errors import os_error_sentence


class ScheduleOpenError(ValueError):
    """A resumed run gets more steps, and how its learning rate goes on is the user's decision."""


def error_sentence(error: BaseException) -> str:
    """Describe an error in one sentence for people."""
    if is_out_of_memory(error):
        return "There is not enough memory for this; make the batch, the images or the model smaller."
    if isinstance(error, OSError):
        return plain_text(os_error_sentence(error))
    if isinstance(error, ValueError):
        return plain_text(str(error))
    return f"The engine failed here: {type(error).__name__}: {error}"


def reason_of(error: BaseException) -> Reason:
    """Classify an error by its type."""
    if is_out_of_memory(error):
        return Reason.OUT_OF_MEMORY
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return Reason.INTERNAL


_REASONS: tuple[tuple[type[Exception], Reason], ...] = (
    (ConfigError, Reason.BAD_SETTING),
    (DataUnavailableError, Reason.DATA_UNAVAILABLE),
    (DataChangedError, Reason.DATA_CHANGED),
    (DataError, Reason.BAD_DATA),
    (ScheduleOpenError, Reason.SCHEDULE_OPEN),
    (RunMissingError, Reason.RUN_MISSING),
    (RunError, Reason.RUN_UNUSABLE),
    (OSError, Reason.FILE_SYSTEM),
    (ValueError, Reason.NOT_POSSIBLE),
)
"""Exceptions and their reasons; a subclass stands before its base."""
