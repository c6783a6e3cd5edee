"""A named direction in a latent space."""

from dataclasses import dataclass

from gmstudio.window.state.latents.code_range import Code

UNITS = {
    "components": "standard deviations of the encoded training images along it",
    "features": "standard deviations of the decoder's first-layer features along it",
    "labels": "multiples of the class-mean difference",
    "difference": "multiples of the difference of the two codes",
    "map": "multiples of the map's axis",
}


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction in a latent space; two are the same only when they are one object.

    Args:
        name: display name.
        vector: (Z,) float32, one unit of the direction.
        kind: a key of ``UNITS``; other kinds, from an edited file, have no particular unit.
    """

    name: str
    vector: Code
    kind: str

    @property
    def unit(self) -> str:
        """Meaning of an amount of 1 along it."""
        return UNITS.get(self.kind, "multiples of the direction")
