"""The tests' bench does what a lab may ask of one: data, models, training."""

import torch
from lab_bench import Bench, result_of

from gmstudio.families.base import Autoregressive, Family
from gmstudio.protocol.training_settings import Training


@torch.no_grad()
def mean_log_prob(model: Family, images: torch.Tensor) -> float:
    assert isinstance(model, Autoregressive)
    return float(model.log_prob(images).mean())


def test_it_loads_builds_and_trains_the_same_way_twice() -> None:
    scores = []
    for _ in range(2):
        bench = Bench(seed=3)
        dataset = result_of(bench.data("digits", {"levels": 2}))
        model = bench.build("fvbn", {}, dataset)
        batch = torch.from_numpy(dataset.view("valid", range(50)))
        before = mean_log_prob(model, batch)
        steps = list(bench.train(model, dataset, Training(steps=20, batch_size=32, learning_rate=1e-2)))
        scores.append(mean_log_prob(model, batch))
        assert steps == list(range(1, 21))
        assert scores[-1] > before
    assert scores[0] == scores[1]


def test_a_short_bench_stops_early_and_has_no_models_of_its_own() -> None:
    bench = Bench(steps=2)
    dataset = result_of(bench.data("digits", {"levels": 2}))
    model = bench.build("fvbn", {}, dataset)
    assert list(bench.train(model, dataset, Training(steps=50))) == [1, 2]
    assert result_of(bench.ready("vae")) is None
