"""Commands before training: browsing data, and checking settings."""

from gmstudio.engine.runtime.building import meta_model
from gmstudio.engine.runtime.datasets import load_data
from gmstudio.engine.runtime.feature import Feature
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import BrowseData, DataBrowsed, DescribeModel, ModelDescribed

MAX_BROWSED = 1024


class DataFeature(Feature):
    """Browse data sets; check the settings of a run."""

    def _on_browse_data(self, command: BrowseData) -> None:
        dataset = load_data(self.context.data, command.data, command.data_config)
        split = dataset.split(command.split)
        start = max(0, min(command.start, len(split.images)))
        stop = min(len(split.images), start + max(0, min(command.count, MAX_BROWSED)))
        self.context.send(
            DataBrowsed(
                request=command.request,
                data=command.data,
                image=dataset.image,
                split=command.split,
                start=start,
                sizes=dataset.sizes,
                images=Array.of(dataset.view(command.split, range(start, stop))),
                labels=None if split.labels is None else Array.of(split.labels[start:stop]),
                label_names=dataset.label_names,
            )
        )

    def _on_describe_model(self, command: DescribeModel) -> None:
        context = self.context
        plan = plan_run(context.data, command.spec, context.device)
        model = meta_model(plan.family, plan.config, plan.record.image)
        context.send(
            ModelDescribed(
                request=command.request,
                family=command.spec.family,
                num_parameters=model.num_parameters(),
                image=plan.record.image,
                remarks=model.remarks(),
            )
        )
