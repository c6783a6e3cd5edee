"""Images of unusual sizes: every autoregressive family handles them, or refuses them in one sentence, quickly."""

import time
from typing import Any

import pytest
import torch
from autoregressive_cases import CASES, describe, make

from gmstudio.engine.runtime.building import meta_model
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import all_images, random_images, seeded

NAMES = sorted({name for name, _, _ in CASES})
every_family = pytest.mark.parametrize(
    ("name", "values"), [pytest.param(name, values, id=f"{name}-{number}") for name, number, values in CASES]
)


@every_family
@pytest.mark.parametrize("image", [ImageSpec(1, 1, 1, 2), ImageSpec(1, 1, 1, 5), ImageSpec(3, 1, 1, 3)], ids=describe)
def test_one_pixel_is_an_image(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    model = make(name, values, image)
    with torch.no_grad():
        total = sum(model.log_prob(x).double().exp().sum().item() for x in all_images(image))
    assert total == pytest.approx(1.0, abs=1e-5)
    laws.stepping_equals_scoring(model, batch=3)
    (phase,) = model.phases()
    loss = phase.loss(random_images(image, 4), seeded())["loss"]
    loss.backward()
    assert torch.isfinite(loss)


@every_family
@pytest.mark.parametrize("image", [ImageSpec(1, 7, 5, 3), ImageSpec(3, 5, 2, 2), ImageSpec(1, 1, 11, 2)], ids=describe)
def test_prime_sizes_are_sizes(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    model = make(name, values, image)
    laws.stepping_equals_scoring(model, batch=2)
    laws.fast_equals_plain(model, batch=1)


def test_one_level_is_no_image() -> None:
    with pytest.raises(ValueError, match="level"):
        ImageSpec(1, 3, 3, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("levels", [2, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_large_images_are_outlined_or_refused_at_once(name: str, levels: int, channels: int) -> None:
    image, family = ImageSpec(channels, 256, 256, levels), FAMILIES[name]
    start = time.process_time()
    try:
        num_parameters = meta_model(family, family.Config(), image).num_parameters()
    except ValueError as error:
        assert "at most 200,000,000 are allowed" in str(error) and len(str(error)) < 300
    else:
        assert num_parameters <= 250_000_000
    assert time.process_time() - start < 10


@pytest.mark.parametrize("name", ["nade", "made", "pixelcnn", "gated_pixelcnn"])
def test_large_images_that_are_not_refused_can_be_begun(name: str) -> None:
    small = {"num_hidden": 4} if name in ("nade", "made") else {"num_channels": 2, "num_head_channels": 2}
    model = make(name, small, ImageSpec(1, 256, 256, 2))
    session = model.pixel_session(2, generator=seeded())
    for _ in range(3):
        session.place(session.draw())
    with torch.no_grad():
        assert torch.isfinite(model.log_prob(session.images)).all()


@pytest.mark.parametrize("name", NAMES)
def test_images_of_another_shape_are_refused(name: str) -> None:
    model = make(name, next(values for known, _, values in CASES if known == name), ImageSpec(1, 4, 5, 2))
    for shape in ((1, 4, 5), (2, 1, 5, 4), (2, 3, 4, 5), (2, 1, 4, 6), (2, 20)):
        with pytest.raises(ValueError, match="do not fit this model; it accepts"):
            model.log_prob(torch.zeros(shape, dtype=torch.uint8))
