"""Errors as sentences for people and as reasons for code."""

import torch

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


DEVICE_LOST_SENTENCE = "The accelerator reported an error after which this process cannot use it."
DEVICE_ERRORS = ("CUDA error", "HIP error", "device-side assert")
"""Parts of the messages of errors of an accelerator itself; releases of torch have different types for them."""


def is_device_lost(error: BaseException) -> bool:
    """Return whether an error means that this process can no longer use its accelerator.

    After a failed assertion or an illegal access in a kernel, every later call of the process fails, too.
    """
    if is_out_of_memory(error):
        return False
    kinds = isinstance(error, torch.AcceleratorError)
    return kinds or (isinstance(error, RuntimeError) and any(part in str(error) for part in DEVICE_ERRORS))


def error_sentence(error: BaseException) -> str:
    """Describe an error in one sentence for people."""
    if is_out_of_memory(error):
        return "There is not enough memory for this; make the batch, the images or the model smaller."
    if is_device_lost(error):
        return DEVICE_LOST_SENTENCE
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
