"""Logs made of lines: JSON lines, and MLflow's file store by its documented layout."""

import json
import math
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest
from recorded_run import STARTED, extend_run, make_run

from gmstudio.engine.training.loggers.json_lines import JsonLinesLogger
from gmstudio.engine.training.loggers.logger import RunFacts, RunLogger
from gmstudio.engine.training.loggers.mlflow_store import EXPERIMENT_ID, MlflowLogger
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.tail import Cursor, HistoryTail


def log(run: Path, logger: RunLogger, cursor: Cursor, since: int = -1, status: str = "finished") -> RunFacts:
    with RunFolder.open(run) as folder:
        facts = RunFacts.of(folder)
        logger.begin(facts, since)
        for batch in HistoryTail(folder, cursor).batches():
            logger.write(batch)
    logger.flush()
    logger.end(status)
    return facts


def again(run: Path, logger: RunLogger, cursor: Cursor) -> None:
    """Train the steps after 12 again, up to 16, and log them."""
    with RunFolder.open(run, write=True) as folder:
        folder.history.truncate_after(12)
        extend_run(folder, 12, 16, offset=100.0)
    cursor.back_to(12)
    log(run, logger, cursor, since=12)


def plain(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]


def losses(lines: list[dict[str, Any]]) -> dict[int, Any]:
    return {line["step"]: line["value"] for line in lines if (line.get("split"), line.get("name")) == ("train", "loss")}


def test_json_lines_have_everything_and_replace_what_is_trained_again(tmp_path: Path) -> None:
    run, path, cursor = make_run(tmp_path / "run"), tmp_path / "logs" / "run.jsonl", Cursor()
    log(run, JsonLinesLogger(path), cursor)
    lines = plain(path)
    assert lines[0]["settings"]["config.beta"] == 2.0
    assert losses(lines) == {step: "nan" if step == 13 else 1 / 3 + step for step in range(1, 21)}
    assert [line["time"] for line in lines if line.get("name") == "kl"] == [STARTED + step / 2 for step in range(1, 21)]
    with path.open("a") as file:
        file.write('{"split": "train", "na')  # cut short by a kill
    again(run, JsonLinesLogger(path), cursor)
    lines = plain(path)
    assert {step: value for step, value in losses(lines).items() if step > 13} == {
        step: 100 + 1 / 3 + step for step in range(14, 17)
    }
    assert [line["text"] for line in lines if "event" in line] == ["Sentence of step 10.", "Sentence of step 20."]


def metric(folder: Path, name: str) -> list[tuple[int, float, int]]:
    """Points of a metric: milliseconds, value, step."""
    rows = [line.split(" ") for line in (folder / "metrics" / name).read_text().splitlines()]
    return [(int(time_ms), float(value), int(step)) for time_ms, value, step in rows]


def meta(path: Path) -> dict[str, Any]:
    pairs = (line.split(": ", 1) for line in path.read_text().splitlines())
    return {key: json.loads(value) for key, value in pairs}


def test_the_store_has_the_layout_that_mlflow_documents(tmp_path: Path) -> None:
    run, store, cursor = make_run(tmp_path / "a run"), tmp_path / "ml runs", Cursor()
    facts = log(run, MlflowLogger(store), cursor)
    experiment, folder = store / EXPERIMENT_ID, store / EXPERIMENT_ID / facts.identity
    assert meta(experiment / "meta.yaml")["name"] == "gmstudio"
    described = meta(folder / "meta.yaml")
    assert described["run_id"] == described["run_uuid"] == folder.name
    assert (described["status"], described["run_name"], described["lifecycle_stage"]) == (3, "a run", "active")
    assert described["end_time"] >= described["start_time"]
    assert Path(unquote(urlparse(described["artifact_uri"]).path)) == folder / "artifacts"
    points = metric(folder, "train/loss")
    assert [step for _time, _value, step in points] == list(range(1, 21))
    assert points[4][:2] == ((STARTED + 2.5) * 1000, 5 + 1 / 3) and math.isnan(points[12][1])
    assert (folder / "params" / "config.beta").read_text() == "2.0"
    assert (folder / "tags" / "mlflow.runName").read_text() == "a run"
    assert (folder / "artifacts" / "samples" / "step-00000020.png").read_bytes().startswith(b"\x89PNG")
    assert "Sentence of step 10." in (folder / "artifacts" / "events.txt").read_text()
    again(run, MlflowLogger(store), cursor)
    assert [round(value) for _time, value, step in metric(folder, "train/loss") if step > 13] == [114, 115, 116]
    assert len(metric(folder, "train/loss")) == 16 and len(metric(folder, "valid/loss")) == 1
