"""State of the Atlas: the tree, the node or demonstration that is shown, and what is measured for it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.atlas import DemonstrationCard, MeasureSampling, SamplingMeasured
from gmstudio.protocol.engine import Catalog
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.atlas.comparison import ComparedFigure, compared_figures
from gmstudio.window.state.atlas.facts import Fact, facts
from gmstudio.window.state.atlas.live import COUNT, LiveSamples, Thumbnails
from gmstudio.window.state.atlas.player import DemonstrationPlayer
from gmstudio.window.state.atlas.taxonomy import Node, Taxonomy, taxonomy
from gmstudio.window.state.palette import PaletteEntry
from gmstudio.window.state.runs.library import RunLibrary

PANEL = "atlas"
"""Name of the panel."""


class AtlasState(QObject):
    """State of the Atlas panel.

    Attributes:
        tree: the taxonomy; without families until the engine has started.
        node: selected node.
        demonstration: the page of the demonstration is shown instead of the node's.
        live: samples of the selected family.
        thumbnails: a sample of each family.
        player: demonstration.

    Signals:
        tree_changed: the families changed.
        selected: another node, or a demonstration, is shown.
        facts_changed: runs, measurements or the ready model of the selected family changed.
    """

    tree_changed = Signal()
    selected = Signal()
    facts_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._catalog: Catalog | None = None
        self._wanted: tuple[str, ...] = ()
        self.tree: Taxonomy = taxonomy(())
        self.node: Node = self.tree.root
        self.demonstration = False
        self._measured: dict[str, SamplingMeasured] = {}
        self._active = False
        self._measuring = Request(events, self)
        self._measuring.replied.connect(self._on_measured)
        self.live = LiveSamples(events, library, self)
        self.live.changed.connect(self._on_live_changed)
        self.thumbnails = Thumbnails(events, library, self)
        self.player = DemonstrationPlayer(events, self._models, self)
        library.catalog_arrived.connect(self._on_catalog)
        library.turns.add(self._on_library_changed)
        if library.catalog is not None:
            self._on_catalog()

    # ---- what is shown ---------------------------------------------------------------------------------------

    @property
    def demonstrations(self) -> tuple[DemonstrationCard, ...]:
        """Demonstrations of the engine."""
        return self._catalog.demonstrations if self._catalog is not None else ()

    @property
    def has_engine(self) -> bool:
        """The engine has started."""
        return self._catalog is not None

    @property
    def ready(self) -> str:
        """Name of the run whose model stands for the selected family; empty: there is none, or no family."""
        return self.ready_run(self.node.entry.card.name) if self.node.entry is not None else ""

    def ready_run(self, family: str) -> str:
        """Path of the ready model of a family, else of the newest of its runs with weights; empty: there is none."""
        return self._library.ready(family)

    @property
    def ready_words(self) -> str:
        """Origin of the model that is shown, one sentence."""
        info = self._library.info(self.ready)
        if info is None:
            return "No model of this family yet."
        if info.example:
            return f"Ready model: {info.data_label}, {info.step:,} steps."
        return f"Your run: {info.title}, {info.step:,} steps."

    def facts(self) -> tuple[Fact, ...]:
        """Facts on the selected family; none for a branch."""
        if self.node.entry is None:
            return ()
        measured = self._measured.get(self._key(self.ready))
        return facts(self.node.entry, measured, self.live.ms_per_image, COUNT, has_model=bool(self.ready))

    def figures(self) -> tuple[ComparedFigure, ...]:
        """Published figures of the selected family beside one's own."""
        if self.node.entry is None:
            return ()
        own = [info for info in self._library.runs if not info.example]
        return compared_figures(self.node.entry.card, own)

    def related(self) -> tuple[DemonstrationCard, ...]:
        """Demonstrations that show the selected family."""
        entry = self.node.entry
        return tuple(card for card in self.demonstrations if entry is not None and entry.card.name in card.families)

    # ---- acting ----------------------------------------------------------------------------------------------

    def select(self, node: Node) -> None:
        """Show the page of a node."""
        self._wanted = node.path
        if node.path != self.node.path or self.demonstration:
            self.node, self.demonstration = node, False
            self._follow()
            self.selected.emit()

    def demonstrate(self, name: str) -> None:
        """Show a demonstration and begin to compute it; an unknown name is ignored."""
        card = next((card for card in self.demonstrations if card.name == name), None)
        if card is not None:
            self.demonstration = True
            self.live.set_active(False)
            self.player.start(card)
            self.selected.emit()

    def set_active(self, active: bool) -> None:
        """Draw samples only while the panel is on the screen."""
        self._active = active
        self.thumbnails.set_active(active)
        self.live.set_active(active and not self.demonstration)
        if not active:
            self.player.stop()

    def palette_entries(self) -> Iterator[PaletteEntry]:
        """Every demonstration, and the page of every node, by name."""
        for card in self.demonstrations:
            show = partial(self.demonstrate, card.name)
            yield PaletteEntry(
                f"demonstration:{card.name}", card.title, "Demonstration", show, detail=card.sentence, panel=PANEL
            )
        for node in self.tree.nodes:
            where = " › ".join(node.path[:-1])
            yield PaletteEntry(
                f"theory:{node.name}", node.title, "Theory", partial(self.select, node), detail=where, panel=PANEL
            )

    def choices(self) -> dict[str, Any]:
        """Selected node as JSON values, kept from one start of the window to the next."""
        return {"path": list(self.node.path)}

    def restore_choices(self, values: dict[str, Any]) -> None:
        """Select the node that was kept, at once or when its family is known."""
        path = values.get("path")
        if isinstance(path, list) and all(isinstance(part, str) for part in path):
            self._wanted = tuple(path)
            self._find_wanted()

    # ---- engine and library ------------------------------------------------------------------------------------

    def _models(self, families: tuple[str, ...]) -> dict[str, str]:
        found = {family: self._library.example(family) for family in families}
        return {family: run for family, run in found.items() if run}

    def _on_catalog(self) -> None:
        self._catalog = self._library.catalog
        if self._catalog is not None:
            self.tree = taxonomy(self._catalog.families)
            self.node = self.tree.find(self.node.path) or self.tree.root
            self._find_wanted()
            self.tree_changed.emit()
            self.selected.emit()
            self._on_library_changed()
            self.live.retry()
            self.thumbnails.retry()

    def _find_wanted(self) -> None:
        found = self.tree.find(self._wanted)
        if found is not None and found.path != self.node.path:
            self.node = found
            self._follow()
            self.selected.emit()

    def _on_library_changed(self) -> None:
        leaves = [node.entry.card.name for node in self.tree.nodes if node.entry is not None]
        runs = {family: self.ready_run(family) for family in leaves}
        self.thumbnails.show({family: run for family, run in runs.items() if run})
        self._follow()
        self.facts_changed.emit()

    def _follow(self) -> None:
        """Draw and measure the model of the selected family."""
        run = self.ready
        self.live.show(run)
        self.live.set_active(self._active and not self.demonstration)
        self._measure()

    def _measure(self) -> None:
        """Count what a sample costs, once for each model, after the first samples: they are waited for."""
        run, command = self.ready, self._measuring.command
        under_way = self._measuring.busy and isinstance(command, MeasureSampling) and command.run == run
        wanted = self._active and run and self.live.ms_per_image is not None and self._key(run) not in self._measured
        if wanted and not under_way:
            self._measuring.send(MeasureSampling(run=run))

    def _key(self, run: str) -> str:
        """Identity of a model: a run, and when it was started, as the folder may hold another one later."""
        info = self._library.info(run)
        return f"{run} {info.created}" if info is not None else run

    def _on_measured(self, event: SamplingMeasured) -> None:
        self._measured[self._key(event.run)] = event
        self.facts_changed.emit()

    def _on_live_changed(self) -> None:
        self._measure()
        self.facts_changed.emit()
