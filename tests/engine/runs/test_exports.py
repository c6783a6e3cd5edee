"""Export of a run: forms that are found by themselves, tables of every point, nothing half-written."""

import csv
import json
import math
from pathlib import Path

import msgspec
import pytest

from gmstudio.engine.runs.exports import export_named, exports_of
from gmstudio.engine.runs.exports.export import ExportSource
from gmstudio.engine.runs.exports.writing import export_pieces
from gmstudio.engine.runs.exports_handlers import RunExports
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs_exports import ExportsListed, ListExports
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Scalar
from gmstudio.runs.record import RunError, new_record, write_record

VALUES = [0.1 + 1 / 3 * step for step in range(5000)] + [math.nan, math.inf]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    spec = RunSpec(family="vae", data="digits", training={})
    path = tmp_path / "run"
    with RunFolder.create(path, new_record(spec, image=ImageSpec(1, 8, 8, 2), device="cpu")) as made:
        made.history.append([Scalar(step, "train", "loss", value) for step, value in enumerate(VALUES)])
        made.history.append([Scalar(7, "valid", "loss", 2.5)])
        made.history.log(7, "warning", "A sentence.")
    return RunFolder.open(path)


def write(run: RunFolder, form: str, target: Path, *, overwrite: bool = False) -> list[float]:
    def load() -> object:
        raise AssertionError("a table needs no model")

    source = ExportSource(run, load)  # type: ignore[arg-type]
    return list(export_pieces(export_named(form)(), source, target, overwrite=overwrite))


def test_csv_has_every_point_to_the_last_bit(run: RunFolder, tmp_path: Path) -> None:
    shares = write(run, "csv", tmp_path / "a.csv")
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = [float(row["value"]) for row in rows if row["split"] == "train"]
    assert found[:-2] == VALUES[:-2]
    assert math.isnan(found[-2])
    assert rows[-1] == {"split": "valid", "name": "loss", "step": "7", "value": "2.5"}


def test_json_lines_are_json_and_hold_the_events(run: RunFolder, tmp_path: Path) -> None:
    write(run, "jsonl", tmp_path / "a.jsonl")
    lines = [json.loads(line, parse_constant=pytest.fail) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [line["value"] for line in lines if line.get("split") == "train"] == [*VALUES[:-2], "nan", "inf"]
    assert lines[-1]["text"] == "A sentence."


@pytest.mark.parametrize("form", sorted(exports_of()))
def test_what_exists_is_not_replaced(run: RunFolder, tmp_path: Path, form: str) -> None:
    target = tmp_path / "there"
    target.write_text("mine")
    with pytest.raises(RunError, match="exists"):
        write(run, form, target)
    assert target.read_text() == "mine"


def test_a_stopped_export_leaves_nothing(run: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.csv"
    pieces = export_pieces(export_named("csv")(), ExportSource(run, lambda: pytest.fail()), target, overwrite=False)
    next(pieces)
    pieces.close()
    assert list(target.parent.iterdir()) == []


def test_an_unknown_form_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="csv"):
        export_named("xlsx")


def test_a_run_of_unknown_settings_keeps_the_forms_that_need_no_model(run: RunFolder) -> None:
    record = run.record
    write_record(run.path, msgspec.structs.replace(record, config={"num_latents": 3}))
    feature = RunExports(EngineContext(lambda event: None))
    job = feature.handlers()[ListExports](ListExports(run=str(run.path)))
    listed = list(job or ())[-1]
    assert isinstance(listed, ExportsListed)
    reasons = {form.name: form.reason for form in listed.forms}
    needless = {name for name, kind in exports_of().items() if not kind.needs_model}
    assert needless == {"archive", "csv", "jsonl", "tensorboard", "mlflow"}
    assert not any(reasons[name] for name in needless)
    assert all("num_latents" in reason for name, reason in reasons.items() if name not in needless)
