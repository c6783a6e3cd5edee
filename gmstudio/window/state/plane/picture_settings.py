"""Seed of the samples of planes in the metadata of their pictures, and back."""

from gmstudio.media.provenance import Provenance
from gmstudio.window.state.plane.state import PlaneState


def settings_of(state: PlaneState) -> tuple[int | None, dict[str, str]]:
    """Return the seed of the samples."""
    return state.seed, {}


def restore(state: PlaneState, origin: Provenance) -> str:
    """Draw the samples of a picture again; return what was set, in words."""
    if origin.seed is None or origin.seed == state.seed:
        return ""
    state.draw_samples(origin.seed)
    return f"seed {origin.seed}"
