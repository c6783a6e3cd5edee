"""The page of weights names every tensor of every family."""

from docs.weights import PAGE, page


def test_the_page_is_what_the_families_have() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m docs.weights"
