import pytest

from gmstudio.data.dataset import DataError
from gmstudio.engine.runtime.errors import error_sentence, reason_of
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.engine import Reason
from gmstudio.runs.record import RunBusyError, RunDamagedError, RunError, RunMissingError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConfigError({"steps": "Steps is 0."}), Reason.BAD_SETTING),
        (DataError("The folder has no images."), Reason.BAD_DATA),
        (RunMissingError("/runs/a is not a run."), Reason.RUN_MISSING),
        (RunDamagedError("run.json is damaged."), Reason.RUN_UNUSABLE),
        (RunBusyError("/runs/a is being written."), Reason.RUN_UNUSABLE),
        (RunError("/runs/a cannot be written."), Reason.RUN_UNUSABLE),
        (OSError("The disk is gone."), Reason.FILE_SYSTEM),
        (ValueError("Nothing is in training."), Reason.NOT_POSSIBLE),
        (MemoryError(), Reason.OUT_OF_MEMORY),
        (KeyError("x"), Reason.INTERNAL),
    ],
)
def test_the_reason_follows_from_the_type_of_the_error(error: Exception, reason: Reason) -> None:
    assert reason_of(error) is reason
    assert error_sentence(error).strip()
