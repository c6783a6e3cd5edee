"""The laws of autoregressive models as functions: each fails with an AssertionError where a model breaks its law.

All take a model, and where it matters an order (None: the model's own) and a label (None: no label).
"""

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor

from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec

BINARY = ImageSpec(1, 3, 3, 2)
GREY = ImageSpec(1, 2, 2, 4)
COLOUR = ImageSpec(3, 1, 2, 3)
COUNTABLE = [BINARY, GREY, COLOUR]
LARGER = [ImageSpec(1, 5, 4, 2), ImageSpec(1, 4, 5, 5), ImageSpec(3, 3, 4, 2), ImageSpec(3, 2, 3, 4)]

CONFIGS: dict[str, list[dict[str, Any]]] = {
    "markov": [
        {"num_parents": 1},
        {"num_parents": 2, "order": "snake", "smoothing": 0.5},
        {"num_parents": 3, "estimator": "logistic"},
        {"num_parents": 40, "estimator": "logistic", "order": "spiral"},
    ],
    "fvbn": [{}, {"order": "spiral"}, {"order": "random", "order_seed": 3}],
    "nade": [
        {"num_hidden": 8, "activation": "sigmoid"},
        {"num_hidden": 5, "order": "spiral", "num_components": 2, "mixture": "gaussian"},
        {"num_hidden": 7, "order_agnostic": True, "num_components": 3},
        {
            "num_hidden": 6,
            "activation": "sigmoid",
            "order_agnostic": True,
            "num_layers": 3,
            "order": "centre",
            "num_components": 2,
        },
        {"num_hidden": 6, "order_agnostic": True, "num_layers": 2, "num_components": 2},
    ],
    "made": [
        {"num_hidden": 11, "num_layers": 1},
        {"num_hidden": 30, "num_layers": 2, "direct": True, "order": "spiral"},
        {"num_hidden": 16, "num_masks": 4, "num_averaged": 3, "order": "columns_bottom_right"},
        {"num_hidden": 16, "num_orders": 5, "num_masks": 2, "direct": True, "order": "centre"},
    ],
    "gated_pixelcnn": [
        {"num_layers": 2, "num_channels": 5, "num_head_channels": 4, "input_kernel_size": 5, "corner": "top right"},
        {
            "num_layers": 1,
            "num_channels": 2,
            "num_head_channels": 7,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "input_kernel_size": 3,
        },
    ],
    "pixelrnn_row": [
        {"num_layers": 2, "num_channels": 4, "num_head_channels": 5, "input_kernel_size": 3},
        {
            "num_layers": 2,
            "num_channels": 2,
            "num_head_channels": 7,
            "kernel_size": 5,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "corner": "bottom right",
        },
    ],
    "pixelrnn_diagonal": [
        {"num_layers": 2, "num_channels": 4, "num_head_channels": 5, "input_kernel_size": 3},
        {
            "num_layers": 2,
            "num_channels": 2,
            "num_head_channels": 7,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "corner": "top right",
        },
    ],
    "pixelcnn": [
        {"num_blocks": 2, "num_channels": 4, "num_head_channels": 5},
        {"num_blocks": 1, "num_channels": 7, "num_head_channels": 3, "kernel_size": 5, "input_kernel_size": 3},
        {
            "num_blocks": 1,
            "num_channels": 2,
            "num_head_channels": 7,
            "output": "logistic mixture",
            "num_mixtures": 2,
            "corner": "bottom right",
        },
    ],
}
"""Small settings to try, by family; a family without any is tried with its defaults."""

CASES = [
    (name, number, values)
    for name, family in FAMILIES.items()
    if hasattr(family, "pixel_session")
    for number, values in enumerate(CONFIGS.get(name, [{}]))
]
"""(family, number, settings) to try."""


def describe(image: ImageSpec) -> str:
    """A test's identifier, in ASCII."""
    return "x".join(map(str, msgspec.structs.astuple(image)))


