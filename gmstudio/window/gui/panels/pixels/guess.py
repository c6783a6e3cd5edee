"""Guess all in the Pixels panel: every sub-pixel guessed at once, and the rounds of their correction as a film."""

from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPoint, QSignalBlocker, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from gmstudio.media.tints import CHANGED, SETTLED, WRONG
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.guess_export import export_menu
from gmstudio.window.gui.panels.pixels.heat_maps import text_label
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.overlay_note import OverlayNote
from gmstudio.window.gui.widgets.plots.curve_line import Trace
from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider, fit_width
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.gui.widgets.when_styled import when_styled
from gmstudio.window.state.pixels.film_export import FilmExport
from gmstudio.window.state.pixels.guessed_film import GuessedFilm
from gmstudio.window.state.pixels.state import PixelsState

MIN_SPEED_HZ, MAX_SPEED_HZ = 1, 30
LEAST_GAIN = 1.05
"""Ratio of pixels to rounds below which nothing is gained that is worth a number."""
GUESS, STOP = "Guess all", "Stop"
EXPLANATION = (
    "Guesses all pixels that are not sampled yet, and corrects them round by round: one pass computes all conditionals "
    "given the last guesses, and each pixel is drawn again with its own u. When nothing changes, the image is the one "
    "that sampling pixel by pixel gives."
)
GUESS_TIP = (
    "Guess all pixels that follow, and show the rounds until nothing changes; from a finished image, all of its pixels "
    "again (exact parallel sampling, Song et al. 2021)"
)
KEEP_TIP = "Make the last round's image the generation: it can be stepped through pixel by pixel"
TINTS_TIP = (
    "Tint the pixels of a round: settled (green), still wrong (pink), and a dot on those that it changed (orange)"
)
PLOT_TIP = (
    "Sub-pixels that each round changed, and those that differ from the last image after it. The line marks the round "
    "that is shown; click to show another."
)
NO_FILM = "Nothing was guessed yet: press Guess all."
UNFINISHED = "The rounds are not finished yet."


