"""Background models: found among runs, proposed, trained."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from gmstudio.engine.density import background
from gmstudio.engine.density.anomalies_handlers import AnomaliesFeature
from gmstudio.engine.density.background import (
    background_spec,
    find_background,
    find_backgrounds,
    search_backgrounds,
    train_background,
)
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.base import Event
from gmstudio.protocol.density_background import BackgroundProposed, ProposeBackground
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RECORD_NAME, RunError, RunRecord, read_record, write_record

CPU = torch.device("cpu")
CACHE = DatasetCache()


def finish(job: TrainingJob) -> Path:
    while job.running:
        job.advance()
    return job.trainer.run.path


def trained(path: Path, levels: int = 2, config: dict[str, Any] | None = None, **training: Any) -> Path:
    """Train a run for two steps."""
    spec = RunSpec(
        family="nade",
        config={"num_hidden": 4, **(config or {})},
        data="digits",
        data_config={"levels": levels},
        training={"steps": 2, "batch_size": 8, "num_samples": 1, "validation_images": 4, **training},
    )
    return finish(start_training(plan_run(CACHE, spec, CPU), str(path), CPU, lambda _: None))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two background models of ``model``, and runs that are none."""
    home = tmp_path_factory.mktemp("library")
    trained(home / "model")
    trained(home / "old", mutation=0.1)
    trained(home / "new", mutation=0.2, weight_decay=0.1, seed=4)
    trained(home / "without noise", seed=3)
    trained(home / "other data", levels=4, mutation=0.1)
    trained(home / "other settings", config={"num_hidden": 5}, mutation=0.1)
    (home / "damaged").mkdir()
    (home / "damaged" / "run.json").write_text("{")
    return home


class TestSearch:
    def test_the_newest_with_the_same_settings_and_data_is_found(self, library: Path) -> None:
        assert find_background(library, library / "model") == str(library / "new")
        assert find_backgrounds(library, library / "model") == (str(library / "new"), str(library / "old"))

    def test_the_folder_of_the_run_is_searched_besides_the_library(self, library: Path, tmp_path: Path) -> None:
        assert find_background(tmp_path / "nowhere", library / "model") == str(library / "new")

    def test_a_run_is_not_its_own_background(self, library: Path) -> None:
        assert find_backgrounds(library, library / "new") == (str(library / "old"),)

    def test_there_may_be_none(self, library: Path) -> None:
        assert find_background(library, library / "other data") == ""

    def test_a_background_without_steps_is_none(self, tmp_path: Path) -> None:
        model = trained(tmp_path / "model")
        RunFolder.create(tmp_path / "begun", plan_run(CACHE, background_spec(model), CPU).record).close()
        assert find_background(tmp_path, model) == ""

    def test_data_that_moved_are_the_same_data(self, tmp_path: Path) -> None:
        model, other = trained(tmp_path / "model"), trained(tmp_path / "noised", mutation=0.3)
        record = read_record(other)
        assert record.fingerprint is not None
        write_record(other, msgspec.structs.replace(record, data_config={**record.data_config, "folder": "/elsewhere"}))
        assert find_background(tmp_path, model) == str(other)

    def test_a_missing_run_is_a_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(RunError, match="is not a run"):
            find_background(tmp_path, tmp_path / "model")

    def test_a_large_library_is_searched_in_pieces(self, tmp_path: Path) -> None:
        model = trained(tmp_path / "model")
        noised = trained(tmp_path / "noised", mutation=0.3)
        for number in range(200):
            folder = tmp_path / f"other {number}"
            folder.mkdir()
            shutil.copyfile(model / RECORD_NAME, folder / RECORD_NAME)
        pieces = 0
        search = search_backgrounds(tmp_path / "nowhere", model)
        while True:
            try:
                next(search)
            except StopIteration as end:
                assert end.value == (str(noised),)
                break
            pieces += 1
        assert pieces >= 202, "one a folder"

    def test_a_record_is_read_again_only_where_it_has_changed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model, other = trained(tmp_path / "model"), trained(tmp_path / "other")
        assert find_background(tmp_path, model) == ""
        read: list[Path] = []

        def counting(folder: Path) -> RunRecord:
            read.append(Path(folder))
            return read_record(folder)

        monkeypatch.setattr(background, "read_record", counting)
        assert find_background(tmp_path, model) == "" and read == [model], "that of the run itself"
        record = read_record(other)
        noised = msgspec.structs.replace(record.training, mutation=0.25)
        write_record(other, msgspec.structs.replace(record, training=noised))
        assert find_background(tmp_path, model) == str(other) and read[1:].count(other) == 1


class TestSpec:
    def test_it_is_that_of_the_run_with_noise(self, library: Path) -> None:
        own = read_record(library / "model").spec
        found = background_spec(library / "model", 0.2)
        assert found.training == {**own.training, "mutation": 0.2}
        assert msgspec.structs.replace(found, training=own.training) == own

    @pytest.mark.parametrize("mutation", [0.0, -0.1, 1.01])
    def test_other_rates_are_refused(self, library: Path, mutation: float) -> None:
        with pytest.raises(ValueError, match=f"μ = {mutation:g}: a background model needs a rate above 0"):
            background_spec(library / "model", mutation)


class TestTraining:
    def test_it_becomes_a_run_beside_the_model(self, tmp_path: Path) -> None:
        model = trained(tmp_path / "model")
        events: list[Event] = []
        found = finish(train_background(model, 0.25, CACHE, CPU, events.append))
        assert found.parent == tmp_path
        assert read_record(found).training.mutation == 0.25
        assert find_background(tmp_path / "library", model) == str(found)
        assert events

    def test_that_of_a_ready_model_lies_in_the_library(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        model = trained(tmp_path / "examples" / "nade")
        monkeypatch.setenv("GMSTUDIO_EXAMPLES", str(tmp_path / "examples"))
        monkeypatch.setattr(background, "runs_home", lambda: tmp_path / "library")
        found = finish(train_background(model, 0.25, CACHE, CPU, lambda _: None))
        assert found.parent == tmp_path / "library"
        assert find_background(tmp_path / "library", model) == str(found)


def test_the_engine_proposes_settings_and_names_what_is_there(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = AnomaliesFeature(EngineContext(lambda _: None)).handlers()[ProposeBackground]
    job = handler(ProposeBackground(request=7, run=str(library / "model"), mutation=0.15))
    assert job is not None
    (found,) = filter(None, job)
    assert isinstance(found, BackgroundProposed)
    assert found.request == 7
    assert found.existing == (str(library / "new"), str(library / "old"))
    assert found.mutations == (0.2, 0.1)
    assert found.spec == background_spec(library / "model", 0.15)
