"""Settings of the command line, sorted to what they belong to."""

from typing import Any

from gmstudio.cli.options import parse_setting


def sort_settings(settings: list[str], config: Any, data_config: Any) -> tuple[dict[str, Any], ...]:
    """Assign each ``field=value`` to the family, the data or the training, to the first that has the field."""
    from gmstudio.protocol.training_settings import Training

    owners = {"config": config, "data": data_config, "training": Training}
    sorted_ = {"config": {}, "data": {}, "training": {}}  # type: dict[str, dict[str, Any]]
    for setting in settings:
        name, value = parse_setting(setting)
        prefix, dot, field = name.rpartition(".")
        found = [key for key, kind in owners.items() if field in kind.__struct_fields__ and (not dot or key == prefix)]
        if not found:
            known = [f for kind in owners.values() for f in kind.__struct_fields__]
            raise ValueError(f"--set {setting}: there is no field {name!r}; there are {', '.join(known)}.")
        sorted_[found[0]][field] = value
    return sorted_["config"], sorted_["data"], sorted_["training"]
