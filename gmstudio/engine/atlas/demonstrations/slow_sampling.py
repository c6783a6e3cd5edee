"""Slow sampling: a full forward pass for each pixel, raced against a sampler that keeps what it has computed.

Both generate the same images from the same random numbers. They take turns of equal length, so that the number of
pixels at any time compares their speeds on this machine.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from gmstudio.engine.atlas.subjects import autoregressive_subject
from gmstudio.engine.atlas.workbench import Demonstration, Workbench
from gmstudio.families.autoregressive.session import AutoregressiveSession
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.atlas import DemonstrationCard
from gmstudio.protocol.scenes import Block, Curves, Line, Number, Numbers, Pictures, Scene, Sentence

CARD = DemonstrationCard(
    name="slow_sampling",
    title="Slow sampling",
    sentence="A full pass through the network for each pixel, raced against a sampler that keeps what it computed.",
    families=("pixelcnn", "gated_pixelcnn", "pixelrnn_row", "pixelrnn_diagonal"),
)
COUNT = 4
TURN_S = 0.01
POINTS = 400
"""Largest number of points of a runner's curve."""


@dataclass
class Runner:
    """One of the two samplers.

    Args:
        name: its title.
        session: its images.
        seconds: time that it computed.
        track: (seconds, sub-pixels) at the end of each turn.
    """

    name: str
    session: AutoregressiveSession
    seconds: float
    track: list[tuple[float, int]]

    def run(self, until_s: float) -> None:
        """Generate until its own time reaches ``until_s``, at least one sub-pixel."""
        while self.session.position is not None and self.seconds < until_s:
            began = time.perf_counter()
            self.session.place(self.session.draw())
            self.seconds += time.perf_counter() - began
        self.track.append((self.seconds, self.session.step))

    @property
    def done(self) -> bool:
        """All its images are complete."""
        return self.session.position is None


def run(bench: Workbench) -> Iterator[Scene | None]:
    """Race the samplers until the slower one has finished, then compare the images."""
    subject = yield from autoregressive_subject(bench, "pixelcnn")
    model = subject.model
    with torch.inference_mode():
        naive = Runner(
            "A full pass for each pixel", model.plain_pixel_session(COUNT, generator=bench.generator()), 0, []
        )
        yield None
        cached_session = model.pixel_session(COUNT, generator=bench.generator(), rewindable=False)
        cached = Runner("Cached", cached_session, 0, [])
    words = (
        f"Both generate {COUNT} images from {subject.words}, with the same random numbers, in turns of equal length."
    )
    clock_s = 0.0
    while not (naive.done and cached.done):
        clock_s = max(clock_s + TURN_S, naive.seconds)
        with torch.inference_mode():
            naive.run(clock_s)
            cached.run(clock_s)
        yield _scene(naive, cached, model.image.levels, words) if bench.due() else None
    yield _scene(naive, cached, model.image.levels, words)


def _scene(naive: Runner, cached: Runner, levels: int, words: str) -> Scene:
    total = naive.session.images[0].numel()
    rows: list[tuple[Block, ...]] = [tuple(_pictures(runner, levels) for runner in (naive, cached))]
    lines = tuple(_line(runner) for runner in (naive, cached))
    rows.append((Curves(title="Progress", x_title="computing time (s)", y_title="pixels of each image", lines=lines),))
    if naive.done and cached.done:
        rows.append((Numbers(title="Result", numbers=_result(naive, cached)),))
        rows.append((Sentence(text=_finding(naive, cached), finding=True),))
    rows.append((Sentence(text=words),))
    stage = "" if naive.done else f"Pixel {naive.session.step} of {total} by full passes"
    return Scene(rows=tuple(rows), stage=stage, progress=naive.session.step / total)


def _pictures(runner: Runner, levels: int) -> Pictures:
    pixels = runner.session.step * len(runner.session.images)
    return Pictures(
        title=runner.name,
        images=Array.of(to_display(runner.session.images.numpy(), levels)),
        columns=COUNT,
        note=f"{pixels:,} pixels in {runner.seconds:.2f} s" + (" · complete" if runner.done else ""),
    )


def _line(runner: Runner) -> Line:
    every = -(-len(runner.track) // POINTS)
    track = torch.tensor([(0.0, 0), *runner.track[::every], *runner.track[-1:]], dtype=torch.float64).numpy()
    return Line(runner.name, Array.of(track[:, 0]), Array.of(track[:, 1]))


def _result(naive: Runner, cached: Runner) -> tuple[Number, ...]:
    differing = int((naive.session.images != cached.session.images).sum())
    return (
        Number("Differing sub-pixels", f"{differing} of {naive.session.images.numel():,}", "Between the two samplers."),
        Number("Full passes", f"{1000 * naive.seconds / naive.session.step:.2f} ms per pixel of {COUNT} images"),
        Number("Cached", f"{1000 * cached.seconds / cached.session.step:.3f} ms per pixel of {COUNT} images"),
    )


def _finding(naive: Runner, cached: Runner) -> str:
    same = bool((naive.session.images == cached.session.images).all())
    images = "The images are the same" if same else "The images differ where a random number lay at a threshold"
    ratio = naive.seconds / cached.seconds
    ratio = round(ratio, 1 - math.floor(math.log10(ratio)))  # the clock holds no more than two digits
    return (
        f"The cached sampler is about {ratio:g} times as fast on this machine. {images}. A full "
        "pass computes the features of all pixels to use those of one; the cache keeps the features of earlier pixels, "
        "which no later pixel changes. What remains is that pixels come one after another."
    )


SLOW_SAMPLING = Demonstration(CARD, run)
