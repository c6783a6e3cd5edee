"""Handlers of the commands about anomalies: their detection, and background models."""

import time
from collections.abc import Generator, Iterator
from contextlib import closing

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.density.background import background_spec, search_backgrounds
from gmstudio.engine.density.detection import detect_pieces, detection_warnings, group_numbers
from gmstudio.engine.density.image_sets import open_images
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.density.scores_handlers import REPORT_S, ready, subject_for
from gmstudio.engine.density.scoring import Scores, score_and_keep
from gmstudio.engine.density.statistics import statistic_named
from gmstudio.engine.density.statistics.log_prob import LogProb
from gmstudio.engine.density.statistics.statistic import Statistic
from gmstudio.engine.density.statistics.typicality import Typicality
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.inspection import exploring_pieces
from gmstudio.families.base import Preparation
from gmstudio.protocol.array import Array
from gmstudio.protocol.density import AnomaliesDetected, DetectAnomalies, ScoreProgress
from gmstudio.protocol.density_background import BackgroundProposed, ProposeBackground
from gmstudio.runs.library import runs_home
from gmstudio.runs.names import folder_of
from gmstudio.runs.record import read_record

SAME_SETS = "Both sets are the same images, which no statistic can distinguish; choose other anomalous images."
NO_SCORES = np.zeros(0)


class AnomaliesFeature(Feature):
    """Detect anomalies; find and propose background models."""

    def _on_propose_background(self, command: ProposeBackground) -> Job:
        spec = background_spec(command.run, command.mutation)
        existing = yield from search_backgrounds(runs_home(), command.run)
        yield BackgroundProposed(
            request=command.request,
            run=command.run,
            spec=spec,
            existing=existing,
            mutations=tuple(read_record(folder_of(name)).training.mutation for name in existing),
        )

    def _on_detect_anomalies(self, command: DetectAnomalies) -> Job:
        context, request = self.context, command.request
        kind = statistic_named(command.statistic)
        subject = yield from subject_for(context, command.run, kind, command.settings)
        typical = yield from open_images(context, command.typical, subject.model.image, request=request)
        anomalous = yield from open_images(context, command.anomalous, subject.model.image, request=request)
        statistic = yield from ready(context, kind, subject, command.settings, command.seed, request)
        yield from _detected(command, statistic, typical, anomalous)


def _detected(command: DetectAnomalies, statistic: Statistic, typical: OpenedImages, anomalous: OpenedImages) -> Job:
    """Score both sets, then compare them; replies with the progress, and last with all."""
    size = command.settings.group if isinstance(statistic, Typicality) else 1
    groups = [group_numbers(len(typical), size, command.seed, "typical")]
    groups.append(group_numbers(len(anomalous), size, command.seed, "anomalous"))
    reply = _empty_reply(command, statistic, typical, anomalous)
    scored = statistic if size == 1 else LogProb(statistic.subject, command.settings, command.seed)
    both = yield from _score_both(reply, scored, (typical, anomalous), command.seed)
    values = [scores.values for scores in both]
    kind_text = both[0].kind_text
    if size > 1:
        assert isinstance(statistic, Typicality)
        yield from _prepared(reply, statistic, len(typical) + len(anomalous))
        values = [statistic.group_scores(part, rows) for part, rows in zip(values, groups, strict=True)]
        kind_text = f"{statistic.kind_text}; groups of {size}"
    curves = None
    for found in detect_pieces(values[0], values[1], reply.sign, command.seed, command.resamples):
        curves = found
        yield None
    texts = [
        f"{opened.title}: {text}"
        for opened, scores in zip((typical, anomalous), both, strict=True)
        for text in (*opened.warnings, *scores.warnings)
    ]
    yield msgspec.structs.replace(
        reply,
        kind_text=kind_text,
        typical=Array.of(values[0]),
        anomalous=Array.of(values[1]),
        curves=curves,
        warnings=(
            *texts,
            *detection_warnings(values[0], values[1]),
            *((SAME_SETS,) if command.typical == command.anomalous else ()),
        ),
        typical_groups=Array.of(groups[0]) if size > 1 else None,
        anomalous_groups=Array.of(groups[1]) if size > 1 else None,
        progress=_progress(both, len(typical) + len(anomalous), "comparing"),
        done=True,
    )


def _score_both(
    reply: AnomaliesDetected, statistic: Statistic, sets: tuple[OpenedImages, OpenedImages], seed: int
) -> Generator[AnomaliesDetected | None, None, list[Scores]]:
    """Score one set after the other; their scores are kept in the run."""
    total = sum(len(opened) for opened in sets)
    found: list[Scores] = []
    reported = 0.0
    for opened in sets:
        scores: Scores | None = None
        with closing(score_and_keep(statistic, opened, seed)) as pieces:
            for scores in pieces:
                now = time.monotonic()
                if now - reported > REPORT_S:
                    reported = now
                    yield msgspec.structs.replace(
                        reply, progress=_progress([*found, scores], total, f"{scores.stage}: {opened.title}")
                    )
                else:
                    yield None
        assert scores is not None and scores.over
        found.append(scores)
    return found


def _prepared(reply: AnomaliesDetected, statistic: Typicality, total: int) -> Iterator[AnomaliesDetected | None]:
    """Compute the mean of −log p over training images."""
    reported = 0.0
    for step in exploring_pieces(statistic.subject.model, statistic.prepare()):
        assert isinstance(step, Preparation)
        now = time.monotonic()
        if now - reported > REPORT_S:
            reported = now
            yield msgspec.structs.replace(reply, progress=ScoreProgress(stage=step.title, done=total, total=total))
        else:
            yield None


def _progress(parts: list[Scores], total: int, stage: str) -> ScoreProgress:
    """Progress over both sets, at the rate of the one that is being scored."""
    own = [scores.progress for scores in parts]
    done, rate = sum(part.done for part in own), own[-1].rate
    return ScoreProgress(
        stage=stage,
        done=done,
        total=total,
        kept=sum(part.kept for part in own),
        rate=rate,
        seconds_left=(total - done) / rate if rate > 0 else -1.0,
    )


def _empty_reply(
    command: DetectAnomalies, statistic: Statistic, typical: OpenedImages, anomalous: OpenedImages
) -> AnomaliesDetected:
    empty: NDArray[np.float64] = NO_SCORES
    conversions = [f"{opened.title}: {opened.conversion}" for opened in (typical, anomalous) if opened.conversion]
    return AnomaliesDetected(
        request=command.request,
        run=command.run,
        statistic=statistic.card,
        kind_text=statistic.kind_text,
        typical=Array.of(empty),
        anomalous=Array.of(empty),
        sign=1 if statistic.card.direction == "anomalous" else -1,
        curves=None,
        typical_title=typical.title,
        anomalous_title=anomalous.title,
        conversions=tuple(conversions),
        weights_step=statistic.subject.step,
        progress=ScoreProgress(total=len(typical) + len(anomalous)),
        done=False,
    )
