"""Page One image, answered by the engine's own code: a card for each model, filled part by part."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from density_engine import STEP, DensityEngine, write_run
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.data import load
from gmstudio.engine.density.one_image_handlers import OneImageFeature
from gmstudio.engine.density.scores_handlers import ScoresFeature
from gmstudio.media.levels import to_display
from gmstudio.protocol.density_one_image import PARTS, Likelihood, Missing, Nearest, ShowImage
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.image_sets import GivenImages
from gmstudio.protocol.runs import RunsListed, RunSpec
from gmstudio.window.gui.panels.density.one_image import OneImagePage
from gmstudio.window.gui.panels.density.panel import DensityPanel
from gmstudio.window.state.density.one_image import OneImageState
from gmstudio.window.state.density.state import DensityState
from gmstudio.window.state.runs.library import RunLibrary


class Stage:
    """A panel on the page One image, with a NADE, two VAEs and an autoencoder of digits."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.engine = DensityEngine(OneImageFeature, ScoresFeature)
        self.nade = write_run(folder / "nade", "nade", num_hidden=6)
        self.vae = write_run(folder / "vae", "vae", num_hidden=8, num_latent=3)
        self.vae2 = write_run(folder / "vae2", "vae", num_hidden=8, num_latent=2)
        self.auto = write_run(folder / "auto", "autoencoder", num_hidden=8, num_latent=3)
        self.library = RunLibrary(self.engine)
        self.state = DensityState(self.engine, self.library)
        self.engine.arrive(self.nade, self.vae, self.vae2, self.auto)
        self.state.set_runs((self.vae2.run, self.nade.run))
        self.panel = DensityPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1270, 640)
        self.panel.tabs.show_page("one_image")
        page = self.panel.tabs.page("one_image")
        assert isinstance(page, OneImagePage)
        self.page = page
        self.one = self.state.page(OneImageState)
        self.state.set_active(True)
        self.panel.show()

    def asked(self) -> list[tuple[str, int]]:
        """Runs and images that were asked for."""
        return [(c.run, c.index) for c in self.engine.sent if isinstance(c, ShowImage)]


@pytest.fixture
def stage(qtbot: QtBot, tmp_path: Path) -> Stage:
    return Stage(qtbot, tmp_path / "runs")


def test_chosen_models_come_first_then_one_of_each_other_family(stage: Stage) -> None:
    assert list(stage.page.cards) == [stage.vae2.run, stage.nade.run, stage.auto.run]
    stage.page.every.setChecked(False)
    assert list(stage.page.cards) == [stage.vae2.run, stage.nade.run]
    stage.one.set_every_family(True)
    assert stage.page.every.isChecked()
    assert list(stage.page.cards) == [stage.vae2.run, stage.nade.run, stage.auto.run]


def test_another_family_is_shown_by_a_model_of_the_same_data(stage: Stage) -> None:
    stage.state.set_runs((stage.nade.run,))
    other = RunSpec(family="vae", data="fashion_mnist")
    noised = msgspec.structs.replace(stage.vae.spec, training={"mutation": 0.3})
    runs = (
        stage.nade,
        msgspec.structs.replace(stage.vae, run="/runs/fashion", spec=other),
        msgspec.structs.replace(stage.vae, run="/runs/background", spec=noised),
        stage.vae2,
    )
    stage.engine.deliver(RunsListed(home="/runs", runs=runs, problems=()))
    assert list(stage.page.cards) == [stage.nade.run, stage.vae2.run]


def test_each_card_fills_with_the_answers_of_its_model(stage: Stage) -> None:
    assert {content.content.note for content in stage.page.cards.values()} <= {"Waiting …", ""}
    stage.engine.serve()
    assert not stage.one.busy
    digit = load("digits", {"levels": 4}).view("test", [0])[0]
    for run, card in stage.one.cards.items():
        assert set(card.parts) == {"seen", *PARTS}
        assert not card.waiting
        assert card.step == STEP
        pixels = stage.page.cards[run].content.pictures[0].pixels
        assert pixels is not None
        assert np.array_equal(pixels, to_display(digit, 4))
    nade, auto, vae = (stage.page.cards[info.run].content for info in (stage.nade, stage.auto, stage.vae2))
    likelihood = stage.one.cards[stage.nade.run].parts["likelihood"]
    assert isinstance(likelihood, Likelihood)
    assert nade.badge == "exact"
    assert f"{likelihood.nats:,.2f}".replace("-", "−") in nade.line
    assert f"{likelihood.bits_per_dim:.3f} bits/dim" in nade.second
    assert (auto.badge, auto.line) == ("none", "no likelihood")
    assert vae.badge == "estimate"
    assert "±" in vae.line
    assert nade.pictures[1].caption == "decoded: –"
    assert auto.pictures[1].pixels is not None
    assert auto.code is not None
    assert len(auto.code) == 3
    assert nade.rows[0].pictures is not None
    assert nade.rows[1].pictures is None
    assert auto.rows[1].pictures is not None


