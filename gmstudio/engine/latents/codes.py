"""Decoding and encoding for the Latents panel.

The functions leave a model as it is: gradients are off, training mode is restored, and the global random generator is
not used. So a model can be explored between two steps of its training.

Shapes: N codes, Z latent dimensions, C channels, H height, W width.
"""

import math
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.runtime.display import decoded, means_to_display
from gmstudio.engine.runtime.inspection import (
    check_fit,
    check_levels,
    dtype_of,
    encoder_of,
    exploring,
    exploring_pieces,
    in_pieces,
    latent_of,
)
from gmstudio.families.base import (
    Bounded,
    Discriminator,
    Encoder,
    Family,
    FreeEnergy,
    Posterior,
    SteppedDecoder,
    TimestepBound,
)
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.families import LatentSpec
from gmstudio.protocol.latents import Decode, Decoded, Encode, Encoded, EncodeImage
from gmstudio.protocol.metrics import Metric, MetricValues

LOG_PRIOR = Metric(
    "log-density of z under the prior", "log p(z)", "nats", help="Log-density of the code under the prior."
)
BOUND = Metric(
    "variational lower bound of the log-likelihood",
    "ELBO",
    "nats",
    "≈",
    help=(
        "Unbiased estimate of the variational lower bound on log p(x) of the decoded image, rounded to levels; the "
        "bound itself is at most log p(x), the estimate varies around it."
    ),
)
FREE_ENERGY = Metric("free energy", "F(x)", "nats", help="−log of the unnormalized probability of the decoded image.")
REENCODING = Metric(
    "re-encoding error",
    unit="RMS",
    help="Root mean square change of the image when it is rounded to levels, encoded and decoded again; for a flow, "
    "which is invertible, it is limited by the rounding.",
)
MAX_CODES = 256
STEPPED_CODES = 8
"""Codes that pass through a model together, a step a piece, where it decodes in steps."""
BOUND_SEED = 0
BOUND_DRAWS = 8
"""Of the bound of one code's image, where it isn't a sum over timesteps."""
TERMS_EACH = 8
"""Timesteps that pass through the model together, since one alone costs nearly as much."""
MAX_BOUND_ROWS = 4096
"""Passes of an image through the model, up to which every timestep of the bound of all codes is computed."""


def decode(model: Family, step: int, command: Decode, *, preview: str = "") -> Decoded:
    """Decode codes with the weights as they are now.

    Args:
        model: a family with ``decode``.
        step: training step of the weights.
        command: (N, Z) float32 codes, N at most ``MAX_CODES``.
        preview: in how many steps the model decodes, where that gives a preview only.

    Raises:
        ValueError: when the model has no latent space, the codes do not fit it, or the weights have diverged.
    """
    *_, event = decode_pieces(model, step, command)
    assert isinstance(event, Decoded)
    return msgspec.structs.replace(event, preview=preview) if preview else event


def decode_pieces(model: Family, step: int, command: Decode) -> Iterator[Event | None]:
    """Like ``decode``, in short pieces: some of the codes, a step of decoding some, or a metric.

    Returns:
        A generator of None after each piece and, last, ``Decoded``.

    Raises:
        ValueError: at once or from the generator, as from ``decode``.
    """
    codes_NZ = checked_codes(command.codes, latent_of(model).latent)
    return _timed(_decoded_in_pieces(model, step, command, codes_NZ))


def _decoded_in_pieces(
    model: Family, step: int, command: Decode, codes_NZ: NDArray[np.float32]
) -> Iterator[Event | None]:
    with exploring(model):
        codes = torch.from_numpy(codes_NZ).to(dtype_of(model)).to(model.device)
    parts: list[Tensor] = []

    def add(rows: slice) -> None:
        with exploring(model):
            parts.append(decoded(model, codes[rows]))

    if isinstance(model, SteppedDecoder):
        for rows in codes.split(STEPPED_CODES):
            for image in exploring_pieces(model, model.decode_pieces(rows)):
                parts += () if image is None else (image,)
                yield None
    else:
        yield from in_pieces(len(codes), 1, add)
    means = _finite(torch.cat(parts).float(), step)
    metrics: tuple[MetricValues, ...] = ()
    if command.measure:
        for found in exploring_pieces(model, _code_metrics(model, codes, means)):
            metrics = found
            yield None
    yield _decoded_event(step, command, means, metrics)


