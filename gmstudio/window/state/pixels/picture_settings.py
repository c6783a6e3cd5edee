"""Settings of a generation in the metadata of its pictures, and back."""

import math

import msgspec

from gmstudio.media.provenance import Provenance
from gmstudio.window.state.pixels.generation_edits import Choices
from gmstudio.window.state.pixels.guessed_film import GuessedFilm
from gmstudio.window.state.pixels.order import PAINTED, TITLES, order_title
from gmstudio.window.state.pixels.state import PixelsState

SETTINGS = "Generation settings"
"""Keyword of a JSON object."""


class _Settings(msgspec.Struct, frozen=True, kw_only=True):
    order: str = ""
    order_seed: int = 0
    label: int = -1
    temperature: float = 1.0
    placed: int = 0
    observed: bool = False


def settings_of(state: PixelsState) -> tuple[int | None, dict[str, str]]:
    """Return the seed of what is shown, a generation or a round of a guess, and its settings as keyword and text."""
    film, shown = state.guessing.film, state.state
    if film is not None and state.guessing.shown:
        number = int(film.rounds[state.guessing.position])
        return film.begun.seed, film_settings(film) | {"Round": f"{number} of {film.last_round}"}
    if shown is None:
        return None, {}
    choices = Choices(state.order, state.label, state.conditioning.content())
    return state.navigator.seed, _generation_settings(choices, state.navigator.temperature, shown.step)


def film_settings(film: GuessedFilm) -> dict[str, str]:
    """Return the settings of a guess as keyword and text."""
    return _generation_settings(film.begun.choices, film.begun.temperature, film.start)


def _generation_settings(choices: Choices, temperature: float, placed: int) -> dict[str, str]:
    """Return the settings of a generation as keyword and text.

    Args:
        choices: that it was opened with.
        temperature: of the draws.
        placed: sub-pixels.
    """
    settings = _Settings(
        order=choices.order.name,
        order_seed=choices.order.seed,
        label=choices.label,
        temperature=temperature,
        placed=placed,
        observed=choices.conditioning.image is not None,
    )
    return {SETTINGS: msgspec.json.encode(settings).decode()}


def restore(state: PixelsState, origin: Provenance) -> str:
    """Generate with the seed, order, class and temperature of a picture; return what was set, in words.

    Raises:
        ValueError: when the settings in the file are malformed.
    """
    if origin.seed is None or SETTINGS not in origin.details:
        return ""
    try:
        settings = msgspec.json.decode(origin.details[SETTINGS], type=_Settings)
    except (msgspec.MsgspecError, RecursionError):
        raise ValueError("The settings of its generation are malformed; the file was changed.") from None
    if not math.isfinite(settings.temperature) or not 0 < settings.temperature <= 10:
        raise ValueError(f"Its temperature is {settings.temperature:g}; it must be over 0, and 10 at most.")
    words = [f"seed {origin.seed}"]
    state.navigator.set_seed(origin.seed)
    state.navigator.set_temperature(settings.temperature)
    if settings.temperature != 1:
        words.append(f"temperature {settings.temperature:g}")
    if settings.label != state.label and settings.label >= -1:
        state.choose_label(settings.label)
        words.append(f"class {settings.label}")
    shown = state.state
    usable = settings.order in (TITLES if shown is None else shown.orders) and settings.order != PAINTED
    if settings.order != state.order.name and usable:
        state.choose_order(settings.order, settings.order_seed)
        words.append(f"order: {order_title(settings.order)}")
    text = ", ".join(words)
    missing = [
        what
        for what, holds in (("its painted order", settings.order == PAINTED), ("its observed part", settings.observed))
        if holds
    ]
    return f"{text} (not {' and '.join(missing)}, which the file does not hold)" if missing else text
