"""Data of a run that moved or changed, for a real engine."""

import shutil
from pathlib import Path

from engine_process import EngineProcess
from idx_making import some_images, write_idx, write_set
from picture_folders import make_pictures

from gmstudio.protocol.chains import RunTrajectory, TrajectoryAppended
from gmstudio.protocol.data import BrowseData, DataBrowsed, LocateData
from gmstudio.protocol.data_import import DataSetDescribed, ImportData
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOpened
from gmstudio.protocol.training import StartTraining, TrainingChanged


def test_data_are_located_and_accepted_and_noise_needs_none(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "data")
    config = {"num_hidden": 4, "num_chains": 4}
    training = {"steps": 2, "batch_size": 8, "validation_images": 4, "num_samples": 1}
    spec = RunSpec(family="rbm", config=config, data="idx", data_config={"folder": str(folder)}, training=training)
    with EngineProcess(tmp_path / "home") as engine:
        run = engine.ask(StartTraining(spec=spec, folder=str(tmp_path / "run")), RunOpened).info.run
        engine.wait(TrainingChanged, lambda event: event.status == "finished")
    shutil.move(folder, tmp_path / "elsewhere")
    write_idx(tmp_path / "elsewhere" / "t10k-images-idx3-ubyte.gz", some_images(20, seed=99))
    browse = BrowseData(data="idx", data_config={}, run=run)
    with EngineProcess(tmp_path / "home") as engine:
        failed = engine.ask(browse, CommandFailed)
        assert (failed.reason, failed.run) == (Reason.DATA_UNAVAILABLE, run)
        engine.ask(RunTrajectory(run=run, count=1, steps=1), TrajectoryAppended)
        changed = engine.ask(LocateData(run=run, folder=str(tmp_path / "elsewhere")), CommandFailed)
        assert changed.reason is Reason.DATA_CHANGED and "other test images" in changed.message
        accepted = LocateData(run=run, folder=str(tmp_path / "elsewhere"), accept_changed=True)
        opened = engine.ask(accepted, RunOpened)
        assert opened.info.spec.data_config["folder"] == str(tmp_path / "elsewhere")
        assert engine.ask(browse, DataBrowsed).sizes["test"] == 20


def test_imported_images_are_found_again_in_another_place(tmp_path: Path) -> None:
    """The set itself where it was moved to, and the pictures imported anew: the images are the same."""
    pictures = make_pictures(tmp_path / "pictures", {"a": 20, "b": 20}, size=(6, 6))
    training = {"steps": 1, "batch_size": 8, "validation_images": 4, "num_samples": 1}
    with EngineProcess(tmp_path / "home") as engine:
        made = engine.ask(ImportData(path=str(pictures)), DataSetDescribed).info
        config = {"folder": made.folder, "levels": 16}
        spec = RunSpec(family="fvbn", data="images", data_config=config, training=training)
        run = engine.ask(StartTraining(spec=spec, folder=str(tmp_path / "run")), RunOpened).info.run
        engine.wait(TrainingChanged, lambda event: event.status == "finished")
    shutil.move(made.folder, tmp_path / "moved")
    other = make_pictures(tmp_path / "others", {"a": 20, "b": 20}, size=(6, 6), seed=1)
    browse = BrowseData(data="images", data_config={}, run=run)
    with EngineProcess(tmp_path / "home") as engine:
        failed = engine.ask(browse, CommandFailed)
        assert failed.reason is Reason.DATA_UNAVAILABLE and made.folder in failed.message
        changed = engine.ask(LocateData(run=run, folder=str(other)), CommandFailed)
        assert changed.reason is Reason.DATA_CHANGED
        for place in (tmp_path / "moved", pictures):
            opened = engine.ask(LocateData(run=run, folder=str(place)), RunOpened)
            assert opened.info.spec.data_config["folder"] == str(place)
            assert engine.ask(browse, DataBrowsed).image.shape == (1, 6, 6)
