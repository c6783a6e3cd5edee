r"""Sampling by temperature: the same uniforms turned into images at three temperatures.

A temperature T divides the logits of every conditional: p_T(v) ∝ p(v)^{1/T}. Below 1 likely values become likelier, so
that images become smoother and more alike; above 1 unlikely ones, and noise, come through.
"""

import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from gmstudio.engine.atlas.subjects import autoregressive_subject
from gmstudio.engine.atlas.workbench import Demonstration, Workbench
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.autoregressive.session import AutoregressiveSession
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.atlas import DemonstrationCard
from gmstudio.protocol.scenes import Block, Number, Numbers, Pictures, Scene, Sentence

CARD = DemonstrationCard(
    name="temperature",
    title="Temperature",
    sentence="The same random numbers turned into images at temperatures 0.5, 1 and 1.5.",
    families=("pixelcnn",),
)
TEMPERATURES = (0.5, 1.0, 1.5)
COUNT = 9
PIECE_S = 0.01


def run(bench: Workbench) -> Iterator[Scene | None]:
    """Generate side by side, pixel by pixel; then score all images at T = 1."""
    subject = yield from autoregressive_subject(bench, "pixelcnn")
    model = subject.model
    with torch.inference_mode():
        sessions = [model.pixel_session(COUNT, generator=bench.generator(), rewindable=False) for _ in TEMPERATURES]
    words = f"From {subject.words}."
    while sessions[0].position is not None:
        _advance(sessions)
        yield _scene(model, sessions, words, None) if bench.due() else None
    with torch.inference_mode():
        nats = [float(model.log_prob(session.images).mean()) for session in sessions]
    yield _scene(model, sessions, words, nats)


def _advance(sessions: Sequence[AutoregressiveSession]) -> None:
    began = time.perf_counter()
    with torch.inference_mode():
        while sessions[0].position is not None and time.perf_counter() - began < PIECE_S:
            for session, temperature in zip(sessions, TEMPERATURES, strict=True):
                session.place(session.draw(temperature))


def _scene(
    model: AutoregressiveFamily,
    sessions: Sequence[AutoregressiveSession],
    words: str,
    nats: Sequence[float] | None,
) -> Scene:
    images = [session.images.numpy() for session in sessions]
    pictures: list[Block] = [
        Pictures(title=f"T = {temperature:g}", images=Array.of(to_display(drawn, model.image.levels)), columns=3)
        for temperature, drawn in zip(TEMPERATURES, images, strict=True)
    ]
    share = sessions[0].step / model.image.num_dims
    rows: list[tuple[Block, ...]] = [tuple(pictures)]
    if nats is not None:
        rows.append((Numbers(title="Measured on the images above", numbers=_numbers(images, nats, model)),))
        rows.append((Sentence(text=_finding(nats), finding=True),))
    rows.append((Sentence(text=words),))
    stage = f"Pixel {sessions[0].step} of {model.image.num_dims}" if share < 1 else ""
    return Scene(rows=tuple(rows), stage=stage, progress=share)


def _numbers(images: Sequence[np.ndarray], nats: Sequence[float], model: AutoregressiveFamily) -> tuple[Number, ...]:
    found = []
    for temperature, drawn, log_p in zip(TEMPERATURES, images, nats, strict=True):
        spread = float((drawn / (model.image.levels - 1)).std(axis=0).mean())
        found.append(
            Number(
                f"T = {temperature:g}",
                f"mean −log p(x) = {-log_p:.1f} nats · spread of a pixel over the images {spread:.3f}",
                "Negative log-likelihood under the model itself (T = 1); standard deviation of a pixel's intensity "
                "(0 to 1) over the images, averaged over pixels.",
            )
        )
    return tuple(found)


def _finding(nats: Sequence[float]) -> str:
    base = nats[TEMPERATURES.index(1.0)]
    changes = " and ".join(
        f"at T = {temperature:g} mean −log p(x) is {abs(log_p - base):.1f} nats {'lower' if log_p > base else 'higher'}"
        for temperature, log_p in zip(TEMPERATURES, nats, strict=True)
        if temperature != 1
    )
    return (
        "All three columns use the same random numbers; only the conditionals are sharpened (T < 1) or flattened "
        f"(T > 1). Against samples of the model itself (T = 1), {changes}."
    )


TEMPERATURE = Demonstration(CARD, run)
