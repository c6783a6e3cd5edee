"""Settings of a run that no branch of it can change, as its checkpoints do not fit them."""

from collections.abc import Generator, Iterator, Mapping
from typing import Any

from gmstudio.engine.runtime.building import family_class, meta_model, run_config
from gmstudio.families.base import Family
from gmstudio.protocol.config import ConfigError, parse_config, schema_of
from gmstudio.runs.record import RunRecord

NETWORK = (
    "{title} sets the parameters of the network, which those of the checkpoint do not fit otherwise. Start a new run "
    "to change it."
)
COUNTS = "{title} counts each training image once, by batches of {size:,}; leave the batch size, or start a new run."
Shapes = dict[str, tuple[int, ...]]


def fixed_settings(record: RunRecord) -> Generator[None, None, dict[str, str]]:
    """Find the settings that fix names or shapes of a model's parameters, by models with other values.

    A setting is fixed where no other value that was tried leaves the parameters as they are. Models are built without
    memory for their weights; one that refuses the value tells nothing.

    Args:
        record: of the run.

    Yields:
        None after each model.

    Returns:
        ``config.x`` or ``training.x`` → why it is fixed, a sentence.

    Raises:
        ValueError: when the settings of the run are not valid any more.
    """
    family = family_class(record.family)
    config = run_config(family, record)
    model = meta_model(family, config, record.image)
    present, fixed = _shapes(model), dict[str, str]()
    if counts_images(model) and record.step:
        text = COUNTS.format(title=model.card.title, size=record.training.batch_size)
        fixed["training.batch_size"] = text
    for name, prop in schema_of(family.Config)["properties"].items():
        tried: list[bool] = []
        for value in other_values(prop, getattr(config, name)):
            shapes = _with(family, record, name, value)
            if shapes is not None:
                tried.append(shapes == present)
            yield None
            if any(tried) or len(tried) >= 2:
                break
        if tried and not any(tried):
            fixed[f"config.{name}"] = NETWORK.format(title=prop.get("title", name))
    return fixed


def counts_images(model: Family) -> bool:
    """Return whether a model is trained by counting, so that its batches cannot be divided otherwise."""
    return any(phase.before_update is not None for phase in model.phases())


def _shapes(model: Family) -> Shapes:
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def _with(family: type[Family], record: RunRecord, name: str, value: Any) -> Shapes | None:
    """Names and shapes with another value of a setting; None: it does not fit the others."""
    try:
        return _shapes(meta_model(family, parse_config(family.Config, {**record.config, name: value}), record.image))
    except (ConfigError, ValueError):
        return None


def other_values(prop: Mapping[str, Any], value: Any) -> Iterator[Any]:
    """Yield other values of a setting, near ones first; of a text there are none.

    Args:
        prop: its schema.
        value: its value.
    """
    options = [one for one in prop.get("anyOf", ()) if one.get("type") != "null"]
    flat = {**prop, **options[0]} if options else prop
    if isinstance(value, bool):
        yield not value
    elif "enum" in flat:
        yield from (one for one in flat["enum"] if one != value)
    elif isinstance(value, int):
        yield from (value + 1, value - 1, 2 * value, value // 2)
    elif isinstance(value, float):
        yield from (value / 2, value * 2 or 0.5)
    elif isinstance(value, list | tuple) and value and all(type(one) is int for one in value):
        yield [one + 1 for one in value]
        yield [2 * one for one in value]
    elif value is None and flat.get("type") in ("integer", "number"):
        yield from (one for one in (flat.get("minimum"), flat.get("maximum")) if one is not None)
