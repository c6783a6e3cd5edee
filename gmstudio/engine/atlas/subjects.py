"""Models that demonstrations show: a ready one where there is one, else a small one that is trained at once."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from gmstudio.engine.atlas.workbench import SMALL_WORDS, Workbench
from gmstudio.families import FAMILIES
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.protocol.scenes import Scene, Sentence
from gmstudio.protocol.training_settings import Training

SMALL_CONFIGS: dict[str, dict[str, Any]] = {
    "pixelcnn": {"num_blocks": 3, "num_channels": 16, "num_head_channels": 32, "input_kernel_size": 3},
    "gated_pixelcnn": {"num_layers": 3, "num_channels": 16, "num_head_channels": 32, "input_kernel_size": 3},
}
SMALL_TRAINING = Training(steps=250, batch_size=64, learning_rate=4e-3, schedule="cosine")


@dataclass(frozen=True)
class PixelSubject:
    """Autoregressive model that a demonstration shows.

    Args:
        model: in evaluation mode.
        words: its origin, for a sentence.
    """

    model: AutoregressiveFamily
    words: str


def autoregressive_subject(bench: Workbench, family: str) -> Generator[Scene | None, None, PixelSubject]:
    """Find a model: yields None and scenes of the training where one is needed; returns the model.

    Args:
        bench: has the ready models.
        family: one of ``SMALL_CONFIGS``.
    """
    (subject,) = yield from autoregressive_subjects(bench, (family,))
    return subject


def autoregressive_subjects(
    bench: Workbench, families: Sequence[str]
) -> Generator[Scene | None, None, list[PixelSubject]]:
    """Find models of the same images: the ready ones where all are of the same, else small ones.

    Args:
        bench: has the ready models.
        families: of ``SMALL_CONFIGS``.
    """
    found = [_ready(bench, family) for family in families]
    ready = [subject for subject in found if subject is not None]
    if len(ready) == len(families) and len({subject.model.image for subject in ready}) == 1:
        return ready
    trained = []
    for family in families:
        trained.append((yield from _small(bench, family)))
    return trained


def _ready(bench: Workbench, family: str) -> PixelSubject | None:
    loaded = bench.ready(family, "pixel_session")
    if loaded is None or not isinstance(loaded.model, AutoregressiveFamily):
        return None
    return PixelSubject(loaded.model, f"a ready {loaded.model.card.title}, {loaded.record.image}")


def _small(bench: Workbench, family: str) -> Generator[Scene | None, None, PixelSubject]:
    title = FAMILIES[family].card.title
    dataset = yield from bench.small_data()
    model = bench.build(family, SMALL_CONFIGS[family], dataset)
    assert isinstance(model, AutoregressiveFamily)
    for step in bench.train(model, dataset, SMALL_TRAINING):
        yield training_scene(title, step, SMALL_TRAINING.steps) if bench.due() else None
    return PixelSubject(model, f"a small {title}, trained just now on {SMALL_WORDS} for {SMALL_TRAINING.steps} steps")


def training_scene(title: str, step: int, steps: int) -> Scene:
    """Scene while a small model is trained because no ready one is at hand."""
    text = (
        f"There is no ready {title} that fits, so a small one is trained on {SMALL_WORDS} first: a matter of seconds."
    )
    return Scene(
        rows=((Sentence(text=text),),), stage=f"Training a small {title}, step {step} of {steps}", progress=step / steps
    )
