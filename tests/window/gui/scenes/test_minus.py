"""Minus signs in texts of scenes."""

import pytest

from gmstudio.window.gui.scenes.minus import with_minus


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("log p(x) = -16.489 nats", "log p(x) = −16.489 nats"),
        ("-.5 and (-2)", "−.5 and (−2)"),
        ("within 1e-05", "within 1e-05"),
        ("AR-2, CS294-158, 10-20, x-1, f(x)-1", "AR-2, CS294-158, 10-20, x-1, f(x)-1"),
    ],
)
def test_negative_numbers_have_a_minus_sign(text: str, wanted: str) -> None:
    assert with_minus(text) == wanted
