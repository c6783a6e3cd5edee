"""The benchmark of the contact sheet leafs through pages and finds their times."""

from pytestqt.qtbot import QtBot

from benchmarks.scoring_sheet import measure_contact_sheet


def test_pages_and_notches_are_timed(qtbot: QtBot) -> None:
    measured = measure_contact_sheet(images=5000, pages=5, notches=10)
    assert measured["images"] == 5000 and measured["cells"] > 50
    assert 0 < measured["page_ms"] <= measured["page_p95_ms"] * 5
    assert measured["wheel_ms"] > 0 and measured["order_ms"] > 0
