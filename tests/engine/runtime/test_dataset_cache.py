"""The cache of data sets: the same settings give the same object, and the least recently used one is dropped."""

from gmstudio.engine.runtime.datasets import KEPT_DATASETS, DatasetCache


def test_the_least_recently_used_data_set_is_dropped() -> None:
    cache = DatasetCache()
    settings = [{"levels": levels, "binarize": "threshold"} for levels in (2, 4, 16)]
    settings.append({"levels": 2, "binarize": "sample"})
    assert len(settings) == KEPT_DATASETS + 1
    first, second, *_ = (cache.load("digits", config) for config in settings[:-1])
    assert cache.load("digits", dict(reversed(settings[0].items()))) is first
    cache.load("digits", settings[-1])
    assert cache.load("digits", settings[0]) is first
    assert cache.load("digits", settings[1]) is not second
