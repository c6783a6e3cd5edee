"""Test of a connection to an engine: what is found there, before the window goes on with it."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from gmstudio import __version__
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import Catalog, CommandFailed
from gmstudio.protocol.plain_text import plain_text
from gmstudio.protocol.runs import ListRuns, RunsListed
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.client.process_status import ProcessStatus, Timeouts
from gmstudio.window.client.request import Request

TIMEOUTS = Timeouts(quick_exits=1, startup=30.0)
"""One attempt: a failure is the result."""


class ConnectionTest(QObject):
    """Starts an engine by a command, asks what is there, and ends it again.

    Attributes:
        text: sentences on what is being done or was found.
        ok: an engine was found that this window can use.
        running: the test is under way.

    Signals:
        changed: one of the attributes changed.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.text = ""
        self.ok = self.running = False
        self._client: EngineClient | None = None
        self._catalog: Catalog | None = None

    def start(self, command: Sequence[str]) -> None:
        """Test a command; a test that is under way ends."""
        self.stop()
        client = self._client = EngineClient(list(command), timeouts=TIMEOUTS, parent=self)
        listing = Request(client, client)
        listing.replied.connect(self._on_listed)
        listing.failed.connect(self._on_failed)
        client.on(Catalog).connect(lambda catalog: self._on_catalog(catalog, listing))
        client.state_changed.connect(self._on_state_changed)
        self._say(f"Connecting to {client.machine or 'this computer'}…", running=True)
        client.start()

    def stop(self) -> None:
        """End the test, if one is under way."""
        client, self._client, self._catalog = self._client, None, None
        self.running = False
        if client is None:
            return
        client.state_changed.disconnect(self._on_state_changed)
        client.state_changed.connect(lambda state: client.deleteLater() if state.phase == "closed" else None)
        client.close()
        if client.state.phase == "closing":
            client.close()  # at once: it has nothing to save

    def _on_catalog(self, catalog: Catalog, listing: Request) -> None:
        self._catalog = catalog
        listing.send(ListRuns())

    def _on_listed(self, event: Event) -> None:
        catalog = self._catalog
        if not isinstance(event, RunsListed) or catalog is None:
            return
        own = sum(not info.example for info in event.runs)
        version = f"gmstudio {plain_text(catalog.version, 40)}"
        if catalog.version != __version__:
            version += f" (this window: {__version__})"
        devices = ", ".join(name for name in catalog.devices if name != "auto")
        self.ok = True
        self._say(
            f"Found {version} on {catalog.host or 'the other machine'}. Devices: {devices}. "
            f"Library: {own:,} {'run' if own == 1 else 'runs'} in {event.home}."
        )
        self.stop()
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if self._client is not None and self._client.state.phase == "ready":
            self._fail(failure.message)

    def _on_state_changed(self, state: ProcessStatus) -> None:
        if state.phase in ("given up", "dead") and state.process_exit is not None:
            last = state.process_exit.stderr.strip().rpartition("\n")[2]
            detail = f" It said: {plain_text(last, 200)}" if last and last not in state.process_exit.sentence else ""
            self._fail(f"{state.process_exit.sentence}{detail}")
        elif state.phase == "not responding":
            self._fail("Nothing came within 30 s. Check the command, and whether it waits for an answer.")

    def _fail(self, text: str) -> None:
        self.ok = False
        self.stop()
        self._say(text)

    def _say(self, text: str, *, running: bool = False) -> None:
        self.text, self.running = text, running
        self.changed.emit()
