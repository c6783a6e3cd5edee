"""Words and pictures of a card of the page One image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.heat import heat_colours
from gmstudio.media.levels import to_display
from gmstudio.protocol.density_one_image import (
    NEIGHBOUR_PARTS,
    Discriminated,
    ImageCode,
    Likelihood,
    Missing,
    Nearest,
    Reconstructed,
    SeenImage,
    Surprisal,
)
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.run_text import run_name
from gmstudio.window.gui.widgets.images.heat import scale_top
from gmstudio.window.gui.widgets.images.model_card import CardContent, CardPicture, CardRow
from gmstudio.window.state.density.one_image import ModelCard
from gmstudio.window.state.runs.library import folder_name

BADGES = {"exact": ("exact", "good"), "lower bound": ("bound", "warning"), "estimate": ("estimate", "accent")}
NONE = ("none", "muted")
OLDER = "The run has other weights by now: Refresh."
ROWS = dict(zip(NEIGHBOUR_PARTS, ("nearest by pixels", "nearest by code"), strict=True))


def content_of(card: ModelCard, info: RunInfo | None, older: bool = False) -> CardContent:
    """Return the content of a card.

    Args:
        card: what is known.
        info: of its run; None: it is gone.
        older: the run has other weights by now than those that this is of.
    """
    title = run_name(info) if info is not None else folder_name(card.run)
    levels = card.image.levels if card.image is not None else 2
    badge, role, line, line_tip = _likelihood(card)
    code, code_title, code_tip = _code(card)
    second, second_tip = _second(card)
    rows = [_row(card, part, words, levels) for part, words in ROWS.items()]
    note, error = _note(card)
    if older and not note:
        note = OLDER
    steps = "" if info is None else f"{card.step if card.step >= 0 else info.step:,} steps"
    return CardContent(
        title=title,
        subtitle="" if info is None else " · ".join(filter(None, (info.data_label, steps))),
        pictures=(_seen(card, levels), _reconstruction(card), _surprisal(card)),
        badge=badge,
        badge_role=role,
        line=line,
        line_tip=line_tip,
        second=second,
        second_tip=second_tip,
        code=code,
        code_title=code_title,
        code_tip=code_tip,
        rows=rows,
        note=note,
        error=error,
        older=older,
        description="; ".join(filter(None, (f"{badge} {line}".strip(), second, code_title, note))),
    )


def _seen(card: ModelCard, levels: int) -> CardPicture:
    part = card.parts.get("seen")
    if not isinstance(part, SeenImage):
        return CardPicture(caption="image")
    words = " · ".join(filter(None, (part.title, f"label {part.label}" if part.label else "")))
    tip = " ".join(filter(None, (f"{words}.", part.conversion or "As it is: it has the model's size and levels.")))
    return CardPicture(to_display(part.levels.numpy(), levels), "image, fitted" if part.conversion else "image", tip)


def _reconstruction(card: ModelCard) -> CardPicture:
    part = card.parts.get("reconstruction")
    if isinstance(part, Reconstructed):
        tip = f"Decoded code; mean squared error {part.error:.5f}, black 0 and white 1."
        return CardPicture(part.image.numpy(), f"error {part.error:.3g}", tip)
    return CardPicture(None, _absent(part, "decoded"), _reason(part))


def _surprisal(card: ModelCard) -> CardPicture:
    part = card.parts.get("surprisal")
    if isinstance(part, Surprisal):
        bits: NDArray[np.float32] = part.bits.numpy()
        top = scale_top(bits)
        total = f"{bits.sum():,.1f} bits in all"
        tip = f"Surprisal, −log₂ p of each pixel given those before it, {total}; dark 0, bright {top:g} bits."
        return CardPicture(heat_colours(bits, top).transpose(2, 0, 1), f"≤ {bits.max():.1f} bits", tip)
    return CardPicture(None, _absent(part, "surprisal"), _reason(part))


def _likelihood(card: ModelCard) -> tuple[str, str, str, str]:
    """Badge, its role, the line and its tip."""
    part = card.parts.get("likelihood")
    if isinstance(part, Likelihood):
        badge, role = BADGES.get(part.kind, NONE)
        spread = "" if part.error is None else f" ± {part.error:,.0f}" if part.error >= 10 else f" ± {part.error:.2g}"
        relation = "≥" if part.kind == "lower bound" else "≈" if part.kind == "estimate" else "="
        line = f"log p {relation} {_minus(part.nats)}{spread} nats"
        return badge, role, line, " ".join(filter(None, (f"{part.kind_text}.", *part.warnings)))
    if isinstance(part, Missing):
        return *NONE, "no likelihood" if not part.failed else part.reason, part.reason
    return "", "muted", "", ""


def _second(card: ModelCard) -> tuple[str, str]:
    """Bits per dimension and D(x), and the tip."""
    likelihood, part = card.parts.get("likelihood"), card.parts.get("discriminated")
    bits = f"{likelihood.bits_per_dim:.3f} bits/dim" if isinstance(likelihood, Likelihood) else ""
    if isinstance(part, Discriminated):
        words, tip = f"{part.title} = {part.value:.3f}", "Output of the discriminator; higher is more real."
    else:
        words, tip = ("D(x): –", part.reason) if isinstance(part, Missing) else ("", "")
    return " · ".join(filter(None, (bits, words))), tip


def _code(card: ModelCard) -> tuple[NDArray[np.float32] | None, str, str]:
    part = card.parts.get("code")
    if isinstance(part, ImageCode):
        values: NDArray[np.float32] = part.values.numpy()
        spread = "" if part.deviations is None else f"; mean σ of the posterior {part.deviations.numpy().mean():.3f}"
        tip = f"{len(values):,} dimensions from {values.min():.3g} to {values.max():.3g}{spread}."
        return values, f"code, {len(values):,} dimensions", tip
    return None, _absent(part, "code"), _reason(part)


def _row(card: ModelCard, part_name: str, words: str, levels: int) -> CardRow:
    part = card.parts.get(part_name)
    if isinstance(part, Nearest):
        distances = ", ".join(f"{value:.3g}" for value in part.distances.numpy()[:5])
        labels = f" Labels: {', '.join(part.labels[:5])}." if part.labels else ""
        searched = f"the first {part.searched:,} of {part.total:,}" if part.searched < part.total else f"{part.total:,}"
        tip = f"Nearest of {searched} training images. {part.title}: distances {distances}.{labels}"
        return CardRow(words, to_display(part.images.numpy(), levels), tip)
    return CardRow(f"{words}: –" if isinstance(part, Missing) else words, None, _reason(part))


def _note(card: ModelCard) -> tuple[str, bool]:
    if card.problem:
        return card.problem, True
    failures = [part.reason for part in card.parts.values() if isinstance(part, Missing) and part.failed]
    if failures:
        return failures[0], True
    if card.stage:
        return f"Computing {card.stage} …", False
    return ("Waiting …", False) if card.waiting else ("", False)


def _absent(part: Any, words: str) -> str:
    """Caption of a part that is not there: a dash where the model has none."""
    return f"{words}: –" if isinstance(part, Missing) else words


def _reason(part: Any) -> str:
    return part.reason if isinstance(part, Missing) else ""


def _minus(value: float) -> str:
    return f"{value:,.2f}".replace("-", "−")