def _timed(pieces: Iterator[Event | None]) -> Iterator[Event | None]:
    """The pieces, and the time that they took in ``Decoded``, without what the engine did between them."""
    spent_s, began = 0.0, time.perf_counter()
    for event in pieces:
        spent_s += time.perf_counter() - began
        yield msgspec.structs.replace(event, engine_ms=1000 * spent_s) if isinstance(event, Decoded) else event
        began = time.perf_counter()


def has_summed_bound(model: Family, command: Decode) -> bool:
    """Return True when the codes are measured by a bound that is a sum over timesteps, and few enough for it."""
    count = command.codes.shape[0] if command.codes.shape else 0
    return command.measure and isinstance(model, TimestepBound) and count * model.num_bound_terms <= MAX_BOUND_ROWS


def decode_with_summed_bound(model: Family, step: int, command: Decode) -> Iterator[Event | None]:
    """Like ``decode`` with every timestep of the bound, where ``has_summed_bound``.

    Returns:
        A generator of None after each piece and, last, ``Decoded``.

    Raises:
        ValueError: at once or from the generator, as from ``decode``.
    """
    assert isinstance(model, TimestepBound)
    codes_NZ = checked_codes(command.codes, latent_of(model).latent)
    return _timed(_measured(model, model, step, command, codes_NZ))