class GuessView(ActiveWidget):
    """Controls of the film, what it shows in words, and its curves; the film itself is on the large image.

    Args:
        panel: gets the actions.
        session: state that is shown and changed.

    Signals:
        revealed: the user wants to see the view; its tab is to be opened.
    """

    revealed = Signal()

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._panel, self._session, self._guessing = panel, session, session.guessing
        self.export = FilmExport(session, self)
        self._add_actions(panel)
        self.round = TypedSlider(1, 1, decimals=0)
        self.round.name("pixels.guess.round", "Round", "Round of the guess that is shown; any can be typed.")
        self.speed = IntegerField()
        self.speed.setRange(MIN_SPEED_HZ, MAX_SPEED_HZ)
        self.speed.setSuffix(" /s")
        fit_width(self.speed, f"{MAX_SPEED_HZ} /s")
        panel.name_widget(self.speed, "guess.speed", "Rounds per second", "Rounds per second while the film plays.")
        self._of = QLabel()
        self.words = text_label("")
        panel.name_widget(self.words, "guess.words", "Rounds", "Rounds of the guess beside the number of pixels.")
        self.legend = QLabel()
        panel.name_widget(self.legend, "guess.legend", "Legend of the tints", TINTS_TIP)
        self.message = ElidedLabel()
        self.message.setObjectName("pixels.guess.message")
        self.plot: CurvePlot | None = None
        self._curves = QStackedWidget()
        self._curves.addWidget(text_label("muted", EXPLANATION))
        self._problem = OverlayNote(self._curves)
        self._lay_out(panel)
        panel.remember(self.speed, self.tints)
        self.round.value_changed.connect(lambda number: self._guessing.seek_round(round(number)))
        self.speed.valueChanged.connect(self._guessing.set_speed)
        self.export.changed.connect(self._show_message)
        self._guessing.changed.connect(self.refresh)
        self._guessing.moved.connect(self._show_round)
        session.changed.connect(self._show_words)
        session.navigator.changed.connect(self._refresh_actions)
        session.navigator.moved.connect(self._refresh_actions)
        theme().changed.connect(self.refresh)
        self.refresh()

    def _add_actions(self, panel: Panel) -> None:
        add, guessing = panel.add_action, self._guessing
        self.guess = add("guess", GUESS, "G", self._start, icon="random", everywhere=True, tip=GUESS_TIP)
        self.back = add(
            "guess.back", "Round back", "Ctrl+Left", lambda: guessing.step(-1), icon="back", tip="Back 1 round"
        )
        self.play = add(
            "guess.play",
            "Play rounds",
            "Shift+Space",
            self._toggle,
            icon="play",
            tip="Play the rounds as a film, or pause",
        )
        self.forward = add(
            "guess.forward", "Round forward", "Ctrl+Right", lambda: guessing.step(1), icon="step", tip="Forward 1 round"
        )
        self.tints = add(
            "guess.tints", "Tints", "Shift+G", guessing.set_tints, icon="overlay", tip=TINTS_TIP, checkable=True
        )
        self.tints.setChecked(True)
        self.keep = add("guess.keep", "Keep image", "", self._session.keep_guess, icon="check", tip=KEEP_TIP)
        self.save = add(
            "guess.export", "Export", "Ctrl+E", self._export, icon="save", tip="Write the rounds as a film or a strip"
        )

    def _lay_out(self, panel: Panel) -> None:
        guess, keep = panel.button(self.guess), panel.button(self.keep)
        guess.setProperty("primary", True)
        least = guess.minimumWidth  # which stays while it says that it stops
        when_styled(guess, lambda: guess.setMinimumWidth(max(least(), guess.sizeHint().width())))
        actions = (self.back, self.play, self.forward, self.tints, self.save)
        back, play, forward, tints, save = (panel.button(action, icon_only=True) for action in actions)
        self._save_button = save
        label = QLabel("Round")
        label.setBuddy(self.round.slider)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(_row(guess, back, play, forward, keep, tints, save))
        column.addLayout(_row(label, self.round, self._of, self.speed))
        column.addWidget(self.words)
        column.addWidget(self._curves, 1)
        column.addLayout(_row(self.legend, self.message))
        order = (guess, back, play, forward, keep, tints, save, self.round.slider, self.round.field, self.speed)
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)

    def set_active(self, active: bool) -> None:
        """Show the film on the large image while the view is shown."""
        self._guessing.set_active(active)

    # ---- showing -----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the rounds that arrived."""
        film = self._guessing.film
        self._refresh_actions()
        self._problem.set_sentence(self._guessing.problem)
        last = film.last_round if film is not None else 1
        self.round.setEnabled(film is not None and len(film) > 1)
        self.round.set_range(1, max(last, 2))
        fit_width(self.round.field, "00000")  # whatever the range, so that the slider stays in place
        self._of.setMinimumWidth(self._of.fontMetrics().horizontalAdvance("of 1,000"))  # the slider stays in place
        self._of.setText(f"of {last:,}" if film is not None else "")
        self._show_words()
        if film is None:
            self._curves.setCurrentIndex(0)
        else:
            plot = self._made_plot()
            self._curves.setCurrentWidget(plot)
            plot.set_traces(_traces(film))
        self._show_round()

    def _show_words(self) -> None:
        film, state = self._guessing.film, self._session.state
        self.words.setMinimumHeight(2 * self.words.fontMetrics().lineSpacing())
        nothing = "Computing the first rounds …" if self._guessing.running else " "
        step = state.weights_step if state is not None else -1
        self.words.setText(summary(film, step) if film is not None else nothing)

    def _made_plot(self) -> CurvePlot:
        """Return the plot of the curves, made with the first film, as it is the largest part of the whole panel."""
        if self.plot is None:
            self.plot = CurvePlot("Pixels", by="round")
            self._panel.name_widget(self.plot, "guess.plot", "Pixels by round", PLOT_TIP)
            self.plot.clicked.connect(self._guessing.seek_round)
            self._curves.addWidget(self.plot)
        return self.plot

    def _show_round(self) -> None:
        """Show the place in the film."""
        guessing, film = self._guessing, self._guessing.film
        with QSignalBlocker(self.speed):
            self.speed.setValue(round(guessing.speed_hz))
        self.play.setText("Pause rounds" if guessing.playing else "Play rounds")
        self._panel.set_action_icon(self.play, "pause" if guessing.playing else "play")
        if film is None or self.plot is None:
            self.legend.setText(" ")
            return
        self.round.set_value(float(film.rounds[guessing.position]))
        self.plot.set_cursor(float(film.rounds[guessing.position]))
        self.legend.setText(_legend(film, guessing.position))

    def _refresh_actions(self) -> None:
        film = self._guessing.film
        running = self._guessing.running
        self.guess.setText(STOP if running else GUESS)
        self._panel.set_action_icon(self.guess, "stop" if running else "random")
        self._panel.allow(self.guess, "" if running else self._guessing.refusal)
        for action in (self.back, self.play, self.forward):
            self._panel.allow(action, "" if film is not None else NO_FILM)
        unfinished = NO_FILM if film is None else "" if film.done else UNFINISHED
        for action in (self.keep, self.save):
            self._panel.allow(action, unfinished)

    def _show_message(self) -> None:
        self.message.set_words(self.export.message)
        set_role(self.message, error=self.export.failed)

    # ---- acting ------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.revealed.emit()
        if self._guessing.running:
            self._guessing.stop()
        else:
            self._guessing.start()

    def _toggle(self) -> None:
        if self._guessing.playing:
            self._guessing.pause()
        else:
            self._guessing.play()

    def _export(self) -> None:
        export_menu(self, self.export).popup(self._save_button.mapToGlobal(QPoint(0, self._save_button.height())))


