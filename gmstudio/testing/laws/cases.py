"""All laws that apply to a family, each with a model to examine: ready for ``pytest.mark.parametrize``."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from msgspec import Struct, structs

from gmstudio.families.autoregressive.base import NO_LABEL
from gmstudio.families.autoregressive.orders import raster_order
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import SMALL, randomized, seeded
from gmstudio.testing.laws.law import LAWS, Law

SPREAD = 0.1


@dataclass(frozen=True)
class LawCase:
    """A law and a model to hold it against. Calling it examines the model; its string is a test's identifier.

    Args:
        law: the law.
        family: class of the model.
        config: its settings.
        image: specification of its images.
        spread: standard deviation of the noise on its parameters, see ``randomized``.
        conditions: arguments of the law beside the model, an ``order`` or a ``label``.
        suffix: the conditions in the identifier.
    """

    law: Law
    family: type[Family]
    config: Struct
    image: ImageSpec
    spread: float = SPREAD
    conditions: dict[str, Any] = field(default_factory=dict)
    suffix: str = ""

    def __call__(self) -> None:
        """Build a fresh model and examine it.

        Raises:
            AssertionError: when it breaks the law, with a sentence.
        """
        self.law.check(built(self.family, self.config, self.image, self.spread), **self.conditions)

    def __str__(self) -> str:
        return f"{self.law.name}-{'x'.join(map(str, structs.astuple(self.image)))}{self.suffix}"


def laws_of(
    family: type[Family],
    config: Struct | None = None,
    *,
    images: Iterable[ImageSpec] | None = None,
    also: Iterable[Any] = (),
    spread: float = SPREAD,
) -> list[LawCase]:
    """Every law that a family has to obey, with models on which to examine it.

    A law applies to a model that has what the law is about: a ``pixel_session``, a decoder, a bound. Laws of a
    generation order are examined in a foreign order too where the model can generate in any, and laws of labels with a
    label where it has classes.

    Args:
        family: the class.
        config: settings to examine; None: the defaults. Small networks make quick tests.
        images: specifications in place of the default ones; laws that sum over all images keep their tiny ones.
        also: laws to examine beside the demanded ones, for example ``laws.earlier_pixels_matter``.
        spread: standard deviation of the noise that is added to fresh parameters, so that no law holds only because
            an untrained network ignores its input.

    Returns:
        Cases to call; ``str`` gives each a name.

    Raises:
        ValueError: when the family takes none of the images.
    """
    config = family.Config() if config is None else config
    wanted = {law.__name__ for law in also}
    specs = None if images is None else tuple(images)
    model_of = cache(lambda image: _built_or_refused(family, config, image, spread))
    examined = [law for law in LAWS.values() if law.demanded or law.name in wanted]
    refusals: dict[ImageSpec, ValueError] = {}
    cases = []
    for law in examined:
        for image in specs if specs is not None and law.images is SMALL else law.images:
            model = model_of(image)
            if isinstance(model, ValueError):
                refusals[image] = model
            elif law.applies(model):
                cases += [
                    LawCase(law, family, config, image, spread, conditions, suffix)
                    for conditions, suffix in _conditions(law, model)
                ]
    if not cases:
        raise ValueError(
            f"{family.__name__} takes none of the images that its laws are examined on: "
            + " ".join(f"{image}: {error}" for image, error in refusals.items())
        )
    return cases


def built(family: type[Family], config: Struct, image: ImageSpec, spread: float = SPREAD, seed: int = 0) -> Family:
    """A model with noise on its parameters; the global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return randomized(family(config, image), spread, seed)


def _built_or_refused(family: type[Family], config: Struct, image: ImageSpec, spread: float) -> Family | ValueError:
    try:
        return built(family, config, image, spread)
    except ValueError as refusal:  # for example a decoder that is for binary images only
        return refusal


def _conditions(law: Law, model: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Arguments to examine a law with, and how to name them."""
    yield {}, ""
    if law.concerns("order") and getattr(model, "any_order", False):
        order_D3 = raster_order(model.image)
        yield {"order": order_D3[torch.randperm(len(order_D3), generator=seeded(5))]}, "-shuffled"
    if law.concerns("label"):
        for label in (0, NO_LABEL) if getattr(model, "num_classes", 0) else ():
            yield {"label": label}, "-labelled" if label >= 0 else "-unlabelled"
