"""A laboratory that is open: its state, and the action that is under way."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gmstudio.engine.labs.bench import EngineLabBench
from gmstudio.engine.labs.inputs import checked_numbers
from gmstudio.labs.base import Lab
from gmstudio.protocol.array import Array
from gmstudio.protocol.config import ConfigError, parse_config
from gmstudio.protocol.labs import LabShown
from gmstudio.protocol.scenes import Scene

_COUNTER = itertools.count(1)


class LabSession:
    """An open laboratory.

    Args:
        kind: class of the lab.
        bench: models, data and noise.
        config: settings as plain values.

    Attributes:
        lab: the laboratory.
        prepared: it can be acted on.
        interrupted: ``end_action`` ended the last action.

    Raises:
        ConfigError: when a setting is outside its range; fields are ``config.x``.
    """

    def __init__(self, kind: type[Lab], bench: EngineLabBench, config: Mapping[str, Any]) -> None:
        self.lab = kind(bench, _parsed(kind, config))
        self.prepared = self.interrupted = False
        self._seed = bench.seed
        self._begun = next(_COUNTER)
        self._action: Iterator[Scene | None] | None = None

    def prepare(self) -> Iterator[Scene | None]:
        """Prepare the lab piece by piece: scenes and None."""
        yield from self.lab.prepare()
        self.prepared = True

    def take_kept(self, inputs: Mapping[str, Array]) -> str:
        """Take inputs that a window kept, in the lab's order.

        Returns:
            Sentences on those that were changed, or that do not fit any more and have their defaults; empty: none.
        """
        notes = [
            f"There is no input {name!r} any more; it is left out." for name in inputs if name not in self.lab.inputs
        ]
        for name in [name for name in self.lab.inputs if name in inputs]:
            try:
                notes.append(self._edited(name, inputs[name]))
            except ValueError as error:
                notes.append(f"{error} Its default is used.")
        return " ".join(note for note in notes if note)

    def configure(self, values: Mapping[str, Any]) -> None:
        """Take new settings; the action that is under way ends.

        Raises:
            ConfigError: when a setting is outside its range; fields are ``config.x``.
            ValueError: when settings contradict one another.
        """
        config = _parsed(type(self.lab), values)
        self.end_action()
        self.lab.configure(config)

    def edit(self, name: str, values: Array) -> str:
        """Take new numbers of an input; the action that is under way ends, unless the lab lets it go on.

        Returns:
            One sentence where they were changed; empty: they are used as they are.

        Raises:
            ValueError: when there is no such input, or the numbers cannot be used.
        """
        if name not in self.lab.inputs:
            there = ", ".join(self.lab.inputs) or "none"
            raise ValueError(f"{self.lab.card.title} has no input {name!r}; there are: {there}.")
        if name not in self.lab.live_inputs:
            self.end_action()
        return self._edited(name, values)

    def act(self, action: str) -> Iterator[Scene | None]:
        """Carry out an action piece by piece; ends early when ``end_action`` is called.

        Returns:
            A generator of scenes and None.
        """
        pieces = self._action = self.lab.act(action)
        self.interrupted = False
        try:
            for scene in pieces:
                yield scene
                if self._action is not pieces:
                    return
        finally:
            if self._action is pieces:
                self.end_action()
                self.interrupted = False

    def end_action(self) -> None:
        """End the action that is under way, between two of its pieces; what it has computed stays."""
        if self._action is None:
            return
        pieces, self._action, self.interrupted = self._action, None, True
        close = getattr(pieces, "close", None)
        if close is not None:
            close()

    def shown(self, request: int, scene: Scene | None = None, *, note: str = "", done: bool = True) -> LabShown:
        """Return the reply to a request, with a scene; None: that of the present state."""
        return LabShown(
            request=request,
            name=self.lab.card.name,
            scene=self.lab.scene() if scene is None else scene,
            config=msgspec.to_builtins(self.lab.config),
            inputs={name: Array.of(values) for name, values in self.lab.inputs.items()},
            note=note,
            seed=self._seed,
            begun=self._begun,
            done=done,
        )

    def _edited(self, name: str, values: Array) -> str:
        growing = name in self.lab.growing_inputs
        return self.lab.edit(name, checked_numbers(name, values, self.lab.inputs[name], growing=growing))


def _parsed(kind: type[Lab], values: Mapping[str, Any]) -> msgspec.Struct:
    try:
        config: msgspec.Struct = parse_config(kind.Config, dict(values))
    except ConfigError as error:
        raise ConfigError({f"config.{field}": text for field, text in error.errors.items()}) from error
    return config
