"""The window's end of the wire: one signal per event, ``send`` for commands, and the engine process itself."""

import re

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.messages import EVENTS, Command, Event


class EngineEvents(QObject):
    """One signal per event of the engine, and ``send``; what the session stands on.

    Signals: named like the event in snake case; each carries the event.
    """

    catalog = Signal(object)
    pong = Signal(object)
    engine_reported = Signal(object)
    command_failed = Signal(object)
    done = Signal(object)
    data_browsed = Signal(object)
    model_described = Signal(object)
    run_opened = Signal(object)
    runs_listed = Signal(object)
    training_changed = Signal(object)
    history_appended = Signal(object)
    samples_drawn = Signal(object)
    checkpoint_saved = Signal(object)
    pixels_opened = Signal(object)
    pixels_moved = Signal(object)
    pixels_forked = Signal(object)
    decoded = Signal(object)
    encoded = Signal(object)
    latents_measured = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._last_request = 0

    def send(self, command: Command) -> int:
        """Number a command and hand it to the engine.

        Returns:
            The request number that the reply (or ``CommandFailed``) will carry.
        """
        self._last_request += 1
        self._write(msgspec.structs.replace(command, request=self._last_request))
        return self._last_request

    def deliver(self, event: Event) -> None:
        """Emit the signal that belongs to an event."""
        getattr(self, _SIGNAL_NAMES[type(event)]).emit(event)

    def _write(self, command: Command) -> None:
        raise NotImplementedError


_SIGNAL_NAMES = {event: re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower() for event in EVENTS}
