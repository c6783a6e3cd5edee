"""Samples drawn live: they grow, are complete at the end, repeat for a seed, and come in short pieces."""

from typing import Any

import numpy as np
import pytest
import torch

from gmstudio.engine.atlas.live import draw_live, growing_samples, live_kind
from gmstudio.engine.runtime.models import Loaded
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.media.levels import to_display
from gmstudio.protocol.atlas import DrawLiveSamples, LiveSamplesDrawn
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import seeded

SPEC = ImageSpec(1, 6, 6, 2)
SMALL: dict[str, dict[str, Any]] = {
    "nade": {"num_hidden": 8},
    "pixelcnn": {"num_blocks": 1, "num_channels": 4, "num_head_channels": 4, "input_kernel_size": 3},
    "vae": {"num_hidden": 8, "num_latent": 2},
    "gan": {"num_hidden": 8, "num_latent": 2},
    "autoencoder": {"num_hidden": 8, "num_latent": 2},
    "rbm": {"num_hidden": 6},
}
KINDS = {"vae": "means", "autoencoder": "decoded codes"}


def model_of(family: str) -> Family:
    kind = FAMILIES[family]
    torch.manual_seed(0)
    return kind(kind.Config(**SMALL[family]), SPEC).eval()


def drawn(family: str, **command: Any) -> list[LiveSamplesDrawn]:
    loaded = Loaded(model_of(family), 7, None)  # type: ignore[arg-type]
    events = [e for e in draw_live(loaded, DrawLiveSamples(request=3, run="/r", **command)) if e is not None]
    assert all(isinstance(e, LiveSamplesDrawn) and e.request == 3 and e.run == "/r" for e in events)
    return events  # type: ignore[return-value]


@pytest.mark.parametrize("family", SMALL)
def test_the_last_event_has_all_images(family: str) -> None:
    events = drawn(family, count=5, seed=1)
    assert [e.done for e in events] == [False] * (len(events) - 1) + [True]
    last = events[-1]
    assert (last.share, last.weights_step, last.kind) == (1.0, 7, KINDS.get(family, "samples"))
    images = last.images.numpy()
    assert images.shape == (5, *SPEC.shape) and images.dtype == np.uint8
    assert last.engine_ms > 0


@pytest.mark.parametrize("family", SMALL)
def test_a_seed_repeats_and_another_differs(family: str) -> None:
    def final(seed: int) -> np.ndarray:
        return [state for state in growing_samples(model_of(family), 4, seed) if state is not None][-1].images

    assert np.array_equal(final(1), final(1))
    assert not np.array_equal(final(1), final(2))


def test_autoregressive_images_grow_to_those_that_sample_gives() -> None:
    model = model_of("pixelcnn")
    states = [state for state in growing_samples(model, 3, 5) if state is not None]
    shares = [state.share for state in states]
    assert shares == sorted(shares) and shares[-1] == 1.0
    expected = to_display(model.sample(3, seeded(5)).numpy(), SPEC.levels)  # type: ignore[attr-defined]
    assert np.array_equal(states[-1].images, expected)


def test_families_without_pieces_are_drawn_few_at_a_time() -> None:
    states = [state for state in growing_samples(model_of("gan"), 6, 0) if state is not None]
    assert states[0].share == pytest.approx(1 / 6), "the first piece is one image, however slow the family"


@pytest.mark.parametrize("count", [0, 65])
def test_numbers_out_of_range_are_refused_at_once(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} images at a time; enter 1 to 64"):
        drawn("vae", count=count)


def test_what_is_no_generative_model_is_not_called_a_sampler() -> None:
    assert live_kind(model_of("autoencoder")) == "decoded codes"
