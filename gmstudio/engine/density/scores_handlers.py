"""Handlers of the commands about sets of images and their scores."""

import time
from collections.abc import Generator
from contextlib import closing

import numpy as np

from gmstudio.engine.density.background import search_backgrounds
from gmstudio.engine.density.image_sets import open_images
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.density.scoring import Scores, score_and_keep
from gmstudio.engine.density.statistics import statistic_named, statistics_of
from gmstudio.engine.density.statistics.statistic import Statistic
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.density.subjects import other_runs, subject_of
from gmstudio.engine.density.surprisal import MAX_MAPPED, surprisal_maps, surprisal_refusal
from gmstudio.engine.evaluation.label_mixture import label_mixture
from gmstudio.engine.runtime.context import ANY_FAMILY, EngineContext
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.density import (
    ListStatistics,
    MapSurprisal,
    OfferedStatistic,
    ScoreImages,
    ScoresComputed,
    StatisticSettings,
    StatisticsListed,
    SurprisalMapped,
)
from gmstudio.protocol.image_sets import MAX_FETCHED, DescribeImages, FetchImages, ImagesDescribed, ImagesFetched
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.library import runs_home

REPORT_S = 0.25
"""Time between two replies with the scores so far."""


class ScoresFeature(Feature):
    """Describe and fetch images, and score them."""

    def _on_describe_images(self, command: DescribeImages) -> Job:
        image = yield from self._target(command.run)
        opened = yield from open_images(self.context, command.images, image, request=command.request)
        yield ImagesDescribed(
            request=command.request,
            title=opened.title,
            count=len(opened),
            image=opened.image,
            conversion=opened.conversion,
            labels=None if opened.labels is None else Array.of(opened.labels),
            label_names=opened.label_names,
            names=opened.names,
            warnings=opened.warnings,
        )

    def _on_fetch_images(self, command: FetchImages) -> Job:
        indices = command.indices.numpy().astype(np.int64).reshape(-1)
        if len(indices) > MAX_FETCHED:
            raise ValueError(f"{len(indices):,} images are asked for at once; ask for at most {MAX_FETCHED:,}.")
        image = yield from self._target(command.run)
        opened = yield from open_images(self.context, command.images, image, request=command.request, fresh=False)
        yield _fetched(command.request, opened, indices)

    def _on_list_statistics(self, command: ListStatistics) -> None:
        model = self.context.model(command.run, ANY_FAMILY).model
        offered = []
        for statistic in statistics_of().values():
            refusal = statistic.refusal(model)
            kind = "value" if refusal else statistic.kind_for(model)
            offered.append(OfferedStatistic(card=statistic.card, kind=kind, refusal=refusal))
        self.context.send(
            StatisticsListed(request=command.request, run=command.run, statistics=tuple(offered)),
        )

    def _on_score_images(self, command: ScoreImages) -> Job:
        kind = statistic_named(command.statistic)
        subject = yield from subject_for(self.context, command.run, kind, command.settings)
        opened = yield from open_images(self.context, command.images, subject.model.image, request=command.request)
        statistic = yield from ready(self.context, kind, subject, command.settings, command.seed, command.request)
        reported = 0.0
        with closing(score_and_keep(statistic, opened, command.seed)) as pieces:
            for scores in pieces:
                now = time.monotonic()
                if scores.over or now - reported > REPORT_S:
                    reported = now
                    yield _scored(command, opened, scores)
                else:
                    yield None

    def _on_map_surprisal(self, command: MapSurprisal) -> Job:
        indices = command.indices.numpy().astype(np.int64).reshape(-1)
        if len(indices) > MAX_MAPPED:
            raise ValueError(f"{len(indices):,} surprisal maps are asked for at once; ask for at most {MAX_MAPPED}.")
        yield from self.context.read_model(command.run)
        subject = subject_of(self.context, command.run)
        refusal = surprisal_refusal(subject.model)
        if refusal:
            raise ValueError(refusal)
        opened = yield from open_images(
            self.context, command.images, subject.model.image, request=command.request, fresh=False
        )
        mixture = None
        if getattr(subject.model, "num_classes", 0):
            yield from self.context.when_data_of(subject.record, command.request, lambda: None) or ()
            mixture = label_mixture(subject.model, subject.dataset().train.labels)
        for maps in surprisal_maps(subject.model, opened.images[opened.chosen(indices)], mixture):
            if maps is None:
                yield None
            else:
                yield SurprisalMapped(
                    request=command.request,
                    run=command.run,
                    indices=Array.of(indices),
                    bits=Array.of(maps),
                    weights_step=subject.step,
                )

    def _target(self, run: str) -> Generator[None, None, ImageSpec | None]:
        """Return shape and levels of a run's images in a job; None where no run is named."""
        if not run:
            return None
        yield from self.context.read_model(run)
        return self.context.model(run, ANY_FAMILY).model.image


def subject_for(
    context: EngineContext, run: str, kind: type[Statistic], settings: StatisticSettings
) -> Generator[None, None, Subject]:
    """Return a run as a subject with what a statistic needs of other runs, in a job.

    Its background model is found by itself; the search yields after each run of the library.
    """
    background = ""
    if kind.card.needs == "background" and not settings.background:
        found = yield from search_backgrounds(runs_home(), run)
        background = next(iter(found), "")
    needed = settings if kind.card.needs else None
    for one in (run, *other_runs(run, needed, background).values()):
        yield from context.read_model(one)
    return subject_of(context, run, needed, background=background)


def ready(
    context: EngineContext,
    kind: type[Statistic],
    subject: Subject,
    settings: StatisticSettings,
    seed: int,
    request: int,
) -> Generator[Event | None, None, Statistic]:
    """Return a statistic that is ready to score, in a job: the data that it compares with are loaded before."""
    refusal = kind.refusal(subject.model)
    if refusal:
        raise ValueError(refusal)
    if kind.needs_data(subject.model, settings):
        yield from context.when_data_of(subject.record, request, lambda: None) or ()
    return kind(subject, settings, seed)


def _scored(command: ScoreImages, opened: OpenedImages, scores: Scores) -> ScoresComputed:
    statistic = scores.statistic
    return ScoresComputed(
        request=command.request,
        run=command.run,
        statistic=statistic.card,
        kind=statistic.kind,
        kind_text=scores.kind_text,
        values=Array.of(scores.values),
        errors=None if scores.errors is None else Array.of(scores.errors),
        image=opened.image,
        title=opened.title,
        conversion=opened.conversion,
        warnings=(*opened.warnings, *scores.warnings),
        weights_step=statistic.subject.step,
        progress=scores.progress,
        done=scores.over,
    )


def _fetched(
    request: int, opened: OpenedImages, indices: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]"
) -> ImagesFetched:
    chosen = opened.chosen(indices)
    return ImagesFetched(
        request=request,
        indices=Array.of(chosen),
        images=Array.of(opened.images[chosen]),
        image=opened.image,
        labels=None if opened.labels is None else Array.of(opened.labels[chosen]),
    )
