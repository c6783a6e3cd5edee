"""Search among the entries of the palette."""

import time

import pytest
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.shell.palette import search as search_module
from gmstudio.window.gui.shell.palette.search import MAX_SHOWN, PaletteSearch
from gmstudio.window.state.palette import Kind, PaletteEntry


def entry(title: str, kind: Kind = "Action", name: str = "", reason: str = "") -> PaletteEntry:
    return PaletteEntry(id=name or title, title=title, kind=kind, run=lambda: None, reason=reason)


def found(qtbot: QtBot, search: PaletteSearch, typed: str) -> tuple[list[str], int]:
    with qtbot.waitSignal(search.found, timeout=20_000) as signal:
        search.set_query(typed)
    return [one.title for one in signal.args[0]], signal.args[1]


@pytest.fixture
def search(qtbot: QtBot) -> PaletteSearch:
    return PaletteSearch()


def test_recent_entries_come_first(qtbot: QtBot, search: PaletteSearch) -> None:
    search.start([entry("Alpha"), entry("Beta"), entry("Gamma", "Run")], ["Gamma", "gone", "Beta"])
    assert found(qtbot, search, "") == (["Gamma", "Beta", "Alpha"], 3)
    search.start([entry("Play a"), entry("Play b"), entry("Replay b")], ["Play b", "Replay b"])
    assert found(qtbot, search, "play")[0] == ["Play b", "Play a", "Replay b"]


def test_kinds_have_an_order_where_scores_are_equal(qtbot: QtBot, search: PaletteSearch) -> None:
    search.start([entry("VAE", "Run", "r"), entry("VAE", "Family", "f"), entry("VAE", "Action", "a")], [])
    with qtbot.waitSignal(search.found) as signal:
        search.set_query("vae")
    assert [one.kind for one in signal.args[0]] == ["Action", "Family", "Run"]


def test_all_matches_are_counted_and_the_best_listed(qtbot: QtBot, search: PaletteSearch) -> None:
    search.start([entry(f"A {number} run", name=str(number)) for number in range(500)] + [entry("Run")], [])
    titles, number = found(qtbot, search, "run")
    assert titles[0] == "Run" and len(titles) == MAX_SHOWN and number == 501


def test_a_newer_text_ends_the_search_of_the_older(qtbot: QtBot, search: PaletteSearch) -> None:
    answers: list[list[str]] = []
    search.found.connect(lambda entries, _number: answers.append([one.title for one in entries]))
    search.start([entry(f"{letter}{number}") for letter in "ab" for number in range(2000)], [])
    search.set_query("a1999")
    search.set_query("b1999")
    qtbot.waitUntil(lambda: not search.running, timeout=20_000)
    assert answers == [["b1999"]]


def test_no_piece_is_long_with_thousands_of_runs(
    qtbot: QtBot, search: PaletteSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces: list[float] = []
    advance = search._advance

    def timed() -> None:
        began = time.thread_time()
        advance()
        pieces.append(time.thread_time() - began)

    search._timer.timeout.disconnect()
    search._timer.timeout.connect(timed)
    entries = [entry(f"VAE · β = {number} · step 1,500 · MNIST 28×28", "Run", str(number)) for number in range(3000)]
    search.start(iter(entries), [])
    assert found(qtbot, search, "")[1] == 3000
    for typed in ("v", "vae 28", "vm", "xq"):
        found(qtbot, search, typed)
    assert max(pieces) < 0.016
    assert len(pieces) > 5 and search_module.PIECE_S < 0.016


def test_entries_are_read_while_the_loop_goes_on(qtbot: QtBot, search: PaletteSearch) -> None:
    read = []

    def slow() -> object:
        for number in range(5):
            began = time.perf_counter()
            while time.perf_counter() < began + 0.005:
                pass
            read.append(number)
            yield entry(str(number))

    search.start(slow(), [])  # type: ignore[arg-type]
    assert not read
    qtbot.waitUntil(lambda: len(read) > 1)
    assert len(read) < 5 or search.running
    qtbot.waitUntil(lambda: not search.running)
