"""``gmstudio probe``: a document for scripts, lines for people, features as a file, and what is refused."""

import json
import statistics
from pathlib import Path

import numpy as np
import pytest
from scoring_subjects import write_run
from typer.testing import CliRunner

from gmstudio import cli, data
from gmstudio.cli import probing

QUICK = ("--seeds", "2", "--max-train", "300", "--max-test", "60")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of random weights on digits."""
    folder: Path = write_run(tmp_path_factory.mktemp("probe") / "vae", "vae", {"num_hidden": 16, "num_latent": 3})
    return folder


def invoked(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["probe", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_document_has_accuracies_of_the_run_and_of_the_baselines(run: Path) -> None:
    found = json.loads(invoked(str(run), "--labels", "1", "--labels", "3", *QUICK, "--json"))
    assert tuple(found) == probing.KEYS
    assert (found["family"], found["layer"], found["features"], found["timestep"]) == ("vae", "code", 3, None)
    assert (found["test_images"], found["seeds"], found["fine_tuning"], found["file"]) == (60, 2, None, None)
    assert [row["labels_per_class"] for row in found["labels"]] == [1, 3]
    assert found["labels"][1]["num_labels"] == 30 and len(found["labels"][1]["regularization"]) == 2
    assert set(found["baselines"]) == {"pixels", "pca"}
    assert found["baselines"]["pixels"][1]["linear_mean"] > found["labels"][1]["linear_mean"] > 0.05
    assert any("C is 1 there" in text for text in found["warnings"])


def test_the_spread_is_that_of_the_sample_and_of_one_seed_there_is_none(run: Path) -> None:
    assert probing._spread(np.array([0.5, 0.7])) == pytest.approx(0.1 * np.sqrt(2))
    assert probing._share(np.array([0.5, 0.7])) == "0.6000 ± 0.1414"
    found = json.loads(invoked(str(run), "--labels", "all", "--labels", "2", "--no-baselines", *QUICK, "--json"))
    assert found["labels"][0]["linear_std"] is None and found["labels"][0]["neighbours_std"] is None
    assert found["labels"][1]["linear_std"] >= 0.0


def test_lines_name_the_space_and_the_spread(run: Path) -> None:
    shown = invoked(str(run), "--labels", "all", "--layer", "hidden1", "--no-baselines", *QUICK)
    assert "VAE, Hidden layer 1 of 1 of the encoder, 16 dimensions, 60 test images:" in shown
    assert "all labels: linear probe 0." in shown and "Pixels" not in shown and "±" not in shown
    assert "" not in shown.splitlines()  # progress bars leave nothing where there is no terminal


def test_the_three_classifiers_are_compared(run: Path) -> None:
    arguments = ("--labels", "2", "--no-baselines", "--fine-tune", "--steps", "5", *QUICK)
    (row,) = json.loads(invoked(str(run), *arguments, "--json"))["fine_tuning"]
    assert (row["labels_per_class"], row["steps"]) == (2, 5)
    assert all(0.0 <= row[kind]["mean"] <= 1.0 for kind in ("fine_tuned", "frozen", "scratch"))


@pytest.mark.parametrize("accuracies", [[0.5], [0.25, 0.75], [0.1, 0.2, 0.6]])
def test_deviations_are_those_of_a_sample(accuracies: list[float]) -> None:
    """As in the window: divisor n − 1, and none of one choice."""
    found = probing._spread(np.array(accuracies))
    assert found == (pytest.approx(statistics.stdev(accuracies)) if len(accuracies) > 1 else None)
    assert ("±" in probing._share(np.array(accuracies))) == (found is not None)


def test_features_are_written_with_their_labels(run: Path, tmp_path: Path) -> None:
    target = tmp_path / "codes.npz"
    shown = invoked(str(run), "--labels", "2", "--no-baselines", *QUICK, "--features", str(target))
    assert "Features written: train_features 300×3, test_features 60×3" in " ".join(shown.split())
    with np.load(target) as arrays:
        assert set(arrays) == {"train_features", "train_labels", "test_features", "test_labels"}
        assert arrays["test_features"].dtype == np.float32
        labels = data.load("digits", {}).test.labels
        assert labels is not None
        np.testing.assert_array_equal(arrays["test_labels"], labels[:60])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--labels", "0"), "--labels 0: give a number of labelled images a class from 1"),
        (("--labels", "ten"), "--labels ten: give a number"),
        (("--layer", "deep"), "no layer 'deep'; choose one of hidden1, code"),
        (("--features", "codes.csv"), "name a file .npz"),
        (("--timestep", "3"), "takes no timestep"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(run: Path, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CliRunner().invoke(cli.app, ["probe", str(run), *arguments, *QUICK], catch_exceptions=False)
