"""A run as one readable PyTorch file with its weights, which needs torch and safetensors alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import safetensors.torch

from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.engine.runs.exports.safetensors_file import weights_metadata
from gmstudio.engine.runs.source_code.model_code import WEIGHTS_NAME, ModelCode, code_pieces
from gmstudio.protocol.runs_exports import ExportForm

CODE_NAME, README_NAME = "model.py", "README.md"
_README = """`python {code}` scores samples of the model; with FILE.safetensors, its tensor `images`.
In Python: `import model; m = model.load()`, then {methods}.
It needs torch and safetensors; `{weights}` has the weights, {title} after {step:,} steps.
"""


class CodeExport(Export):
    """The model's code, composed of the sources that it runs through, with the run's settings put in."""

    form: ClassVar[ExportForm] = ExportForm(
        name="code",
        title="PyTorch code",
        help="One readable file that needs torch and safetensors and gives the same scores and samples, and weights.",
    )
    order: ClassVar[int] = 20

    def pieces(self, source: ExportSource, target: Path) -> Iterator[float]:
        """Write ``model.py``, ``model.safetensors`` and a README."""
        loaded = source.load()
        job, code = code_pieces(loaded), None
        while code is None:
            try:
                next(job)
            except StopIteration as end:
                code = end.value
            yield 0.5
        (target / CODE_NAME).write_text(code.text, encoding="utf-8")
        safetensors.torch.save_file(code.tensors, target / WEIGHTS_NAME, weights_metadata(loaded))
        readme = _readme(code, loaded.model.card.title, loaded.step)
        (target / README_NAME).write_text(readme, encoding="utf-8")
        yield 1.0


def _readme(code: ModelCode, title: str, step: int) -> str:
    methods = ", ".join(f"`m.{entry}(…)`" for entry in code.entries)
    return _README.format(code=CODE_NAME, weights=WEIGHTS_NAME, methods=methods, title=title, step=step)
