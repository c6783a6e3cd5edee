"""Settings of decoding in the engine."""

from typing import Any

import numpy as np
import pytest
import torch

from gmstudio import data
from gmstudio.engine.latents import moving
from gmstudio.engine.latents.codes import decode_pieces
from gmstudio.engine.latents.handlers import LatentsFeature
from gmstudio.engine.runtime.display import means_to_display
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


CODES = np.random.default_rng(0).normal(size=(2, 64)).astype(np.float32)


def decoded(feature: LatentsFeature, context: Context, run: str, codes: np.ndarray = CODES) -> np.ndarray:
    context.events += [e for e in feature._on_decode(Decode(run=run, codes=Array.of(codes))) or () if e is not None]
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


def test_a_moving_code_has_a_preview_in_fewer_steps_where_there_is_no_time_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moving, "BUDGET_S", 0.0)
    context = Context("ddpm", num_channels=4, num_timesteps=20)
    feature = LatentsFeature(context)  # type: ignore[arg-type]
    feature._on_choose_decoder(ChooseDecoder(run="a", decoder={"steps": 6}))
    codes = np.random.default_rng(0).normal(size=(1, 64)).astype(np.float32)
    threads = torch.get_num_threads()
    for _ in range(3):
        assert feature._on_decode(Decode(run="a", codes=Array.of(codes), moving=True)) is None
    first, _second, last = [event for event in context.events if isinstance(event, Decoded)]
    assert (first.preview, last.preview) == ("4 of 6 DDIM steps", "2 of 6 DDIM steps")
    assert torch.get_num_threads() == threads
    images = {}
    for steps in (2, 4):
        feature._on_choose_decoder(ChooseDecoder(run="a", decoder={"steps": steps}))
        images[steps] = decoded(feature, context, "a", codes)
    np.testing.assert_array_equal(last.images.numpy(), images[2])
    np.testing.assert_array_equal(first.images.numpy(), images[4])
    assert (images[2] != images[4]).any()


@pytest.mark.parametrize("long", [True, False], ids=["long", "short"])
def test_a_code_at_rest_is_decoded_at_once_unless_that_takes_long(monkeypatch: pytest.MonkeyPatch, long: bool) -> None:
    monkeypatch.setattr(moving, "PIECE_S", 0.0 if long else 60.0)
    context = Context("vae")
    feature = LatentsFeature(context)  # type: ignore[arg-type]
    codes = Array.of(np.zeros((1, context.model_of_all.latent.num_dims), np.float32))
    for _ in range(moving.MEASURED_STEPS):
        feature._on_decode(Decode(run="a", codes=codes, moving=True))
    context.events.clear()
    job = feature._on_decode(Decode(run="a", codes=codes))
    assert (job is not None) == long and len(context.events) == (not long)


def test_a_single_code_is_decoded_step_by_step_and_many_in_parts() -> None:
    context = Context("ddpm", num_channels=4, num_timesteps=20)
    model = context.model_of_all
    codes = np.random.default_rng(0).normal(size=(5, 64)).astype(np.float32)
    for count in (1, 5):
        pieces = list(decode_pieces(model, 3, Decode(run="a", codes=Array.of(codes[:count]))))
        assert len(pieces) > 3 and set(pieces[:-1]) == {None}
        expected = means_to_display(model.decode(torch.from_numpy(codes[:count])).detach())
        assert np.abs(pieces[-1].images.numpy().astype(int) - expected).max() <= 1
