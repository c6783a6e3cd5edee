"""Handlers of the commands about the quality of samples."""

from collections.abc import Iterator

import numpy as np

from gmstudio.engine.density.quality.drawing import (
    SampleStore,
    estimate_seconds,
    refuse_sampling,
    sampler_words,
)
from gmstudio.engine.density.quality.measuring import Measurement, check_measurement
from gmstudio.engine.density.quality.progress import Pace
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.density.subjects import subject_of
from gmstudio.engine.runtime.context import ANY_FAMILY, EngineContext
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.inspection import check_fit
from gmstudio.engine.runtime.models import Loaded
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.density_samples import (
    MAX_SAMPLES,
    DrawnSamplesFetched,
    EstimateSampling,
    FetchDrawnSamples,
    MeasureSamples,
    SamplesMeasured,
    SamplingEstimated,
)
from gmstudio.protocol.image_sets import MAX_FETCHED


class SampleQualityFeature(Feature):
    """Draw samples and measure how good they are."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._samples = SampleStore()

    def _on_estimate_sampling(self, command: EstimateSampling) -> Job | None:
        loaded = self._generative(command.run)
        if not 1 <= command.count <= MAX_SAMPLES:
            raise ValueError(f"{command.count:,} samples: choose 1 to {MAX_SAMPLES:,}.")

        def answer() -> Job:
            self.context.data_of(loaded)  # refuses data that cannot be used, before samples are drawn
            return self._estimate(command, subject_of(self.context, command.run))

        return self.context.when_data_of(loaded.record, command.request, answer)

    def _on_measure_samples(self, command: MeasureSamples) -> Job | None:
        loaded = self._generative(command.run)

        def answer() -> Job:
            dataset = self.context.data_of(loaded)
            check_fit(loaded.model, dataset)
            check_measurement(command, dataset)
            subject = subject_of(self.context, command.run)
            kept = self._samples.open(subject, command.seed)
            return _measured(command, Measurement(subject.model, subject.step, dataset, command, kept))

        return self.context.when_data_of(loaded.record, command.request, answer)

    def _on_fetch_drawn_samples(self, command: FetchDrawnSamples) -> None:
        kept = self._samples.find(command.key)
        indices = command.indices.numpy().astype(np.int64).reshape(-1)
        if len(indices) > MAX_FETCHED:
            raise ValueError(f"{len(indices):,} samples at once; fetch at most {MAX_FETCHED:,}.")
        images = kept.at(indices)
        self.context.send(
            DrawnSamplesFetched(
                request=command.request, indices=Array.of(indices), images=Array.of(images), image=kept.image
            )
        )

    def _generative(self, run: str) -> Loaded:
        """Model of a run that can be sampled.

        Raises:
            ValueError: when it cannot.
        """
        loaded = self.context.model(run, ANY_FAMILY)
        if refusal := refuse_sampling(loaded.model):
            raise ValueError(refusal)
        return loaded

    def _estimate(self, command: EstimateSampling, subject: Subject) -> Job:
        model, kept = subject.model, self._samples.open(subject, command.seed).count
        for seconds in estimate_seconds(model, kept, command.count):
            if seconds is None:
                yield None
                continue
            yield SamplingEstimated(
                request=command.request,
                run=command.run,
                count=command.count,
                kept=min(kept, command.count),
                seconds=seconds,
                sampler=sampler_words(model),
                weights_step=subject.step,
            )


def _measured(command: MeasureSamples, measurement: Measurement) -> Iterator[Event | None]:
    """Send the progress of a measurement, and its report."""
    pace, work = Pace(), measurement.run()
    while True:
        try:
            step = next(work)
        except StopIteration as end:
            yield SamplesMeasured(request=command.request, run=command.run, report=end.value)
            return
        if step is None or not pace.due(step):
            yield None
            continue
        yield SamplesMeasured(
            request=command.request,
            run=command.run,
            stage=step.stage,
            done=step.done,
            total=step.total,
            rate=pace.rate(step),
            seconds_left=pace.seconds_left(step),
        )
