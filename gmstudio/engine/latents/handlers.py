"""Handlers of the commands about latent codes of a model, trained or in training."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gmstudio.data.dataset import Dataset
from gmstudio.engine.latents import codes, dimension_stats, directions, encoded_split, projection, sampled_codes
from gmstudio.engine.latents.moving import MovingCodes
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.inspection import rest_of
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.sampling.settings import with_decoder
from gmstudio.media.ink import INK_IMAGES, measure_ink
from gmstudio.protocol.base import Command
from gmstudio.protocol.latents import (
    ChooseDecoder,
    ComputeDimensionStats,
    Decode,
    Encode,
    EncodeImage,
    EncodeSplit,
    FindDirections,
    InkMeasured,
    MeasureInk,
    ProjectImage,
    SampleCodes,
)


class LatentsFeature(Feature):
    """Decode and encode, sample and optimize codes, find directions, compute dimension statistics."""

    concurrent = (Decode,)

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._decoders: dict[str, dict[str, Any]] = {}
        self._moving = MovingCodes()

    def _model(self, run: str, capability: str) -> Loaded:
        """Model of a run with the settings of decoding that were chosen for it."""
        loaded = self.context.model(run, capability)
        if run not in self._decoders:
            return loaded
        return replace(loaded, model=with_decoder(loaded.model, self._decoders[run]))

    def _on_choose_decoder(self, command: ChooseDecoder) -> None:
        with_decoder(self.context.model(command.run, "decode").model, command.decoder)  # refuses what cannot be used
        self._decoders[command.run] = command.decoder
        self.done(command)

    def _on_decode(self, command: Decode) -> Job | None:
        loaded = self._model(command.run, "decode")
        if command.moving:
            self.context.send(self._moving.decode(loaded.model, loaded.step, command))
            return None
        if codes.has_summed_bound(loaded.model, command):
            return codes.decode_with_summed_bound(loaded.model, loaded.step, command)
        job = codes.decode_pieces(loaded.model, loaded.step, command)
        if self._moving.takes_long(loaded.model, command):  # no piece of it holds up the next move of a code
            return job
        return rest_of(job, self.context.send)

    def _with_data(self, command: Command, loaded: Loaded, answer: Callable[[Dataset], Job | None]) -> Job | None:
        """Answer with the data set of the run."""
        return self.context.when_data_of(loaded.record, command.request, lambda: answer(self.context.data_of(loaded)))

    def _on_encode(self, command: Encode) -> Job | None:
        loaded = self._model(command.run, "encode")

        def encode(dataset: Dataset) -> None:
            self.context.send(codes.encode(loaded.model, dataset, command))

        return self._with_data(command, loaded, encode)

    def _on_measure_ink(self, command: MeasureInk) -> Job | None:
        loaded = self._model(command.run, "decode")

        def measure(dataset: Dataset) -> None:
            ink = measure_ink(dataset.train.images[:INK_IMAGES], dataset.image.levels)
            self.context.send(InkMeasured(request=command.request, run=command.run, ink=ink))

        return self._with_data(command, loaded, measure)

    def _on_sample_codes(self, command: SampleCodes) -> Job | None:
        loaded = self._model(command.run, "decode")

        def sample(dataset: Dataset | None) -> Job:
            return sampled_codes.sample_codes(loaded.model, loaded.step, dataset, command)

        needs_data = sampled_codes.needs_data(loaded.model, command)
        return self._with_data(command, loaded, sample) if needs_data else sample(None)

    def _on_encode_image(self, command: EncodeImage) -> None:
        loaded = self._model(command.run, "encode")
        self.context.send(codes.encode_image(loaded.model, command))

    def _on_project_image(self, command: ProjectImage) -> Job:
        loaded = self._model(command.run, "decode")
        return projection.project(loaded.model, command)

    def _on_encode_split(self, command: EncodeSplit) -> Job | None:
        loaded = self._model(command.run, "encode")
        return self._with_data(
            command, loaded, lambda dataset: encoded_split.encode_split(loaded.model, loaded.step, dataset, command)
        )

    def _on_find_directions(self, command: FindDirections) -> Job | None:
        loaded = self._model(command.run, "decode")
        return self._with_data(
            command, loaded, lambda dataset: directions.find_directions(loaded.model, loaded.step, dataset, command)
        )

    def _on_compute_dimension_stats(self, command: ComputeDimensionStats) -> Job | None:
        loaded = self._model(command.run, "decode")
        return self._with_data(
            command, loaded, lambda dataset: dimension_stats.compute_stats(loaded.model, loaded.step, dataset, command)
        )
