"""State of the Latents panel: the selected run, the code, its decoded image, and the parts that show more of them.

Shapes: Z latent dimensions, C channels, H height, W width.
"""

from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.protocol.runs import RunOpened
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.latents.annotations import LatentAnnotations
from gmstudio.window.state.latents.arithmetic import LatentArithmetic
from gmstudio.window.state.latents.code_metrics import CodeMetrics
from gmstudio.window.state.latents.code_range import Code
from gmstudio.window.state.latents.companion import Companion
from gmstudio.window.state.latents.decoder import DecoderSettings
from gmstudio.window.state.latents.decoding import CodeDecoding
from gmstudio.window.state.latents.dimension_stats import DimensionStatistics, Sort
from gmstudio.window.state.latents.directions import LatentDirections
from gmstudio.window.state.latents.encoded_images import EncodedImages, Encoding
from gmstudio.window.state.latents.export import Export
from gmstudio.window.state.latents.interpolation import Interpolation, KeyframePath
from gmstudio.window.state.latents.map import LatentMap, MapView
from gmstudio.window.state.latents.sampling import CodeSampling
from gmstudio.window.state.latents.saved_views import FIRST_SEEDS, SavedViews
from gmstudio.window.state.latents.space import LatentSpace
from gmstudio.window.state.latents.strips import LatentStrips
from gmstudio.window.state.latents.user_image import UserImage
from gmstudio.window.state.runs.library import RunLibrary

CAPABILITY = "decode"
LIVE_MS = 200
REFRESH_EVERY = 4
"""While the run trains, everything but the decoded image follows the weights once per this number of images."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A decoded image.

    Args:
        request: number of its request.
        step: training step of the weights.
        code: (Z,) float32.
        image: (C, H, W) uint8, 0 … 255.
        engine_ms: time that the engine took.
        preview: in how many steps it was decoded, where that is a preview: ``2 of 50 DDIM steps``; else "".
    """

    request: int
    step: int
    code: Code
    image: NDArray[np.uint8]
    engine_ms: float
    preview: str = ""


