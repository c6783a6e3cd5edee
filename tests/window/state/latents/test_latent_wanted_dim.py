"""A dimension that another panel wants to be moved: chosen at once, or as soon as its run is open."""

from latent_engine import GAN, VAE, LatentEngine
from latent_fixture import active_state
from pytestqt.qtbot import QtBot


def test_a_dimension_of_the_open_run_is_chosen_at_once(qtbot: QtBot) -> None:
    state = active_state(LatentEngine())
    state.explore_dim(VAE, 2)
    assert state.code.dim == 2
    state.set_active(False)


def test_a_dimension_of_another_run_is_chosen_when_it_is_open(qtbot: QtBot) -> None:
    engine = LatentEngine()
    state = active_state(engine)
    state.explore_dim(GAN, 1)
    assert state.run == GAN
    engine.serve()
    assert state.space.opened is not None and state.code.dim == 1
    state.choose_run(VAE)
    engine.serve()
    state.code.choose_dim(0)
    state.choose_run(GAN)
    engine.serve()
    state.choose_run(VAE)
    engine.serve()
    assert state.code.dim == 0  # it was wanted once
    state.set_active(False)