def _measured(
    model: Family, bounded: TimestepBound, step: int, command: Decode, codes_NZ: NDArray[np.float32]
) -> Iterator[Event | None]:
    with exploring(model):
        codes = torch.from_numpy(codes_NZ).to(dtype_of(model)).to(model.device)
        means = decoded(model, codes)
        rounded = _rounded(model, _finite(means, step))
    generator = torch.Generator(model.device).manual_seed(BOUND_SEED)
    parts: list[Tensor] = []

    def add(groups: slice) -> None:
        with exploring(model):
            last = min(groups.stop * TERMS_EACH, bounded.num_bound_terms)
            parts.append(bounded.bound_terms(rounded, groups.start * TERMS_EACH, last, generator))

    yield from in_pieces(-(-bounded.num_bound_terms // TERMS_EACH), TERMS_EACH * len(codes_NZ), add)
    metrics: tuple[MetricValues, ...] = ()
    for found in exploring_pieces(model, _code_metrics(model, codes, means, -torch.stack(parts).sum(0))):
        metrics = found
        yield None
    yield _decoded_event(step, command, means, metrics)


def _decoded_event(step: int, command: Decode, means: Tensor, metrics: tuple[MetricValues, ...]) -> Decoded:
    return Decoded(
        request=command.request,
        run=command.run,
        step=step,
        images=Array.of(means_to_display(_finite(means.float(), step))),
        engine_ms=0.0,
        metrics=metrics,
    )


def _code_metrics(
    model: Family, codes_NZ: Tensor, means_NCHW: Tensor, bound_N: Tensor | None = None
) -> Iterator[tuple[MetricValues, ...]]:
    """Yield the metrics of codes and of the images that they decode to, (N,) each, with each further one.

    Likelihoods and bounds are those of the means rounded to the nearest levels, for they are of integer images.

    Args:
        model: family with a latent space.
        codes_NZ: the codes.
        means_NCHW: their decoded means.
        bound_N: ELBO of their images, nats; where left out, it is estimated with few draws.
    """
    latent = latent_of(model).latent
    found: list[MetricValues] = []

    def with_metric(metric: Metric, values: Tensor) -> tuple[MetricValues, ...]:
        found.append(MetricValues(metric, Array.of(values.float().cpu().numpy())))
        return tuple(found)

    if latent.prior == "normal":
        prior = msgspec.structs.replace(LOG_PRIOR, symbol=f"log p({latent.symbol})")
        yield with_metric(prior, -0.5 * (codes_NZ.square().sum(1) + latent.num_dims * math.log(2 * math.pi)))
    rounded_NCHW = _rounded(model, means_NCHW)
    if bound_N is not None:
        yield with_metric(BOUND, bound_N)
    elif isinstance(model, Bounded):
        generator = torch.Generator(model.device).manual_seed(BOUND_SEED)
        draws = max(1, BOUND_DRAWS // max(1, len(codes_NZ)))
        yield with_metric(BOUND, model.elbo(rounded_NCHW, draws, generator))
    if isinstance(model, FreeEnergy):
        yield with_metric(FREE_ENERGY, model.free_energy(rounded_NCHW))
    if isinstance(model, Discriminator):
        yield with_metric(model.critic_metric, model.discriminate(means_NCHW))
    if isinstance(model, Encoder):
        again = decoded(model, model.encode(rounded_NCHW)).float()
        yield with_metric(REENCODING, (again - means_NCHW.float()).square().flatten(1).mean(1).sqrt())


def _rounded(model: Family, means_NCHW: Tensor) -> Tensor:
    """The nearest levels, (N, C, H, W) int64."""
    return (means_NCHW.float() * (model.image.levels - 1)).round().clamp(0, model.image.levels - 1).long()


def encode(model: Family, dataset: Dataset, command: Encode) -> Encoded:
    """Encode an image of the data set.

    Args:
        model: a family with ``encode``; where it has ``posterior``, the standard deviation comes along.
        dataset: of the run.
        command: which image.

    Returns:
        The code; its ``image`` is (C, H, W) uint8 levels, its ``label`` a word, or empty where the data has none.

    Raises:
        ValueError: when the model has no encoder, the split has no such image, or the data set has other images
            than the model was trained on.
    """
    check_fit(model, dataset)
    image = dataset.view(command.split, [command.index])[0]
    code, deviation = _code_of(model, image)
    return Encoded(
        request=command.request,
        run=command.run,
        split=command.split,
        index=command.index,
        code=code,
        deviation=deviation,
        image=Array.of(image),
        label=_label(dataset, dataset.split(command.split), command.index),
    )


def encode_image(model: Family, command: EncodeImage) -> Encoded:
    """Encode the user's image.

    Raises:
        ValueError: when the model has no encoder, or the image is not of its kind.
    """
    image = check_levels(command.image.numpy(), model.image)
    code, deviation = _code_of(model, image)
    return Encoded(
        request=command.request,
        run=command.run,
        split="",
        index=-1,
        code=code,
        deviation=deviation,
        image=Array.of(image),
        label="",
    )


def _code_of(model: Family, image: NDArray[np.uint8]) -> tuple[Array, Array | None]:
    """Code (Z,) of levels (C, H, W), and its standard deviation where there is a posterior."""
    encoder = encoder_of(model)
    x = torch.from_numpy(image)[None].to(model.device)
    deviation: Tensor | None = None
    with exploring(model):
        if isinstance(model, Posterior):
            code, deviation = model.posterior(x)
        else:
            code = encoder.encode(x)
    return (
        Array.of(code[0].float().cpu().numpy()),
        None if deviation is None else Array.of(deviation[0].float().cpu().numpy()),
    )


def checked_codes(array: Array, latent: LatentSpec) -> NDArray[np.float32]:
    """Copy of codes (N, Z) of a latent space.

    Raises:
        ValueError: when they are not N rows of Z finite float32 numbers, N from 1 to ``MAX_CODES``.
    """
    num_dims = latent.num_dims
    if array.dtype != "float32":
        raise ValueError(f"The codes are {array.dtype} numbers; send float32.")
    codes: NDArray[Any] = array.numpy()
    if codes.ndim != 2 or codes.shape[1] != num_dims:
        raise ValueError(f"The codes have shape {codes.shape}; this model needs (N, {num_dims}), one row per code.")
    if not 1 <= len(codes) <= MAX_CODES:
        raise ValueError(f"{len(codes)} codes at once; send 1 to {MAX_CODES}.")
    wrong = np.argwhere(~np.isfinite(codes))
    if len(wrong):
        row, dim = wrong[0]
        raise ValueError(f"Dimension {dim} of code {row} is {codes[row, dim]}; a code consists of finite numbers.")
    return codes.copy()


def _finite(means: Tensor, step: int) -> Tensor:
    if not bool(torch.isfinite(means).all()):
        raise ValueError(
            f"The decoded image holds values that are not finite: the weights of step {step} have diverged. "
            "Train again with a lower learning rate."
        )
    return means


def _label(dataset: Dataset, split: Split, index: int) -> str:
    return "" if split.labels is None else label_name(dataset, int(split.labels[index]))


def label_name(dataset: Dataset, label: int) -> str:
    """Name of a label, or its number where it has no name."""
    return dataset.label_names[label] if 0 <= label < len(dataset.label_names) else str(label)
