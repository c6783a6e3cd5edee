"""What the window knows of a latent space: the run, the code, what it decodes to, and the ways to another code.

Whatever changes the code goes through here; the image follows, latest wins, and also follows the weights while the run
trains. Shapes: Z latent dimensions, N codes, C channels, H height, W width.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.protocol.runs import RunOpened
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.latents.arithmetic import LatentArithmetic
from gmstudio.window.state.latents.code import Code
from gmstudio.window.state.latents.code_metrics import CodeMetrics
from gmstudio.window.state.latents.dimension_stats import DimensionStatistics
from gmstudio.window.state.latents.directions import LatentDirections
from gmstudio.window.state.latents.encoded_images import EncodedImages, Encoding
from gmstudio.window.state.latents.export import Export
from gmstudio.window.state.latents.interpolation import Interpolation, KeyframePath
from gmstudio.window.state.latents.map import LatentMap, MapView
from gmstudio.window.state.latents.saved_views import SavedViews
from gmstudio.window.state.latents.space import LatentSpace
from gmstudio.window.state.latents.strips import LatentStrips
from gmstudio.window.state.latents.user_image import UserImage
from gmstudio.window.state.runs.library import RunLibrary

CAPABILITY = "decode"
LIVE_MS = 200
STRIPS_EVERY = 4
"""While the run trains, the strips follow the weights once in so many images."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A decoded image.

    Args:
        request: number of the request that brought it.
        step: training step of the weights.
        code: (Z,) float32, what was decoded.
        image: (C, H, W) uint8, 0 … 255.
        engine_ms: time that the engine took.
    """

    request: int
    step: int
    code: Code
    image: NDArray[np.uint8]
    engine_ms: float


class LatentsState(LatentSpace):
    """The state behind the Latents panel; widgets call its methods and follow its signals.

    Attributes:
        shown: the decoded image that came last, or None.
        problem: why there is no (newer) image, a sentence, or "".
        interpolation: keyframes and the way through them.
        strips: images along ``dim``, and along the interpolation.
        saved_views: where each run was left.
        measures: KL and effect of each dimension, and the order.
        gallery: images of the data, and the one that was encoded.
        map: a plane of the space, as images and as the data.
        directions: found and saved ones, and how far one went along them.
        arithmetic: a - b + c.
        user_image: an image of one's user_image, and its code.
        told: what the family can tell of the code and its image.
        export: codes that become a picture or a film.

    Signals:
        shown_changed: ``shown`` or ``problem`` is another.
    """

    shown_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(events, parent)
        self._events = events
        self._library = library
        self.shown: Shown | None = None
        self.problem = ""
        self.interpolation = Interpolation(self)
        self.strips = LatentStrips(events, self, self.interpolation)
        self.saved_views = SavedViews(self, self.interpolation)
        self.measures = DimensionStatistics(events, self)
        self.gallery = EncodedImages(events, self)
        self.map = LatentMap(events, self)
        self.directions = LatentDirections(events, self)
        self.arithmetic = LatentArithmetic(events, self)
        self.user_image = UserImage(events, self)
        self.told = CodeMetrics(events, self)
        self.export = Export(events, self)
        self._watching = False
        self._following = False
        self._moved = False
        self._stale = True
        self._fresh = False
        self._ticks = 0
        self._latest = LatestWins(events, self)
        self._live_timer = QTimer(self, interval=LIVE_MS)
        self._connect()

    def _connect(self) -> None:
        self._latest.replied.connect(self._on_decoded)
        self._latest.failed.connect(self._on_failed)
        self._live_timer.timeout.connect(self._on_live_tick)
        self.code_changed.connect(self._on_code_changed)
        self.dim_changed.connect(self._on_dim_changed)
        self.measures.changed.connect(self._on_measured)
        self.interpolation.moved.connect(self._on_interpolation_moved)
        self.saved_views.arrived.connect(self._on_arrived)
        self.user_image.found.connect(self.gallery.adopt)
        self.user_image.renewed.connect(self.gallery.renew)
        self.gallery.encoded.connect(self._on_encoded)
        self.gallery.renewed.connect(self._on_renewed)
        self._library.run_opened.connect(self._on_run_opened)
        self._library.open_failed.connect(self._on_open_failed)
        self._library.engine_lost.connect(self._on_engine_lost)
        self._library.catalog_arrived.connect(self._open)
        self._library.live_changed.connect(self._on_live_changed)

    # ---- which model -------------------------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether the run is in training, so that its weights change."""
        return bool(self.run) and self.run == self._library.live

    def choose_run(self, run: str) -> None:
        """Look at another run; "": at none. What was set for this one is kept for when it is chosen again."""
        if run == self.run:
            return
        self.saved_views.leave()
        self.run, self.problem = run, ""
        self._forget()
        self._open()

    def set_watching(self, watching: bool) -> None:
        """Say whether someone looks: only then does the image follow the weights, or an interpolation play."""
        if watching == self._watching:
            return
        self._watching = watching
        self.strips.set_watching(watching)
        if watching:
            self._open()
            self._catch_up()
        else:
            self.interpolation.pause()
            self.told.halt()
        self._run_live_timer()

    def measure(self) -> None:
        """Measure all dimensions anew."""
        if self.opened is not None:
            self.measures.measure(self.run)

    def _catch_up(self) -> None:
        """Show what the newest weights make of everything, when someone looks."""
        if self.opened is not None and self._watching:
            self._decode()
            self.strips.show()
            self._encode_again()
            if self._stale or self.live:
                self._stale = False
                self.measure()
            self.refreshed.emit()

    def _encode_again(self) -> None:
        """Ask where the newest weights have the image that was encoded."""
        encoding = self.gallery.encoding
        if encoding is not None and encoding.split:
            self.gallery.encode_again()
        elif encoding is not None:
            self.user_image.encode_again()

    # ---- the code ----------------------------------------------------------------------------------------------

    def move_dim(self, places: int) -> None:
        """Traverse along the dimension so many places further in the order that is shown."""
        if self.num_dims:
            order = self.measures.shown(self.num_dims) or [self.dim]
            here = order.index(self.dim) if self.dim in order else -max(0, places)
            self.choose_dim(order[max(0, min(here + places, len(order) - 1))])

    def draw_keyframes(self, seed: int) -> None:
        """Begin an interpolation between two draws from the prior, at the first; the same seed draws the same."""
        if self.num_dims:
            pair = self.range.draw(2 * self.num_dims, seed).reshape(2, self.num_dims)
            self.interpolation.set_keyframes(tuple(pair), seed)
            self.interpolation.go_to(0.0)

    def bring_back(self, run: str, interpolation: KeyframePath, map_view: MapView | None = None) -> None:
        """Show a run with an interpolation kept elsewhere, with the code at its position, and with a map."""
        self.saved_views.expect(run, interpolation, map_view)
        if run == self.run and self.num_dims:
            self.saved_views.arrive()
        else:
            self.choose_run(run)

    @property
    def reconstructs(self) -> bool:
        """Whether the image that is shown decodes exactly the code of the encoded image."""
        encoding = self.gallery.encoding
        if encoding is None or self.shown is None:
            return False
        codes = (encoding.code,) if encoding.before is None else (encoding.code, encoding.before)
        return any(np.array_equal(self.shown.code, code) for code in codes)

    def _on_code_changed(self) -> None:
        if not self._following:
            self.interpolation.leave()
        self._moved = True
        self._decode()
        self.strips.show_traversal()

    def _on_dim_changed(self) -> None:
        self._fresh = False
        self.strips.show_traversal()

    # ---- to the engine -----------------------------------------------------------------------------------------

    def _decode(self) -> None:
        if self.opened is not None:
            self._latest.submit(Decode(run=self.run, codes=Array.of(self.code[np.newaxis])))
            if self._watching:
                self.told.measure(self.run, self.code)

    def _open(self) -> None:
        """Have the run opened: when someone looks, or when it trains and so is open anyway."""
        wanted = self.run and (self._watching or self.live)
        if wanted and self.opened is None and self._library.catalog is not None:
            known = self._library.open(self.run)
            if known is not None:
                self._on_run_opened(known)

    def _forget(self) -> None:
        """Show no latent space."""
        self.interpolation.leave()
        self._halt()
        self.opened = self.shown = None
        self.set_space(0)
        self.annotations.show_run(None)
        self.interpolation.set_keyframes(())
        self.strips.clear()
        self.measures.clear()
        self.told.clear()
        self.gallery.show_run(None)
        self.user_image.show_run(None)
        self.run_changed.emit()

    def _halt(self) -> None:
        """Wait for nothing."""
        self._latest.reset()
        for part in (self.strips, self.measures, self.gallery, self.user_image, self.told):
            part.halt()
        self._live_timer.stop()
        self.halted.emit()

    def _run_live_timer(self) -> None:
        if self._watching and self.live and self.opened is not None:
            self._live_timer.start()
        else:
            self._live_timer.stop()

    # ---- what comes back ---------------------------------------------------------------------------------------

    def _on_run_opened(self, event: RunOpened) -> None:
        if event.info.run != self.run or event.latent is None:
            return
        again = self.num_dims == event.latent.num_dims
        self.opened, self.problem = event, ""
        self.annotations.show_run(event)
        if again:
            self.gallery.browse()
        else:
            self._fresh = self.saved_views.begin(event.latent.num_dims)
            self.gallery.show_run(event.info)
            self.user_image.show_run(event.info)
            self.run_changed.emit()
            self.saved_views.arrive()
        self._stale = True
        self._catch_up()
        self._run_live_timer()

    def _on_measured(self) -> None:
        """At first, look along the dimension that matters most."""
        if self._fresh and self.measures.effect is not None:
            self._fresh = False
            self.choose_dim(self.measures.order(self.num_dims)[0])
        if self.measures.effect is not None and self.num_dims > 1:
            self.map.suggest_axes(*self.measures.strongest(2))

    def _on_decoded(self, event: Decoded) -> None:
        command = self._latest.answered
        assert isinstance(command, Decode)
        self.shown = Shown(
            request=event.request,
            step=event.step,
            code=command.codes.numpy()[0],
            image=event.images.numpy()[0],
            engine_ms=event.engine_ms,
        )
        self.problem = ""
        self.shown_changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
        self.interpolation.pause()
        self.shown_changed.emit()

    def _on_open_failed(self, run: str, failure: CommandFailed) -> None:
        if run == self.run:
            self.problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
            self.shown_changed.emit()

    def _on_encoded(self, encoding: Encoding) -> None:
        try:
            self.set_code(encoding.code)
        except ValueError as error:
            self.problem = str(error)
        self.shown_changed.emit()  # it may have been this code already, but nobody's reconstruction

    def _on_arrived(self, map_view: MapView | None) -> None:
        """Show the map too that was brought back, its directions among the others."""
        if map_view is not None:
            x, y = (axis if isinstance(axis, int) else self.directions.known(axis) for axis in map_view.axes)
            self.map.show_map_view(replace(map_view, axes=(x, y)))

    def _on_renewed(self, encoding: Encoding) -> None:
        """Newer weights have the image elsewhere: go there, if the code is still where the older ones had it."""
        before = encoding.before
        if before is not None and len(before) == self.num_dims and np.array_equal(self.code, self._allowed(before)):
            self._on_encoded(encoding)

    def _on_interpolation_moved(self) -> None:
        self._following = True
        self.set_code(self.interpolation.code())
        self._following = False

    def _on_live_tick(self) -> None:
        self._ticks += 1
        if not (self._moved or self._latest.busy):  # a drag brings newer images anyway, and is not to wait for this
            self._decode()
        self._moved = False
        if self._ticks % STRIPS_EVERY == 0:
            self.strips.show()
            self._encode_again()
            self.refreshed.emit()
        if self.measures.due:
            self.measures.measure(self.run)

    def _on_live_changed(self, _run: str) -> None:
        """Training of this run began or ended: the weights are not those that were shown."""
        self._stale = True
        if self.live:
            self._open()
        self._catch_up()
        self._run_live_timer()

    def _on_engine_lost(self) -> None:
        self.interpolation.pause()
        self._halt()
        self.opened = None
