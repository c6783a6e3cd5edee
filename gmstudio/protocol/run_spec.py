"""Specification of a run: which family is trained on which data, with which settings."""

from typing import Any

import msgspec

from gmstudio.protocol.training_settings import Training


class RunSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Settings from which a run follows; those that are left out have their defaults.

    Args:
        family: key in ``FAMILIES``.
        config: the family's settings as plain values.
        data: key in ``SOURCES``.
        data_config: the data source's settings as plain values.
        training: fields of ``Training`` as plain values; their defaults are the family's.
    """

    family: str
    config: dict[str, Any] = {}  # msgspec copies empty defaults
    data: str
    data_config: dict[str, Any] = {}
    training: dict[str, Any] = {}

    def training_settings(self) -> Training:
        """Return the training settings of a complete specification, typed.

        Raises:
            msgspec.ValidationError: when a value is outside its range.
        """
        return msgspec.convert(self.training, Training)
