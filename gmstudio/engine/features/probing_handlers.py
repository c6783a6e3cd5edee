"""Handlers of the commands about layers, probes and neighbours."""

from gmstudio.engine.features.extraction import ANY_FAMILY
from gmstudio.engine.features.layers import layers_of
from gmstudio.engine.runtime.feature import Feature
from gmstudio.protocol.features import FeatureLayersListed, ListFeatureLayers


class ProbingFeature(Feature):
    """List the layers of models, train classifiers on them, find neighbours."""

    def _on_list_feature_layers(self, command: ListFeatureLayers) -> None:
        model = self.context.model(command.run, ANY_FAMILY).model
        self.context.send(FeatureLayersListed(request=command.request, run=command.run, layers=layers_of(model)))
