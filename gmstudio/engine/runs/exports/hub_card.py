"""The card of a model on the Hugging Face hub: a README with settings, data, figures with their errors, how to load it.

Source: Mitchell et al. 2019, Model Cards for Model Reporting, arXiv:1810.03993 (what a card says).
"""

import json
import math
from collections.abc import Iterator
from typing import NamedTuple

import gmstudio
from gmstudio.data import SOURCES
from gmstudio.engine.evaluation.likelihood import Score
from gmstudio.engine.runtime.models import Loaded
from gmstudio.families.base import Sampler
from gmstudio.protocol.families import Objective
from gmstudio.protocol.plain_text import MAX_TITLE, plain_text
from gmstudio.runs.description import read_description
from gmstudio.runs.folder import RunFolder

FRONT_MATTER = """---
library_name: gmstudio
pipeline_tag: unconditional-image-generation
tags:
- gmstudio
- {family}
- {data}
# license: choose one; the hub lists its names. The data may allow some only.
---
"""


class Card(NamedTuple):
    """Sources of a card.

    Args:
        run: folder of the run, open for reading.
        loaded: its model.
        score: of test images; None: there is none.
        preview: name of the picture beside the card.
    """

    run: RunFolder
    loaded: Loaded
    score: Score | None
    preview: str


def card_text(card: Card) -> str:
    """Write the card as Markdown with the hub's front matter."""
    record, family = card.loaded.record, card.loaded.model.card
    name = read_description(card.run.path).name or record.title or f"{family.title} on {_data_title(card)}"
    blocks = [
        front_matter(record.family, record.data) + f"\n# {plain_text(name, MAX_TITLE)}",
        family.summary,
        f"![Images of the model]({card.preview})",
        _how_to_load(card),
        "## Figures\n\n" + "\n".join(_figures(card)),
        f"## Data\n\n{_data_text(card)}",
        "## Settings\n\n" + _table(("Setting", "Value"), _settings(card)),
        f"## Source\n\n{family.source}",
        "## Licence\n\nNone is given: whoever publishes this model chooses one, for the weights and within what the "
        "licence of the data allows, and names it in the first lines of this file (`license:`).",
    ]
    return "\n\n".join(blocks) + "\n"


def front_matter(family: str, data: str) -> str:
    """Write the lines that the hub reads: YAML, in which JSON's texts are quoted ones."""
    return FRONT_MATTER.format(family=json.dumps(family), data=json.dumps(data))


def _how_to_load(card: Card) -> str:
    uses = [
        ("sample", "images = model.sample(16)                        # (16, C, H, W) uint8, 0 to levels - 1"),
        ("log_prob", "nats = model.log_prob(images)                    # (16,) log p(x)"),
        ("elbo", "nats = model.elbo(images, num_samples=8)         # (16,) lower bound of log p(x)"),
        ("free_energy", "energies = model.free_energy(images)             # (16,) nats"),
        ("encode", "codes = model.encode(images)                     # (16, dimensions)"),
    ]
    lines = [line for method, line in uses if callable(getattr(card.loaded.model, method, None))]
    if not isinstance(card.loaded.model, Sampler):
        lines.insert(0, "images = ...                                     # (B, C, H, W) integers, 0 to levels - 1")
    code = "\n".join(["import gmstudio", "", 'model = gmstudio.from_hub("path/of/this/folder")', *lines])
    return (
        f"## How to load it\n\n```python\n{code}\n```\n\nThe folder may be one that "
        "`huggingface_hub.snapshot_download` returned. `model.safetensors` loads with safetensors alone, too; "
        "nothing here is executed."
    )


def _figures(card: Card) -> Iterator[str]:
    """Lines of a list: the test figure with its error, the validation figures of the training."""
    score, image = card.score, card.loaded.record.image
    if score is not None:
        error = "" if math.isnan(score.error_nats) else f" ± {score.error_nats:.2f}"
        bits = f"{score.bits_per_dim:.4f}" + (f" ± {image.bits_per_dim(score.error_nats):.4f}" if error else "")
        yield (
            f"- Test, the first {len(score.nats):,} images: {-score.mean_nats:.2f}{error} nats an image, "
            f"{bits} bits/dim (−log p(x), {score.kind}; ± is the standard error of the mean over images)."
        )
        if score.warning:
            yield f"- {score.warning}"
    objective = _objective(card)
    for term in objective.terms if objective is not None else ():
        found = card.run.history.last_and_best("valid", term.name)
        if found is not None and all(map(math.isfinite, found)):
            unit = f" {term.unit}" if term.unit else ""
            yield f"- Validation, {term.title}: {found[0]:.4g}{unit} at the end, {found[1]:.4g} at best."
    yield f"- Training steps: {card.loaded.step:,}; parameters: {card.loaded.model.num_parameters():,}."


def _objective(card: Card) -> Objective | None:
    try:
        return card.loaded.model.card.objective(card.loaded.record.config)
    except ValueError:  # settings of another version, for which the family names no objective any more
        return None


def _data_title(card: Card) -> str:
    source = SOURCES.get(card.loaded.record.data)
    return source.title if source is not None else card.loaded.record.data


def _data_text(card: Card) -> str:
    record = card.loaded.record
    text = f"{_data_title(card)}: {record.image}."
    if record.fingerprint is not None:
        sizes = ", ".join(f"{size:,} {split}" for split, size in record.fingerprint.sizes.items())
        text += f" Images: {sizes}."
    return text + " Its licence is not known to gmstudio; see where the data come from."


def _settings(card: Card) -> Iterator[tuple[str, str]]:
    record, training = card.loaded.record, card.loaded.record.training
    yield from ((name, str(value)) for name, value in record.config.items())
    yield from (
        (title, f"{value:g}" if isinstance(value, float) else str(value))
        for title, value in (
            ("learning rate", training.learning_rate),
            ("batch size", training.batch_size),
            ("seed", training.seed),
        )
    )
    yield from ((name, version) for name, version in record.versions.items())
    yield "exported with", f"gmstudio {gmstudio.__version__}"


def _table(header: tuple[str, str], rows: Iterator[tuple[str, str]]) -> str:
    cells = [header, ("---", "---"), *((name, value.replace("|", "\\|")) for name, value in rows)]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in row)} |" for row in cells)
