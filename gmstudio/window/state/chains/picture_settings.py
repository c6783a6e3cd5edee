"""Settings of a trajectory in the metadata of its pictures, and back."""

from typing import Any

import msgspec

from gmstudio.media.provenance import Provenance
from gmstudio.window.state.chains.settings import MAX_STEPS
from gmstudio.window.state.chains.state import MAX_COUNT, ChainsState

SETTINGS = "Trajectory settings"
"""Keyword of a JSON object."""


class _Settings(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    steps: int
    sampler: dict[str, Any] = {}


def settings_of(state: ChainsState) -> tuple[int | None, dict[str, str]]:
    """Return the seed of the trajectory that is shown, and its settings as keyword and text; none of a training."""
    applied = state.applied
    if applied is None or state.kind != "generation":
        return None, {}
    settings = _Settings(count=applied.count, steps=applied.steps, sampler=dict(applied.sampler))
    return applied.seed, {SETTINGS: msgspec.json.encode(settings).decode()}


def restore(state: ChainsState, origin: Provenance) -> str:
    """Generate the trajectory of a picture again; return what was set, in words.

    Raises:
        ValueError: when the settings in the file are malformed.
    """
    if origin.seed is None or SETTINGS not in origin.details:
        return ""
    try:
        settings = msgspec.json.decode(origin.details[SETTINGS], type=_Settings)
    except (msgspec.MsgspecError, RecursionError):
        raise ValueError("The settings of its trajectory are malformed; the file was changed.") from None
    if not (1 <= settings.count <= MAX_COUNT and 1 <= settings.steps <= MAX_STEPS):
        raise ValueError(
            f"Its trajectory has {settings.count:,} chains of {settings.steps:,} steps; there may be {MAX_COUNT} of "
            f"{MAX_STEPS:,}."
        )
    state.set_seed(origin.seed)
    state.set_size(settings.count, settings.steps)
    if settings.sampler:
        state.set_sampler(settings.sampler)
    state.begin()
    return f"seed {origin.seed}, {settings.count} chains of {settings.steps:,} steps"
