"""Commands about data: browsing, checking settings, and finding the data of a run that were moved or changed."""

from gmstudio.engine.runs.describe import announce_run
from gmstudio.engine.runtime.building import meta_model
from gmstudio.engine.runtime.datasets import load_data
from gmstudio.engine.runtime.feature import Feature
from gmstudio.engine.runtime.run_data import changes_since, load_run_data, log_changes
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import BrowseData, DataBrowsed, DescribeModel, LocateData, ModelDescribed
from gmstudio.runs.folder import RunFolder

MAX_BROWSED = 1024


class DataFeature(Feature):
    """Browse data sets; check the settings of a run; take data for a run from another folder, or as they are now."""

    def _on_browse_data(self, command: BrowseData) -> None:
        if command.run:
            with RunFolder.open(command.run) as run:
                dataset = load_run_data(self.context.data, run.record)
        else:
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

    def _on_locate_data(self, command: LocateData) -> None:
        context = self.context
        if context.is_live(command.run):
            raise ValueError(f"{command.run} is in training, with its data in memory. Stop it first.")
        with RunFolder.open(command.run, write=True) as run:
            dataset = load_run_data(context.data, run.record, command.folder, accept_changed=command.accept_changed)
            changes = changes_since(run.record, dataset)
            run.update(data_config=dataset.config, fingerprint=dataset.fingerprint)
            log_changes(run, changes, run.record.step)
        context.models.clear()  # their records name the data of before
        announce_run(context, command.run, command.request)

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
