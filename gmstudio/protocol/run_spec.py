"""Specification of a run: which family is trained on which data, with which settings."""

from typing import Any

import msgspec

from gmstudio.protocol.training_settings import Training


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A family's own proposal for a first run; all else has its default.

    Args:
        data: key in ``SOURCES``: the 28×28 ``mnist`` where the family trains on it to recognizable samples within 90 s
            on two cores, else the 8×8 ``digits``.
        data_config: settings of the data source.
        config: settings of the family.
        training: training settings on these data that differ from the family's defaults.
    """

    data: str = "digits"
    data_config: dict[str, Any] = {}  # msgspec copies empty defaults
    config: dict[str, Any] = {}
    training: dict[str, Any] = {}


class RunSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
