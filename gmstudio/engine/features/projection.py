"""Projections of images: features computed in pieces, points computed beside the engine's loop, results kept.

Shapes: N images, F features.
"""

import hashlib
import time
from collections.abc import Generator
from contextlib import closing
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from gmstudio.data.dataset import Factors
from gmstudio.engine.density.image_sets import open_images
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.features.extraction import SpaceFeatures, features_of
from gmstudio.engine.features.projection_messages import TaskReport, TaskResult
from gmstudio.engine.features.projection_methods import Projected
from gmstudio.engine.features.projection_process import ProjectionProcess
from gmstudio.engine.features.projection_settings import (
    check_axes,
    check_count,
    check_settings,
    fitted_settings,
    method_text,
)
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.features import WorkProgress
from gmstudio.protocol.features_projection import ImagesProjected, ProjectImages, ProjectionSettings
from gmstudio.protocol.image_sets import DataImages
from gmstudio.runs.folder import RunFolder

T = TypeVar("T")
Steps = Generator[Event | None, None, T]
"""Events, or None, after each piece of work; returns a result."""
Values = NDArray[np.float32]
KEPT_PROJECTIONS = 32
REPORT_S = 0.1
FEATURES = "Computing features"
LEAST_SHARE = 0.01
"""Progress from which the time left is estimated."""
_ENCODER = msgspec.msgpack.Encoder()


class ProjectionStore:
    """Projections computed in this session, and the process that computes them."""

    def __init__(self) -> None:
        self.process = ProjectionProcess()
        self.kept: LRUCache[tuple[bytes, str, bytes], Projected] = LRUCache(KEPT_PROJECTIONS)


class _Examined(NamedTuple):
    """Digest of features, the number of images whose features are not finite, and whether all are equal."""

    digest: bytes
    num_bad: int
    equal: bool


def project_images(context: EngineContext, command: ProjectImages, store: ProjectionStore) -> Steps[None]:
    """Project images: a job of ``ImagesProjected``.

    Raises:
        ValueError: from the job, for settings, images or features that cannot be projected.
        ProjectionError: from the job, when the computation fails.
    """
    check_settings(command.method, command.settings)
    began = time.monotonic()
    target = None
    if command.run:
        with RunFolder.open(command.run) as run:
            target = run.record.image
    opened = yield from open_images(context, command.images, target, request=command.request, fresh=False)
    check_count(len(opened), opened.title)
    features = yield from _features(context, command, opened)
    values = features.values
    check_axes(command.method, command.settings, *values.shape)
    examined = yield from beside(lambda: _examine(values))
    _check_values(examined, features.title, len(values))
    settings, lowered = fitted_settings(command.method, command.settings, len(values))
    answer = _answer(command, opened, features, settings, (*opened.warnings, *features.warnings, *lowered))
    key = (examined.digest, command.method, _ENCODER.encode(settings))
    found = store.kept.get(key)
    if command.method == "dimensions":
        found = Projected(values)
    was_kept = found is not None
    if found is None:
        found = yield from _computed(answer, store, settings, values)
        store.kept[key] = found
    columns = [command.settings.first, command.settings.second] if _has_axes(command) else [0, 1]
    factors = yield from _factors(context, command, len(values))
    yield msgspec.structs.replace(
        answer,
        places=Array.of(np.ascontiguousarray(found.places[:, columns], dtype=np.float32)),
        explained=found.explained,
        labels=None if opened.labels is None else Array.of(opened.labels),
        factor_names=() if factors is None else factors.names,
        factors=None if factors is None else Array.of(factors.values),
        progress=WorkProgress(share=1.0, seconds_left=0.0),
        seconds=-1.0 if was_kept else time.monotonic() - began,
        done=True,
    )


def _has_axes(command: ProjectImages) -> bool:
    return command.method in ("pca", "dimensions")


