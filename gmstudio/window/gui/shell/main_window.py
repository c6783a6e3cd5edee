"""Main window: navigation, banner, status bar and menus."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QDesktopServices, QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMainWindow, QMenu, QStackedWidget, QVBoxLayout, QWidget

from gmstudio.protocol.engine import CommandFailed
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.places import Place, place_key
from gmstudio.window.gui.shell.banner import Banner, Notice
from gmstudio.window.gui.shell.data_link import DataLink
from gmstudio.window.gui.shell.decision_notices import DecisionNotices
from gmstudio.window.gui.shell.edit_menu import EditMenu
from gmstudio.window.gui.shell.engine_notices import EngineNotices
from gmstudio.window.gui.shell.file_drop import FileDrop
from gmstudio.window.gui.shell.help import HelpPage
from gmstudio.window.gui.shell.lessons.guide import STAGE_MODULE, LessonGuide
from gmstudio.window.gui.shell.machine import Machine
from gmstudio.window.gui.shell.memory import WindowMemory
from gmstudio.window.gui.shell.page import PanelPage, fitted
from gmstudio.window.gui.shell.palette.command_palette import CommandPalette
from gmstudio.window.gui.shell.panel_requests import PanelRequests
from gmstudio.window.gui.shell.preload import Preloader, panel_builders
from gmstudio.window.gui.shell.presentation import Presentation
from gmstudio.window.gui.shell.queue_notice import QueueNotice
from gmstudio.window.gui.shell.ready_note import ReadyNote
from gmstudio.window.gui.shell.run_opener import RunOpener
from gmstudio.window.gui.shell.save_menus import SaveMenus
from gmstudio.window.gui.shell.settings import DEVICE, FOLLOW, GEOMETRY, PANEL, THEME, WindowSettings
from gmstudio.window.gui.shell.sidebar import HELP, Sidebar
from gmstudio.window.gui.shell.status_bar import StatusBar
from gmstudio.window.gui.shell.tooltips import TooltipWrapper
from gmstudio.window.gui.theme import MODES, theme
from gmstudio.window.gui.undo import FieldUndo
from gmstudio.window.state.studio import Studio

SIZE = QSize(1280, 800)
MINIMUM_SIZE = QSize(640, 380)
MESSAGE_MS = 8000
"""Time for which the status bar shows that a file was written."""
FRAME = QSize(16, 40)
"""Room for the frame of a window that is not shown yet."""
THEME_TITLES = {"system": "Follow the &system", "dark": "&Dark", "light": "&Light"}


class MainWindow(QMainWindow):
    """Window of the panels, with the state of the engine.

    Closing it first makes the engine save a checkpoint and exit; closing it again meanwhile does not wait.

    Args:
        studio: state of the window.
        places: entries of the panels.

    Signals:
        completed: every panel is built, and its modules are loaded.
    """

    completed = Signal()

    def __init__(self, studio: Studio, places: Sequence[Place]) -> None:
        super().__init__()
        self._studio = studio
        self._places = {place.name: place for place in places}
        self._settings = WindowSettings()
        theme().set_mode(self._settings.get(THEME))
        studio.library.follows = self._settings.get(FOLLOW)
        self._panels: dict[str, Panel] = {}
        self._edits = EditMenu(self, self._panels, self.show_panel, studio.library)
        FieldUndo(self)
        self.setObjectName("main_window")
        self.setWindowIcon(theme().icon("gmstudio", "accent"))
        self.setMinimumSize(MINIMUM_SIZE)
        self._machine = Machine(self, studio.engine, self._settings)
        self.banner = Banner()
        self._machine.offer(self.banner)
        self._notices = EngineNotices(studio, self.banner, self)
        DecisionNotices(studio, self.banner, self)
        self._drop = FileDrop(self, studio)
        self._data_link = DataLink(studio, self.show_panel, self)
        QueueNotice(studio, self.banner, self._data_link.show_queue, self)
        self._opener = RunOpener(studio, places, self._settings, self)
        self._requests = PanelRequests(self._places, studio, self._opener, self.build_panel, self.show_panel, self)
        self._memory = WindowMemory(studio.library, places, self._settings, self)
        self._lessons = LessonGuide(self, self._places, studio, self.show_panel)
        self._memory.add_state("lessons", self._lessons.state)
        self._save_menus = SaveMenus(studio.library, self)
        self._ready_note = ReadyNote(studio.library)
        self._sidebar = Sidebar(places)
        self._stack = QStackedWidget()
        self._help = HelpPage(self._help_sections, lambda: studio.engine.stderr_tail)
        self._pages: dict[str, QWidget] = {place.name: QWidget() for place in places} | {HELP: self._help}
        self._general: list[QAction] = []
        self._lay_out()
        theme().style_window(self)
        chrome = (self.menuBar(), self.statusBar(), self._sidebar, self.banner)
        self._presentation = Presentation(self, chrome)
        self._palette = CommandPalette(
            self, self._places, self._panels, studio, self._settings, self._opener.open, self.show_panel
        )
        self._fill_menus()
        modules = [*(module for place in places for module in place.modules), STAGE_MODULE]
        builders = panel_builders([place.name for place in places], self.build_panel, self._panels)
        self._preloader = Preloader(modules, builders, self, lambda: studio.library.arriving)
        self._preloader.finished.connect(self._on_complete)
        self._load_settings()
        self._sidebar.chosen.connect(self.show_panel)
        self._opener.found.connect(self._show_run)
        self._opener.failed.connect(self._report_unopened)
        self._ready_note.training_wanted.connect(self._requests.set_up_training)
        for said in (self._save_menus.written, self._opener.restored, self._edits.said):
            said.connect(lambda text: self.statusBar().showMessage(text, MESSAGE_MS))
        self._save_menus.failed.connect(lambda text: self.banner.show_notice(Notice("save", text, "error")))
        self._drop.run_found.connect(self._opener.open)
        self._drop.data_found.connect(self._data_link.import_files)
        self._drop.weights_found.connect(self._data_link.import_weights)
        self._drop.panel_wanted.connect(self.show_panel)
        self._drop.noticed.connect(self.banner.show_notice)
        studio.engine.changed.connect(self._on_engine_changed)
        studio.library.open_failed.connect(self._on_open_failed)
        studio.library.live_changed.connect(self._save_settings)  # a run was started with settings worth keeping

    @property
    def panel(self) -> str:
        """Name of the panel that is shown, or ``help``."""
        current = self._stack.currentWidget()
        return next(name for name, page in self._pages.items() if page is current)

    def show_panel(self, name: str) -> None:
        """Show a panel (built when it is first shown), or ``help``."""
        self.build_panel(name)
        page = self._pages[name]
        # The focus returns to the widget that had it when the page was left. At first the page itself gets it: Qt would
        # give it to the first button, which would take the keys of the panel.
        last = page.focusWidget()
        self._stack.setCurrentWidget(page)
        self._sidebar.show_chosen(name)
        self._opener.set_panel(name)
        place = self._places.get(name)
        self._ready_note.follow(place, place.state_in(self._studio) if place is not None else None)
        (page if last is None or not page.isAncestorOf(last) else last).setFocus()

    def build_panel(self, name: str) -> None:
        """Build a panel unless it is built already."""
        if name in self._panels or name == HELP:
            return
        place = self._places[name]
        state = place.state_in(self._studio)
        self._opener.add_state(name, state)
        self._memory.add_state(name, state)
        self._data_link.add_state(name, state)
        panel = place.build(self._studio)
        self._panels[name] = panel
        self._memory.add_panel(panel)
        self._save_menus.add_panel(panel, state)
        self._palette.add_source(state)
        self._palette.add_source(panel)
        self._requests.add_panel(panel)
        self._lessons.add_panel(panel)
        panel.set_presenting(self._presentation.on)
        self._edits.add_panel(panel, place.title)
        page = PanelPage(panel)
        holder, self._pages[name] = self._pages[name], page
        shown = self._stack.currentWidget() is holder
        self._stack.insertWidget(self._stack.indexOf(holder), page)
        if shown:
            self._stack.setCurrentWidget(page)
        self._stack.removeWidget(holder)
        holder.deleteLater()

    def show_help(self, page: str = "keys") -> None:
        """Show a page of Help: ``keys``, ``glossary`` or ``engine``."""
        self.show_panel(HELP)
        self._help.open(page)

    def report_exception(self, summary: str, traceback: str) -> None:
        """Report an unexpected exception of the window itself."""
        text = f"Unexpected error in the window: {summary} The window stays open; the last action may be incomplete."
        self.banner.show_notice(Notice("window", text, "error", traceback))

    # ---- Qt's events -----------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Start building the panels that are not shown, while the event loop is idle."""
        super().showEvent(event)
        self._preloader.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc, where no panel takes it, ends the presentation."""
        if event.key() == Qt.Key.Key_Escape and self._presentation.on:
            self._presentation.set_on(False)
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Make the engine save first; the window closes afterwards."""
        self._machine.close()
        self._presentation.set_on(False)  # so that the next window has the size of before
        self._save_settings()
        self._settings.sync()
        if self._studio.engine.state.phase == "closed":
            event.accept()
            return
        event.ignore()
        self._studio.engine.close()

    def _on_complete(self) -> None:
        TooltipWrapper(self)  # only now: as a filter of every event it would slow the start
        self.completed.emit()

    def _on_engine_changed(self) -> None:
        if self._studio.engine.state.phase == "closed" and self.isVisible():
            QTimer.singleShot(0, self, self.close)

    def _on_open_failed(self, run: str, failure: CommandFailed) -> None:
        self._report_unopened(run, failure.message)

    def _report_unopened(self, run: str, text: str) -> None:
        self.banner.show_notice(Notice(f"open {run}", text, "warning"))

    # ---- construction ----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        for page in self._pages.values():
            self._stack.addWidget(page)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self._ready_note)
        column.addWidget(self._stack, 1)
        column.addWidget(self._lessons.holder)
        center = QWidget()
        row = QHBoxLayout(center)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._sidebar)
        row.addLayout(column, 1)
        self.setCentralWidget(center)
        self.setStatusBar(StatusBar(self._studio.engine, self._studio.loads))

    def _fill_menus(self) -> None:
        library, engine = self._studio.library, self._studio.engine
        runs = self.menuBar().addMenu("&File")
        self._add(runs, "open_run", "&Open run…", "Ctrl+O", self._ask_for_run, "Open a run folder from anywhere.")
        tip = "Import a run that was exported as one file; or drop the file, or the folder of a run, on the window."
        self._add(runs, "import_run", "&Import run…", "", self._drop.choose_run, tip)
        tip = "Exports embed their settings; choose one, or drop it on the window, to restore its run and codes."
        self._add(runs, "restore_picture", "Restore from &picture…", "Ctrl+Shift+O", self._drop.choose_picture, tip)
        tip = "Open the folder of the runs in the file manager."
        self._add(runs, "runs_folder", "Show runs &folder", "", self._show_runs_folder, tip)
        self._add(runs, "refresh_runs", "&Refresh runs", "F5", library.refresh, "Read the list of run folders again.")
        tip = "Pixels, Latents and Chains show each run that starts; otherwise they stay with their run."
        follow = self._add(runs, "follow_runs", "&Follow new runs", "", lambda: self._choose_follow(follow), tip)
        follow.setCheckable(True)
        follow.setChecked(library.follows)
        tip = "Train and compute on another machine, with its runs and data; or on this computer again."
        self._add(runs, "connect", "&Connect to…", "", self._machine.ask, tip)
        runs.addSeparator()
        self._add(runs, "quit", "&Quit", "Ctrl+Q", self.close, "Save a checkpoint of the run in training, and close.")
        self._edits.fill(self.menuBar().addMenu("&Edit"))
        self._general.extend(self._edits.actions)
        view = self.menuBar().addMenu("&View")
        for number, place in enumerate(self._places.values(), start=1):
            go = self._go_to(place.name)
            self._add(view, f"show_{place.name}", place.title, place_key(number), go, place.tip)
        view.addSeparator()
        tip = "Find every action, panel, family, data set and run by its name."
        self._palette.set_action(
            self._add(view, "palette", "&Command palette…", "Ctrl+Shift+P", self._palette.toggle, tip)
        )
        tip = "The panel alone on the whole screen, in large type. F11 or Esc ends it."
        present = self._add(view, "present", "&Presentation", "F11", self._switch_presentation, tip)
        present.setCheckable(True)
        self._presentation.changed.connect(present.setChecked)
        self._presentation.changed.connect(self._on_presenting)
        self._add_themes(view.addMenu("&Theme"))
        menu = self.menuBar().addMenu("&Help")
        tip = "Actions and keys of every panel."
        self._add(menu, "keys", "&Keyboard shortcuts", "F1", lambda: self.show_help("keys"), tip)
        self._lessons.fill_menu(menu.addMenu("&Lessons"))
        tip = "Terms on the screen, with symbols and sources."
        self._add(menu, "glossary", "&Glossary", "", lambda: self.show_help("glossary"), tip)
        tip = "Standard error of the engine process."
        self._add(menu, "engine_log", "Engine &log", "", lambda: self.show_help("engine"), tip)
        tip = "Start the engine again; if it responds, it saves a checkpoint first."
        self._add(menu, "restart_engine", "&Restart engine", "", engine.restart, tip)
        self._add(menu, "about", "&About gmstudio", "", self.show_help)

    def _add(self, menu: QMenu, name: str, text: str, key: str, slot: Callable[[], object], tip: str = "") -> QAction:
        action = QAction(text, self)
        action.setObjectName(f"window.{name}")
        action.setToolTip(tip or text.replace("&", ""))
        if key:
            action.setShortcut(QKeySequence(key))
            self._general.append(action)
        action.triggered.connect(lambda _checked=False: slot())
        menu.addAction(action)
        self.addAction(action)  # so that its key works without the menu
        return action

    def _add_themes(self, menu: QMenu) -> None:
        group = QActionGroup(self)
        for mode in MODES:
            action = QAction(THEME_TITLES[mode], self)
            action.setObjectName(f"window.theme_{mode}")
            action.setCheckable(True)
            action.setChecked(mode == theme().mode)
            action.triggered.connect(lambda _checked=False, mode=mode: self._choose_theme(mode))
            group.addAction(action)
            menu.addAction(action)

    def _go_to(self, name: str) -> Callable[[], None]:
        return lambda: self.show_panel(name)

    def _on_presenting(self, presenting: bool) -> None:
        for panel in self._panels.values():
            panel.set_presenting(presenting)

    def _switch_presentation(self) -> None:
        self._presentation.set_on(not self._presentation.on)

    def _choose_theme(self, mode: str) -> None:
        theme().set_mode(next(known for known in MODES if known == mode))
        self._settings.put(THEME, theme().mode)

    def _choose_follow(self, action: QAction) -> None:
        self._studio.library.follows = action.isChecked()
        self._settings.put(FOLLOW, action.isChecked())

    def _help_sections(self) -> list[tuple[str, Sequence[QAction]]]:
        places = self._places.items()
        panels = [(p.title, self._panels[name].listed_actions()) for name, p in places if name in self._panels]
        return [("Global", self._general), *panels]

    # ---- actions of the window ---------------------------------------------------------------------------

    def _ask_for_run(self) -> None:
        """Open a non-modal file dialog, or where the library is on another machine, say so."""
        if elsewhere := self._studio.library.elsewhere:
            text = f"{elsewhere} Choose one in a list of runs; folders of this computer are not there."
            self.banner.show_notice(Notice("folder", text))
            return
        dialog = QFileDialog(self, "Open run: choose its folder", self._studio.library.home)
        dialog.setObjectName("open_run_dialog")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._opener.open)
        dialog.setModal(False)
        dialog.show()

    def _show_run(self, name: str, run: str) -> None:
        """Show a run in a panel. It is chosen before the panel is shown, which would open the run chosen so far."""
        self.build_panel(name)
        self._opener.choose(name, run)
        self.show_panel(name)

    def _show_runs_folder(self) -> None:
        home = self._studio.library.home
        if elsewhere := self._studio.library.elsewhere:
            text = f"{elsewhere} Open that folder there."
        elif not home:
            text = "The engine has not reported its runs folder yet; try again soon."
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(home)):
            text = f"No program here can show folders; the runs are in {home}."
        else:
            return
        self.banner.show_notice(Notice("folder", text))

    # ---- settings ----------------------------------------------------------------------------------------

    def _load_settings(self) -> None:
        if not self.restoreGeometry(self._settings.get(GEOMETRY)):
            self.resize(SIZE)
        self.resize(fitted(self.size(), self.screen().availableSize(), FRAME))
        panel = self._settings.get(PANEL)
        self.show_panel(panel if panel in self._places else next(iter(self._places)))
        device = self._settings.get(DEVICE)
        if device:
            self._studio.engine.choose_device(device)

    def _save_settings(self) -> None:
        self._settings.put(GEOMETRY, self.saveGeometry())
        if self.panel != HELP:
            self._settings.put(PANEL, self.panel)
        self._opener.save()
        self._memory.save()
        self._settings.put(DEVICE, self._studio.engine.device)