def test_another_image_is_shown_through_all_models(qtbot: QtBot, stage: Stage) -> None:
    stage.engine.serve()
    stage.page.next.trigger()
    assert stage.page.index.value() == 1
    assert all(set(card.parts) == set() for card in stage.one.cards.values())
    stage.engine.serve()
    assert {index for run, index in stage.asked()} == {0, 1}
    seen = stage.one.cards[stage.nade.run].parts["seen"]
    assert np.array_equal(seen.levels.numpy(), load("digits", {"levels": 4}).view("test", [1])[0])
    stage.page.previous.trigger()
    assert stage.one.index == 0


def test_a_model_that_joins_is_asked_alone(stage: Stage) -> None:
    stage.engine.serve()
    before = len(stage.asked())
    stage.state.set_runs((stage.vae2.run, stage.nade.run, stage.vae.run))
    stage.engine.serve()
    assert {run for run, _index in stage.asked()[before:]} == {stage.vae.run}
    assert list(stage.page.cards) == [stage.vae2.run, stage.nade.run, stage.vae.run, stage.auto.run]


def test_a_pasted_and_a_dropped_picture_are_fitted(qtbot: QtBot, stage: Stage) -> None:
    stage.engine.serve()
    picture = QImage(20, 30, QImage.Format.Format_RGB888)
    picture.fill(0x808080)
    QGuiApplication.clipboard().setImage(picture)
    stage.page.index.setValue(4)
    stage.page.paste.trigger()
    qtbot.waitUntil(lambda: isinstance(stage.state.images, GivenImages))
    assert stage.page.index.value() == 0
    stage.engine.serve()
    seen = stage.one.cards[stage.nade.run].parts["seen"]
    assert seen.levels.shape == (1, 8, 8)
    assert stage.page.cards[stage.nade.run].content.pictures[0].caption == "image, fitted"
    mime = QMimeData()
    picture.fill(0)
    mime.setImageData(picture)
    buttons, modifiers = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    before = stage.state.images
    for kind in (QDragEnterEvent, QDropEvent):
        place = QPoint(9, 9) if kind is QDragEnterEvent else QPointF(9, 9)
        event = kind(place, Qt.DropAction.CopyAction, mime, buttons, modifiers)
        QGuiApplication.sendEvent(stage.page, event)
    qtbot.waitUntil(lambda: stage.state.images is not before)


def test_a_click_opens_the_model(qtbot: QtBot, stage: Stage) -> None:
    with qtbot.waitSignal(stage.panel.run_wanted) as wanted:
        qtbot.mouseClick(stage.page.cards[stage.auto.run], Qt.MouseButton.LeftButton)
    assert wanted.args == [stage.auto.run]


def test_a_failure_stays_in_its_card(stage: Stage) -> None:
    stage.engine.serve(0)
    command = next(c for c in stage.engine.sent if isinstance(c, ShowImage) and c.run == stage.nade.run)
    failure = CommandFailed(
        request=command.request, command="ShowImage", message="The run is gone.", reason=Reason.NOT_POSSIBLE
    )
    stage.engine.deliver(failure)
    stage.engine.serve()
    content = stage.page.cards[stage.nade.run].content
    assert (content.note, content.error) == ("The run is gone.", True)
    assert isinstance(stage.one.cards[stage.auto.run].parts["pixels"], Nearest)


def test_stopping_keeps_what_is_there(stage: Stage) -> None:
    stage.engine.serve(30)
    assert stage.one.busy
    stop = stage.panel.findChild(QToolButton, "density.one_stop")
    assert isinstance(stop, QToolButton)
    stop.click()
    known = {run: set(card.parts) for run, card in stage.one.cards.items()}
    stage.engine.serve()
    assert not stage.one.busy
    assert {run: set(card.parts) for run, card in stage.one.cards.items()} == known
    assert not stage.page.stop.isEnabled()
    stage.page.refresh.trigger()
    stage.engine.serve()
    assert all(set(card.parts) == {"seen", *PARTS} for card in stage.one.cards.values())


