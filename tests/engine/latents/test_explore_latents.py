"""Long work on latent spaces ends when newer work of its kind makes it useless."""

import pytest

from gmstudio.engine.latents.handlers import ExploreLatents
from gmstudio.engine.runtime.context import EngineContext, Pieces
from gmstudio.protocol.base import Command
from gmstudio.protocol.latents import ComputeDimensionStats, EncodeSplit


def test_the_newest_measurement_ends_an_older_one_and_nothing_else() -> None:
    explorer = ExploreLatents(EngineContext(lambda _event: None))

    def begun(command: Command) -> Pieces:
        pieces = explorer._until_newer(command, iter([None, None, None]))
        next(pieces)
        return pieces

    older, split = begun(ComputeDimensionStats(run="a")), begun(EncodeSplit(run="a", split="valid", count=5))
    newer = begun(ComputeDimensionStats(run="b"))
    with pytest.raises(ValueError, match="asked for again"):
        next(older)
    assert list(newer) == [None, None] and list(split) == [None, None]
