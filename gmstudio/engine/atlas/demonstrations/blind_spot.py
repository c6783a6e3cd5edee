"""The blind spot: earlier pixels that a PixelCNN's conditional does not depend on, measured beside Gated PixelCNN.

Each earlier pixel of an image is changed in turn, and the conditional of one pixel is computed again: it changes by
KL(p ‖ p′). Then one pixel of PixelCNN's blind spot is changed, and the change of every later conditional is measured.

Source: van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders, arXiv:1606.05328, section 2.2.
Shapes: N images, H height, W width.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.engine.atlas.subjects import PixelSubject, autoregressive_subjects
from gmstudio.engine.atlas.workbench import Demonstration, Workbench
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.atlas import DemonstrationCard
from gmstudio.protocol.scenes import Block, Maps, Number, Numbers, Pictures, Scene, Sentence

CARD = DemonstrationCard(
    name="blind_spot",
    title="Blind spot",
    sentence="Which earlier pixels a conditional depends on: measured by changing each of them, PixelCNN beside Gated.",
    families=("pixelcnn", "gated_pixelcnn"),
)
NOTHING = 1e-9
"""Change in nats that is shown as none."""
FLOOR = 1e-6
"""Smallest change that a map tells from none, nats."""
TITLES = ("PixelCNN", "Gated PixelCNN")
PIECE_S = 0.01


@dataclass
class Probe:
    """Measurements of one model.

    Args:
        subject: the model.
        x: (1, C, H, W) image.
        target: row and column of the pixel whose conditional is measured.
        influence: (H, W) nats: change of that conditional by each earlier pixel; NaN: not measured, or not earlier.
        connected: (H, W) bool: the pixel changes the conditional by a bit at least. The divergence alone cannot tell:
            it is of second order, and vanishes in rounding where the conditional changes by 1e-8.
        effect: (H, W) nats: change of each later conditional by one pixel; NaN: not later.
    """

    subject: PixelSubject
    x: Tensor
    target: tuple[int, int]
    influence: NDArray[np.float32] = field(init=False)
    connected: NDArray[np.bool_] = field(init=False)
    effect: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        self.influence = np.full(self.subject.model.image.shape[1:], np.nan, np.float32)
        self.connected = np.zeros(self.influence.shape, np.bool_)

    @property
    def within_reach(self) -> NDArray[np.bool_]:
        """(H, W): measured pixels in the rows and columns in which there are pixels with influence."""
        near = np.isfinite(self.influence)
        if self.connected.any():
            rows, columns = np.nonzero(self.connected)
            near[: rows.min()] = False
            near[:, : columns.min()] = near[:, columns.max() + 1 :] = False
        return near

    @property
    def blind(self) -> list[tuple[int, int]]:
        """Earlier pixels within reach that are without influence: the blind spot."""
        rows, columns = np.nonzero(self.within_reach & ~self.connected)
        return list(zip(rows.tolist(), columns.tolist(), strict=True))

    def changed(self, at: tuple[int, int]) -> Tensor:
        """(1, C, H, W): the image with one pixel turned to the opposite end of the levels."""
        top = self.subject.model.image.levels - 1
        changed = self.x.clone()
        old = changed[:, :, at[0], at[1]]
        changed[:, :, at[0], at[1]] = torch.where(old * 2 > top, 0, top).to(old.dtype)
        return changed

    def log_probs(self, x: Tensor) -> Tensor:
        """(H, W, L) float64 log-probabilities of the first channel's conditionals, computed for one image alone."""
        model = self.subject.model
        with torch.inference_mode():
            return model.logits(x.to(model.device), model.own_order)[0, 0].double().log_softmax(-1)


