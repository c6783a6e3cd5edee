"""Handlers of the commands about latent codes of a model, trained or in training."""

from dataclasses import replace
from typing import Any

from gmstudio.engine.latents import codes, dimension_stats, directions, encoded_split, projection, sampled_codes
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.sampling.settings import with_decoder
from gmstudio.media.ink import INK_IMAGES, measure_ink
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

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._decoders: dict[str, dict[str, Any]] = {}

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
        if codes.has_summed_bound(loaded.model, command):
            return codes.decode_with_summed_bound(loaded.model, loaded.step, command)
        self.context.send(codes.decode(loaded.model, loaded.step, command))
        return None

    def _on_encode(self, command: Encode) -> None:
        loaded = self._model(command.run, "encode")
        self.context.send(codes.encode(loaded.model, self.context.data_of(loaded), command))

    def _on_measure_ink(self, command: MeasureInk) -> None:
        loaded = self._model(command.run, "decode")
        dataset = self.context.data_of(loaded)
        ink = measure_ink(dataset.train.images[:INK_IMAGES], dataset.image.levels)
        self.context.send(InkMeasured(request=command.request, run=command.run, ink=ink))

    def _on_sample_codes(self, command: SampleCodes) -> Job:
        loaded = self._model(command.run, "decode")
        return sampled_codes.sample_codes(loaded.model, loaded.step, lambda: self.context.data_of(loaded), command)

    def _on_encode_image(self, command: EncodeImage) -> None:
        loaded = self._model(command.run, "encode")
        self.context.send(codes.encode_image(loaded.model, command))

    def _on_project_image(self, command: ProjectImage) -> Job:
        loaded = self._model(command.run, "decode")
        return projection.project(loaded.model, command)

    def _on_encode_split(self, command: EncodeSplit) -> Job:
        loaded = self._model(command.run, "encode")
        return encoded_split.encode_split(loaded.model, loaded.step, self.context.data_of(loaded), command)

    def _on_find_directions(self, command: FindDirections) -> Job:
        loaded = self._model(command.run, "decode")
        return directions.find_directions(loaded.model, loaded.step, self.context.data_of(loaded), command)

    def _on_compute_dimension_stats(self, command: ComputeDimensionStats) -> Job:
        loaded = self._model(command.run, "decode")
        return dimension_stats.compute_stats(loaded.model, loaded.step, self.context.data_of(loaded), command)
