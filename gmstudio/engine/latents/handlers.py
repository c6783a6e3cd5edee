"""Commands that look into latent spaces, diagnostics and trajectories of a model, trained or in training."""

import torch

from gmstudio.data.dataset import Dataset
from gmstudio.engine.chains.trajectory import Trajectories
from gmstudio.engine.latents import codes, dimension_stats, directions, encoded_split, projection
from gmstudio.engine.runtime.context import EngineContext, Handlers, Pieces
from gmstudio.engine.runtime.inspection import check_fit, exploring
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.training.diagnostics import FIGURE_IMAGES, draw_figures
from gmstudio.protocol.base import Command
from gmstudio.protocol.chains import RunTrajectory
from gmstudio.protocol.engine import Done
from gmstudio.protocol.latents import (
    ComputeDimensionStats,
    Decode,
    Encode,
    EncodeImage,
    EncodeSplit,
    FindDirections,
    ProjectImage,
)
from gmstudio.protocol.runs import KeepAnnotations
from gmstudio.protocol.training import DrawFigures, FiguresDrawn
from gmstudio.runs.annotations import write_annotations
from gmstudio.runs.folder import RunFolder


class ExploreLatents:
    """Handles codes, figures and trajectories; methods return the pieces of a job where the work is long.

    Args:
        context: the engine's state.
    """

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._projections = projection.Projections()
        self._trajectories = Trajectories()
        self._newest: dict[type[Command], Command] = {}
        self.handlers: Handlers = {
            Decode: self._on_decode,
            Encode: self._on_encode,
            EncodeImage: self._on_encode_image,
            ProjectImage: self._on_project_image,
            EncodeSplit: self._on_encode_split,
            FindDirections: self._on_find_directions,
            ComputeDimensionStats: self._on_measure_latents,
            DrawFigures: self._on_draw_figures,
            RunTrajectory: self._on_run_timeline,
            KeepAnnotations: self._on_keep_annotations,
        }

    def _on_decode(self, command: Decode) -> None:
        loaded = self._context.model(command.run, "decode")
        self._context.send(codes.decode(loaded.model, loaded.step, command))

    def _on_encode(self, command: Encode) -> None:
        loaded = self._context.model(command.run, "encode")
        self._context.send(codes.encode(loaded.model, self._data_of(loaded), command))

    def _on_encode_image(self, command: EncodeImage) -> None:
        loaded = self._context.model(command.run, "encode")
        self._context.send(codes.encode_image(loaded.model, command))

    def _on_project_image(self, command: ProjectImage) -> Pieces:
        loaded = self._context.model(command.run, "decode")
        return self._projections.project(loaded.model, command)

    def _on_encode_split(self, command: EncodeSplit) -> Pieces:
        loaded = self._context.model(command.run, "encode")
        return self._until_newer(
            command, encoded_split.encode_split(loaded.model, loaded.step, self._data_of(loaded), command)
        )

    def _on_find_directions(self, command: FindDirections) -> Pieces:
        loaded = self._context.model(command.run, "decode")
        return directions.find_directions(loaded.model, loaded.step, self._data_of(loaded), command)

    def _on_measure_latents(self, command: ComputeDimensionStats) -> Pieces:
        loaded = self._context.model(command.run, "decode")
        pieces = dimension_stats.measure(loaded.model, loaded.step, self._data_of(loaded), command)
        return self._until_newer(command, pieces)

    def _until_newer(self, command: Command, pieces: Pieces) -> Pieces:
        """End long work when more of its kind is asked for: the window has turned to another run, or newer weights."""
        self._newest[type(command)] = command
        for piece in pieces:
            if self._newest[type(command)] is not command:
                raise ValueError("This has ended, because the same was asked for again, of this run or another.")
            yield piece

    def _on_draw_figures(self, command: DrawFigures) -> None:
        loaded = self._context.model(command.run, "figures")
        dataset = self._data_of(loaded)
        check_fit(loaded.model, dataset)
        images = torch.from_numpy(dataset.valid.images[:FIGURE_IMAGES]).to(loaded.model.device)
        with exploring(loaded.model):
            figures = draw_figures(loaded.model, images, loaded.record.training.seed)
        self._context.send(FiguresDrawn(request=command.request, run=command.run, step=loaded.step, figures=figures))

    def _on_run_timeline(self, command: RunTrajectory) -> Pieces:
        if command.kind == "training":
            with RunFolder.open(command.run) as run:
                return self._trajectories.training(run, command)
        loaded = self._context.model(command.run, "trajectory")
        return self._trajectories.generation(loaded.model, loaded.step, self._data_of(loaded), command)

    def _on_keep_annotations(self, command: KeepAnnotations) -> None:
        with RunFolder.open(command.run) as run:
            write_annotations(run.path, command.annotations)
        self._context.send(Done(request=command.request))

    def _data_of(self, loaded: Loaded) -> Dataset:
        return self._context.data.load(loaded.record.data, loaded.record.data_config)
