"""Settings that were chosen for each family and data source, remembered while others are shown and over restarts."""

from collections.abc import Mapping
from typing import Any

Values = dict[str, Any]
Owned = Mapping[tuple[str, str], Values]
"""Part (``config``, ``data_config`` or ``training``) and name of its family or data source → values."""


def defaults_of(schema: dict[str, Any]) -> Values:
    """Return field name → default of a flat config schema."""
    return {name: prop.get("default") for name, prop in schema["properties"].items()}


class RememberedSettings:
    """Values that differ from their defaults, by part and owner.

    Attributes:
        values: all of them; replaced, and never written to, so that edits can share them.
    """

    def __init__(self) -> None:
        self.values: Owned = {}

    def of(self, part: str, name: str, defaults: Values) -> Values:
        """Return the values of a part; those that are not remembered, or of another kind, have their defaults."""
        known = self.values.get((part, name), {})
        return {
            field: known[field] if field in known and _same_kind(known[field], default) else default
            for field, default in defaults.items()
        }

    def put(self, part: str, name: str, values: Values) -> None:
        """Remember values in place of all that were known of this part and owner."""
        self.values = {**self.values, (part, name): values}

    def snapshot(self, invalid: Mapping[tuple[str, str], Mapping[str, str]]) -> dict[str, dict[str, Values]]:
        """Return part → owner → values, as JSON.

        Args:
            invalid: part and owner → fields that are left out, as they are invalid as typed.
        """
        parts: dict[str, dict[str, Values]] = {}
        for (part, name), values in self.values.items():
            left_out = invalid.get((part, name), {})
            parts.setdefault(part, {})[name] = {f: value for f, value in values.items() if f not in left_out}
        return parts

    def restore(self, part: str, named: object) -> None:
        """Take the values of a part from a snapshot, perhaps by another version."""
        for name, values in named.items() if isinstance(named, dict) else ():
            if isinstance(values, dict):
                self.put(part, name, values)


def _same_kind(value: Any, default: Any) -> bool:
    """Test that a value is of the kind of a setting's default; one from another version may not be."""
    kinds = ((bool,), (int, float), (str,), (list, tuple))
    kind_of = [next((kind for kind in kinds if isinstance(item, kind)), None) for item in (value, default)]
    return None in (value, default) or kind_of[0] == kind_of[1]
