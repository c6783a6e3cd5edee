"""Handlers of the commands about latent codes of a model, trained or in training."""

from gmstudio.engine.latents import codes, dimension_stats, directions, encoded_split, projection, sampled_codes
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.media.ink import INK_IMAGES, measure_ink
from gmstudio.protocol.latents import (
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

    def _on_decode(self, command: Decode) -> Job | None:
        loaded = self.context.model(command.run, "decode")
        if codes.has_summed_bound(loaded.model, command):
            return codes.decode_with_summed_bound(loaded.model, loaded.step, command)
        self.context.send(codes.decode(loaded.model, loaded.step, command))
        return None

    def _on_encode(self, command: Encode) -> None:
        loaded = self.context.model(command.run, "encode")
        self.context.send(codes.encode(loaded.model, self.context.data_of(loaded), command))

    def _on_measure_ink(self, command: MeasureInk) -> None:
        loaded = self.context.model(command.run, "decode")
        dataset = self.context.data_of(loaded)
        ink = measure_ink(dataset.train.images[:INK_IMAGES], dataset.image.levels)
        self.context.send(InkMeasured(request=command.request, run=command.run, ink=ink))

    def _on_sample_codes(self, command: SampleCodes) -> Job:
        loaded = self.context.model(command.run, "decode")
        return sampled_codes.sample_codes(loaded.model, loaded.step, self.context.data_of(loaded), command)

    def _on_encode_image(self, command: EncodeImage) -> None:
        loaded = self.context.model(command.run, "encode")
        self.context.send(codes.encode_image(loaded.model, command))

    def _on_project_image(self, command: ProjectImage) -> Job:
        loaded = self.context.model(command.run, "decode")
        return projection.project(loaded.model, command)

    def _on_encode_split(self, command: EncodeSplit) -> Job:
        loaded = self.context.model(command.run, "encode")
        return encoded_split.encode_split(loaded.model, loaded.step, self.context.data_of(loaded), command)

    def _on_find_directions(self, command: FindDirections) -> Job:
        loaded = self.context.model(command.run, "decode")
        return directions.find_directions(loaded.model, loaded.step, self.context.data_of(loaded), command)

    def _on_compute_dimension_stats(self, command: ComputeDimensionStats) -> Job:
        loaded = self.context.model(command.run, "decode")
        return dimension_stats.compute_stats(loaded.model, loaded.step, self.context.data_of(loaded), command)
