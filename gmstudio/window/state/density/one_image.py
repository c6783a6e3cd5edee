"""State of the page One image: one image through many models, each answered part by part."""

from collections import deque
from typing import Any

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.density_one_image import (
    MODEL_PARTS,
    NEIGHBOUR_PARTS,
    ImageCode,
    ImageShown,
    Likelihood,
    Missing,
    Nearest,
    Reconstructed,
    SeenImage,
    ShowImage,
    Surprisal,
)
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.image_sets import GivenImages, ImageSet
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.client.request import Request
from gmstudio.window.state.density.state import DensityState

WORKERS = 3
"""Models that are asked at a time: a slow estimate holds one of them, and the others go on."""
_TAGS = {
    SeenImage: "seen",
    Likelihood: "likelihood",
    Surprisal: "surprisal",
    ImageCode: "code",
    Reconstructed: "reconstruction",
}


class ModelCard:
    """What is known of the image under one model.

    Args:
        run: name of the run.

    Attributes:
        parts: part → the part itself, or a ``Missing``; those that are not there yet are left out.
        image: shape and levels of the model's images; None: not known yet.
        step: training step of the weights.
        stage: what is computed, in words; empty: nothing.
        waiting: parts are to come.
        problem: why there is nothing, a sentence; "".
    """

    def __init__(self, run: str) -> None:
        self.run = run
        self.parts: dict[str, Any] = {}
        self.image: ImageSpec | None = None
        self.step = -1
        self.stage = ""
        self.waiting = True
        self.problem = ""

    def take(self, event: ImageShown) -> None:
        """Take a reply."""
        self.image, self.step, self.stage = event.image, event.weights_step, event.stage
        part = event.part
        if isinstance(part, Nearest):
            self.parts[part.space] = part
        elif isinstance(part, Missing):
            self.parts[part.part] = part
        elif part is not None:
            self.parts[_TAGS.get(type(part), "discriminated")] = part


