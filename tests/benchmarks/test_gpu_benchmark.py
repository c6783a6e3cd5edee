"""The measurements of a GPU on the CPU, which stands in: every part, what is kept, and the page."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.gpu import command, measurements, parts, processes
from benchmarks.gpu.machine import NoDeviceError, describe_machine, usable_device
from benchmarks.gpu.measurements import Effort, Measurement
from benchmarks.gpu.page import NOT_YET, SECTIONS, page
from benchmarks.gpu.parts import PARTS, run_part
from benchmarks.gpu.results import Results
from gmstudio.families import FAMILIES

MACHINE = {"Device": "Some GPU", "torch": "2.13.0", "Driver": "580.1"}
EFFORT = Effort("cpu", ("vae", "made"), quick=True)
needs_none = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "kept", MACHINE, quick=True)


def said(_line: str) -> None:
    """Takes the lines."""


@needs_none
def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path: Path) -> None:
    out, written = tmp_path / "out", tmp_path / "page.md"
    ended = CliRunner().invoke(app, ["gpu", "--out", str(out), "--page", str(written)])
    assert ended.exit_code == 1 and "no CUDA device here" in ended.output and ended.output.count("\n") == 1
    assert not out.exists() and not written.exists()


@pytest.mark.parametrize("wanted", [{"parts": ["tarining"]}, {"families": ["vea"]}])
def test_an_unknown_part_or_family_is_refused_with_the_known_ones(tmp_path: Path, wanted: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match=r"there is no such (part|family); choose from .*(training|vae)"):
        command.measure(**{"parts": [], "families": [], **wanted}, device="cpu", out=str(tmp_path))
    with pytest.raises(NoDeviceError, match="There is no device 'tpu'"):
        usable_device("tpu")


def test_training_sampling_and_stepping_of_every_family_run_and_fill_the_page(tmp_path: Path) -> None:
    arguments = ["gpu", "--device", "cpu", "--quick", "--out", str(tmp_path)]
    for part in ("training", "sampling", "stepping"):
        arguments += ["--part", part]
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 0, ended.output
    kept = {path.stem: json.loads(path.read_text())["results"] for path in tmp_path.glob("*.json")}
    trained = {(r["family"], r["precision"], r["cuda_graphs"]) for r in kept["training"].values()}
    assert trained == {(f, p, g) for f in FAMILIES for p in ("fp32", "bf16") for g in ("auto", "off")}
    assert all(r["images_per_s"] > 0 for r in kept["training"].values())
    assert {r["family"] for r in kept["sampling"].values()} == set(FAMILIES) - {"autoencoder"}
    assert all(0 < r["p50_ms"] <= r["p95_ms"] <= r["max_ms"] for r in kept["stepping"].values())
    text = (tmp_path / "benchmarks-gpu.md").read_text()
    assert "**Quick**" in text and torch.__version__ in text and text.count(NOT_YET) == 3
    for part in ("Training", "Sampling", "Stepping"):
        section = text.split(f"## {part}\n")[1].split("\n## ")[0]
        shown = {line.split("|")[1].strip() for line in section.splitlines() if line.startswith("|")}
        assert {r["family"] for r in kept[part.lower()].values()} <= shown


def test_graphs_are_left_out_where_they_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("gmstudio.nn.stepping.ops.recorder_for", lambda device: asked.append(device.type))
    monkeypatch.setattr("gmstudio.families.autoregressive.raster.step_ops", _torch_ops)
    for graphs in measurements.GRAPHS:
        measurements.sample(EFFORT, "pixelcnn", graphs)
        assert asked == ["cpu"] * 2, graphs
    assert measurements.graphs_of("vae") == ("auto",)


def _torch_ops(batch: int, device: torch.device) -> Any:
    from gmstudio.nn.stepping.ops import TorchOps

    return TorchOps(batch, device)


def test_a_part_that_was_ended_goes_on_and_a_failure_is_shown_and_tried_again(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []
    broken = True

    def measure(name: str) -> dict[str, Any]:
        runs.append(name)
        if name == "b" and broken:
            raise RuntimeError("CUDA error: an illegal memory access\nsecond line")
        return {"family": name, "cuda_graphs": "auto", "batch": 4, "sample_s": 0.5, "images_per_s": 8.0}

    wanted = [Measurement(name, lambda name=name: measure(name)) for name in "abc"]  # type: ignore[misc]
    monkeypatch.setitem(parts.PARTS, "sampling", lambda effort: iter(wanted))
    ended = run_part("sampling", EFFORT, results, said, budget_s=-1.0)
    assert (ended.kept, ended.wanted, ended.complete, runs) == (0, 3, False, []) and "goes on" in ended.sentence()
    ended = run_part("sampling", EFFORT, results, said)
    assert (ended.kept, ended.failures, ended.complete) == (3, ("b",), False) and "Failed: b" in ended.sentence()
    text = page(results)
    assert "- **failed**: b: RuntimeError: CUDA error: an illegal memory access" in text and "| c |" in text
    broken = False
    assert run_part("sampling", EFFORT, results, said).complete and runs == ["a", "b", "c", "b"]


def test_results_of_another_machine_or_effort_are_not_mixed(results: Results, tmp_path: Path) -> None:
    results.keep("training", "one", {"family": "vae"})
    assert results.of("training") == {"one": {"family": "vae"}}
    assert Results(results.folder, MACHINE | {"Driver": "590.2"}, quick=True).of("training") == {}
    assert Results(results.folder, MACHINE, quick=False).of("training") == {}
    (results.folder / "training.json").write_text("{")
    with pytest.raises(ValueError, match="is damaged; remove it"):
        results.of("training")
    results.forget("training")
    assert results.of("training") == {}


def test_one_gpu_is_said_and_the_page_has_every_section(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "device_count", lambda device: 1)
    assert run_part("ddp", EFFORT, results, said).complete
    results.keep("tests", "pytest", {"passed": 90, "failed": 1, "skipped": 0, "failures": ["tests.x::test_y"]})
    idle = {"family": "vae", "while_training": False, "images_per_s_meanwhile": 0.0}
    times = dict.fromkeys(("p50_ms", "p95_ms", "p99_ms", "window_stall_p99_ms"), 2.0)
    results.keep("slider", "vae idle", {**idle, **times})
    text = page(results)
    assert "There is one GPU here" in text and "90 passed, 1 failed" in text and "tests.x::test_y" in text
    assert "| vae | idle | 2.0 ms |" in text and "| Driver | 580.1 |" in text
    assert PARTS.keys() == SECTIONS.keys() and parts.failed(results.of("tests")["pytest"])
    together = {"family": "vae", "count": 2, "one_images_per_s": 1000.0, "all_images_per_s": 1800.0}
    results.forget("ddp")
    results.keep("ddp", "vae", {**together, "speedup": 1.8, "loss_difference": 2e-6})
    assert "| vae | 2 | 1,000 | 1,800 | 1.80 | 2.0e-06 |" in page(results)


@pytest.mark.slow
def test_the_tests_of_a_device_are_found_and_run_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {Path(name).name: name for name in processes.files_of_tests()}
    assert files.keys() >= {"test_families_on_device.py", "test_training_on_device.py"}
    monkeypatch.setattr(processes, "files_of_tests", lambda: [files["test_families_on_device.py"]])
    found = processes.run_tests("cpu", processes.QUICK_TESTS)
    assert (found["passed"], found["failed"], found["failures"]) == (1, 0, [])
    with pytest.raises(processes.PartError, match="ended with code"):
        processes.run_tests("cpu", "no_test_has_this_name")


DRAG = """
from benchmarks.gpu.measurements import Effort, drag
import json
print(json.dumps(drag(Effort("cpu", ("vae",), quick=True), "vae", while_training=True)))
"""


@pytest.mark.slow
def test_a_slider_is_dragged_in_a_window_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", DRAG], cwd=processes.ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert 0 < found["p50_ms"] <= found["p95_ms"] and found["images_per_s_meanwhile"] > 0
    names = [measurement.name for measurement in measurements.slider(EFFORT)]
    assert names == ["vae idle", "vae while training"]


def test_a_driver_is_named_by_its_tool_or_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.gpu import machine

    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 580.95.05\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.driver_version() == "580.95.05"
    tool.unlink()
    monkeypatch.setattr(machine, "DRIVER_FILE", tmp_path / "version")
    assert machine.driver_version() == "unknown"
    (tmp_path / "version").write_text("NVRM version: 580.1\nGCC\n")
    assert machine.driver_version() == "NVRM version: 580.1"
    assert describe_machine(torch.device("cpu"))["Device"].startswith("CPU")
