"""Catalog of the engine: families, data sources, devices, demonstrations, laboratories and exercises."""

import os
import socket
from collections.abc import Iterable

import msgspec

from gmstudio import __version__
from gmstudio.data import catalog as data_catalog
from gmstudio.engine.atlas.demonstrations import DEMONSTRATIONS
from gmstudio.engine.exercises.reading import all_exercises
from gmstudio.engine.runtime.device import available_devices
from gmstudio.engine.runtime.starts import points_spec, start_spec
from gmstudio.families import FAMILIES, FAMILY_ERRORS
from gmstudio.families.base import Family
from gmstudio.labs import LAB_ERRORS, LABS
from gmstudio.labs.base import Lab
from gmstudio.protocol.config import schema_of
from gmstudio.protocol.engine import Catalog
from gmstudio.protocol.families import CAPABILITIES, FamilyEntry
from gmstudio.protocol.frames import PROTOCOL_VERSION
from gmstudio.protocol.labs import LabEntry
from gmstudio.protocol.plain_text import MAX_TITLE, plain_text
from gmstudio.protocol.training_settings import Training

FIRST_FAMILY = "pixelcnn"
"""Family that is selected at the first start: it trains in a minute, and all panels for pixels can show it."""


def capabilities_of(family: type[Family]) -> tuple[str, ...]:
    """Return those of ``CAPABILITIES`` that a family has as methods."""
    return tuple(name for name in CAPABILITIES if callable(getattr(family, name, None)))


def family_entries() -> dict[str, FamilyEntry]:
    """Return the catalog's entries of the families by name."""
    return {entry.card.name: entry for entry in build_catalog("").families}


def build_catalog(device: str) -> Catalog:
    """Build the catalog, which the window needs before anything runs."""
    families, problems = _usable(FAMILIES)
    return Catalog(
        protocol=PROTOCOL_VERSION,
        version=__version__,
        pid=os.getpid(),
        families=families,
        data=data_catalog(),
        devices=available_devices(),
        device=device,
        training_schema=schema_of(Training),
        first_family=FIRST_FAMILY,
        problems=(*FAMILY_ERRORS.values(), *problems, *LAB_ERRORS.values()),
        demonstrations=tuple(demonstration.card for demonstration in DEMONSTRATIONS.values()),
        labs=lab_entries(LABS.values()),
        exercises=tuple(all_exercises().values()),
        host=plain_text(socket.gethostname(), MAX_TITLE),
    )


def _usable(families: dict[str, type[Family]]) -> tuple[tuple[FamilyEntry, ...], list[str]]:
    """Entries of the families; one of another package that cannot be described is left out, with a sentence."""
    entries, problems = list[FamilyEntry](), list[str]()
    for name, family in families.items():
        try:
            entry = _entry(family)
            msgspec.msgpack.encode(entry)
        except Exception as error:  # foreign code may raise anything
            if family.__module__.startswith("gmstudio."):
                raise
            reason = " ".join(str(error).split()) or type(error).__name__
            problems.append(
                f"The family {name!r} ({family.__module__}:{family.__name__}) cannot be described: {reason}"
            )
        else:
            entries.append(entry)
    return tuple(entries), problems


def _entry(family: type[Family]) -> FamilyEntry:
    return FamilyEntry(
        card=family.card,
        config_schema=schema_of(family.Config),
        training=family.training_defaults,
        capabilities=capabilities_of(family),
        start=start_spec(family),
        start_on_points=points_spec(family),
        sampler_schema=schema_of(family.SamplerConfig) if family.SamplerConfig else {},
        decoder_schema=schema_of(family.DecoderConfig) if family.DecoderConfig else {},
    )


def lab_entries(labs: Iterable[type[Lab]]) -> tuple[LabEntry, ...]:
    """Return the catalog's entries of laboratories."""
    return tuple(LabEntry(card=lab.card, config_schema=schema_of(lab.Config), actions=lab.actions) for lab in labs)