def _features(context: EngineContext, command: ProjectImages, opened: OpenedImages) -> Steps[SpaceFeatures]:
    """Compute the features in pieces; returns them."""
    answer = _answer(command, opened, None, command.settings, ())
    done, total, clock = 0, len(opened), _Clock()
    reported, features = 0.0, None

    def note(count: int) -> None:
        nonlocal done
        done = count

    for piece in features_of(context, command.space, opened.images, opened.image, note=note):
        features = piece
        if piece is not None or time.monotonic() - reported <= REPORT_S:
            yield None
            continue
        reported = time.monotonic()
        share = done / total if done else -1.0  # baselines have no progress of their own
        progress = WorkProgress(stage=FEATURES, share=share, seconds_left=clock.seconds_left(share))
        yield msgspec.structs.replace(answer, progress=progress)
    assert features is not None
    return features


def _examine(values: Values) -> _Examined:
    digest = hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=32)
    digest.update(str(values.shape).encode())
    finite = np.isfinite(values).all(1)
    return _Examined(digest.digest(), int((~finite).sum()), bool((values == values[:1]).all()))


def _check_values(examined: _Examined, title: str, count: int) -> None:
    if examined.num_bad:
        raise ValueError(
            f"{title}: the features of {examined.num_bad:,} of {count:,} images are not finite; the training may have "
            "diverged. Choose another layer or another run."
        )
    if examined.equal:
        raise ValueError(f"{title}: all {count:,} images have the same features; choose another layer or other images.")


def _computed(
    answer: ImagesProjected, store: ProjectionStore, settings: ProjectionSettings, values: Values
) -> Steps[Projected]:
    """Compute a projection beside the loop, with reports of its progress; returns it."""
    clock = _Clock()
    result: TaskResult | None = None
    with closing(store.process.project(answer.method, settings, values)) as pieces:
        for piece in pieces:
            if isinstance(piece, TaskReport):
                progress = WorkProgress(
                    stage=piece.stage, share=piece.share, seconds_left=clock.seconds_left(piece.share)
                )
                yield msgspec.structs.replace(answer, places=piece.places, progress=progress)
            elif isinstance(piece, TaskResult):
                result = piece
            else:
                yield None
    assert result is not None
    return Projected(result.places.numpy(), result.explained)


class _Clock:
    """Estimates the time left from the progress since it was first known."""

    def __init__(self) -> None:
        self._began, self._first = 0.0, -1.0

    def seconds_left(self, share: float) -> float:
        """Return the seconds left at a share of the work; negative: unknown."""
        if share < 0:
            return -1.0
        if self._first < 0:
            self._began, self._first = time.monotonic(), share
        gained = share - self._first
        return (time.monotonic() - self._began) * (1 - share) / gained if gained >= LEAST_SHARE else -1.0


def _answer(
    command: ProjectImages,
    opened: OpenedImages,
    features: SpaceFeatures | None,
    settings: ProjectionSettings,
    warnings: tuple[str, ...],
) -> ImagesProjected:
    """Answer without points."""
    num_dims = 0 if features is None else features.values.shape[1]
    used = command.settings if _has_axes(command) else settings
    return ImagesProjected(
        request=command.request,
        run=command.run,
        space=command.space,
        title="" if features is None else features.title,
        images_title=opened.title,
        method=command.method,
        method_text=method_text(command.method, used, num_dims),
        count=len(opened),
        num_dims=num_dims,
        label_names=opened.label_names,
        warnings=warnings,
        weights_step=-1 if features is None else features.weights_step,
    )


def _factors(context: EngineContext, command: ProjectImages, count: int) -> Steps[Factors | None]:
    """Return the known factors of variation of the images; None where there are none."""
    spec = command.images
    if not isinstance(spec, DataImages):
        return None
    if spec.data:
        yield from context.when_data(command.request, spec.data, spec.data_config, lambda: None) or ()
        dataset = context.data.load(spec.data, spec.data_config)
    else:
        with RunFolder.open(spec.run) as run:
            record = run.record
        yield from context.when_data_of(record, command.request, lambda: None) or ()
        dataset = load_run_data(context.data, record)
    split = dataset.split(spec.split)
    if split.factors is None:
        return None
    values = split.factors.values
    if spec.labels and split.labels is not None:
        values = values[np.isin(split.labels, spec.labels)]
    return Factors(split.factors.names, values[:count])
