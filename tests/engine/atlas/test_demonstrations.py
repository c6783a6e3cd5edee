"""Every demonstration is computed from its beginning, yields scenes that fit the protocol, and shows what it says."""

import msgspec
import numpy as np
import pytest
import torch

from gmstudio.engine.atlas import subjects
from gmstudio.engine.atlas.demonstrations import (
    DEMONSTRATIONS,
    blind_spot,
    holes,
    mode_collapse,
    order_matters,
    posterior_collapse,
)
from gmstudio.engine.atlas.handlers import AtlasFeature
from gmstudio.engine.atlas.workbench import Workbench
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.training import bench
from gmstudio.families import FAMILIES
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.protocol.atlas import RunDemonstration, SceneShown
from gmstudio.protocol.base import Event
from gmstudio.protocol.frames import FrameReader, decode_event, frame
from gmstudio.protocol.scenes import Bars, Curves, Maps, Numbers, Pictures, Scene, Sentence
from gmstudio.protocol.training_settings import Training

SHORT = Training(steps=12, batch_size=16, learning_rate=3e-3)


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> EngineContext:
    """An engine without ready models; small models are trained for a few steps only, on the CPU."""
    for module, name in (
        (subjects, "SMALL_TRAINING"),
        (order_matters, "TRAINING"),
        (posterior_collapse, "TRAINING"),
        (mode_collapse, "TRAINING"),
        (holes, "TRAINING"),
    ):
        monkeypatch.setattr(module, name, SHORT)
    monkeypatch.setattr(bench, "SCENES_HZ", 1e6)
    context = EngineContext(lambda _event: None)
    context.device = torch.device("cpu")
    return context


def scenes_of(context: EngineContext, name: str, seed: int = 0) -> list[Scene]:
    return [scene for scene in DEMONSTRATIONS[name].run(Workbench(context, {}, seed)) if scene is not None]


def blocks(scene: Scene, kind: type) -> list:  # type: ignore[type-arg]
    return [block for row in scene.rows for block in row if isinstance(block, kind)]


@pytest.mark.parametrize("name", DEMONSTRATIONS)
def test_it_ends_with_a_result_and_its_scenes_travel(context: EngineContext, name: str) -> None:
    feature = AtlasFeature(context)
    job = feature._on_run_demonstration(RunDemonstration(request=9, name=name))
    assert job is not None
    events: list[Event] = [event for event in job if event is not None]
    assert all(isinstance(event, SceneShown) and event.request == 9 and event.name == name for event in events)
    assert [event.ends_request() for event in events] == [False] * (len(events) - 1) + [True]
    last = events[-1]
    assert isinstance(last, SceneShown) and last.scene.progress == 1.0 and not last.scene.stage
    assert [block for block in blocks(last.scene, Sentence) if block.finding], "a result in words"
    (body,) = FrameReader().feed(frame(last))
    assert decode_event(body) == last
    for kind in (Pictures, Maps):
        for block in blocks(last.scene, kind):
            assert (block.images if kind is Pictures else block.values).numpy().size


@pytest.mark.parametrize("name", DEMONSTRATIONS)
def test_its_families_exist_and_it_is_described(name: str) -> None:
    card = DEMONSTRATIONS[name].card
    assert card.name == name and card.title and card.sentence.endswith(".")
    assert card.families and set(card.families) <= set(FAMILIES)


def test_an_unknown_one_is_refused_in_words(context: EngineContext) -> None:
    with pytest.raises(ValueError, match="no demonstration 'nothing'; there are blind_spot, slow_sampling"):
        AtlasFeature(context)._on_run_demonstration(RunDemonstration(name="nothing"))


def test_the_blind_spot_is_the_one_of_the_architecture(context: EngineContext) -> None:
    """Earlier pixels outside the receptive field have no influence; in Gated PixelCNN all that can be seen have one."""
    bench = Workbench(context, {}, 0)
    work = subjects.autoregressive_subjects(bench, blind_spot.CARD.families)
    try:
        while True:
            next(work)
    except StopIteration as end:
        plain, gated = end.value
    x = plain.model.sample(1, bench.generator())
    for subject in (plain, gated):
        probe = blind_spot.Probe(subject, x, (5, 4))
        list(blind_spot._measure_influence(probe))
        model: AutoregressiveFamily = subject.model
        step = 5 * 8 + 4
        seen = model.receptive_field(step, model.own_order)[0].numpy()
        measured = np.isfinite(probe.influence)
        assert measured.sum() == step
        assert np.array_equal(probe.connected, seen)
        assert (probe.influence[~seen & measured] == 0).all()
        assert bool(probe.blind) is (subject is plain), "in Gated PixelCNN all pixels within reach have influence"
    assert len(plain.model.receptive_field(44, plain.model.own_order)[0].nonzero()) < 44, "PixelCNN has a blind spot"


