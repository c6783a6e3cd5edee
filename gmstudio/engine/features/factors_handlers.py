"""Handler of the measurement of disentanglement."""

from collections.abc import Iterator

from gmstudio.engine.features.extraction import SpaceFeatures, features_of
from gmstudio.engine.features.factors import measure_factors
from gmstudio.engine.runtime.context import ANY_FAMILY
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.inspection import check_fit
from gmstudio.media.levels import Images
from gmstudio.protocol.features_factors import MeasureFactors


class FactorsFeature(Feature):
    """Compare features with the known factors of data."""

    def _on_measure_factors(self, command: MeasureFactors) -> Job | None:
        loaded = self.context.model(command.run, ANY_FAMILY)

        def answer() -> Job:
            dataset = self.context.data_of(loaded)
            check_fit(loaded.model, dataset)

            def extract(images: Images) -> Iterator[SpaceFeatures | None]:
                fitted = images[: min(command.count, len(dataset.train))]  # the training images come first
                return features_of(self.context, command.space, images, dataset.image, fitted, command.seed)

            return measure_factors(extract, dataset, command)

        return self.context.when_data_of(loaded.record, command.request, answer)
