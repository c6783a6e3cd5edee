"""Files of settings for ``gmstudio train --config``: TOML with the keys of ``RunSpec``.

```toml
family = "vae"
data = "digits"

[config]
beta = 4.0

[data_config]
levels = 16

[training]
steps = 2000
```

Everything may be left out. What the command line says goes before the file, and the file before the defaults.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gmstudio.protocol.config import ConfigError, parse_config
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.system.regular_file import read_regular

MAX_BYTES = 2**20
TABLES = ("config", "data_config", "training")
KEYS = ("family", "data", *TABLES)
Values = dict[str, Any]


@dataclass(frozen=True)
class ConfigFile:
    """Settings of a file; what it leaves out is empty.

    Args:
        path: of the file; empty: none was given.
        family: key in ``FAMILIES``.
        data: key in ``SOURCES``.
        config: settings of the family.
        data_config: settings of the data source.
        training: training settings.
    """

    path: str = ""
    family: str = ""
    data: str = ""
    config: Values = field(default_factory=dict)
    data_config: Values = field(default_factory=dict)
    training: Values = field(default_factory=dict)

    def check(self, kinds: Mapping[str, Any]) -> None:
        """Check the settings of each table.

        Args:
            kinds: ``config``, ``data_config`` and ``training`` → class of these settings.

        Raises:
            ValueError: names the file, the key, the value and its limits, for all of them at once.
        """
        wrong = []
        for table in TABLES:
            try:
                parse_config(kinds[table], getattr(self, table))
            except ConfigError as error:
                wrong += [f"[{table}] {key}: {sentence}" for key, sentence in error.errors.items()]
        if wrong:
            raise ValueError(f"{self.path}: {' '.join(wrong)}")


def read_config_file(path: Path) -> ConfigFile:
    """Read a file of settings.

    Raises:
        ValueError: when it is no TOML, too large, or has keys of other names or kinds; names the file and the key.
        OSError: when it cannot be read.
    """
    try:
        values = tomllib.loads(read_regular(path, MAX_BYTES).decode())
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8."
        ) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not TOML: {error}.") from None
    unknown = [key for key in values if key not in KEYS]
    if unknown:
        hint = " Settings belong into the tables [config], [data_config] and [training]."
        raise ValueError(f"{path}: there is no key {unknown[0]!r}; there are {', '.join(KEYS)}.{hint}")
    for key, value in values.items():
        kind, wanted = (dict, f"a table: [{key}]") if key in TABLES else (str, f'text: {key} = "…"')
        if not isinstance(value, kind):
            raise ValueError(f"{path}: {key} is {value!r}; it must be {wanted}.")
    return ConfigFile(path=str(path), **values)


def write_config(spec: RunSpec) -> str:
    """Write a specification as TOML that ``read_config_file`` reads; settings that are empty (None) are left out."""
    lines = [f"family = {_toml(spec.family)}", f"data = {_toml(spec.data)}"]
    for table in TABLES:
        values = {key: value for key, value in getattr(spec, table).items() if value is not None}
        lines += ["", f"[{table}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A value as TOML: truth, number, text or list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    escaped = "".join(_ESCAPES.get(sign) or (f"\\u{ord(sign):04x}" if ord(sign) < 32 else sign) for sign in str(value))
    return f'"{escaped}"'


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\x7f": "\\u007f"}
