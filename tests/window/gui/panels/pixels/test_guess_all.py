"""Guess all in the Pixels panel: the film of rounds on the large image, its words, curve and keys."""

import numpy as np
from history_text import undo_text
from pixel_engine import PixelEngine
from pixel_navigators import small_model
from pixels_panel_fixture import find
from pixels_scene import make_panel
from PySide6.QtWidgets import QSlider, QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.protocol.images import ImageSpec
from gmstudio.window.gui.panels.pixels.guess import GuessView
from gmstudio.window.gui.panels.pixels.guess_export import export_menu
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.state.pixels.guessed_film import GuessedFilm

GREY = ImageSpec(channels=1, height=4, width=4, levels=4)
RGB = ImageSpec(channels=3, height=2, width=2, levels=256)


def guessed(qtbot: QtBot, engine: PixelEngine, step: int = 0) -> tuple[PixelsPanel, GuessedFilm]:
    """The panel with a film from a step on, paused at its first round."""
    panel = make_panel(qtbot, engine)
    panel.session.navigator.draw_to(step)
    engine.serve()
    panel.guess.guess.trigger()
    engine.serve()
    panel.session.guessing.seek_round(1)
    film = panel.session.guessing.film
    assert film is not None and film.done
    return panel, film


def shown_image(panel: PixelsPanel) -> np.ndarray:
    assert panel.canvas.picture is not None
    return panel.canvas.picture.image


def test_a_button_guesses_all_and_the_large_image_shows_the_rounds(qtbot: QtBot) -> None:
    engine = PixelEngine(GREY, small_model("markov", GREY, spread=0.8))
    panel, film = guessed(qtbot, engine, step=2)
    assert panel.tabs.currentWidget() is panel.guess
    np.testing.assert_array_equal(shown_image(panel), film.images[0])
    assert panel.canvas.tints is not None and panel.canvas.picture is not None and panel.canvas.picture.placed.all()
    assert panel.guess.words.text().startswith(f"{film.last_round} rounds for 14 pixels after the first 2 in ")
    assert f"still wrong {film.wrong[0]}" in panel.guess.legend.text()
    assert panel._reading.words.startswith(f"Round 1 of {film.last_round} · green: settled")
    slider = find(panel, QSlider, "guess.round")
    slider.setValue(slider.maximum())
    np.testing.assert_array_equal(shown_image(panel), film.images[-1])
    panel.canvas.hovered.emit(1, 1)
    assert f"right from round {film.right_since(1, 1)} on" in panel._reading.words
    panel.set_presenting(True)
    assert panel.guess.isVisible() and not panel.conditional.isVisible() and panel.session.guessing.shown
    panel.set_presenting(False)
    panel.guess.tints.trigger()
    assert panel.canvas.tints is None
    plot = panel.guess.plot
    assert plot is not None and [trace.label for trace in plot.traces] == ["changed", "still wrong"]
    plot.clicked.emit(2)
    np.testing.assert_array_equal(shown_image(panel), film.images[1])
    panel.guess.play.trigger()
    assert panel.session.guessing.playing and panel.guess.play.text() == "Pause rounds"
    panel.transport.back.trigger()
    engine.serve()
    assert not panel.session.guessing.playing, "a step of the generation shows it again"
    assert panel.session.state is not None and panel.session.state.step == 1
    np.testing.assert_array_equal(shown_image(panel), panel.session.state.image)
    panel.guess.forward.trigger()
    np.testing.assert_array_equal(shown_image(panel), film.images[2])
    engine.weights_step += 100
    panel.session.use_current_weights()
    engine.serve()
    assert panel.guess.words.text().endswith("Weights of step 400.")
    panel.tabs.show_page("surprisal")
    np.testing.assert_array_equal(shown_image(panel), panel.session.state.image)


def test_the_image_is_kept_and_undone_and_the_film_exported(qtbot: QtBot) -> None:
    engine = PixelEngine(GREY, small_model("markov", GREY, spread=0.8))
    panel, film = guessed(qtbot, engine)
    menu = export_menu(panel, panel.guess.export)
    assert [action.text() for action in menu.actions()] == ["Film as GIF…", "Film as MP4…", "Strip as PNG…"]
    assert menu.actions()[0].isEnabled()
    menu.deleteLater()
    panel.guess.keep.trigger()
    engine.serve()
    assert panel.session.state is not None and panel.session.state.finished
    np.testing.assert_array_equal(panel.session.state.image, film.images[-1])
    assert undo_text(panel) == "Keep the guessed image"
    panel.undo.undo()
    engine.serve()
    assert panel.session.state.step == 0


def test_colours_have_sub_pixels_and_names(qtbot: QtBot) -> None:
    panel, film = guessed(qtbot, PixelEngine(RGB, small_model("nade", RGB)))
    assert " for 12 sub-pixels in " in panel.guess.words.text()
    panel.canvas.hovered.emit(0, 1)
    red, green, blue = film.images[0, :, 0, 1].tolist()
    assert f"row 0, column 1: red {red}, green {green}, blue {blue}" in panel._reading.words


def test_a_refusal_is_said_where_the_rounds_would_be(qtbot: QtBot) -> None:
    engine = PixelEngine(GREY)  # with a model that has no pass over all conditionals
    panel = make_panel(qtbot, engine)
    assert not find(panel, QToolButton, "guess.play").isEnabled() and "press Guess all" in panel.guess.play.toolTip()
    panel.guess.guess.trigger()
    engine.serve()
    (view,) = panel.findChildren(GuessView)
    assert view._problem.isVisible() and "another autoregressive family" in view._problem.label.text()
