"""Pages of the Runs panel."""

from gmstudio.window.gui.panels.runs.pages import PAGES


def test_each_page_is_listed_once() -> None:
    names = [page.name for page in PAGES]
    assert len(set(names)) == len(names)
    assert {page.tip.rstrip(".") for page in PAGES} == {page.tip for page in PAGES}