def run(bench: Workbench) -> Iterator[Scene | None]:
    """Measure both models pixel by pixel, then change one pixel of the blind spot."""
    subjects = yield from autoregressive_subjects(bench, CARD.families)
    model = subjects[0].model
    with torch.inference_mode():
        x = model.sample(1, generator=bench.generator())
    target = (model.image.height * 5 // 8, model.image.width // 2)  # near the middle: much of the image is earlier
    probes = tuple(Probe(subject, x, target) for subject in subjects)
    for number, probe in enumerate(probes):
        for share in _measure_influence(probe):
            stage = f"Changing each earlier pixel: {TITLES[number]}"
            yield _scene(probes, stage, (number + share) / 2) if bench.due() else None
    source = _source(probes[0])
    if source is not None:
        for probe in probes:
            probe.effect = _effect(probe, source)
            yield None
    yield _scene(probes, "", 1.0, source)


def _measure_influence(probe: Probe) -> Iterator[float]:
    """Fill the map of influence from the nearest pixels outwards; yields the share that is done."""
    row, column = probe.target
    width = probe.influence.shape[1]
    before = probe.log_probs(probe.x)[row, column]
    earlier = [(i, j) for i in range(row + 1) for j in range(width) if (i, j) < (row, column)]
    earlier.sort(key=lambda at: (row - at[0]) ** 2 + (column - at[1]) ** 2)
    began = time.perf_counter()
    for number, at in enumerate(earlier):
        after = probe.log_probs(probe.changed(at))[row, column]
        probe.influence[at], probe.connected[at] = _kl(before, after), not torch.equal(before, after)
        if time.perf_counter() - began > PIECE_S:
            yield number / len(earlier)
            began = time.perf_counter()


def _kl(log_p: Tensor, log_q: Tensor) -> float:
    return max(0.0, float((log_p.exp() * (log_p - log_q)).sum()))


def _source(probe: Probe) -> tuple[int, int] | None:
    """The blind pixel nearest to the target; None where the model has no blind spot on images of this size."""
    row, column = probe.target
    return min(probe.blind, key=lambda at: (row - at[0]) ** 2 + (column - at[1]) ** 2, default=None)


def _effect(probe: Probe, source: tuple[int, int]) -> NDArray[np.float32]:
    before, after = probe.log_probs(probe.x), probe.log_probs(probe.changed(source))
    kl = (before.exp() * (before - after)).sum(-1).clamp(min=0.0).float().cpu().numpy()
    rows, columns = np.indices(kl.shape)
    later = (rows > source[0]) | ((rows == source[0]) & (columns > source[1]))
    effect: NDArray[np.float32] = np.where(later, kl, np.nan).astype(np.float32)
    return effect


def _log_scale(nats: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decades above ``FLOOR``; 0 where there is no change."""
    scaled: NDArray[np.float32] = np.log10(np.maximum(nats, FLOOR) / FLOOR).astype(np.float32)
    return scaled


def _scene(probes: tuple[Probe, ...], stage: str, progress: float, source: tuple[int, int] | None = None) -> Scene:
    """Maps of influence and, at the end, what follows from them and the maps of one pixel's effect."""
    top_nats = max(FLOOR, *(float(np.nanmax(p.influence, initial=0.0)) for p in probes))
    text = "Influence of each earlier pixel on the conditional of the outlined one: KL(p ‖ p′) when that pixel changes."
    maps: list[Block] = []
    for title, probe in zip(TITLES, probes, strict=True):
        note = f"blind: {len(probe.blind)} of {int(probe.within_reach.sum())}"
        maps.append(_map(title, probe.influence, top_nats, probe.target, note))
    rows: list[tuple[Block, ...]] = [(Sentence(text=text),), tuple(maps)]
    if not stage:
        rows += _result(probes, source, top_nats)
    words = " ".join(f"{title}: {probe.subject.words}." for title, probe in zip(TITLES, probes, strict=True))
    rows.append((Sentence(text=f"Each pixel is turned to the opposite value, one at a time. {words}"),))
    return Scene(rows=tuple(rows), stage=stage, progress=progress)


def _map(title: str, nats: NDArray[np.float32], top_nats: float, mark: tuple[int, int], note: str = "") -> Maps:
    return Maps(
        title=title,
        values=Array.of(_log_scale(nats)[None]),
        top=max(1.0, float(_log_scale(np.array([top_nats], np.float32))[0])),
        scale=f"dark 0 to bright {top_nats:.2g} nats (log)",
        mark=mark,
        note=note,
    )


def _result(probes: tuple[Probe, ...], source: tuple[int, int] | None, top_nats: float) -> list[tuple[Block, ...]]:
    if source is None:
        text = "On images of this size every earlier pixel reaches the conditional: this model's layers are too many."
        return [(Sentence(text=text, finding=True),)]
    effects: list[Block] = [
        _map(title, probe.effect, top_nats, source)
        for title, probe in zip(TITLES, probes, strict=True)
        if probe.effect is not None
    ]
    levels = probes[0].subject.model.image.levels
    picture = Pictures(title="Image", images=Array.of(to_display(probes[0].x.cpu().numpy(), levels)))
    introduction = (
        f"Now one pixel of PixelCNN's blind spot changes, at row {source[0] + 1}, column {source[1] + 1} (outlined): "
        "change of every later conditional."
    )
    return [
        (Sentence(text=_finding(probes), finding=True),),
        (Sentence(text=introduction),),
        tuple(effects),
        (picture, Numbers(title="Influence of that pixel on the first one outlined", numbers=_numbers(probes, source))),
    ]


def _numbers(probes: tuple[Probe, ...], source: tuple[int, int]) -> tuple[Number, ...]:
    return tuple(
        Number(title, _text(_at(probe.influence, source))) for title, probe in zip(TITLES, probes, strict=True)
    )


def _finding(probes: tuple[Probe, ...]) -> str:
    plain, gated = (f"{len(probe.blind)} of {int(probe.within_reach.sum())}" for probe in probes)
    return (
        f"{plain} earlier pixels in rows and columns that PixelCNN's conditional reaches have no influence on it, "
        f"although they were generated before; with Gated PixelCNN it is {gated}. Masked kernels widen by one pixel a "
        "row, so the region above and to the right stays out of sight; Gated PixelCNN's vertical stack sees all of it."
    )


def _at(values: NDArray[np.float32], at: tuple[int, int]) -> float:
    inside = at[0] < values.shape[0] and at[1] < values.shape[1]
    return float(values[at]) if inside else math.nan


def _text(nats: float) -> str:
    return "not measured" if math.isnan(nats) else "no change" if nats < NOTHING else f"{nats:.2g} nats"


BLIND_SPOT = Demonstration(CARD, run)
