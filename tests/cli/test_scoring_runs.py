"""``gmstudio score`` of several runs, by statistics, with converted images, against anomalous ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_folders import make_pictures
from scoring_subjects import save_weights, write_run
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.runs.scores import SCORES_NAME

FAMILIES = ("made", "vae", "fvbn")
CONFIGS: dict[str, dict[str, Any]] = {"vae": {"num_hidden": 16, "num_latent": 2}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("runs")
    return {name: str(write_run(folder / name, name, CONFIGS.get(name, {}))) for name in FAMILIES}


def call(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["score", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def document(*arguments: str) -> dict[str, Any]:
    return json.loads(call(*arguments, "--json"))  # type: ignore[no-any-return]


def test_several_runs_are_scored_side_by_side(runs: dict[str, str]) -> None:
    found = document(*runs.values(), "-n", "90")
    assert [entry["family"] for entry in found["runs"]] == list(FAMILIES)
    assert [entry["kind"] for entry in found["runs"]] == ["exact", "estimate", "exact"]
    assert found["run"] == runs["made"] and found["statistic"] == "log_prob" and found["anomaly"] is None
    for entry in found["runs"]:
        alone = document(entry["run"], "-n", "90")
        assert entry["mean"] == pytest.approx(alone["nats"]["mean"])
        assert entry["error"] == pytest.approx(alone["nats"]["error"])
        assert entry["bits_per_dim"] == pytest.approx(alone["bits_per_dim"]["mean"])
        assert entry["kind_text"] == alone["kind"] and alone["runs"] is None
    assert found["nats"]["mean"] == found["runs"][0]["mean"]
    first = found["runs"][0]
    assert found["bits_per_dim"]["error"] == pytest.approx(document(first["run"], "-n", "90")["bits_per_dim"]["error"])


def test_scores_are_computed_once_and_anew_for_new_weights(tmp_path: Path) -> None:
    from autoregressive_cases import make

    from gmstudio import data

    run = write_run(tmp_path / "run", "made", {})
    first, second = (document(str(run), "--statistic", "log_prob", "-n", "128")["runs"][0] for _ in range(2))
    assert (first["kept"], second["kept"]) == (0, 128) and first["mean"] == second["mean"]
    assert (run / SCORES_NAME).is_file()
    save_weights(run, make("made", {}, data.load("digits", {}).image, 1, spread=0.1), 2)
    changed = document(str(run), "--statistic", "log_prob", "-n", "128")["runs"][0]
    assert changed["kept"] == 0 and changed["step"] == 2 and changed["mean"] != first["mean"]


def test_another_set_is_told_apart(runs: dict[str, str], tmp_path: Path) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    pictures = str(make_pictures(tmp_path, {"a": 30, "b": 40}))
    found = document(runs["made"], "-n", "100", "--against", pictures, "--worst", "5")
    anomaly, entry = found["anomaly"], found["runs"][0]
    assert found["against"]["images"] == 70 and "from 12×10 grey" in found["against"]["conversion"]
    assert anomaly["auroc_low"] <= anomaly["auroc"] <= anomaly["auroc_high"] and entry["anomaly"] == anomaly
    assert set(anomaly) == {"auroc", "auroc_low", "auroc_high", "average_precision", "fpr_at_95"}
    inside, outside = (_scores(runs["made"], *arguments) for arguments in (("-n", "100"), ("--images", pictures)))
    labels = np.repeat([0, 1], [100, 70])
    assert anomaly["auroc"] == pytest.approx(roc_auc_score(labels, -np.concatenate((inside, outside))), abs=1e-9)
    assert anomaly["average_precision"] == pytest.approx(
        average_precision_score(labels, -np.concatenate((inside, outside))), abs=1e-9
    )
    worst = found["worst"]
    assert [image["score"] for image in worst] == sorted(inside.tolist())[:5]
    assert [image["index"] for image in worst] == np.argsort(inside, kind="stable")[:5].tolist()
    assert worst[0]["label"] in list("0123456789")
    text = call(runs["made"], "-n", "100", "--against", pictures, "--worst", "2")
    assert f"AUROC {anomaly['auroc']:.4f}" in text and "least likely images:" in text and "kept from before" in text


def _scores(*arguments: str) -> np.ndarray:
    """Scores of all images, as ``--worst`` lists them."""
    listed = document(*arguments, "--worst", "1000")["worst"]
    return np.array([image["score"] for image in sorted(listed, key=lambda image: image["index"])])


def test_pictures_of_any_size_and_a_broken_one(runs: dict[str, str], tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "pictures", {"a": 3}, size=(20, 16))
    (folder / "a" / "broken.png").write_bytes(b"no picture")
    found = document(runs["fvbn"], "--images", str(folder), "--worst", "9")
    assert found["images"] == 3 and "Converted from 20×16 grey, 256 levels to 8×8 grey" in found["conversion"]
    assert any("1 of 4 pictures could not be read" in text for text in found["warnings"])
    assert {image["name"] for image in found["worst"]} == {f"a/{n:04}.png" for n in range(3)}
    assert found["split"] is None and found["data"] == str(folder)


def test_other_data_are_converted_where_a_statistic_is_named(runs: dict[str, str]) -> None:
    found = document(runs["made"], "--data", "mnist", "-n", "20", "--statistic", "log_prob")
    assert "from 28×28 grey, 256 levels to 8×8 grey, 16 levels" in found["conversion"]
    for name in ("mnist", "shapes"):
        with pytest.raises(ValueError, match=rf"The images of {name} are .*--statistic log_prob"):
            call(runs["made"], "--data", name)


def test_a_statistic_without_likelihood(runs: dict[str, str]) -> None:
    found = document(runs["vae"], "--statistic", "reconstruction", "-n", "30", "--worst", "2")
    assert found["bits_per_dim"] is None and found["nats"] is None and found["runs"][0]["kind"] == "value"
    assert found["worst"][0]["score"] >= found["worst"][1]["score"] >= found["runs"][0]["mean"]
    assert "most anomalous images:" in call(runs["vae"], "--statistic", "reconstruction", "-n", "30", "--worst", "2")


def test_an_ensemble_has_one_entry(runs: dict[str, str]) -> None:
    found = document(runs["made"], runs["fvbn"], "--statistic", "waic", "-n", "10")
    (entry,) = found["runs"]
    assert entry["ensemble"] == [runs["made"], runs["fvbn"]]
    with pytest.raises(ValueError, match="two or more runs"):
        call(runs["made"], "--statistic", "waic", "-n", "10")


def test_a_background_model_is_trained_where_there_is_none_and_then_found(tmp_path: Path) -> None:
    trained = CliRunner().invoke(
        cli.app,
        ["train", "made", "--data", "digits", "--out", str(tmp_path / "run"), "--steps", "3", "--set", "batch_size=16"],
    )
    assert trained.exit_code == 0, trained.output
    arguments = (str(tmp_path / "run"), "--statistic", "ratio", "-n", "20", "--mutation", "0.2")
    found = document(*arguments)
    background = found["runs"][0]["background"]
    assert background and Path(background).parent == tmp_path and background != str(tmp_path / "run")
    record = json.loads((Path(background) / "run.json").read_text())
    assert record["training"]["mutation"] == 0.2 and record["status"] == "finished" and record["step"] == 3
    again = document(*arguments)
    assert again["runs"][0]["background"] == background and again["runs"][0]["kept"] == 20
    named = document(str(tmp_path / "run"), "--background", background, "-n", "20", "--statistic", "ratio")
    assert named["runs"][0]["mean"] == pytest.approx(found["runs"][0]["mean"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--statistic", "luck"], "no statistic 'luck'; there are log_prob"),
        (["--against", "nothing"], "no data source and no file; choose one of digits"),
        (["--against", "cifar10"], "Choose the folder that holds data_batch_1.bin. Option: --against-dir FOLDER."),
        (["--against", "digits", "--against-split", "tests"], "--against-split is 'tests'; choose one of"),
        (["--images", "x", "--data", "mnist"], "leave one of them out"),
        (["--images", "there is no such folder"], "no file or folder"),
        (["--statistic", "discriminator"], "has no discriminator; choose a run"),
        (["--statistic", "log_prob", "--labels", "given"], "was not trained with labels; leave --labels out"),
        (["--statistic", "log_prob", "--labels", "all"], "choose one of marginal, given, none"),
        (["--background", "x"], "belongs to --statistic ratio"),
    ],
)
def test_bad_options_are_refused_in_sentences(runs: dict[str, str], arguments: list[str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call(runs["made"], *arguments)
