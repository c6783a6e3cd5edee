"""Handlers of the commands about sets of images and their scores."""

import numpy as np

from gmstudio.engine.density.image_sets import OpenedImages, open_images
from gmstudio.engine.density.statistics import statistics_of
from gmstudio.engine.density.subjects import ANY_FAMILY
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.protocol.array import Array
from gmstudio.protocol.density import ListStatistics, OfferedStatistic, StatisticsListed
from gmstudio.protocol.image_sets import MAX_FETCHED, DescribeImages, FetchImages, ImagesDescribed, ImagesFetched
from gmstudio.protocol.images import ImageSpec


class ScoresFeature(Feature):
    """Describe and fetch images, and score them."""

    def _on_describe_images(self, command: DescribeImages) -> Job:
        opened = yield from open_images(
            self.context, command.images, self._target(command.run), request=command.request
        )
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
        opened = yield from open_images(
            self.context, command.images, self._target(command.run), request=command.request, fresh=False
        )
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

    def _target(self, run: str) -> ImageSpec | None:
        """Shape and levels of a run's images; None where no run is named."""
        return self.context.model(run, ANY_FAMILY).model.image if run else None


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
