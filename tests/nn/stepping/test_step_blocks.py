"""Programs compiled a block at a time, and weights put in another order."""

from functools import partial

import pytest
import torch

from gmstudio.nn.stepping.blocks import BLOCK, BlockPrograms, ordered, ordered_with_bias
from gmstudio.nn.stepping.ops import Program


def test_only_the_block_that_is_asked_for_is_compiled() -> None:
    compiled: list[range] = []

    def compile_steps(steps: range) -> list[Program]:
        compiled.append(steps)
        return [[partial(int, step)] for step in steps]

    count = 2 * BLOCK + 3
    programs = BlockPrograms(count, compile_steps)
    assert len(programs) == count and compiled == []
    for step in (0, 1, BLOCK - 1, BLOCK, count - 1, 5):
        (call,) = programs[step]
        assert call() == step
    assert compiled == [range(BLOCK), range(BLOCK, 2 * BLOCK), range(2 * BLOCK, count), range(BLOCK)]
    for outside in (-1, count):
        with pytest.raises(IndexError):
            programs[outside]
    assert [program[0]() for program in map(programs.__getitem__, range(count))] == list(range(count))


@pytest.mark.parametrize("part", [1, 10, 10_000])
def test_weights_are_put_in_order(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmstudio.nn.stepping.blocks.PART", part)
    weight, bias = torch.randn(7, 2, 5, requires_grad=True), torch.randn(7, 2)
    rows, columns = torch.tensor([6, 0, 3, 2]), torch.tensor([4, 1, 0])
    expected = torch.cat([bias[rows].unsqueeze(-1), 0.5 * weight[rows][..., columns]], dim=-1)
    found = ordered_with_bias(weight, bias, rows, columns, scale=0.5)
    assert torch.equal(found, expected) and not found.requires_grad
    assert torch.equal(ordered(weight, rows, 2.0), 2.0 * weight[rows])