def test_both_samplers_of_the_race_draw_the_same_images(context: EngineContext) -> None:
    last = scenes_of(context, "slow_sampling")[-1]
    naive, cached = (block.images.numpy() for block in blocks(last, Pictures))
    assert np.array_equal(naive, cached)
    (numbers,) = blocks(last, Numbers)
    assert numbers.numbers[0].value.startswith("0 of ")
    (curves,) = blocks(last, Curves)
    seconds = [line.x.numpy()[-1] for line in curves.lines]
    pixels = [line.y.numpy()[-1] for line in curves.lines]
    assert pixels == [64, 64] and seconds[0] > seconds[1], "full passes take longer than the cache"


def test_temperatures_share_their_random_numbers(context: EngineContext) -> None:
    """The same uniforms: at T = 1 the images are those that the model samples."""
    bench = Workbench(context, {}, 3)
    scenes = [scene for scene in DEMONSTRATIONS["temperature"].run(bench) if scene is not None]
    low, one, high = blocks(scenes[-1], Pictures)
    assert [block.title for block in (low, one, high)] == ["T = 0.5", "T = 1", "T = 1.5"]
    assert not np.array_equal(low.images.numpy(), high.images.numpy())
    changed = (low.images.numpy() != one.images.numpy()).mean(), (high.images.numpy() != one.images.numpy()).mean()
    assert min(changed) > 0 and max(changed) < 0.5


def test_orders_score_one_image_differently(context: EngineContext) -> None:
    last = scenes_of(context, "order_matters")[-1]
    one, _mean = blocks(last, Bars)
    assert len(set(np.round(one.values.numpy()[0], 4).tolist())) == len(order_matters.ORDERS)
    (maps,) = blocks(last, Maps)
    assert maps.values.numpy().max() > 0.01, "the two orders' conditionals differ"


def test_a_mixture_of_orders_is_no_worse_than_their_mean(context: EngineContext) -> None:
    last = scenes_of(context, "order_matters")[-1]
    _one, mean = blocks(last, Bars)
    (numbers,) = blocks(last, Numbers)
    mixture = float(numbers.numbers[1].value.removesuffix(" nats"))
    assert mixture <= mean.values.numpy().mean() + 0.01


def test_high_beta_collapses_the_posterior(context: EngineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posterior_collapse, "TRAINING", Training(steps=250, batch_size=64, learning_rate=2e-3))
    last = scenes_of(context, "posterior_collapse")[-1]
    (bars,) = blocks(last, Bars)
    plain, high = bars.values.numpy()
    assert (high < posterior_collapse.COLLAPSED_NATS).all() and (plain > 0.05).sum() >= 5


@pytest.mark.slow
def test_random_codes_lie_farther_from_data_for_an_autoencoder(
    context: EngineContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holes, "TRAINING", Training(steps=300, batch_size=64, learning_rate=2e-3))
    (numbers,) = blocks(scenes_of(context, "holes")[-1], Numbers)
    autoencoder, vae = (float(number.value.rsplit(" ", 1)[1]) for number in numbers.numbers)
    assert autoencoder > vae > 1.0


@pytest.mark.slow
def test_a_generator_that_runs_ahead_collapses(context: EngineContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mode_collapse, "TRAINING", Training(steps=300, batch_size=64, learning_rate=2e-3))
    last = scenes_of(context, "mode_collapse")[-1]
    (curves,) = blocks(last, Curves)
    fair, ahead = (line.y.numpy()[-3:].mean() for line in curves.lines)
    assert ahead < 2.0 and fair > 1.5 * ahead


def test_a_small_model_says_that_it_was_trained_just_now(context: EngineContext) -> None:
    texts = [block.text for block in blocks(scenes_of(context, "temperature")[-1], Sentence)]
    assert any("trained just now on 8×8 digits" in text for text in texts)


def test_scenes_repeat_for_a_seed(context: EngineContext) -> None:
    def pictures(seed: int) -> bytes:
        return msgspec.msgpack.encode(blocks(scenes_of(context, "order_matters", seed)[-1], Pictures))

    assert pictures(1) == pictures(1) != pictures(2)