def test_a_hidden_page_asks_nothing_and_goes_on_when_it_is_shown(stage: Stage) -> None:
    stage.engine.serve(3)
    stage.panel.tabs.show_page("bytes")
    asked = len(stage.asked())
    stage.engine.serve()
    assert len(stage.asked()) == asked
    stage.panel.tabs.show_page("one_image")
    stage.engine.serve()
    assert all(set(card.parts) == {"seen", *PARTS} for card in stage.one.cards.values())


def test_the_end_of_the_engine_is_quiet_and_the_next_one_is_asked(stage: Stage) -> None:
    for command in [c for c in stage.engine.sent if isinstance(c, ShowImage)]:
        stage.engine.deliver(
            CommandFailed(request=command.request, command="ShowImage", message="It ended.", reason=Reason.ENGINE_GONE)
        )
    assert not any(content.content.error for content in stage.page.cards.values())
    stage.engine.arrive(stage.nade, stage.vae, stage.vae2, stage.auto)
    stage.engine.serve()
    assert all(set(card.parts) == {"seen", *PARTS} for card in stage.one.cards.values())


def test_a_deleted_run_loses_its_card(stage: Stage) -> None:
    stage.engine.serve()
    stage.engine.deliver(RunsListed(home="/runs", runs=(stage.nade, stage.auto), problems=()))
    assert list(stage.page.cards) == [stage.nade.run, stage.auto.run]


def test_a_card_names_its_weights_and_says_when_there_are_others(stage: Stage) -> None:
    run = stage.vae2.run
    stage.engine.serve()
    content = stage.page.cards[run].content
    assert content.subtitle.endswith(f"{STEP:,} steps") and content.note == "" and not content.older
    later = msgspec.structs.replace(stage.vae2, step=STEP + 5)
    stage.engine.deliver(RunsListed(home="/runs", runs=(stage.nade, later, stage.vae, stage.auto), problems=()))
    content = stage.page.cards[run].content
    assert content.older and "Refresh" in content.note and content.subtitle.endswith(f"{STEP:,} steps")
    assert not stage.page.cards[stage.nade.run].content.older
    before = len(stage.asked())
    stage.library.checkpoints.choose(run, STEP)  # the older weights are those that are wanted now
    assert not stage.page.cards[run].content.older
    stage.engine.serve()
    assert {asked for asked, _ in stage.asked()[before:]} == {run}
    assert stage.page.cards[run].content.note == ""


def test_a_sentence_has_the_width_of_the_page(stage: Stage) -> None:
    QGuiApplication.clipboard().clear()
    stage.page.paste.trigger()
    words = stage.page.words
    assert words.property("role") == "error" and words.text() == words.words != ""


def test_cards_stand_in_as_many_columns_as_fit(stage: Stage) -> None:
    stage.engine.serve()
    wide = {card.y() for card in stage.page.cards.values()}
    stage.panel.resize(720, 420)
    QGuiApplication.processEvents()
    narrow = {card.y() for card in stage.page.cards.values()}
    assert len(wide) < len(narrow)
    assert all(abs(card.height() - card.height_for(card.width())) <= 2 for card in stage.page.cards.values())
    grabbed = stage.page.cards[stage.auto.run].grab().toImage()
    colours = {grabbed.pixel(x, y) for x in range(0, grabbed.width(), 3) for y in range(0, grabbed.height(), 3)}
    assert len(colours) > 10


def test_the_choice_of_families_is_remembered(stage: Stage) -> None:
    assert stage.page.every in stage.panel.remembered
    assert not isinstance(stage.one.cards[stage.nade.run].parts.get("pixels"), Missing)


def test_cards_have_room_for_larger_type(stage: Stage) -> None:
    card = next(iter(stage.page.cards.values()))
    least, height = card.least_width(), card.height_for(400)
    font = card.font()
    font.setPointSizeF(1.6 * font.pointSizeF())
    card.setFont(font)
    assert card.least_width() > 1.3 * least and card.height_for(400) > height + 7 * card.fontMetrics().height() / 3
