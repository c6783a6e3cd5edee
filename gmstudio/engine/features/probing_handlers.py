"""Handlers of the commands about layers, probes and neighbours."""

from gmstudio.data.dataset import Dataset
from gmstudio.engine.features.layers import layers_of
from gmstudio.engine.features.neighbours import find_neighbours
from gmstudio.engine.features.probe import Probe
from gmstudio.engine.runtime.context import ANY_FAMILY
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.protocol.features import FeatureLayersListed, FindNeighbours, ListFeatureLayers, ProbeFeatures
from gmstudio.runs.folder import RunFolder


class ProbingFeature(Feature):
    """List the layers of models, train classifiers on them, find neighbours."""

    def _on_list_feature_layers(self, command: ListFeatureLayers) -> None:
        model = self.context.model(command.run, ANY_FAMILY).model
        self.context.send(FeatureLayersListed(request=command.request, run=command.run, layers=layers_of(model)))

    def _on_probe_features(self, command: ProbeFeatures) -> Job | None:
        with RunFolder.open(command.run) as run:
            record = run.record

        def answer() -> Job:
            dataset: Dataset = load_run_data(self.context.data, record)
            return Probe(self.context, dataset, command).run()

        return self.context.when_data_of(record, command.request, answer)

    def _on_find_neighbours(self, command: FindNeighbours) -> Job:
        return find_neighbours(self.context, command)