def _row(*widgets: QWidget) -> QHBoxLayout:
    """Row of widgets from the left; a slider or an elided text takes the room that is left."""
    row = QHBoxLayout()
    row.setSpacing(GRID // 2)
    for widget in widgets:
        row.addWidget(widget, isinstance(widget, TypedSlider | ElidedLabel))
    if not any(isinstance(widget, TypedSlider | ElidedLabel) for widget in widgets):
        row.addStretch(1)
    return row


def summary(film: GuessedFilm, weights_step: int) -> str:
    """Sentences on a film: rounds beside pixels, and how many passes that saves.

    Args:
        film: the rounds.
        weights_step: of the weights in use now; others of the film are named.
    """
    unit = "pixels" if film.state.spec.channels == 1 else "sub-pixels"
    guessed, last = film.num_guessed, film.last_round
    what = f"{guessed:,} {unit}" + (f" after the first {film.start:,}" if film.start else "")
    if not film.done:
        settled, changed = int(film.settled[-1]), int(film.changed[-1])
        return f"Round {last:,} for {what}: {settled:,} settled, the last round changed {changed:,}."
    ratio = guessed / last
    gain = f"{ratio:.{1 if ratio < 10 else 0}f} times fewer passes than one per {unit[:-1]}"
    if ratio < LEAST_GAIN:
        gain = f"about as many passes as one per {unit[:-1]}"
    rounds = "1 round" if last == 1 else f"{last:,} rounds"
    used = film.state.weights_step
    weights = f" Weights of step {used:,}." if used != weights_step else ""
    return f"{rounds} for {what} in {film.work_ms / 1000:.2f} s: {gain}.{weights}"


def _legend(film: GuessedFilm, frame: int) -> str:
    """Legend of the tints, with the sub-pixels of a round in each state, as HTML."""
    settled, changed = f"settled {int(film.settled[frame]):,}", f"changed {int(film.changed[frame]):,}"
    wrong = f"still wrong {int(film.wrong[frame]):,}" if film.done else "still wrong: known at the end"
    entries = ((SETTLED, "■", settled), (CHANGED, "●", changed), (WRONG, "■", wrong))
    return " &nbsp; ".join(f'<span style="color:rgb{colour}">{mark}</span> {text}' for colour, mark, text in entries)


def _traces(film: GuessedFilm) -> list[Trace]:
    """Curves of the sub-pixels that are changed (by the first round all are) and still wrong, in the tints' colours."""
    curves = [("changed", film.rounds[1:], film.changed[1:], CHANGED)]
    if film.done:
        curves.append(("still wrong", film.rounds, film.wrong, WRONG))
    return [
        Trace(label, label, rounds, values.astype(np.float64), QColor(*colour), width=1.5)
        for label, rounds, values, colour in curves
    ]
