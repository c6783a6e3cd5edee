"""Networks as ONNX files: values of the model for batches of any size, metadata, and reasons where there is none."""

import json
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
import torch
from exported_runs import make_run, write_export
from torch import Tensor

from gmstudio.engine.runs.exports.onnx import OnnxExport, graph_of
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunError

BINARY, FEW, GREY = ImageSpec(1, 4, 4, 2), ImageSpec(1, 4, 4, 4), ImageSpec(1, 4, 4, 256)
CASES: dict[str, tuple[dict[str, Any], ImageSpec]] = {
    "vae": ({"num_hidden": 8, "num_latent": 2}, GREY),
    "gan": ({"architecture": "dcgan", "num_channels": 4}, BINARY),
    "autoencoder": ({"num_hidden": 8}, GREY),
    "realnvp": ({"architecture": "mlp", "num_hidden": 8, "num_couplings": 2}, BINARY),
    "ddpm": ({"network": "dense", "num_hidden": 8, "num_timesteps": 10}, FEW),
    "rbm": ({"num_hidden": 8}, BINARY),
    "made": ({"num_hidden": 8}, FEW),
    "gated_pixelcnn": ({"num_channels": 4, "num_layers": 1}, BINARY),
}


def values(model: Family, inputs: dict[str, Tensor]) -> Tensor:
    with torch.no_grad():
        found: Tensor = graph_of(model).module(*inputs.values())
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("family", CASES)
def test_onnxruntime_computes_what_the_model_does(tmp_path: Path, family: str) -> None:
    config, image = CASES[family]
    run, model = make_run(tmp_path / "run", family, config, image)
    write_export(run, "onnx", tmp_path / "a.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"), providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    assert said["family"] == family and json.loads(said["config"]) == config and said["computes"]
    given = graph_of(model).inputs
    for count in (1, 5):
        inputs = {name: torch.cat([value] * 3)[:count] for name, value in given.items()}
        (found,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
        torch.testing.assert_close(torch.from_numpy(found), values(model, inputs), rtol=1e-4, atol=1e-4)


def test_the_file_is_valid_and_its_batch_is_free(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path / "run", "vae", CASES["vae"][0])
    write_export(run, "onnx", tmp_path / "a.onnx")
    proto = onnx.load(tmp_path / "a.onnx")
    onnx.checker.check_model(proto)
    (given,) = proto.graph.input
    assert given.name == "z" and given.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_a_chain_says_why_it_has_no_network(tmp_path: Path) -> None:
    run, _ = make_run(tmp_path / "run", "gsn", {"num_hidden": 8}, BINARY)
    with pytest.raises(RunError, match=r"GSN generates by a Markov chain.*Export its code or its weights\.$"):
        write_export(run, "onnx", tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = make_run(tmp_path / "run", "vae", CASES["vae"][0])
    monkeypatch.setattr("gmstudio.engine.runs.exports.onnx.find_spec", lambda name: None)
    with RunFolder.open(run) as folder:
        assert "gmstudio[export]" in OnnxExport.reason(folder)
