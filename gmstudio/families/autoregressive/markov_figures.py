"""Figure of a Markov chain whose conditionals are counted: the table of one sub-pixel.

Shape legend: D sub-pixels in the order, L levels, n earlier sub-pixels, T contexts of one sub-pixel.
"""

import torch
from torch import Tensor

from gmstudio.families.autoregressive.figures import COLOURS
from gmstudio.families.diagnostics import Figure

MAX_CONTEXTS = 256
"""Rows of the table; the contexts seen most often."""


def context_table(order_D3: Tensor, step: int, num_parents: int, counts_TL: Tensor, probs_TL: Tensor) -> Figure:
    """Conditional of a sub-pixel given each of its contexts, those seen most often first.

    Args:
        order_D3: the generation order.
        step: of the sub-pixel in the order.
        num_parents: order n of the chain.
        counts_TL: how often each level followed each context.
        probs_TL: the conditionals.
    """
    levels, count = counts_TL.shape[1], min(step, num_parents)
    seen_T = counts_TL.sum(1)
    shown = seen_T.argsort(descending=True, stable=True)[:MAX_CONTEXTS]
    powers = levels ** torch.arange(count - 1, -1, -1, device=shown.device)
    values = shown.unsqueeze(1) // powers % levels
    separator = "" if levels <= 10 else " "
    labels = tuple(separator.join(str(value) for value in row) for row in values.tolist())
    channel, row, column = order_D3[step].tolist()
    colour = f", {COLOURS[channel]}" if int(order_D3[:, 0].max()) else ""
    place = f"pixel ({row}, {column}){colour}"
    return Figure(
        kind="table",
        name=f"table_{channel}",
        title=f"Table of conditionals of {place}",
        help=f"For each context, the values of the {count} pixels before in the order (the nearest last): how "
        f"often it was counted, and the probability of each level. {len(shown):,} of {len(seen_T):,} contexts, the "
        "most frequent first.",
        series=("count", *(f"p({level})" for level in range(levels))),
        values=torch.cat([seen_T[shown].unsqueeze(1).to(probs_TL), probs_TL[shown]], dim=1).T,
        labels=labels if count else ("no context",),
    )
