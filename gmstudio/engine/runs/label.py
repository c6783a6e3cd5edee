"""Labels of runs: family, the settings that differ from their defaults, data and size of the images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gmstudio.data import SOURCES
from gmstudio.protocol.config import parse_config, schema_of
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.plain_text import plain_text
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training_settings import Training

MAX_SETTINGS = 4
"""Settings in a label; the others are counted."""
MAX_NAME, MAX_VALUE = 40, 24
"""Characters of a name or value that is shown."""
SHORT_TITLES = {"learning_rate": "lr", "batch_size": "batch"}
UNLABELLED = frozenset(
    {
        "steps",
        "validate_every",
        "validation_images",
        "sample_every",
        "checkpoint_every",
        "travel_checkpoints",
        "num_samples",
        "cuda_graphs",
        "log_to",
    }
)
"""Training settings that are shown elsewhere, or that say how a run is watched and not what is trained."""
POINTS = "points"
IN_DATA_LABEL = frozenset({"folder", "variant", "size", "shape", "strokes", "path"})
"""Settings of data sources that the name of the data or the size of the images shows."""


@dataclass(frozen=True)
class RunLabel:
    """Label of a run.

    Args:
        model: family and the settings that differ, for example ``VAE · β = 10``.
        data: name of the data, size of the images and what differs, for example ``MNIST 28×28, 16 levels``.
        differing: one line for each setting that differs from its default, with both values.
    """

    model: str
    data: str
    differing: tuple[str, ...]


@dataclass(frozen=True)
class _Setting:
    name: str
    short: str
    line: str


def label_of(spec: RunSpec, image: ImageSpec, families: Mapping[str, FamilyEntry]) -> RunLabel:
    """Compute the label of a run, without torch.

    Args:
        spec: complete settings; family and data source may be unknown here.
        image: spec of its images.
        families: the catalog's entries by name.
    """
    family, source = families.get(spec.family), SOURCES.get(spec.data)
    title, config = plain_text(spec.family, MAX_NAME), list[_Setting]()
    training = differing(schema_of(Training)["properties"], spec.training, {})
    if family is not None:
        title = family.card.title
        proposed = family.start_on_points
        usual = proposed.config if proposed is not None and spec.data == proposed.data else {}
        config = differing(family.config_schema["properties"], spec.config, usual)
        defaults = family.training_on(spec.data)
        training = differing(schema_of(Training)["properties"], spec.training, defaults)
    data, of_data = plain_text(spec.data, MAX_NAME), list[_Setting]()
    if source is not None:
        data = plain_text(_data_name(source, spec), MAX_NAME)
        of_data = differing(schema_of(source.Config)["properties"], spec.data_config, {})
    size = f"{image.width}-D" if spec.data == POINTS else f"{image.height}×{image.width}"
    shown = [s.short for s in (*config, *training) if s.name not in UNLABELLED]
    rest = len(shown) - MAX_SETTINGS
    more = [f"+{rest}"] if rest > 0 else []
    return RunLabel(
        model=" · ".join([title, *shown[:MAX_SETTINGS], *more]),
        data=", ".join(
            [
                data if size in data else f"{data} {size}",
                *(s.short for s in of_data if s.name not in IN_DATA_LABEL),
            ]
        ),
        differing=tuple(s.line for s in (*config, *training, *of_data)),
    )


def differing(properties: dict[str, Any], values: dict[str, Any], defaults: dict[str, Any]) -> list[_Setting]:
    """Return the settings whose values differ from their defaults, in the schema's order.

    Args:
        properties: properties of the config's schema.
        values: settings as plain values; missing and unknown ones are passed over.
        defaults: defaults that take the place of the schema's.
    """
    found = []
    for name, prop in properties.items():
        default = defaults.get(name, prop.get("default"))
        if name in values and values[name] != default:
            title = str(prop.get("title", name))
            value = shown_value(values[name], prop)
            line = f"{title}: {value} (default {shown_value(default, prop)})"
            found.append(_Setting(name, _short(name, title, values[name], value), line))
    return found


def _data_name(source: Any, spec: RunSpec) -> str:
    try:
        return str(source.label(parse_config(source.Config, spec.data_config)))
    except ValueError:  # settings of another version
        return str(source.title)


def _short(name: str, title: str, value: Any, shown: str) -> str:
    if name == "levels":
        return f"{shown} levels"
    if name == "mutation":
        return f"background, μ = {shown}"
    words = SHORT_TITLES.get(name) or (title if title[1:2].isupper() else title[:1].lower() + title[1:])
    if len(title) == 1:
        return f"{title} = {shown}"
    return words if value is True else f"{words} {shown}"


def unit_of(value: Any, prop: dict[str, Any]) -> str:
    """Return the unit of a setting's value: 2 layers, but 1 layer; empty: it has none."""
    unit = str(prop.get("unit", ""))
    one = isinstance(value, int) and not isinstance(value, bool) and value == 1
    plural = unit.isalpha() and len(unit) > 2  # not "s" for seconds, nor "images/s"
    return unit.removesuffix("s") if one and plural else unit


def shown_value(value: Any, prop: dict[str, Any], longest: int = MAX_VALUE) -> str:
    """Write the value of a setting in words.

    Args:
        value: plain value.
        prop: of the setting, in its schema; may be empty.
        longest: characters that are shown of a text.
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if value is None or value == "":
        return "none"
    if isinstance(value, list | tuple):
        return plain_text(", ".join(map(str, value)), longest)
    return plain_text(str(prop.get("labels", {}).get(value, value)), longest)
