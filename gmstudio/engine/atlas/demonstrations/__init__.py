"""Demonstrations of the Atlas: name → demonstration, one in each file."""

from gmstudio.engine.atlas.demonstrations.blind_spot import BLIND_SPOT
from gmstudio.engine.atlas.demonstrations.holes import HOLES
from gmstudio.engine.atlas.demonstrations.mode_collapse import MODE_COLLAPSE
from gmstudio.engine.atlas.demonstrations.order_matters import ORDER_MATTERS
from gmstudio.engine.atlas.demonstrations.posterior_collapse import POSTERIOR_COLLAPSE
from gmstudio.engine.atlas.demonstrations.slow_sampling import SLOW_SAMPLING
from gmstudio.engine.atlas.demonstrations.temperature import TEMPERATURE
from gmstudio.engine.atlas.workbench import Demonstration

DEMONSTRATIONS: dict[str, Demonstration] = {
    demonstration.card.name: demonstration
    for demonstration in (
        BLIND_SPOT,
        SLOW_SAMPLING,
        ORDER_MATTERS,
        TEMPERATURE,
        POSTERIOR_COLLAPSE,
        HOLES,
        MODE_COLLAPSE,
    )
}
"""In the order in which they are offered."""
