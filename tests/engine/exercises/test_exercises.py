"""The exercises: strictly read, every name in them is there, and every run can be built on its data."""

from pathlib import Path

import pytest
import torch

from gmstudio.data import SOURCES
from gmstudio.engine.exercises.reading import ExerciseError, all_exercises, read_exercise
from gmstudio.engine.runtime.building import meta_model
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.plan import plan_run
from gmstudio.families import FAMILIES
from gmstudio.labs import LABS
from gmstudio.protocol.exercises import DELIVERABLES, Exercise, ExerciseRun
from gmstudio.system.resources import resource_path

EXERCISES = all_exercises()
RUNS = [(exercise, run) for exercise in EXERCISES.values() for run in exercise.runs]
TEXT = (resource_path("exercises") / "cs294-hw3-1.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_an_exercise_says_where_it_is_from_and_what_is_asked(exercise: Exercise) -> None:
    assert exercise.course and exercise.year.isdecimal() and exercise.number and exercise.title
    assert exercise.task.endswith(".") and exercise.differs.endswith((".", ""))
    assert len({run.name for run in exercise.runs}) == len(exercise.runs)
    assert set(exercise.labs) <= set(LABS), "a laboratory that is not there"


@pytest.mark.parametrize(("exercise", "run"), RUNS, ids=[f"{e.name}-{r.name}" for e, r in RUNS])
def test_a_run_names_what_is_there_and_can_be_built(exercise: Exercise, run: ExerciseRun) -> None:
    assert run.spec.family in FAMILIES and run.spec.data in SOURCES
    assert run.deliverables and set(run.deliverables) <= set(DELIVERABLES)
    plan = plan_run(DatasetCache(), run.spec, torch.device("cpu"))
    model = meta_model(plan.family, plan.config, plan.dataset.image)
    assert model.num_parameters() > 0 and len(plan.dataset.test) > 0
    assert ("density" in run.deliverables) == (run.spec.data == "points")
    if run.ours is not None:
        assert run.ours.seconds > 0 and run.ours.kind


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('title = "VAE on', 'titel = "VAE on', "missing required field `title`"),
        ("after", "after", ""),
        ('labs = ["bound"]', 'labs = ["bound"]\nlevel = 3', "unknown field 'level'"),
        ('family = "vae"', 'familie = "vae"\nfamily = "vae"', "unknown field 'runs.spec.familie'"),
        ('name = "cs294-hw3-1"', 'name = "other"', "it must be that of the file, 'cs294-hw3-1'"),
        ('deliverables = ["curve"', 'deliverables = ["curves"', "Invalid enum value"),
        ("[[runs]]", "[[runs", "describes no exercise"),
    ],
)
def test_a_file_that_describes_no_exercise_is_refused(tmp_path: Path, before: str, after: str, said: str) -> None:
    path = tmp_path / "cs294-hw3-1.toml"
    path.write_text(TEXT.replace(before, after), encoding="utf-8")
    if not said:
        assert read_exercise(path).title == "VAE on Gaussians of the plane"
        return
    with pytest.raises(ExerciseError, match=r"cs294-hw3-1\.toml") as raised:
        read_exercise(path)
    assert said in str(raised.value)


def test_an_exercise_without_runs_needs_a_laboratory(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    head = 'name = "empty"\ntitle = "T"\ncourse = "C"\nyear = "2020"\nnumber = "1"\ntask = "Do."\nruns = []\n'
    path.write_text(head + 'labs = ["bound"]\n', encoding="utf-8")
    assert read_exercise(path).runs == ()
    path.write_text(head, encoding="utf-8")
    with pytest.raises(ExerciseError, match="neither a run nor a laboratory"):
        read_exercise(path)
