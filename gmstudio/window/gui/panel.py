"""Base of the panels: named controls, actions with shortcuts that Help lists, and being active on the screen."""

from functools import partial
from typing import Any, ClassVar

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction, QFocusEvent, QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QAbstractSpinBox, QScrollArea, QTabWidget, QToolButton, QWidget

from gmstudio.media.provenance import Provenance
from gmstudio.window.gui.control_edits import ControlEdits
from gmstudio.window.gui.control_values import Control, note_moves
from gmstudio.window.gui.open_pages import open_pages, show_pages
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.gui.widgets.panel_keys import PanelKeys
from gmstudio.window.gui.widgets.sliders.typed_slider import inset_text
from gmstudio.window.gui.widgets.wheel_guard import guard_wheel
from gmstudio.window.state.edits import Edit, EditRecorder
from gmstudio.window.state.history import History, Place, Step

__all__ = ["Control", "Panel"]


class _ActionButton(QToolButton):
    """Button of an action.

    While the action that it carries out is disabled, for instance until the engine has answered, the panel holds the
    focus for it: Qt would give it to the next button, which a second press of the space bar would carry out.

    Args:
        panel: that it belongs to.

    Signals:
        primary_set: the property ``primary`` was set, on which the colour of the icon depends.
    """

    primary_set = Signal()

    def __init__(self, panel: "Panel") -> None:
        super().__init__(panel)
        self._panel = panel

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Leave the focus to the panel where it is lost because the button is disabled."""
        super().focusOutEvent(event)
        if not self.isEnabled() and self.window() is self._panel.window():
            self._panel.hold_focus(self)

    def setProperty(self, name: str, value: object) -> bool:
        """Set a property."""
        known = super().setProperty(name, value)
        if name == "primary":
            self.primary_set.emit()
        return known


class Panel(ActiveWidget):
    """Base of the panels.

    A panel overrides ``set_active`` and forwards it to its state.

    Class attributes:
        name: object name, for example ``pixels``, and name of its ``Place``; controls are named ``pixels.<control>``.

    Attributes:
        undo: history of the edits; in a window that of all its panels, see ``join_history``.

    Signals:
        control_remembered: a control whose value is kept from one start of the window to the next.
        run_wanted: name of a run that is to be explored, in the panel that is made for it.
        training_wanted: name of a family that is to be chosen in Train.
        setup_wanted: ``RunSpec`` that Train is to be set up with.
        panel_wanted: name of another panel that is to be shown.
        dimension_wanted: name of a run, and number of a dimension of its code that is to be moved in Latents.
        lesson_wanted: name of a lesson that is to be opened.
        undo_changed: what can be undone or redone changed.
        menu_opening: a ``QMenu`` that is about to open for a widget; the window adds saving and copying of its picture.
    """

    name: ClassVar[str]
    control_remembered = Signal(object)
    menu_opening = Signal(object, object)
    run_wanted = Signal(str)
    training_wanted = Signal(str)
    setup_wanted = Signal(object)
    panel_wanted = Signal(str)
    dimension_wanted = Signal(str, int)
    lesson_wanted = Signal(str)
    undo_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(self.name)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._listed: list[QAction] = []
        self._panel_wide: list[QAction] = []
        self._icon_names: dict[QAction, str] = {}
        self._tips: dict[QAction, str] = {}
        self._shown_tips: dict[QAction, str] = {}
        self._reasons: dict[QAction, str] = {}
        self._needs: dict[QAction, str] = {}
        self._buttons: dict[QAction, list[QToolButton]] = {}
        self._focus_of: QToolButton | None = None
        self._everywhere: set[QAction] = set()
        self._keys = PanelKeys(self, lambda: self._panel_wide, self._buttons_of)
        self._remembered: list[Control] = []
        self._place_title = ""
        self.undo = History(self)
        self.undo.show = self.show_step
        self.undo.changed.connect(self.undo_changed)
        self.controls = ControlEdits(self)
        self._track(self.controls)
        theme().changed.connect(self._tint_icons)

    def add_action(
        self,
        name: str,
        text: str,
        key: str,
        slot: Any,
        *,
        icon: str = "",
        tip: str = "",
        checkable: bool = False,
        everywhere: bool = False,
        only_in: QWidget | None = None,
        needs: str = "",
    ) -> QAction:
        """Add an action to the panel.

        Its shortcut acts while the focus is anywhere in the panel; where all its buttons stand on pages of tabs or
        stacks, only while one of these pages is open.

        Args:
            name: name of its control, for example ``step``.
            text: text of the button and in Help, for example ``One step``.
            key: shortcut for ``QKeySequence``, for example ``Space`` or ``Ctrl+Return``; empty: none.
            slot: called with the checked state if ``checkable``, otherwise without arguments.
            icon: name of an icon.
            tip: tooltip; by default the text.
            checkable: the action is switched on and off.
            everywhere: the shortcut acts on every page, for example because it opens the page of its result.
            only_in: the shortcut acts only while this widget, for example a list, has the focus.
            needs: reason to give while the action is disabled and ``allow`` gave none, a sentence.
        """
        action = QAction(text, self)
        self._needs[action] = needs
        action.setObjectName(f"action.{self.name}.{name}")
        action.setCheckable(checkable)
        if key:
            action.setShortcut(QKeySequence(key))
            contexts = Qt.ShortcutContext
            action.setShortcutContext(contexts.WidgetShortcut if only_in else contexts.WidgetWithChildrenShortcut)
        if icon:
            self.set_action_icon(action, icon)
        self.set_action_tip(action, tip or text)
        if checkable:
            action.toggled.connect(slot)
        else:
            action.triggered.connect(lambda _checked=False: slot())
        self._listed.append(action)
        if only_in is not None:
            only_in.addAction(action)
            return action
        self.addAction(action)
        self._panel_wide.append(action)
        self._keys.add(action)
        if everywhere:
            self._everywhere.add(action)
        return action

    def add_tab_actions(self, tabs: LazyTabs) -> None:
        """Add an action ``view_<tab>`` with the tab's shortcut for each tab that has one."""
        for tab in tabs.tabs:
            if tab.key:
                open_tab = partial(tabs.show_page, tab.name)
                self.add_action(f"view_{tab.name}", f"View: {tab.title}", tab.key, open_tab, tip=tab.tip)

    def set_action_icon(self, action: QAction, icon: str) -> None:
        """Set the icon of an action, for example ``pause`` while it plays; it follows the theme."""
        if self._icon_names.get(action) != icon:  # every change of an action reaches all its buttons
            self._icon_names[action] = icon
            self._tint_icon(action)

    def set_action_tip(self, action: QAction, tip: str) -> None:
        """Set the tooltip of an action; its key is appended."""
        self._tips[action] = tip
        self._show_tip(action, tip)

    def _show_tip(self, action: QAction, tip: str) -> None:
        if tip != self._shown_tips.get(action):  # every change of an action reaches all its buttons
            self._shown_tips[action] = tip
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            action.setToolTip(f"{tip} ({keys})" if keys else tip)

    def set_presenting(self, presenting: bool) -> None:
        """Leave out what stands in the way of a large image in presentation mode, or show it again; nothing here."""

    @property
    def room(self) -> QSize:
        """Size of the page that is visible at once; the panel itself is larger where the page scrolls."""
        page = self.parentWidget()
        area = None if page is None else page.parentWidget()
        return page.size() if page is not None and isinstance(area, QScrollArea) else self.size()

    def heightForWidth(self, width: int) -> int:
        """Least height at a width, below which the page scrolls; Qt would take the height that it has at best."""
        layout = self.layout()
        return layout.totalMinimumHeightForWidth(width) if layout is not None and layout.hasHeightForWidth() else -1

    def allow(self, action: QAction, reason: str = "") -> None:
        """Enable an action; or disable it for a reason, a sentence that its tooltip then says behind its tip."""
        action.setEnabled(not reason)
        self._reasons[action] = reason
        tip = self._tips[action]
        tip = f"{tip.removesuffix('.')}. {reason}" if reason else tip
        self._show_tip(action, tip)

    def reason(self, action: QAction) -> str:
        """Return why an action is disabled, a sentence; empty where it is not, or no reason is known."""
        if action.isEnabled():
            return ""
        return self._reasons.get(action) or self._needs.get(action, "")

    def perform(self, action: QAction) -> None:
        """Trigger an action as its key does, with the tab open on which its button stands."""
        for button in self._buttons_of(action)[:1]:
            self._open_tabs_of(button)
        action.trigger()

    def _open_tabs_of(self, widget: QWidget) -> None:
        """Open the tabs on which a widget stands, the inner ones too."""
        chain: list[QWidget] = []
        above: QWidget | None = widget
        while above is not None and above is not self:
            chain.append(above)
            above = above.parentWidget()
        for tabs in chain:
            if isinstance(tabs, QTabWidget):
                tabs.setCurrentWidget(next(page for page in chain if tabs.indexOf(page) >= 0))

    def button(self, action: QAction, *, icon_only: bool = False) -> QToolButton:
        """Create the button of an action: object name ``<panel>.<name>``, accessible name, key in the tooltip.

        The property ``primary`` highlights the button of the main action.
        """
        button = _ActionButton(self)
        button.setDefaultAction(action)
        button.primary_set.connect(lambda: self._tint_icon(action))
        button.setObjectName(action.objectName().removeprefix("action."))
        button.setAccessibleName(action.text())
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if icon_only or not action.text():
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        elif action in self._icon_names:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        else:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        action.changed.connect(partial(self._follow_action, action, button))
        self._buttons.setdefault(action, []).append(button)
        return button

    def _follow_action(self, action: QAction, button: QToolButton) -> None:
        """Name a button as its action is named, and give the focus back to one that is enabled again."""
        button.setAccessibleName(action.text())
        if button is self._focus_of and action.isEnabled():
            self._focus_of = None
            if self.hasFocus():
                button.setFocus()

    def hold_focus(self, button: QToolButton) -> None:
        """Hold the focus of a button that is disabled until it is enabled again, or the focus is moved."""
        self._focus_of = button
        self.setFocus()

    def name_widget(self, widget: QWidget, control: str, accessible_name: str, tip: str) -> None:
        """Set object name ``<panel>.<control>``, accessible name and tooltip of a control."""
        widget.setObjectName(f"{self.name}.{control}")
        widget.setAccessibleName(accessible_name)
        widget.setToolTip(tip)
        guard_wheel(widget)
        if isinstance(widget, QAbstractSpinBox):
            inset_text(widget)

    # ---- undo ----------------------------------------------------------------------------------------------------

    def record_edits(self, recorder: EditRecorder, *, of_controls: bool = True) -> None:
        """Keep the edits of the panel's state in ``undo``, see ``gmstudio.window.gui.undo``.

        Args:
            recorder: of the state.
            of_controls: its edits are made by the values of controls, which are not recorded besides.
        """
        if of_controls:
            self.controls.beside(recorder)
        self._track(recorder)

    def join_history(self, history: History, title: str) -> None:
        """Keep the edits in the history of the window, with the panel's title."""
        self.undo, self._place_title = history, title
        history.changed.connect(self.undo_changed)
        self.undo_changed.emit()

    def undo_newest(self) -> None:
        """Undo the newest step of the history."""
        self.undo.undo()

    def redo_newest(self) -> None:
        """Redo the step of the history that was undone last."""
        self.undo.redo()

    def show_step(self, step: Step) -> None:
        """Show the pages on which a step was made."""
        show_pages(self, step.place.pages)

    def _track(self, recorder: EditRecorder) -> None:
        recorder.edited.connect(partial(self._on_edited, recorder))
        recorder.cleared.connect(lambda run: self.undo.forget(recorder, run))
        recorder.settled.connect(lambda: self.undo.settle(recorder))
        recorder.failed.connect(lambda reason: self.undo.give_up(recorder.run, reason))

    def _on_edited(self, recorder: EditRecorder, edit: Edit) -> None:
        self.undo.push(edit, recorder, Place(self.name, self._place_title, open_pages(self)))

    # ---- pictures ------------------------------------------------------------------------------------------------

    def picture_details(self) -> dict[str, str]:
        """Keywords and texts that saved pictures of the panel embed beside their run."""
        return {}

    def picture_origin(self, _widget: QWidget) -> Provenance | None:
        """Origin of a picture of the panel, which its file embeds; None: the run that the panel's state shows."""
        return None

    def remember(self, *controls: Control) -> None:
        """Keep the values of named controls from one start of the window to the next."""
        for control in controls:
            note_moves(control)
            self._remembered.append(control)
            self.control_remembered.emit(control)

    @property
    def remembered(self) -> tuple[Control, ...]:
        """Controls whose values are kept from one start of the window to the next."""
        return tuple(self._remembered)

    def listed_actions(self) -> tuple[QAction, ...]:
        """Actions in the order in which they were added, as Help lists them."""
        return tuple(self._listed)

    def event(self, event: QEvent) -> bool:
        """Keep the keys of fields and popups from the shortcuts, see ``panel_keys``."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._keys.override(event):
            return True
        return super().event(event)

    def _buttons_of(self, action: QAction) -> list[QToolButton]:
        """Buttons that decide where an action's shortcut acts; none for one that acts everywhere."""
        if action in self._everywhere:
            return []
        return self._buttons.get(action, [])

    def showEvent(self, event: QShowEvent) -> None:
        """Find controls to record."""
        self.controls.find_later()
        super().showEvent(event)

    def _tint_icons(self) -> None:
        for action in self._icon_names:
            self._tint_icon(action)

    def _tint_icon(self, action: QAction) -> None:
        """Draw an icon in the text colour of its button; an action without one stays so."""
        if action not in self._icon_names:
            return
        primary = any(button.property("primary") for button in self._buttons.get(action, ()))
        action.setIcon(theme().icon(self._icon_names[action], "accent_text" if primary else "text"))
