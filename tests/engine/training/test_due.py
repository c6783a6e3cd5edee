import pytest

from gmstudio.engine.training.due import DueAt, due_at
from gmstudio.protocol.training_settings import Training

TRAINING = Training(steps=24, validate_every=6, sample_every=4, checkpoint_every=8)


@pytest.mark.parametrize(
    ("step", "due"),
    [
        (0, DueAt(validate=False, sample=True, checkpoint=False)),
        (4, DueAt(validate=False, sample=True, checkpoint=False)),
        (6, DueAt(validate=True, sample=False, checkpoint=False)),
        (7, DueAt(validate=False, sample=False, checkpoint=False)),
        (8, DueAt(validate=False, sample=True, checkpoint=True)),
        (12, DueAt(validate=True, sample=True, checkpoint=False)),
        (24, DueAt(validate=True, sample=True, checkpoint=False)),
    ],
)
def test_what_is_due_follows_from_the_step_and_the_settings(step: int, due: DueAt) -> None:
    assert due_at(step, TRAINING) == due


def test_the_end_is_validated_and_sampled_whatever_the_intervals() -> None:
    odd = Training(steps=23, validate_every=6, sample_every=4, checkpoint_every=23)
    assert due_at(23, odd) == DueAt(validate=True, sample=True, checkpoint=False)
