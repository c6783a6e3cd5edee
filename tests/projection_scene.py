"""The Projection page without an engine: made replies, on top of the scene of Features."""

import numpy as np
from features_scene import FeaturesScene

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.density import (
    ListStatistics,
    OfferedStatistic,
    ScoreImages,
    ScoreProgress,
    ScoresComputed,
    StatisticCard,
    StatisticsListed,
)
from gmstudio.protocol.features import FindNeighbours, NeighboursFound, WorkProgress
from gmstudio.protocol.features_projection import ImagesProjected, ProjectImages
from gmstudio.protocol.image_sets import DataImages
from gmstudio.protocol.images import ImageSpec

COUNT = 60
LOG_PROB = StatisticCard(
    name="log_prob", title="log p", help="Log-likelihood.", latex="x", unit="nats", direction="typical"
)
RATIO = StatisticCard(
    name="ratio", title="Likelihood ratio", help="Ratio.", latex="x", unit="nats", direction="typical"
)
REFUSAL = "There is no background model; train one first."


class ProjectionScene(FeaturesScene):
    """Scene whose engine projects ``COUNT`` images of three classes, with two factors, to a grid.

    Attributes:
        labelled: the images have labels.
        with_factors: the images have known factors.
    """

    def __init__(self) -> None:
        super().__init__()
        self.labelled = self.with_factors = True
        self.answers |= {
            ProjectImages: self.projected,
            FindNeighbours: neighbours,
            ListStatistics: statistics,
            ScoreImages: lambda command: [scores(command, COUNT // 2), scores(command, COUNT)],
        }

    def projected(self, command: ProjectImages) -> list[Event]:
        """Replies of a projection: progress, points, and all."""
        return [self.reply(command, done) for done in (0.0, 0.5, 1.0)]

    def reply(self, command: ProjectImages, share: float) -> ImagesProjected:
        """The reply to a projection at a share of the work."""
        assert isinstance(command.images, DataImages)
        count = min(COUNT, command.images.count)
        done, numbers = share == 1.0, np.arange(count)
        places = np.stack([numbers % 10, numbers // 10], 1).astype(np.float32)
        factors = np.stack([numbers % 2, numbers / count], 1).astype(np.float32)
        return ImagesProjected(
            request=command.request,
            run=command.run,
            space=command.space,
            title="VAE, posterior mean",
            images_title="toys, test",
            method=command.method,
            method_text=f"{command.method} of toys",
            count=count,
            num_dims=3,
            places=None if share == 0.0 else Array.of(places * np.float32(share)),
            explained=(0.5, 0.25, 0.125) if command.method == "pca" and done else (),
            labels=Array.of(numbers.astype(np.int64) % 3) if done and self.labelled else None,
            label_names=("zero", "one", "two"),
            factor_names=("kind", "size") if done and self.with_factors else (),
            factors=Array.of(factors) if done and self.with_factors else None,
            warnings=("The perplexity was lowered to 4, a third of the images.",) if done else (),
            weights_step=9,
            progress=WorkProgress(stage="Optimizing, step 5 of 10", share=share, seconds_left=8.0),
            seconds=12.0 if done else -1.0,
            done=done,
        )


def neighbours(command: FindNeighbours) -> list[Event]:
    """The images that follow; the image itself first where it is one of the set."""
    own = command.images == command.query
    indices = (np.arange(command.count) + (command.index if own else 0)) % COUNT
    found = NeighboursFound(
        request=command.request,
        space=command.space,
        indices=Array.of(indices.astype(np.int64)),
        distances=Array.of(np.arange(command.count) / 4),
        title="VAE, posterior mean",
    )
    return [found]


def statistics(command: ListStatistics) -> list[Event]:
    """One statistic, and one that is refused."""
    offered = (OfferedStatistic(card=LOG_PROB), OfferedStatistic(card=RATIO, refusal=REFUSAL))
    return [StatisticsListed(request=command.request, run=command.run, statistics=offered)]


def scores(command: ScoreImages, done: int) -> ScoresComputed:
    """Scores of the first images: minus their numbers."""
    values = np.where(np.arange(COUNT) < done, -np.arange(COUNT, dtype=np.float64), np.nan)
    return ScoresComputed(
        request=command.request,
        run=command.run,
        statistic=LOG_PROB,
        kind="exact",
        kind_text="exact",
        values=Array.of(values),
        errors=None,
        image=ImageSpec(1, 28, 28, 2),
        title="toys, test",
        weights_step=9,
        progress=ScoreProgress(stage="scoring", done=done, total=COUNT),
        done=done == COUNT,
    )
