"""Order matters: one model, several orders of the pixels, other conditionals and another log p(x) for each.

The chain rule holds in every order, so the exact p(x) has one value. A model's conditionals are learned, and those of
different orders do not belong to one joint distribution: log p(x) depends on the order. The order-agnostic NADE is
trained on all of them.

Source: Uria, Murray & Larochelle 2014, A Deep and Tractable Density Estimator, arXiv:1310.1757, section 3.
Shapes: N images, D sub-pixels, H height, W width.
"""

import time
from collections.abc import Generator, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from gmstudio.engine.atlas.subjects import training_scene
from gmstudio.engine.atlas.workbench import SMALL_WORDS, Demonstration, Workbench, data_title, images_of
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.autoregressive.orders import OrderName, named_order
from gmstudio.families.autoregressive.session import AutoregressiveSession
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.atlas import DemonstrationCard
from gmstudio.protocol.scenes import Bars, Block, Maps, Number, Numbers, Pictures, Scene, Sentence
from gmstudio.protocol.training_settings import Training

CARD = DemonstrationCard(
    name="order_matters",
    title="Order matters",
    sentence="One model generates and scores the same image in several orders: other conditionals, another log p(x).",
    families=("nade", "made"),
)
ORDERS: dict[str, OrderName] = {
    "raster": "raster",
    "bottom up": "raster_bottom_right",
    "columns": "columns_top_left",
    "centre out": "centre",
    "spiral": "spiral",
    "shuffled": "random",
}
SHOWN = ("raster", "centre out")
SCORED, SCORED_AT_ONCE = 100, 10
COUNT = 9
PIECE_S = 0.01
CONFIG = {"num_hidden": 200, "order_agnostic": True}
TRAINING = Training(steps=800, batch_size=64, learning_rate=3e-3, schedule="cosine")


def run(bench: Workbench) -> Iterator[Scene | None]:
    """Train or take an order-agnostic model; generate in two orders; score in six."""
    model, images_NCHW, words = yield from _subject(bench)
    orders = {title: named_order(name, model.image, bench.seed) for title, name in ORDERS.items()}
    x = images_NCHW[:1]
    with torch.inference_mode():
        sessions = [model.pixel_session(COUNT, orders[o], bench.generator(), rewindable=False) for o in SHOWN]
    fixed = _conditionals(model, x, orders)
    while sessions[0].position is not None:
        _advance(sessions)
        share = sessions[0].step / model.image.num_dims
        scene = Scene(rows=(_generated(sessions, model), *fixed), stage="Generating in two orders", progress=share / 2)
        yield scene if bench.due() else None
    nats: dict[str, Tensor] = {}
    for number, (title, order) in enumerate(orders.items()):
        pieces = []
        for piece_BCHW in images_NCHW.split(SCORED_AT_ONCE):
            with torch.inference_mode():
                pieces.append(-model.log_prob(piece_BCHW, order).double().cpu())
            yield None
        nats[title] = torch.cat(pieces)
        stage, progress = "Scoring in six orders", 0.5 + number / len(orders) / 2
        yield Scene(rows=(_generated(sessions, model), *fixed, *_scores(nats)), stage=stage, progress=progress)
    finding = (Sentence(text=_finding(nats), finding=True),)
    rows = (_generated(sessions, model), *fixed, *_scores(nats), finding, (Sentence(text=words),))
    yield Scene(rows=rows, progress=1.0)


def _subject(bench: Workbench) -> Generator[Scene | None, None, tuple[AutoregressiveFamily, Tensor, str]]:
    """A model for any order, (N, C, H, W) images that it was not trained on, and its origin in words."""
    for family in CARD.families:
        loaded = bench.ready(family, "pixel_session")
        if loaded is None or not isinstance(loaded.model, AutoregressiveFamily) or not loaded.model.any_order:
            continue
        dataset = yield from bench.data_of(loaded)
        if dataset is not None:
            words = f"From a ready {loaded.model.card.title}, {loaded.record.image}; images of {data_title(dataset)}."
            return loaded.model, images_of(dataset, SCORED).to(loaded.model.device), words
    dataset = yield from bench.small_data()
    model = bench.build("nade", CONFIG, dataset)
    assert isinstance(model, AutoregressiveFamily)
    for step in bench.train(model, dataset, TRAINING):
        yield training_scene("order-agnostic NADE", step, TRAINING.steps) if bench.due() else None
    words = f"From a small order-agnostic NADE, trained just now on {SMALL_WORDS} for {TRAINING.steps} steps."
    return model, images_of(dataset, SCORED).to(model.device), words