class _Worker:
    """One slot for a command, and the card that it fills."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.card: ModelCard | None = None


class OneImageState(QObject):
    """State of the page One image.

    Args:
        owner: state of the panel.

    Attributes:
        index: number of the image in the panel's set.
        every_family: one ready model of each other family is shown, too.
        cards: one for each model, in their order.

    Signals:
        changed: a card, by its run.
        cards_changed: the models, or the image.
    """

    changed = Signal(str)
    cards_changed = Signal()

    def __init__(self, owner: DensityState) -> None:
        super().__init__(owner)
        self._owner = owner
        self.index = 0
        self.every_family = True
        self.active = False
        self.cards: dict[str, ModelCard] = {}
        self._asked: tuple[Any, ...] = ()
        self._queue: deque[tuple[ModelCard, tuple[str, ...]]] = deque()
        self._workers = [self._make_worker() for _ in range(WORKERS)]
        owner.images_changed.connect(self._on_images_changed)
        for change in (owner.runs_changed, owner.library.changed, owner.active_changed, owner.library.catalog_arrived):
            change.connect(self._renew)
        owner.library.checkpoint_chosen.connect(self._forget)

    @property
    def runs(self) -> tuple[str, ...]:
        """Paths of the models: the chosen ones, then one of each other family where that is wanted."""
        library = self._owner.library
        chosen = [run for run in self._owner.runs if library.info(run) is not None]
        if not self.every_family:
            return tuple(chosen)
        infos = [info for run in chosen if (info := library.info(run)) is not None]
        families = {info.spec.family for info in infos}
        others: dict[str, RunInfo] = {}
        for info in library.runs_with(""):
            family = info.spec.family
            if family in families or info.image.height == 1 or info.run == library.live:
                continue
            if family not in others or _suits(info, infos) > _suits(others[family], infos):
                others[family] = info
        return (*chosen, *(info.run for info in others.values()))

    @property
    def busy(self) -> bool:
        """Parts are to come."""
        return bool(self._queue) or any(worker.request.busy for worker in self._workers)

    def is_older(self, run: str) -> bool:
        """Return whether a run has other weights by now than those that its card is of."""
        card, library = self.cards.get(run), self._owner.library
        info = library.info(run)
        if card is None or info is None or card.step < 0:
            return False
        if run == library.live:  # whose step is heard of from time to time only
            return info.step > card.step
        return library.checkpoints.steps.get(run, info.step) != card.step

    def set_index(self, index: int) -> None:
        """Choose an image of the panel's set."""
        if index != self.index:
            self.index = index
            self._renew()

    def set_every_family(self, every: bool) -> None:
        """Choose whether other families are shown, too."""
        if every != self.every_family:
            self.every_family = every
            self._renew()

    def take_picture(self, picture: Array, title: str) -> None:
        """Show a picture, (C, H, W) uint8 intensities, which becomes the set of the panel."""
        pixels = picture.numpy()
        self._owner.set_images(GivenImages(images=Array.of(pixels[None]), title=title))

    def set_active(self, active: bool) -> None:
        """Request only while the page is on the screen."""
        if active != self.active:
            self.active = active
            self._renew()

    def refresh(self) -> None:
        """Compute everything anew, for example with the present weights of a run in training."""
        self._asked = ()
        self._renew()

    def stop(self) -> None:
        """End the computations; what is there stays."""
        self._queue.clear()
        for worker in self._workers:
            worker.request.cancel()
            worker.card = None
        for card in self.cards.values():
            card.waiting, card.stage = False, ""
        self.cards_changed.emit()

    # ---- asking --------------------------------------------------------------------------------------------------

    def _images(self) -> ImageSet:
        return self._owner.resolved(self._owner.images)

    def _on_images_changed(self) -> None:
        self.index = 0
        self._renew()

    def _forget(self, run: str) -> None:
        """Ask a model anew, with the weights that were chosen."""
        if run in self.cards:
            self._pause()
            self.cards[run] = ModelCard(run)
            self._renew()

    def _renew(self, _value: object = None) -> None:
        """Ask for what is shown, where it was not asked for yet; cards of the same image stay."""
        owner = self._owner
        if not self.active or not owner.active or owner.library.catalog is None:
            self._pause()
            return
        image = (self._images(), self.index)
        runs = self.runs
        asked = (image, runs)
        if asked == self._asked and not any(card.waiting and not self._is_asked(card) for card in self.cards.values()):
            return
        same = bool(self._asked) and self._asked[0] == image
        kept = self.cards if same else {}
        self._pause()
        self.cards = {run: kept[run] if run in kept else ModelCard(run) for run in runs}
        self._asked = asked
        waiting = [card for card in self.cards.values() if card.waiting]
        self._queue = deque((card, parts) for parts in (MODEL_PARTS, NEIGHBOUR_PARTS) for card in waiting)
        self.cards_changed.emit()
        self._advance()

    def _is_asked(self, card: ModelCard) -> bool:
        return any(worker.card is card for worker in self._workers) or any(entry[0] is card for entry in self._queue)

    def _pause(self) -> None:
        self._queue.clear()
        for worker in self._workers:
            worker.request.cancel()
            worker.card = None

    def _advance(self) -> None:
        """Give free workers the next model, not one that another worker is at."""
        for worker in self._workers:
            if worker.request.busy:
                continue
            worker.card = None
            taken = {other.card.run for other in self._workers if other.card is not None}
            entry = next((entry for entry in self._queue if entry[0].run not in taken), None)
            if entry is None:
                continue
            self._queue.remove(entry)
            worker.card, parts = entry
            worker.request.send(ShowImage(run=worker.card.run, images=self._images(), index=self.index, parts=parts))

    def _make_worker(self) -> _Worker:
        worker = _Worker(Request(self._owner.link, self))
        worker.request.replied.connect(lambda event: self._on_reply(worker, event))
        worker.request.failed.connect(lambda failure: self._on_failed(worker, failure))
        worker.request.dropped.connect(lambda: self._on_end(worker))
        return worker

    def _on_reply(self, worker: _Worker, event: Event) -> None:
        card = worker.card
        if card is None or not isinstance(event, ImageShown):
            return
        card.take(event)
        self.changed.emit(card.run)
        if event.done:
            self._on_end(worker)

    def _on_failed(self, worker: _Worker, failure: CommandFailed) -> None:
        card = worker.card
        if failure.reason is Reason.ENGINE_GONE:
            self._asked = ()
            self._pause()
        elif card is not None:
            card.problem = failure.message
            self._queue = deque(entry for entry in self._queue if entry[0] is not card)
            self._on_end(worker)

    def _on_end(self, worker: _Worker) -> None:
        card, worker.card = worker.card, None
        if card is not None:
            card.stage = ""
            card.waiting = any(entry[0] is card for entry in self._queue)
            self.changed.emit(card.run)
        self._advance()


def _suits(info: RunInfo, chosen: list[RunInfo]) -> tuple[bool, ...]:
    """Rank a run: with images and data like those of the first chosen one, no background model, made by the user."""
    first = chosen[0] if chosen else None
    alike = first is not None and info.image.shape == first.image.shape
    same = first is not None and _data_of(info) == _data_of(first)
    plain = info.training.mutation == 0
    return alike, plain, same, info.image.height >= 28 and info.image.channels == 1, not info.example


def _data_of(info: RunInfo) -> tuple[str, object]:
    """Source of a run's data, and the folder that it reads."""
    return info.spec.data, info.spec.data_config.get("folder")
