"""Writes ``docs/weights.md``: the names and shapes of every family's weights. Run ``python -m docs.weights``."""

import re
from pathlib import Path

from gmstudio.engine.runtime.building import meta_model
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec

PAGE = Path(__file__).with_name("weights.md")
IMAGE = ImageSpec(channels=1, height=28, width=28, levels=2)
HEAD = """# Weights

`gmstudio export RUN --safetensors FILE` writes the weights of a run under the names of the model's `state_dict`, and
so do `--hub` and each checkpoint (`model.safetensors`). They load with safetensors alone:

```python
from safetensors.torch import load_file

weights = load_file("weights.safetensors")  # name → tensor
```

The header of an exported file has texts: `family`, `config` and `image` (JSON), `step`, `seed`, `data`, `software`,
and `labels` (JSON) where the data have any. `--code` writes only those weights that its file reads. The tables have
the names for binary images of 28×28 and the default settings; other settings change shapes, and add or leave out
layers. `*` stands for a number, and the shape is that of the first. `python -m docs.weights` writes this page.
"""


def page() -> str:
    """Return the page as it should be."""
    return HEAD + "".join(map(_section, FAMILIES.values()))


def _section(family: type[Family]) -> str:
    model = meta_model(family, family.Config(), IMAGE)
    parameters = {name for name, _ in model.named_parameters()}
    rows: dict[str, tuple[str, str, int]] = {}
    for name, value in model.state_dict().items():
        pattern = re.sub(r"(?<=\.)\d+(?=\.|$)", "*", name)
        shape, kind = " × ".join(map(str, value.shape)) or "scalar", "parameter" if name in parameters else "buffer"
        _, _, count = rows.get(pattern, ("", "", 0))
        rows[pattern] = (rows[pattern][0] if pattern in rows else shape, kind, count + 1)
    lines = [f"| `{name}` | {shape} | {kind} | {count} |" for name, (shape, kind, count) in rows.items()]
    head = f"\n## {family.card.title} (`{family.card.name}`)\n\n| name | shape | | tensors |\n|---|---|---|---|\n"
    return head + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
