"""Scores of the run in training are those of a copy of its model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from scoring_subjects import write_run

from gmstudio.engine.density.image_sets import open_now
from gmstudio.engine.density.scores_handlers import subject_for
from gmstudio.engine.density.scoring import score_and_keep
from gmstudio.engine.density.statistics.log_prob import LogProb
from gmstudio.engine.density.subjects import subject_of, weights_digest
from gmstudio.engine.runtime.beside import at_once
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.models import Loaded
from gmstudio.protocol.density import StatisticSettings
from gmstudio.protocol.image_sets import DataImages
from gmstudio.runs.record import RunError


class LiveStub:
    """The part of a run in training that scoring looks at."""

    over = False
    paused = False
    running = True

    def __init__(self, name: str, loaded: Loaded) -> None:
        self.name, self.model, self.step, self.record = name, loaded.model.train(), 7, loaded.record


@pytest.fixture
def context() -> Iterator[EngineContext]:
    found = EngineContext(lambda _event: None)
    found.device = torch.device("cpu")
    yield found


def test_training_goes_on_while_a_copy_is_scored(context: EngineContext, tmp_path: Path) -> None:
    run = str(write_run(tmp_path / "run", "made", {}))
    live = LiveStub(run, context.model(run, "phases"))
    context.training = live  # type: ignore[assignment]
    subject = subject_of(context, run)
    assert subject.model is not live.model and subject.step == 7 and not subject.model.training
    before = subject.weights
    opened = open_now(context, DataImages(run=run), subject.model.image)
    pieces = score_and_keep(LogProb(subject, StatisticSettings(), 0), opened, 0)
    next(pieces)
    with torch.no_grad():
        for parameter in live.model.parameters():
            parameter.add_(1.0)
    *_, scores = pieces
    assert live.model.training, "its mode is as it was"
    assert weights_digest(subject.model) == before != weights_digest(live.model)
    with torch.no_grad():
        expected = subject.model.log_prob(torch.from_numpy(opened.images.copy()))
    np.testing.assert_allclose(scores.values, expected.numpy(), rtol=1e-5)
    *_, after = score_and_keep(LogProb(subject_of(context, run), StatisticSettings(), 0), opened, 0)
    assert after.kept == 0 and not np.allclose(after.values, scores.values)


def test_the_digest_is_that_of_the_weights(context: EngineContext, tmp_path: Path) -> None:
    first, same, other = (
        str(write_run(tmp_path / name, "made", {}, seed=seed)) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    digests = [subject_of(context, run).weights for run in (first, same, other)]
    assert digests[0] == digests[1] != digests[2] and len(digests[0]) == 64


def test_other_runs_are_loaded_where_a_statistic_needs_them(context: EngineContext, tmp_path: Path) -> None:
    first, second = (str(write_run(tmp_path / name, "made", {}, seed=seed)) for name, seed in (("a", 0), ("b", 1)))
    large = str(write_run(tmp_path / "c", "made", {}, data="mnist"))
    settings = StatisticSettings(ensemble=(first, second))
    subject = subject_of(context, first, settings)
    assert [member.run for member in subject.ensemble(settings)] == [first, second]
    assert at_once(subject_for(context, first, LogProb, settings)).others == {}, "log p needs the run alone"
    with pytest.raises(ValueError, match=r"several runs need the same images\. Choose runs"):
        subject_of(context, first, StatisticSettings(ensemble=(first, large)))
    with pytest.raises(RunError, match="not a run"):
        subject_of(context, first, StatisticSettings(background=str(tmp_path / "gone")))
