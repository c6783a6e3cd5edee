"""Sentences on what the command that repeats a run cannot repeat."""

import msgspec
import pytest

from gmstudio.engine.runs.report.command import UNREPEATED, command_remarks
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOrigin
from gmstudio.runs.record import new_record

RECORD = new_record(RunSpec(family="vae", data="digits"), image=ImageSpec(1, 8, 8, 2), device="cpu")
EXACT = "to the last bit"


def test_a_run_of_one_piece_is_repeated_exactly() -> None:
    (remark,) = command_remarks(RECORD, {"warning", "logger", "copy"})
    assert EXACT in remark


@pytest.mark.parametrize("kind", UNREPEATED)
def test_a_run_that_was_changed_on_the_way_is_not_called_repeatable(kind: str) -> None:
    reason, consequence = command_remarks(RECORD, {"warning", kind})
    assert reason == UNREPEATED[kind] and "its losses are others" in consequence


def test_a_branch_names_where_it_began() -> None:
    origin = RunOrigin(run="2026-01-01-vae-01", created="2026-01-01T00:00:00Z", step=40)
    reason, consequence = command_remarks(msgspec.structs.replace(RECORD, origin=origin), set())
    assert reason == "The run began at step 40 of 2026-01-01-vae-01." and EXACT not in consequence