def make(name: str, values: dict[str, Any], image: ImageSpec, seed: int = 0, spread: float = 0.4) -> Any:
    """A model whose parameters are all random and far from their initial values."""
    torch.manual_seed(seed)
    model = FAMILIES[name](FAMILIES[name].Config(**values), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(spread * torch.randn_like(parameter))
    return model


def seeded(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def all_images(image: ImageSpec) -> Iterator[Tensor]:
    values = torch.tensor(list(itertools.product(range(image.levels), repeat=image.num_dims)), dtype=torch.uint8)
    yield from values.view(-1, *image.shape).split(4096)


def random_images(image: ImageSpec, batch: int, seed: int = 1) -> Tensor:
    return torch.randint(image.levels, (batch, *image.shape), generator=seeded(seed), dtype=torch.uint8)


def all_conditionals(session: Any, x: Tensor) -> Tensor:
    """(D, B, L): every conditional along the given images."""
    found = []
    while (position := session.position) is not None:
        found.append(session.conditional())
        session.place(x[:, *position].long())
    return torch.stack(found)


def labels_of(label: int | None, batch: int) -> Tensor | None:
    return None if label is None else torch.full((batch,), label)


def change(x: Tensor, position: list[int], levels: int) -> Tensor:
    """The same image with a value half of all levels away at (channel, row, column)."""
    changed = x.clone()
    channel, row, column = position
    changed[0, channel, row, column] = (int(changed[0, channel, row, column]) + max(1, levels // 2)) % levels
    return changed


def check_probabilities_sum_to_one(model: Any, order: Tensor | None = None, label: int | None = None) -> None:
    """Over every image of a tiny spec."""
    with torch.no_grad():
        total = sum(
            model.log_prob(x, order, labels_of(label, len(x))).double().exp().sum().item()
            for x in all_images(model.image)
        )
    assert total == pytest.approx(1.0, abs=1e-5)


def check_autoregression(model: Any, order: Tensor | None = None, label: int | None = None) -> None:
    """Changing a sub-pixel leaves its own and all earlier conditionals, and changes some later one."""
    x = random_images(model.image, 1)
    labels = model.check_labels(labels_of(label, 1), 1)
    before = all_conditionals(model.plain_pixel_session(1, order, labels=labels), x)
    order_D3 = model.check_order(order)
    later_changed = False
    for step, position in enumerate(order_D3.tolist()):
        # The whole image is there at once, so that what lies ahead could leak.
        logits = model.logits(change(x, position, model.image.levels), order_D3, labels)
        probs = logits[0, *order_D3.T].softmax(-1)
        assert torch.allclose(probs[: step + 1], before[: step + 1, 0], atol=1e-6)
        later_changed |= not torch.allclose(probs[step + 1 :], before[step + 1 :, 0], atol=1e-4)
    assert later_changed


def check_contexts(model: Any, order: Tensor | None = None) -> None:
    """A conditional depends on its context only, and that is earlier in the order."""
    order_D3 = model.check_order(order)
    x = random_images(model.image, 1)
    with torch.no_grad():
        reference = model.logits(x, order_D3)[0, *order_D3.T].softmax(-1)
        session = model.pixel_session(1, order)
        contexts, placed = [], torch.zeros(model.image.shape, dtype=torch.bool)
        while (position := session.position) is not None:
            contexts.append(session.context())
            assert contexts[-1].shape == model.image.shape and contexts[-1].dtype == torch.bool
            assert not (contexts[-1] & ~placed).any()
            session.place(x[:, *position].long())
            placed[position] = True
        for channel, row, column in order_D3.tolist():
            changed = change(x, [channel, row, column], model.image.levels)
            now = model.logits(changed, order_D3)[0, *order_D3.T].softmax(-1)
            for step, context in enumerate(contexts):
                if not context[channel, row, column]:
                    assert torch.allclose(now[step], reference[step], atol=1e-6)


def check_stepping_equals_scoring(
    model: Any, batch: int, order: Tensor | None = None, label: int | None = None
) -> None:
    """The log-probabilities of the values drawn add up to that of the finished image."""
    labels = labels_of(label, batch)
    session = model.pixel_session(batch, order, seeded(), labels=labels)
    total = torch.zeros(batch, dtype=torch.float64)
    while session.position is not None:
        drawn = session.draw()
        total += session.conditional().double().gather(1, drawn.unsqueeze(1)).squeeze(1).log()
        session.place(drawn)
    with torch.no_grad():
        scored = model.log_prob(session.images, order, labels)
    assert torch.allclose(total.float(), scored, rtol=1e-5, atol=1e-4)


def check_fast_equals_plain(model: Any, batch: int, order: Tensor | None = None, label: int | None = None) -> None:
    """The incremental sampler gives the conditionals of a full pass, and with the same noise the same image."""
    labels = labels_of(label, batch)
    fast = model.pixel_session(batch, order, seeded(), labels=labels)
    plain = model.plain_pixel_session(batch, order, seeded(), labels=labels)
    while fast.position is not None:
        assert fast.position == plain.position
        assert torch.allclose(fast.conditional(), plain.conditional(), rtol=0, atol=1e-5)
        fast.place(fast.draw())
        plain.place(plain.draw())
    assert plain.position is None
    assert torch.equal(fast.images, plain.images)
    assert torch.equal(model.sample(batch, seeded(), order=order, labels=labels), plain.images)


def check_rewinding(model: Any, order: Tensor | None = None, label: int | None = None) -> None:
    """Going back and on with other values, now and then without a look, gives what a full pass gives."""
    size, levels = model.image.num_dims, model.image.levels
    labels = labels_of(label, 2)
    session = model.pixel_session(2, order, labels=labels)
    order_D3 = model.check_order(order)
    walk = torch.Generator().manual_seed(5)
    for _ in range(12):
        session.rewind(int(torch.randint(session.step + 1, (), generator=walk)))
        forward = int(torch.randint(size - session.step + 1, (), generator=walk))
        for _ in range(forward):
            if torch.rand((), generator=walk) < 0.5:
                session.conditional()
            session.place(torch.randint(levels, (2,), generator=walk))
        if session.position is not None:
            with torch.no_grad():
                expected = model.logits(session.images, order_D3, labels)[:, *session.position].softmax(-1)
            assert torch.allclose(session.conditional(), expected, atol=1e-5)


def check_order_is_heeded(model: Any, order: Tensor) -> None:
    """A session goes through the order that it was opened with, and the order matters to the likelihood."""
    x = random_images(model.image, 3)
    session = model.pixel_session(3, order)
    visited = []
    while (position := session.position) is not None:
        visited.append(list(position))
        session.place(x[:, *position].long())
    assert visited == order.tolist() == session.order.tolist()
    with torch.no_grad():
        assert not torch.allclose(model.log_prob(x, order), model.log_prob(x), atol=1e-4)
