"""Settings of decoding in the engine."""

from typing import Any

import numpy as np
import pytest
import torch

from gmstudio import data
from gmstudio.engine.latents.handlers import LatentsFeature
from gmstudio.engine.runtime.models import Loaded
from gmstudio.families import FAMILIES
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import Done
from gmstudio.protocol.latents import ChooseDecoder, Decode, Decoded


class Context:
    """Context with one model for every run."""

    def __init__(self, family: str, **config: Any) -> None:
        torch.manual_seed(0)
        kind = FAMILIES[family]
        self.model_of_all = kind(kind.Config(**config), data.load("digits", {"levels": 4}).image).eval()
        self.events: list[Event] = []
        self.send = self.events.append

    def model(self, run: str, capability: str) -> Any:
        return Loaded(self.model_of_all, 5, None)  # type: ignore[arg-type]  # no command here reads the record


def decoded(feature: LatentsFeature, context: Context, run: str) -> np.ndarray:
    codes = np.random.default_rng(0).normal(size=(2, 64)).astype(np.float32)
    feature._on_decode(Decode(run=run, codes=Array.of(codes)))
    event = context.events[-1]
    assert isinstance(event, Decoded)
    return event.images.numpy()


def test_a_run_is_decoded_with_its_settings_and_others_are_not() -> None:
    context = Context("ddpm", num_channels=4, num_timesteps=20)
    feature = LatentsFeature(context)  # type: ignore[arg-type]
    before = decoded(feature, context, "a")
    feature._on_choose_decoder(ChooseDecoder(request=3, run="a", decoder={"steps": 20}))
    assert context.events[-1] == Done(request=3)
    assert (decoded(feature, context, "a") != before).any()
    assert (decoded(feature, context, "b") == before).all()


def test_settings_that_cannot_be_used_are_refused_and_the_former_stay() -> None:
    context = Context("ddpm", num_channels=4, num_timesteps=20)
    feature = LatentsFeature(context)  # type: ignore[arg-type]
    before = decoded(feature, context, "a")
    with pytest.raises(ValueError, match="DDIM steps is 0"):
        feature._on_choose_decoder(ChooseDecoder(run="a", decoder={"steps": 0}))
    assert (decoded(feature, context, "a") == before).all()
    feature = LatentsFeature(Context("vae"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="VAE has no settings of decoding"):
        feature._on_choose_decoder(ChooseDecoder(run="a", decoder={}))
