"""Notice in the banner that the queue of the last session waits, with a button that starts it."""

from collections.abc import Callable

from PySide6.QtCore import QObject

from gmstudio.protocol.runs_queue import QueueListed, WorkQueue
from gmstudio.window.gui.shell.banner import Banner, Notice
from gmstudio.window.state.studio import Studio

KEY = "queue"


class QueueNotice(QObject):
    """Shows once for each start of the engine that its queue waits; nothing begins by itself.

    Args:
        studio: of the engine.
        banner: of the notices.
        show_queue: shows the page of the queue.
    """

    def __init__(self, studio: Studio, banner: Banner, show_queue: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._studio, self._banner, self._show_queue = studio, banner, show_queue
        self._is_new = True
        studio.library.catalog_arrived.connect(self._on_catalog)
        studio.client.on(QueueListed).connect(self._on_listed)

    def _on_catalog(self) -> None:
        self._is_new = True

    def _on_listed(self, event: QueueListed) -> None:
        waiting = [entry for entry in event.entries if entry.status == "waiting"]
        if event.working or event.elsewhere or not waiting:
            self._banner.withdraw(KEY)
        elif self._is_new and not event.request:
            count = f"{len(waiting)} run{'s' if len(waiting) != 1 else ''}"
            text = f"{event.note or 'The queue of the last session waits.'} {count} to train."
            actions = (("Start queue", self._start), ("Show queue", self._show_queue))
            self._banner.show_notice(Notice(KEY, text, actions=actions))
        self._is_new = False

    def _start(self) -> None:
        self._studio.client.send(WorkQueue())
