"""A client whose commands about latents are answered, at a test's request, by the engine's own functions."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import torch
from fake_client import FakeClient

from gmstudio import data
from gmstudio.engine.catalog import capabilities_of
from gmstudio.engine.latents import codes as latents
from gmstudio.engine.latents import dimension_stats, directions, encoded_split, projection, sampled_codes
from gmstudio.engine.sampling.settings import with_decoder
from gmstudio.families import FAMILIES
from gmstudio.media.ink import measure_ink
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import BrowseData, DataBrowsed
from gmstudio.protocol.engine import Catalog, CommandFailed, Done, Reason
from gmstudio.protocol.families import Objective
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
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import KeepAnnotations, OpenRun, RunInfo, RunOpened, RunsListed
from gmstudio.protocol.training import TrainingChanged

VAE, GAN, WIDE, RBM, AUTO = "/runs/vae", "/runs/gan", "/runs/wide", "/runs/rbm", "/runs/auto"
DIMS = 5
DATA_CONFIG = {"levels": 4}


class LatentEngine(FakeClient):
    """Runs of an untrained VAE of 5 dimensions, a GAN of 5, a VAE of 40, an autoencoder and an RBM of 12 units."""

    def __init__(self) -> None:
        super().__init__()
        self.dataset = data.load("digits", DATA_CONFIG)
        torch.manual_seed(5)
        self.models = {
            VAE: self._model("vae", DIMS),
            GAN: self._model("gan", DIMS),
            WIDE: self._model("vae", 40),
            AUTO: self._model("autoencoder", DIMS),
            RBM: FAMILIES["rbm"](FAMILIES["rbm"].Config(num_hidden=12), self.dataset.image),
        }
        self.weights_step = 300
        self.live = ""
        self.annotations: dict[str, dict[str, Any]] = {}
        self.answered = 0
        self.refusal = ""

    def _model(self, family: str, num_latent: int) -> Any:
        kind = FAMILIES[family]
        return kind(kind.Config(num_latent=num_latent, num_hidden=8), self.dataset.image)

    def serve(self, most: int = 10_000) -> None:
        """Answer what was sent, and what is sent meanwhile, up to a number of commands."""
        while self.answered < len(self.sent) and most > 0:
            command = self.sent[self.answered]
            self.answered += 1
            most -= 1
            for event in self._answers(command):
                self.deliver(event)

    def unanswered(self, kind: type[Command]) -> list[Any]:
        """Commands of a kind that wait for an answer."""
        return [c for c in self.sent[self.answered :] if isinstance(c, kind)]

    def hello(self, *runs: str) -> None:
        """Deliver a new engine's hello and its library."""
        self.deliver(
            Catalog(
                protocol=1, version="0", pid=1, families=(), data=(), devices=("cpu",), device="cpu", training_schema={}
            )
        )
        infos = tuple(self.info(run) for run in runs or tuple(self.models))
        self.deliver(RunsListed(home="/runs", runs=infos, problems=()))

    def die(self) -> None:
        """Fail what is unanswered, as the client does when the engine's process is gone."""
        failed, self.answered = self.sent[self.answered :], len(self.sent)
        for command in failed:
            self.deliver(
                CommandFailed(
                    request=command.request,
                    command=type(command).__name__,
                    message="The engine ended.",
                    reason=Reason.ENGINE_GONE,
                )
            )

    def train(self, run: str, status: Any = "running") -> None:
        """Deliver that a run trains, or no longer."""
        self.live = run if status in ("running", "paused") else ""
        self.deliver(TrainingChanged(run=run, status=status, step=self.weights_step))

    def info(self, run: str, **fields: Any) -> RunInfo:
        model = self.models[run]
        values: dict[str, Any] = {
            "title": run.rpartition("/")[2],
            "spec": RunSpec(family=model.card.name, data="digits", data_config=DATA_CONFIG),
            "family_title": model.card.title,
            "image": self.dataset.image,
            "status": "finished",
            "step": self.weights_step,
            "created": "2025-01-01T00:00:00",
            "capabilities": capabilities_of(type(model)),
            "checkpoint_steps": (self.weights_step,),
        }
        return RunInfo(run=run, **(values | fields))

    def _answers(self, command: Command) -> Sequence[Event]:
        if self.refusal and isinstance(command, Decode | Encode | ComputeDimensionStats):
            return [CommandFailed(request=command.request, command=type(command).__name__, message=self.refusal)]
        try:
            return self._carried_out(command)
        except ValueError as error:
            return [CommandFailed(request=command.request, command=type(command).__name__, message=str(error))]

    def _carried_out(self, command: Command) -> Sequence[Event]:
        if isinstance(command, OpenRun):
            return [msgspec.structs.replace(self.opened(command.run), request=command.request)]
        if isinstance(command, Decode):
            return [latents.decode(self.models[command.run], self.weights_step, command)]
        if isinstance(command, Encode):
            return [latents.encode(self.models[command.run], self.dataset, command)]
        if isinstance(command, EncodeSplit):
            pieces = encoded_split.encode_split(self.models[command.run], self.weights_step, self.dataset, command)
            return [piece for piece in pieces if piece is not None]
        if isinstance(command, FindDirections):
            pieces = directions.find_directions(self.models[command.run], self.weights_step, self.dataset, command)
            return [piece for piece in pieces if piece is not None]
        if isinstance(command, ChooseDecoder):
            self.models[command.run] = with_decoder(self.models[command.run], command.decoder)
            return [Done(request=command.request)]
        if isinstance(command, KeepAnnotations):
            self.annotations[command.run] = command.annotations
            return [Done(request=command.request)]
        if isinstance(command, EncodeImage):
            return [latents.encode_image(self.models[command.run], command)]
        if isinstance(command, ProjectImage):
            pieces = projection.project(self.models[command.run], command)
            return [piece for piece in pieces if piece is not None]
        if isinstance(command, MeasureInk):
            ink = measure_ink(self.dataset.train.images[:200], self.dataset.image.levels)
            return [InkMeasured(request=command.request, run=command.run, ink=ink)]
        if isinstance(command, SampleCodes):
            model, step = self.models[command.run], self.weights_step
            pieces = sampled_codes.sample_codes(model, step, self.dataset, command)
            return [piece for piece in pieces if piece is not None]
        if isinstance(command, ComputeDimensionStats):
            pieces = dimension_stats.compute_stats(self.models[command.run], self.weights_step, self.dataset, command)
            return [piece for piece in pieces if piece is not None]
        if isinstance(command, BrowseData):
            return [self._browsed(command)]
        return []

    def opened(self, run: str) -> RunOpened:
        model = self.models[run]
        return RunOpened(
            info=self.info(run),
            live=run == self.live,
            objective=Objective("", ()),
            latent=model.latent,
            num_parameters=1,
            sample_steps=(),
            annotations=self.annotations.get(run, {}),
        )

    def _browsed(self, command: BrowseData) -> DataBrowsed:
        split = self.dataset.split(command.split)
        stop = min(len(split), command.start + command.count)
        assert split.labels is not None
        return DataBrowsed(
            request=command.request,
            data=command.data,
            image=self.dataset.image,
            split=command.split,
            start=command.start,
            sizes=self.dataset.sizes,
            images=Array.of(split.images[command.start : stop]),
            labels=Array.of(split.labels[command.start : stop]),
            label_names=self.dataset.label_names,
        )

    def means(self, run: str, code: np.ndarray) -> np.ndarray:
        """(C, H, W) uint8 that this code decodes to now."""
        reply = latents.decode(self.models[run], 0, Decode(run=run, codes=Array.of(code[np.newaxis])))
        return reply.images.numpy()[0]
