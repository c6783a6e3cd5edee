"""Settings of decoding of the families that have them, such as the number of steps of a diffusion model."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.latents import ChooseDecoder
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.latents.space import LatentSpace
from gmstudio.window.state.runs.library import RunLibrary


class DecoderSettings(QObject):
    """Settings of decoding, one set for each family; the engine holds them for the selected run.

    Create it before the parts that request images, as they are to be decoded with these settings.

    Args:
        link: connection to the engine.
        library: library of runs, with the families' schemas.
        space: selected run.

    Attributes:
        problem: reason why the engine refused them, or "".

    Signals:
        changed: settings, or the family that they are about, differ.
        applied: the engine has taken settings that the user changed; images are to be decoded again.
    """

    changed = Signal()
    applied = Signal()

    def __init__(self, link: EngineLink, library: RunLibrary, space: LatentSpace) -> None:
        super().__init__(space)
        self._library, self._space = library, space
        self._values: dict[str, dict[str, Any]] = {}
        self.problem = ""
        self._request = Request(link, self)
        self._request.replied.connect(lambda _event: self.applied.emit())
        self._request.failed.connect(self._on_failed)
        space.run_changed.connect(self._on_opened)
        space.reopened.connect(self._on_opened)

    @property
    def entry(self) -> FamilyEntry | None:
        """Family of the selected run, if it has settings of decoding."""
        description, catalog = self._space.description, self._library.catalog
        families = catalog.families if catalog is not None else ()
        name = description.info.spec.family if description is not None else ""
        return next((f for f in families if f.card.name == name and f.decoder_schema), None)

    @property
    def values(self) -> dict[str, Any]:
        """All settings of the family; empty where it has none."""
        entry = self.entry
        if entry is None:
            return {}
        defaults = {name: prop.get("default") for name, prop in entry.decoder_schema["properties"].items()}
        return defaults | self._values.get(entry.card.name, {})

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Change settings of the family, and have the images decoded with them."""
        entry = self.entry
        if entry is not None and dict(values) != self.values:
            self._values[entry.card.name] = dict(values)
            self.problem = ""
            if self._space.opened is not None:
                self._request.send(ChooseDecoder(run=self._space.run, decoder=self.values))
            self.changed.emit()

    def choices(self) -> dict[str, Any]:
        """Settings of all families as JSON values."""
        return self._values

    def restore(self, values: object) -> None:
        """Take settings that were kept, perhaps by another version."""
        for name, kept in values.items() if isinstance(values, dict) else ():
            if isinstance(kept, dict):
                self._values[str(name)] = kept

    def _on_opened(self) -> None:
        """Send the settings that differ from the defaults, before any image is requested."""
        self._request.drop()
        entry = self.entry
        if entry is not None and self._space.opened is not None and entry.card.name in self._values:
            self._request.send(ChooseDecoder(run=self._space.run, decoder=self.values))
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()
