"""Functions that the file of a model offers: its scores and its samples, by what its family can do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gmstudio.engine.runs.source_code import plain_sampling
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.base import (
    Bounded,
    Discriminator,
    Encoder,
    Estimated,
    Family,
    FreeEnergy,
    ImportanceWeighted,
    Latent,
    PiecewiseSampler,
    Sampler,
)

NUM_TRACED = 3
"""Images of the calls that are recorded."""


@dataclass(frozen=True)
class Entry:
    """A method that the file offers.

    Args:
        name: of the method.
        call: calls it of a model, of the family or of the file; both give the same.
        more: calls it in the other ways in which a reader may; the tracer looks on.
        replaced: function whose source stands in the place of the family's.
    """

    name: str
    call: Callable[[Any], Any]
    more: Callable[[], object] = lambda: None
    replaced: Callable[..., Any] | None = None


def entries_of(model: Family) -> Iterator[Entry]:
    """Find what a model offers.

    A score is what the family has: log p(x), its bound and its importance-weighted estimate, the free energy, or the
    loss of one that has none of these. An autoregressive model samples by one pass of the network for each sub-pixel.

    Args:
        model: in evaluation mode.
    """
    image = model.image
    x = torch.randint(image.levels, (NUM_TRACED, *image.shape), generator=_noise(), dtype=torch.uint8)
    if isinstance(model, AutoregressiveFamily):
        yield from _autoregressive(model, x)
        return
    yield from _scores(model, x)
    if isinstance(model, Sampler):
        sampler: Any = model
        begin = sampler.sample_pieces if isinstance(model, PiecewiseSampler) else sampler.sample
        count = 1 if isinstance(model, PiecewiseSampler) else NUM_TRACED  # it takes many steps
        yield Entry(
            "sample", lambda m: m.sample(count, generator=_noise()), lambda: _begun(begin(2, generator=_noise()))
        )
    if isinstance(model, Latent) and not isinstance(model, PiecewiseSampler):
        z = torch.randn((NUM_TRACED, model.latent.num_dims), generator=_noise())
        yield Entry("decode", lambda m: m.decode(z))
        if isinstance(model, Encoder):
            yield Entry("encode", lambda m: m.encode(x))
    if isinstance(model, Discriminator):
        yield Entry("discriminate", lambda m: m.discriminate(x.float() / (image.levels - 1)))


def _begun(started: object) -> None:
    """Advance a generator by its first piece; anything else is done already."""
    if isinstance(started, Iterator):
        next(started)


def _autoregressive(model: AutoregressiveFamily, x: Tensor) -> Iterator[Entry]:
    order = model.own_order
    if not model.num_classes:
        yield Entry("log_prob", lambda m: m.log_prob(x))
        yield Entry("sample", lambda m: m.logits(x, order), replaced=plain_sampling.sample)
        return
    labels = torch.arange(NUM_TRACED) % model.num_classes
    yield Entry("log_prob", lambda m: m.log_prob(x, labels=labels), lambda: model.log_prob(x))
    yield Entry(
        "sample",
        lambda m: m.logits(x, order, labels),
        lambda: (model.logits(x, order, None), model.logits(x, order, labels)),
        plain_sampling.sample_labelled,
    )


def _scores(model: Family, x: Tensor) -> Iterator[Entry]:
    any_model: Any = model
    if isinstance(model, Bounded):
        yield Entry("elbo", lambda m: m.elbo(x, 2, _noise()), lambda: any_model.elbo(x, 1, _noise()))
    if isinstance(model, Estimated) and isinstance(model, ImportanceWeighted):
        yield Entry(
            "log_prob_estimate",
            lambda m: m.log_prob_estimate(x, 2, _noise()),
            lambda: any_model.log_prob_estimate(x, 1, _noise()),
        )
    if isinstance(model, FreeEnergy):
        yield Entry("free_energy", lambda m: m.free_energy(x))
    if not isinstance(model, Bounded | FreeEnergy | Encoder | Discriminator) and hasattr(model, "loss"):
        yield Entry("loss", lambda m: m.loss(x, _noise())["loss"])


def _noise() -> torch.Generator:
    return torch.Generator().manual_seed(0)
