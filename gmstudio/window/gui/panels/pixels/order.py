"""Generation order of the Pixels panel: choice, map of the ranks, and painting by hand."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout

from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.brush import BrushControls
from gmstudio.window.gui.panels.pixels.heat_maps import plain_picture
from gmstudio.window.gui.panels.pixels.names import decimal
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Picture, PixelCanvas
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.sliders.typed_slider import fit_width
from gmstudio.window.state.pixels.order import PAINTED, RANDOM, order_title, painted_ranks, pixel_ranks
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

ORDER_TIP = (
    "Sequence in which pixels are generated. Another order begins again, from the observed pixels or an empty image. "
    "Only models that were trained for several orders can change it."
)
SEED_TIP = "Seed of the shuffled order."
PAINT_TIP = "Paint on the large image the pixels that come first, in sequence"
NO_PAINTING = "This model generates in one order only."
OBSERVED_FIRST = "Observed pixels come first; this order holds among the others."
BESIDE_TIP = (
    "Second order of the same model, beside this one: the same weights, seed, temperature and observed pixels, and as "
    "many sub-pixels sampled."
)
MAP_PAIR_TIP = "As far as it is sampled, with the next pixel framed."
APPLY_TIP = "Generate in the painted order: painted pixels first, the others row by row"
MAP_TIP = "Rank of each pixel in the order (while you paint, the painted one): dark ones come first, bright ones last."


class OrderView(ActiveWidget):
    """The chooser, the painter, and a map of the ranks; or the images of two orders side by side.

    Args:
        panel: gets the actions.
        session: state that is shown and changed.
    """

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._panel, self._session, self._tools = panel, session, session.tools
        self.order = QComboBox()
        panel.name_widget(self.order, "order", "Generation order", ORDER_TIP)
        self.seed = IntegerField()
        self.seed.setRange(0, MAX_SEED)
        fit_width(self.seed, "00000")
        panel.name_widget(self.seed, "order.seed", "Seed of the shuffled order", SEED_TIP)
        self._words = QLabel()
        self._words.setWordWrap(True)
        self._words.setProperty("role", "muted")
        self._words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.brush = BrushControls(panel, session.tools, "order", "Paint an order", "Shift+O", PAINT_TIP)
        self.apply = panel.add_action(
            "order.apply",
            "Apply",
            "",
            self.apply_painting,
            icon="check",
            tip=APPLY_TIP,
        )
        self.map = PixelCanvas()
        self.map.reserve_scale()
        self.map.set_show_context(False)
        panel.name_widget(self.map, "order.map", "Map of the order", MAP_TIP)
        self.beside = QComboBox()
        panel.name_widget(self.beside, "order.beside", "Second order", BESIDE_TIP)
        self.own_image, self.second_image = PixelCanvas(), PixelCanvas()
        panel.name_widget(self.own_image, "order.own_image", "Image in this order", MAP_PAIR_TIP)
        panel.name_widget(self.second_image, "order.second_image", "Image in the second order", MAP_PAIR_TIP)
        self._second = session.second_order
        self._lay_out(panel)
        self.beside.activated.connect(
            lambda index: self._second.choose(self.beside.itemData(index), session.order.seed)
        )
        self._second.changed.connect(self.refresh)
        session.navigator.moved.connect(self._show_pair)
        self.order.currentIndexChanged.connect(self._on_chosen)
        self.seed.valueChanged.connect(lambda seed: session.choose_order(RANDOM, seed))
        for signal in (session.changed, session.navigator.opened, session.tools.changed):
            signal.connect(self.refresh)
        self.refresh()

    def _lay_out(self, panel: Panel) -> None:
        top = QHBoxLayout()
        top.addWidget(self.order, 1)
        beside = QLabel("beside")
        beside.setBuddy(self.beside)
        top.addWidget(beside)
        top.addWidget(self.beside, 1)
        for combo in (self.order, self.beside):
            combo.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._seed_label = QLabel("Seed")
        self._seed_label.setBuddy(self.seed)
        top.addWidget(self._seed_label)
        top.addWidget(self.seed)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, GRID, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addWidget(self.brush)
        column.addWidget(self._words)
        pictures = QHBoxLayout()
        pictures.setSpacing(GRID)
        for canvas in (self.map, self.own_image, self.second_image):
            pictures.addWidget(canvas, 1)
        column.addLayout(pictures, 1)

    def set_active(self, active: bool) -> None:
        """Let the second order follow while the view is shown."""
        self._second.set_active(active)

    def refresh(self) -> None:
        """Show the order and the map, and enable the choice where the model allows it."""
        state = self._session.state
        self._list_orders(state)
        free = state is not None and len(state.orders) > 1
        painted = len(self._tools.order.painted())
        self.order.setEnabled(free)
        shuffled = free and state is not None and state.order_name == RANDOM
        self._seed_label.setVisible(shuffled)
        self.seed.setVisible(shuffled)
        self.seed.blockSignals(True)
        self.seed.setValue(self._session.order.seed)
        self.seed.blockSignals(False)
        paints = free and state is not None and PAINTED in state.orders
        self.brush.setVisible(paints)
        self.brush.allow("" if paints else NO_PAINTING)
        reason = "" if painted else "Nothing is painted yet: drag over the image."
        self._panel.allow(self.apply, reason if paints else NO_PAINTING)
        self._words.setMinimumHeight(2 * self._words.fontMetrics().lineSpacing())  # so that the map stays in place
        self._words.setText(self._words_for(state, painted))
        self.order.setToolTip(f"{ORDER_TIP} {self._words.text()}" if not free else ORDER_TIP)
        self._list_second(state if free else None)
        self._show_map(state)
        self._show_pair()

    def apply_painting(self) -> None:
        """Generate in the painted order."""
        self._session.choose_order(PAINTED)
        self._tools.set_tool("go")

    def _list_orders(self, state: PixelSnapshot | None) -> None:
        names = list(state.orders or (state.order_name,)) if state is not None else []
        self.order.blockSignals(True)
        if names != [self.order.itemData(index) for index in range(self.order.count())]:
            self.order.clear()
            for name in names:
                self.order.addItem(order_title(name), name)
        if state is not None and state.order_name in names:
            self.order.setCurrentIndex(names.index(state.order_name))
        self.order.blockSignals(False)

    def _list_second(self, state: PixelSnapshot | None) -> None:
        """List the orders that the second one can be; a painted one only once something is painted."""
        painted = bool(self._tools.order.painted())
        names = [name for name in state.orders if name != PAINTED or painted] if state is not None else []
        if ["", *names] != [self.beside.itemData(index) for index in range(self.beside.count())]:
            self.beside.clear()
            self.beside.addItem("no second order", "")
            for name in names:
                self.beside.addItem(order_title(name), name)
        self.beside.setCurrentIndex(max(0, self.beside.findData(self._second.name)))
        self.beside.setEnabled(bool(names))
        self.beside.setToolTip(BESIDE_TIP if names else f"{BESIDE_TIP} {NO_PAINTING}")

    def _show_pair(self) -> None:
        """Show the images of both orders at one size, in place of the map, while there is a second order."""
        second, first = self._second, self._session.navigator.shown
        both = bool(second.name) and first is not None and self._tools.tool != "order"
        self.map.setVisible(not both)
        for canvas, state in ((self.own_image, first), (self.second_image, second.state)):
            canvas.setVisible(both)
            if not both or state is None:
                canvas.set_picture(None)
                canvas.set_placeholder(second.problem if canvas is self.second_image else "")
                continue
            at = state.position[1:] if state.position else None
            canvas.set_picture(plain_picture(state, state.context, at))
        if both and first is not None:
            self._words.setText(pair_text(first, second.state))

    def _words_for(self, state: PixelSnapshot | None, painted: int) -> str:
        if state is None:
            return ""
        if len(state.orders) <= 1:
            return f"This model generates in {state.order_words or 'one order only'}."
        parts = []
        if self._tools.tool == "order" or painted:
            pixels = state.spec.height * state.spec.width
            parts.append(f"{painted:,} of {pixels:,} pixels painted; the others follow row by row.")
        image = self._session.conditioning.image
        if image is not None and image.observed is not None:
            parts.append(OBSERVED_FIRST)
        elif image is not None and self._session.conditioning.preset == "completion":
            parts.append(f"The first {image.num_observed:,} sub-pixels of this order are observed.")
        return " ".join(parts) or " "

    def _show_map(self, state: PixelSnapshot | None) -> None:
        if state is None:
            self.map.set_picture(None)
            return
        shape = (state.spec.height, state.spec.width)
        painting = self._tools.tool == "order"
        ranks = painted_ranks(self._tools.order.ranks()) if painting else pixel_ranks(state.order, shape)
        self.map.set_picture(blank(shape))
        self.map.set_overlay(ranks, max(1.0, float(ranks.max())), legend="rank")

    def _on_chosen(self, index: int) -> None:
        name = self.order.itemData(index)
        if name == PAINTED and not self._tools.order.painted():
            self._tools.set_tool("order")  # there must be something painted first
            self.refresh()
        elif name is not None:
            self._session.choose_order(name)


def pair_text(first: PixelSnapshot, second: PixelSnapshot | None) -> str:
    """Sentence on the surprisal of the images in two orders, the first at the left."""
    parts = []
    for side, state in (("Left", first), ("Right", second)):
        if state is not None:
            nats = f"{decimal(state.total_nats, 2)} nats for {state.step:,} sub-pixels"
            parts.append(f"{side}: {order_title(state.order_name).lower()}, {nats}.")
    return " ".join(parts)


def blank(shape: tuple[int, int]) -> Picture:
    """Picture of (H, W) pixels that are not sampled yet."""
    nothing = np.zeros((1, *shape), np.bool_)
    return Picture(
        image=nothing.astype(np.uint8),
        levels=2,
        placed=nothing,
        context=nothing,
        current=None,
        surprisal=np.full(shape, np.nan),
        top=1.0,
        observed=nothing[0],
    )