def _advance(sessions: Sequence[AutoregressiveSession]) -> None:
    began = time.perf_counter()
    with torch.inference_mode():
        while sessions[0].position is not None and time.perf_counter() - began < PIECE_S:
            for session in sessions:
                session.place(session.draw())


def _generated(sessions: Sequence[AutoregressiveSession], model: AutoregressiveFamily) -> tuple[Block, ...]:
    return tuple(
        Pictures(
            title=f"Generated in the order: {order}",
            images=Array.of(to_display(session.images.numpy(), model.image.levels)),
            columns=COUNT,
        )
        for order, session in zip(SHOWN, sessions, strict=True)
    )


def _conditionals(model: AutoregressiveFamily, x: Tensor, orders: dict[str, Tensor]) -> tuple[tuple[Block, ...], ...]:
    """Row of the image and of E[x_i | x_<i] for every pixel in two orders, and of their differences."""
    levels = torch.arange(model.image.levels, device=model.device) / (model.image.levels - 1)
    means = []
    with torch.inference_mode():
        for title in SHOWN:
            p_CHWL = model.logits(x, orders[title])[0].softmax(-1)
            means.append((p_CHWL * levels).sum(-1).float().cpu().numpy())
    shown = [(mean * 255).round().astype(np.uint8) for mean in means]
    images = np.stack([to_display(x[0].cpu().numpy(), model.image.levels), *shown])
    captions = ("x", *SHOWN)
    pictures = Pictures(
        title="An image and the conditionals' means", images=Array.of(images), captions=captions, columns=3
    )
    difference = np.abs(means[0] - means[1]).mean(axis=0)[None].astype(np.float32)
    maps = Maps(title="Difference of the two means", values=Array.of(difference), unit="intensity", top=1.0)
    return ((pictures, maps),)


def _scores(nats: dict[str, Tensor]) -> tuple[tuple[Block, ...], ...]:
    titles = tuple(nats)
    first = np.array([[float(nats[title][0]) for title in titles]], np.float32)
    mean = np.array([[float(nats[title].mean()) for title in titles]], np.float32)
    one = Bars(title="−log p(x) of this image (nats)", labels=titles, series=("this image",), values=Array.of(first))
    count = len(next(iter(nats.values())))
    several = Bars(
        title=f"Mean of {count} held-out images (nats)", labels=titles, series=("mean",), values=Array.of(mean)
    )
    every = torch.stack([nats[title] for title in titles])
    mixture = len(titles) ** -1
    mixed = float(-(torch.logsumexp(-every, 0) + np.log(mixture)).mean())
    numbers = Numbers(
        title="Ensemble",
        numbers=(
            Number("Best single order", f"{float(every.mean(1).min()):.2f} nats"),
            Number(
                "Mixture of these orders",
                f"{mixed:.2f} nats",
                "−log of the mean of p(x) over the orders: never worse than the mean of the single ones.",
            ),
        ),
    )
    return ((one, several), (numbers,)) if len(titles) == len(ORDERS) else ((one, several),)


def _finding(nats: dict[str, Tensor]) -> str:
    first = {title: float(values[0]) for title, values in nats.items()}
    low, high = min(first, key=first.__getitem__), max(first, key=first.__getitem__)
    return (
        f"The same model gives this image −log p(x) = {first[low]:.2f} nats in the order '{low}' and {first[high]:.2f} "
        f"in '{high}'. Every order is a valid use of the chain rule, but the learned conditionals of different orders "
        "do not agree on one joint distribution. Averaging p(x) over orders gives an ensemble for nothing but time."
    )


ORDER_MATTERS = Demonstration(CARD, run)