class LatentsState(QObject):
    """State of the Latents panel; widgets call the methods of its parts and follow their signals.

    The decoded image follows the code, latest wins, and the weights while the run trains.

    Args:
        link: the way to the engine.
        library: the runs.

    Attributes:
        space: the selected run and its latent space.
        decoder: settings of decoding, of families that have them.
        code: base, amounts, locks and traversed dimension of the view.
        edits: of the user, to be undone.
        annotations: names of dimensions and directions, kept with the run.
        shown: the newest decoded image, or None.
        problem: why there is no (newer) image, a sentence, or "".
        active: the panel is on the screen; only then are images requested.
        interpolation: keyframes and the segments between them.
        strips: images of the traversal and of the interpolation.
        saved_views: views of the runs that were left.
        dimension_stats: KL and pixel change of each dimension, and their order.
        gallery: images of the data, and the one that was encoded.
        sampling: random codes.
        companion: what is shown beside the decoded image.
        map: a plane of the latent space.
        directions: computed and saved directions.
        arithmetic: a - b + c.
        user_image: the user's image and its code.
        code_metrics: metrics of the code and its image.
        export: codes that become a picture or a film.

    Signals:
        shown_changed: ``shown`` or ``problem`` differ.
    """

    shown_changed = Signal()

    def __init__(self, link: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self.shown: Shown | None = None
        self.problem = ""
        self.active = False
        self.space = LatentSpace(library, self)
        self.decoder = DecoderSettings(link, library, self.space)
        self.decoder.applied.connect(self._on_decoder_applied)
        self.code, self.edits = self.space.code, self.space.edits
        self.annotations = LatentAnnotations(link, self.space)
        self.interpolation = Interpolation(self, self.edits)
        self.strips = LatentStrips(link, self.space, self.interpolation)
        self.saved_views = SavedViews(self.space, self.interpolation)
        self.dimension_stats = DimensionStatistics(link, self.space)
        self.gallery = EncodedImages(link, self.space)
        self.sampling = CodeSampling(link, self.space, self.interpolation, self.gallery)
        self.companion = Companion(link, library, self.space, self.gallery)
        self.map = LatentMap(link, self.space, self.annotations)
        self.directions = LatentDirections(link, self.space, self.annotations)
        self.arithmetic = LatentArithmetic(link, self.space)
        self.user_image = UserImage(link, self.space)
        self.code_metrics = CodeMetrics(link, self.space)
        self.export = Export(link, self)
        self._decoding = CodeDecoding(link, self)
        self._wanted_dim = ("", -1)
        self._live_timer = QTimer(self, interval=LIVE_MS)
        self._ticks = 0
        self._values_at_tick = self.code.values
        self._computed_for: object = None
        self.edits.add_part("keyframes", self.interpolation.snapshot, self.interpolation.restore_snapshot)
        self.edits.add_part("code", self.code.snapshot, self.code.restore)
        self.edits.about_run(lambda: self.run, self.choose_run, library.has_run, lambda: self.space.opened is not None)
        self._connect()

    def _connect(self) -> None:
        self._decoding.replied.connect(self._on_decoded)
        self._decoding.failed.connect(self._on_failed)
        self._live_timer.timeout.connect(self._on_live_tick)
        self.code.values_changed.connect(self._on_values_changed)
        self.dimension_stats.changed.connect(self._on_stats_changed)
        self.interpolation.moved.connect(lambda: self.code.set_values(self.interpolation.code()))
        self.saved_views.restored.connect(self._on_restored)
        self.user_image.found.connect(self.gallery.adopt)
        self.user_image.renewed.connect(self.gallery.adopt_renewed)
        self.sampling.failed.connect(self._on_failed)
        self.gallery.encoded.connect(self._on_encoded)
        self.gallery.renewed.connect(self._on_renewed)
        self._library.run_opened.connect(self._on_run_opened)
        self._library.open_failed.connect(self._on_open_failed)
        self._library.engine_lost.connect(self._on_engine_lost)
        self._library.catalog_arrived.connect(self._open)
        self._library.live_changed.connect(self._on_live_changed)

    def choices(self) -> dict[str, Any]:
        """Choices that hold for every run, and the codes of those seen last, as JSON."""
        codes = self.saved_views.codes()
        return {"sort": self.dimension_stats.sort, "decoder": self.decoder.choices(), "codes": codes}

    def restore_choices(self, values: dict[str, Any]) -> None:
        """Take choices that were kept."""
        if values.get("sort") in get_args(Sort):
            self.dimension_stats.set_sort(values["sort"])
        self.decoder.restore(values.get("decoder"))
        self.saved_views.restore_codes(values.get("codes"))

    # ---- the run -----------------------------------------------------------------------------------------------

    @property
    def run(self) -> str:
        """Path of the selected run, or ""."""
        return self.space.run

    @property
    def run_changed(self) -> SignalInstance:
        """Signal: another latent space is shown, or none."""
        return self.space.run_changed

    def choose_run(self, run: str) -> None:
        """Select another run; "": none. The view of this one is saved for when it is selected again."""
        if run == self.space.run:
            return
        self.saved_views.save()
        self._decoding.reset()
        self._live_timer.stop()
        self.shown, self.problem = None, ""
        with self.edits.unrecorded():
            self.interpolation.set_keyframes(())
            self.space.select(run)
        self._open()

    def explore_dim(self, run: str, dim: int) -> None:
        """Select a run and one of its dimensions, as soon as the run is open."""
        self._wanted_dim = (run, dim)
        self.choose_run(run)
        self._take_wanted_dim()

    def _take_wanted_dim(self) -> None:
        run, dim = self._wanted_dim
        if run and run == self.space.run and self.space.opened is not None:
            self._wanted_dim = ("", -1)
            self.code.choose_dim(dim)

    def set_active(self, active: bool) -> None:
        """Follow the code and the weights, or no longer."""
        if active == self.active:
            return
        self.active = active
        self.strips.set_active(active)
        self.companion.set_active(active)
        if active:
            self._open()
            self._catch_up()
        else:
            self.interpolation.pause()
            self.code_metrics.halt()
        self._run_live_timer()

    def restore(self, run: str, interpolation: KeyframePath, map_view: MapView | None = None) -> None:
        """Select a run and show a saved interpolation, with the code at its position, and a map."""
        self.saved_views.expect(run, interpolation, map_view)
        if run == self.space.run and self.code.num_dims:
            with self.edits.recording("Restore from picture"):
                self.saved_views.restore_expected()
        else:
            self.choose_run(run)

    def _open(self) -> None:
        """Have the run opened, when the panel is active, or the run trains and so is open anyway."""
        wanted = self.space.run and (self.active or self.space.live)
        if wanted and self.space.opened is None and self._library.catalog is not None:
            known = self._library.open(self.space.run)
            if known is not None:
                self._on_run_opened(known)

    def _on_run_opened(self, event: RunOpened) -> None:
        if event.info.run != self.space.run or event.latent is None:
            return
        self.problem = ""
        view = self.saved_views.view_of(self.space.run, event.latent)
        with self.edits.unrecorded():
            if self.space.open(event, view.code):
                self.interpolation.restore(view.interpolation)
                self.saved_views.restore_expected()
                self.sampling.sample_first_keyframes(FIRST_SEEDS[0])
        self._catch_up()
        self._run_live_timer()
        self._take_wanted_dim()
        self.edits.settle()

    def _on_open_failed(self, run: str, failure: CommandFailed) -> None:
        if run == self.space.run:
            self._on_failed(failure)

    def _on_engine_lost(self) -> None:
        self.interpolation.pause()
        self._decoding.reset()
        self._live_timer.stop()
        self.space.halt()

    def _on_restored(self, map_view: MapView | None) -> None:
        """Show the restored map too, its directions among the others."""
        if map_view is not None:
            x, y = (axis if isinstance(axis, int) else self.directions.known(axis) for axis in map_view.axes)
            self.map.show_view(replace(map_view, axes=(x, y)))

    # ---- the code ----------------------------------------------------------------------------------------------

    def step_dim(self, places: int) -> None:
        """Traverse the dimension a number of places further down (negative: up) in the order that is shown."""
        if self.code.num_dims:
            order = self.dimension_stats.shown() or [self.code.dim]
            here = order.index(self.code.dim) if self.code.dim in order else -max(0, places)
            self.code.choose_dim(order[max(0, min(here + places, len(order) - 1))])

    @property
    def reconstructs(self) -> bool:
        """The image that is shown decodes the code of the encoded image."""
        encoding = self.gallery.encoding
        if encoding is None or self.shown is None:
            return False
        codes = (encoding.code,) if encoding.before is None else (encoding.code, encoding.before)
        return any(np.array_equal(self.shown.code, code) for code in codes)

    def _on_values_changed(self) -> None:
        """Request what shows the code, the decoded image first."""
        interpolation = self.interpolation
        if interpolation.followed and not np.array_equal(self.code.values, self.code.constrained(interpolation.code())):
            interpolation.unfollow()
        self._decode(moving=not interpolation.playing)
        self.strips.show_traversal()
        self.map.show_code()

    def _on_stats_changed(self) -> None:
        """Suggest the strongest dimensions to traversal and map, as long as no others were chosen."""
        stats = self.dimension_stats
        if stats.pixel_change is not None:
            self.code.suggest_dim(stats.order()[0])
            if self.code.num_dims > 1:
                self.map.suggest_axes(*stats.strongest(2))

    def _on_encoded(self, encoding: Encoding) -> None:
        try:
            self.code.set_values(encoding.code)
        except ValueError as error:
            self.problem = str(error)
            self.shown_changed.emit()

    def _on_renewed(self, encoding: Encoding) -> None:
        """Follow the encoded image, if the code is still the one that older weights gave it."""
        before = encoding.before
        if before is None or len(before) != self.code.num_dims:
            return
        if np.array_equal(self.code.values, self.code.constrained(before)):
            with self.edits.unrecorded():
                self._on_encoded(encoding)

    # ---- the decoded image -------------------------------------------------------------------------------------

    def _decode(self, *, moving: bool = False) -> None:
        if self.space.opened is not None:
            self._decoding.show(self.space.run, self.code.values, moving=moving)
            if self.active:
                self.code_metrics.request()

    def _on_decoded(self, event: Decoded) -> None:
        command = self._decoding.answered
        assert isinstance(command, Decode)
        self.shown = Shown(
            request=event.request,
            step=event.step,
            code=command.codes.numpy()[0],
            image=event.images.numpy()[0],
            engine_ms=event.engine_ms,
            preview=event.preview,
        )
        self.problem = ""
        self.shown_changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
        self.interpolation.pause()
        self.shown_changed.emit()

    # ---- the weights -------------------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """Show everything with the newest weights, when the panel is active."""
        if self.space.opened is None or not self.active:
            return
        self._decode()
        self._refresh()
        info = self._library.info(self.space.run)
        weights = (self.space.opened, self.space.live, info.step if info is not None else -1)
        if self.space.live or weights != self._computed_for:
            self._computed_for = weights
            self.dimension_stats.compute()

    def _on_decoder_applied(self) -> None:
        self._computed_for = None
        self._catch_up()

    def _refresh(self) -> None:
        """Request again what depends on the weights, other than the decoded image."""
        self.strips.refresh()
        encoding = self.gallery.encoding
        if encoding is not None and encoding.split:
            self.gallery.renew()
        elif encoding is not None:
            self.user_image.renew()
        self.companion.refresh()
        self.map.refresh()
        self.arithmetic.refresh()

    def _run_live_timer(self) -> None:
        if self.active and self.space.live and self.space.opened is not None:
            self._live_timer.start()
        else:
            self._live_timer.stop()

    def _on_live_tick(self) -> None:
        dragged = self._values_at_tick is not self.code.values
        self._values_at_tick = self.code.values
        if not (dragged or self._decoding.busy):  # a drag brings newer images itself
            self._decode()
        self._ticks += 1
        if self._ticks % REFRESH_EVERY == 0:
            self._refresh()
        if self.dimension_stats.due:
            self.dimension_stats.compute()

    def _on_live_changed(self, _run: str) -> None:
        """Training began or ended: the weights are not those that were shown."""
        if self.space.live:
            self._open()
        self._catch_up()
        self._run_live_timer()
