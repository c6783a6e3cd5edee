"""Fault 7: a disk that is full for the history, the samples or a checkpoint pauses the run, which loses nothing."""

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confined_engine import ConfinedEngine, can_confine
from engine_process import EngineProcess
from fault_engine import assert_same, folder_in, learned, start, status, train_vae

from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import CommandFailed, Done, Reason
from gmstudio.protocol.runs import FetchSamples, HistoryAppended, OpenRun, RunOpened, SamplesDrawn
from gmstudio.protocol.training import PauseTraining, ResumeTraining, StopTraining

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="POSIX disks and limits")]
LARGE = {"num_latent": 2, "num_hidden": 800}
LENGTH = {"steps": 160, "checkpoint_every": 40, "validate_every": 80, "sample_every": 20, "num_samples": 256}
KIB = 1024


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConfinedEngine]:
    if not can_confine():
        pytest.skip("this system allows no mount namespace; the stand-in below is run in any case")
    with ConfinedEngine(tmp_path_factory.mktemp("small")) as engine:
        yield engine


@pytest.fixture(scope="module")
def undisturbed(confined: ConfinedEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with space enough."""
    run = start(confined, LARGE, **LENGTH)
    status(confined, "finished")
    return confined.copy_out(folder_in(confined.home, run), tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(autouse=True)
def nothing_trains_afterwards(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "confined" in request.fixturenames:  # a test that failed must not fail the others
        engine = request.getfixturevalue("confined")
        stop = engine.send(StopTraining())
        engine.wait(Event, lambda event: event.request == stop)


@pytest.mark.parametrize(
    ("what", "room", "named"),
    [
        ("history", 0, "history.sqlite could not be written: the disk is full."),
        ("samples", 64 * KIB, "history.sqlite could not be written: the disk is full."),
        ("checkpoint", 1000 * KIB, "could not be written to"),
    ],
)
def test_a_full_disk_pauses_the_run_until_there_is_space(
    confined: ConfinedEngine, undisturbed: Path, tmp_path: Path, what: str, room: int, named: str
) -> None:
    run = start(confined, LARGE, **LENGTH)
    first = confined.wait(SamplesDrawn)
    confined.ask(PauseTraining(), Done)
    with confined.full(room):
        confined.send(ResumeTraining())
        status(confined, "running")
        paused = status(confined, "paused")
        assert named in paused.message and "Free some space" in paused.message
        assert "continues by itself" in paused.message, paused
        if what == "samples":
            assert 0 < paused.step < 100, "some of them have fitted"
        if what == "checkpoint":
            assert "The checkpoint of step" in paused.message and "earlier checkpoints are whole" in paused.message
        opened = confined.ask(OpenRun(run=run), RunOpened)  # the engine goes on answering
        assert opened.live and opened.info.status == "paused"
        assert confined.ask(FetchSamples(run=run), SamplesDrawn).step >= first.step
    assert status(confined, "running").step == paused.step, "without a command"
    assert status(confined, "finished").step == LENGTH["steps"]
    assert_same(learned(confined.copy_out(folder_in(confined.home, run), tmp_path / "run")), learned(undisturbed))


def test_a_full_disk_refuses_a_new_run_and_a_stop_waits(confined: ConfinedEngine, tmp_path: Path) -> None:
    run = start(confined, LARGE, **LENGTH)
    confined.wait(HistoryAppended, lambda event: any(s.split == "train" for s in event.series))
    confined.ask(PauseTraining(), Done)
    with confined.full():
        stop = confined.send(StopTraining())
        failed = confined.wait(CommandFailed, lambda event: event.request == stop)
        assert failed.reason is Reason.RUN_UNUSABLE and "Free some space" in failed.message
    confined.ask(StopTraining(), Done)
    assert "model/decoder.layers.0.bias" in learned(confined.copy_out(folder_in(confined.home, run), tmp_path / "run"))
    with confined.full():
        request = confined.send(train_vae())
        failed = confined.wait(CommandFailed, lambda event: event.request == request)
        assert failed.reason is Reason.RUN_UNUSABLE and "No space left on device" in failed.message


def test_a_limit_of_the_size_of_files_pauses_the_run_until_it_is_lifted(home: Path) -> None:
    """A quota of a user or a file system; where nothing can be mounted it stands for a full disk, too."""
    with EngineProcess(home) as engine:
        whole = start(engine, **LENGTH)
        status(engine, "finished")
        run = start(engine, **LENGTH)
        engine.ask(PauseTraining(), Done)
        before = resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, (20 * KIB, resource.RLIM_INFINITY))
        engine.send(ResumeTraining())
        status(engine, "running")
        paused = status(engine, "paused")
        assert str(folder_in(home, run)) in paused.message and "could not be" in paused.message
        resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, before)
        engine.send(ResumeTraining())
        assert status(engine, "running").step == paused.step
        status(engine, "finished")
    assert_same(learned(folder_in(home, run)), learned(folder_in(home, whole)))
