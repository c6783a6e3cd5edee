"""Commands about data: browsing, checking settings, and finding the data of a run that were moved or changed."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset, Split
from gmstudio.data.importing.library import rename_import, restore_import, trash_import
from gmstudio.data.importing.set_file import open_import
from gmstudio.engine.data.downloads import list_downloads, run_download
from gmstudio.engine.data.imports import ImportPreviews, run_import
from gmstudio.engine.data.points import describe_points, is_made_at_once, made_points
from gmstudio.engine.data.sets import described, list_sets
from gmstudio.engine.data.statistics import measure
from gmstudio.engine.runs.describe import opened_pieces
from gmstudio.engine.runtime.building import meta_model
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.datasets import load_data
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.run_data import changes_since, load_run_data, located_settings, log_changes
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import BrowseData, DataBrowsed, DescribeModel, LocateData, MeasureData, ModelDescribed
from gmstudio.protocol.data_import import (
    DataSetTrashed,
    DescribeDataSet,
    DownloadData,
    ImportData,
    ListDataSets,
    ListDownloads,
    PreviewImport,
    RenameDataSet,
    RestoreDataSet,
    TrashDataSet,
)
from gmstudio.protocol.points import DescribePoints
from gmstudio.runs.folder import RunFolder

MAX_BROWSED = 1024


class DataSetsFeature(Feature):
    """List, describe, name and remove imported data sets; preview, import and download files."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._previews = ImportPreviews()

    def _on_list_data_sets(self, command: ListDataSets) -> Job:
        return list_sets(command)

    def _on_describe_data_set(self, command: DescribeDataSet) -> None:
        self.context.send(described(open_import(Path(command.folder)), command.request))

    def _on_rename_data_set(self, command: RenameDataSet) -> None:
        self.context.send(described(rename_import(Path(command.folder), command.name), command.request))

    def _on_trash_data_set(self, command: TrashDataSet) -> None:
        place = trash_import(Path(command.folder))
        self.context.send(DataSetTrashed(request=command.request, folder=command.folder, place=str(place)))

    def _on_restore_data_set(self, command: RestoreDataSet) -> None:
        imported = restore_import(Path(command.place), Path(command.folder))
        self.context.send(described(imported, command.request))

    def _on_list_downloads(self, command: ListDownloads) -> Job:
        return list_downloads(command)

    def _on_download_data(self, command: DownloadData) -> Job:
        return run_download(command)

    def _on_preview_import(self, command: PreviewImport) -> Job:
        return self._previews.preview(command)

    def _on_import_data(self, command: ImportData) -> Job:
        return run_import(command)


class DataFeature(Feature):
    """Browse and measure data sets; check the settings of a run; take data for a run from another folder."""

    def _on_browse_data(self, command: BrowseData) -> Job | None:
        context = self.context
        if not command.run:
            return context.when_data(
                command.request,
                command.data,
                command.data_config,
                lambda: self._browse(load_data(context.data, command.data, command.data_config), command),
            )
        with RunFolder.open(command.run) as run:
            record = run.record
        return context.when_data_of(
            record, command.request, lambda: self._browse(load_run_data(context.data, record), command)
        )

    def _browse(self, dataset: Dataset, command: BrowseData) -> None:
        split = dataset.split(command.split)
        found = None if command.label is None else _labelled(split, command.label)
        total = len(split) if found is None else len(found)
        start = max(0, min(command.start, total))
        stop = min(total, start + max(0, min(command.count, MAX_BROWSED)))
        indices = np.arange(start, stop) if found is None else found[start:stop]
        self.context.send(
            DataBrowsed(
                request=command.request,
                data=command.data,
                image=dataset.image,
                split=command.split,
                start=start,
                sizes=dataset.sizes,
                images=Array.of(dataset.view(command.split, indices)),
                labels=None if split.labels is None else Array.of(split.labels[indices]),
                label_names=dataset.label_names,
                total=total,
                indices=None if found is None else Array.of(indices),
            )
        )

    def _on_measure_data(self, command: MeasureData) -> Job | None:
        context = self.context
        return context.when_data(
            command.request,
            command.data,
            command.data_config,
            lambda: measure(load_data(context.data, command.data, command.data_config), command),
        )

    def _on_describe_points(self, command: DescribePoints) -> Job | None:
        context = self.context
        if is_made_at_once(command.data, command.data_config):
            context.send(describe_points(made_points(command.data_config), command))
            return None
        return context.when_data(
            command.request,
            command.data,
            command.data_config,
            lambda: context.send(describe_points(load_data(context.data, command.data, command.data_config), command)),
        )

    def _on_locate_data(self, command: LocateData) -> Job | None:
        context = self.context
        if context.is_live(command.run):
            raise ValueError(f"{command.run} is in training, with its data in memory. Stop it first.")
        with RunFolder.open(command.run) as run:
            record = run.record
        settings = located_settings(record, command.folder)
        return context.when_data(command.request, record.data, settings, lambda: self._locate(command))

    def _locate(self, command: LocateData) -> Job:
        context = self.context
        with RunFolder.open(command.run, write=True) as run:
            dataset = load_run_data(context.data, run.record, command.folder, accept_changed=command.accept_changed)
            changes = changes_since(run.record, dataset)
            run.update(data_config=dataset.config, fingerprint=dataset.fingerprint)
            log_changes(run, changes, run.record.step)
        context.models.clear()  # their records name the data of before
        return opened_pieces(context, command.run, command.request)

    def _on_describe_model(self, command: DescribeModel) -> Job | None:
        spec = command.spec
        return self.context.when_data(command.request, spec.data, spec.data_config, lambda: self._describe(command))

    def _describe(self, command: DescribeModel) -> None:
        context = self.context
        plan = plan_run(context.data, command.spec, context.device)
        model = meta_model(plan.family, plan.config, plan.record.image)
        context.send(
            ModelDescribed(
                request=command.request,
                family=command.spec.family,
                num_parameters=model.num_parameters(),
                image=plan.record.image,
                remarks=(*plan.dataset.remarks, *model.remarks()),
            )
        )


def _labelled(split: Split, label: int) -> NDArray[np.int64]:
    """Indices of the images of a split that have a label; none where the images have no labels."""
    if split.labels is None:
        return np.zeros(0, np.int64)
    return np.flatnonzero(split.labels == label).astype(np.int64)
