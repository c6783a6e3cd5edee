"""Commands before training: looking at data, and checking a config against it."""

from gmstudio.engine.runtime.context import Bench, Handlers
from gmstudio.engine.runtime.datasets import load_data
from gmstudio.engine.runtime.models import outline_model
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import BrowseData, DataBrowsed, DescribeModel, ModelDescribed

MAX_BROWSED = 1024


class Prepare:
    """Handles browsing data and describing models.

    Args:
        bench: the engine's state.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.handlers: Handlers = {BrowseData: self._on_browse_data, DescribeModel: self._on_describe_model}

    def _on_browse_data(self, command: BrowseData) -> None:
        dataset = load_data(self._bench.data, command.data, command.data_config)
        split = dataset.split(command.split)
        start = max(0, min(command.start, len(split.images)))
        stop = min(len(split.images), start + max(0, min(command.count, MAX_BROWSED)))
        self._bench.send(
            DataBrowsed(
                request=command.request,
                data=command.data,
                image=dataset.image,
                split=command.split,
                start=start,
                sizes={name: len(dataset.split(name).images) for name in ("train", "valid", "test")},
                images=Array.of(dataset.view(command.split, range(start, stop))),
                labels=None if split.labels is None else Array.of(split.labels[start:stop]),
                label_names=dataset.label_names,
            )
        )

    def _on_describe_model(self, command: DescribeModel) -> None:
        bench = self._bench
        plan = plan_run(
            bench.data,
            command.family,
            command.config,
            command.data,
            command.data_config,
            command.training,
            bench.device,
        )
        model = outline_model(plan.family, plan.config, plan.record.image)
        bench.send(
            ModelDescribed(
                request=command.request,
                family=command.family,
                num_parameters=model.num_parameters(),
                image=plan.record.image,
                remarks=model.remarks(),
            )
        )
