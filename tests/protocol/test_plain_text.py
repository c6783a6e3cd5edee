"""Text of others, made safe to show."""

import pytest

from gmstudio.protocol.plain_text import is_encodable, plain_text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Naïve β", "Naïve β"),
        ("what [/x] is", "what [/x] is"),
        ("\x1b[2J\x1b]0;title\x07gone", "[2J]0;titlegone"),
        ("a\tb\r\nc\u2028d", "a b  c d"),
        ("left \u202eright\u202c \u2066isolated\u2069", "left right isolated"),
        ("caf\udce9", "caf\N{REPLACEMENT CHARACTER}"),
        ("\x9b31m", "31m"),
        ("👩‍🔬 नमस्ते", "👩‍🔬 नमस्ते"),
    ],
)
def test_only_what_is_shown_is_kept(text: str, plain: str) -> None:
    assert plain_text(text) == plain
    assert is_encodable(plain_text(text))


@pytest.mark.parametrize("longest", [2, 3, 10, 11])
def test_long_texts_are_shortened_in_the_middle(longest: int) -> None:
    text = "2025-03-14-pixelcnn-02"
    short = plain_text(text, longest)
    assert len(short) == longest and "…" in short
    start, end = short.split("…")
    assert text.startswith(start) and text.endswith(end)
    assert plain_text(text, len(text)) == text


def test_bytes_of_a_name_that_are_not_utf8_cannot_be_encoded() -> None:
    assert is_encodable("é") and not is_encodable("\udce9")
