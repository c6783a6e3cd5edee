"""Detection of anomalies: Fashion-MNIST against MNIST and back, by raw log p and by the statistics that cure it.

For each family a model and its background model, with the same settings, are trained on one set, and the test images
of both sets are scored. Settings and μ are fixed beforehand; no test score is looked at before a choice.
"""

import gzip
import struct
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.density.detection import detect
from gmstudio.engine.density.image_sets import open_now
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.density.scoring import score_and_keep
from gmstudio.engine.density.statistics import statistic_named
from gmstudio.engine.density.statistics.statistic import Statistic
from gmstudio.engine.density.subjects import subject_of
from gmstudio.engine.runtime.building import build_model, family_class
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.bench import train_steps
from gmstudio.engine.training.job import start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.density import StatisticSettings
from gmstudio.protocol.image_sets import DataImages
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunMissingError

CPU = torch.device("cpu")
LEVELS = 16
"""Intensity levels; the papers have 256, whose softmax takes three times as long."""
MUTATION = 0.3
"""μ of the background models, the largest that the paper's authors tried; chosen beforehand."""
BATCH = 32
TIMED_STEPS = 12
SETS = {"fashion": "FashionMNIST", "mnist": "MNIST"}
"""Name → folder of the files in the data folder."""
CONFIGS: dict[str, dict[str, Any]] = {
    "pixelcnn": {"num_channels": 16, "num_blocks": 5},
    "vae": {"num_hidden": 400, "num_latent": 20},
    "realnvp": {"num_channels": 16, "num_blocks": 1},
}
SAMPLES = {"vae": 20, "realnvp": 1}
"""Monte Carlo samples an image: importance-weighted for the VAE, one of the bound for the flow."""
STATISTICS = ("log_prob", "ratio", "complexity", "typicality")
PAPERS = {
    "Ren et al. 2019, PixelCNN++, Fashion-MNIST against MNIST, 256 levels": {"log_prob": 0.089, "ratio": 0.994},
}
"""AUROC that the paper reports."""


def measure(
    data_dir: str, families: list[str], budget_s: float, seed: int, out: str = "", images: int = 2000
) -> dict[str, Any]:
    """Train, or take the runs of an earlier call, and detect the test images of the other set.

    Args:
        data_dir: holds the folders of ``SETS`` with IDX files.
        families: keys in ``CONFIGS``.
        budget_s: seconds of processor time for each model that is not there yet, of one thread.
        seed: of weights, order and noise.
        out: folder of the runs, which are kept; empty: a temporary one.
        images: of each set that are scored, at most, the first ones.

    Returns:
        ``rows``: for each set and family the steps, bits per dimension of both sets, and for each statistic AUROC with
        its 95 % interval and the false-positive rate at 95 % recall.

    Raises:
        ValueError: when there are no such files, or a family has no settings here.
    """
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(out or temporary)
        trained = train_all(data_dir, place, families, seed, budget_s)
        rows = [
            {**trained[f"{name}-{family}"], **_told_apart(data_dir, place, name, family, seed, images)}
            for name in SETS
            for family in families
        ]
    return {
        "benchmark": "ood",
        "levels": LEVELS,
        "mutation": MUTATION,
        "batch_size": BATCH,
        "configs": {family: CONFIGS[family] for family in families},
        "seed": seed,
        "budget_s": budget_s,
        "images": images,
        "rows": rows,
        "papers": PAPERS,
    }


def _told_apart(data_dir: str, out: Path, name: str, family: str, seed: int, count: int) -> dict[str, Any]:
    """Score both sets under the model that was trained on one."""
    (other,) = SETS.keys() - {name}
    run = out / f"{name}-{family}"
    context = EngineContext(lambda _: None)
    context.device = CPU
    settings = StatisticSettings(background=f"{run}-background", num_samples=SAMPLES.get(family, 0))
    subject = subject_of(context, str(run), settings)
    folder = _idx_folder(Path(data_dir) / SETS[other], out / "data" / SETS[other])
    sets = [
        open_now(context, images, subject.model.image)
        for images in (
            DataImages(run=str(run), split="test", count=count),
            DataImages(data="idx", data_config={"folder": str(folder)}, split="test", count=count),
        )
    ]
    found: dict[str, Any] = {"family": family, "trained_on": name, "against": other, "seconds_scoring": 0.0}
    for key in STATISTICS:
        kind = statistic_named(key)
        statistic = kind(subject, settings, seed)
        begun = time.thread_time()
        typical, anomalous = (_scores(statistic, opened, seed) for opened in sets)
        found["seconds_scoring"] = round(found["seconds_scoring"] + time.thread_time() - begun, 1)
        if key == "log_prob":
            bits = [subject.model.image.bits_per_dim(-float(values.mean())) for values in (typical, anomalous)]
            found |= {"kind": statistic.kind_text, "bits_per_dim": round(bits[0], 3)}
            found["bits_per_dim_against"] = round(bits[1], 3)
        curves = detect(typical, anomalous, 1 if kind.card.direction == "anomalous" else -1, seed)
        found[key] = {
            "auroc": round(curves.auroc, 4),
            "auroc_low": round(curves.auroc_low, 4),
            "auroc_high": round(curves.auroc_high, 4),
            "fpr_at_95": round(curves.fpr_at_95, 4),
        }
    return found


def _scores(statistic: Statistic, opened: OpenedImages, seed: int) -> NDArray[np.float64]:
    *_, scores = score_and_keep(statistic, opened, seed)
    return scores.values


def train_all(data_dir: str, out: Path, families: list[str], seed: int, budget_s: float) -> dict[str, Any]:
    """Train a model and its background model on each set, but for those that are there from an earlier call.

    Args:
        data_dir: holds the folders of ``SETS`` with IDX files.
        out: folder of the runs.
        families: keys in ``CONFIGS``.
        seed: of weights, order and noise.
        budget_s: seconds of processor time for each model, of one thread.

    Returns:
        ``<set>-<family>`` → steps and seconds of the model, seconds of its background model; 0 s: it was there.

    Raises:
        ValueError: when there are no such files, or a family has no settings here.
    """
    unknown = [family for family in families if family not in CONFIGS]
    if unknown:
        raise ValueError(f"--families {unknown[0]}: choose from {', '.join(CONFIGS)}.")
    cache = DatasetCache()
    found = {}
    for name, folder in SETS.items():
        data_config = {"folder": str(_idx_folder(Path(data_dir) / folder, out / "data" / folder)), "levels": LEVELS}
        for family in families:
            base = out / f"{name}-{family}"
            spec = _spec(cache, family, data_config, seed, budget_s, base)
            noised_base = Path(f"{base}-background")
            seconds = _train(cache, spec, base)
            noised = RunSpec(
                family=family,
                config=spec.config,
                data=spec.data,
                data_config=spec.data_config,
                training={**spec.training, "mutation": MUTATION},
            )
            more = _train(cache, noised, noised_base)
            found[base.name] = {"steps": spec.training["steps"], "seconds": seconds, "background_seconds": more}
    return found


def _spec(
    cache: DatasetCache, family: str, data_config: dict[str, Any], seed: int, budget_s: float, base: Path
) -> RunSpec:
    """Settings of a model whose steps take about the budget; those of the run that is there already."""
    try:
        with RunFolder.open(base) as run:
            return run.record.spec
    except RunMissingError:
        pass
    dataset = cache.load("idx", data_config)
    kind = family_class(family)
    model = build_model(kind, parse_config(kind.Config, CONFIGS[family]), dataset.image, CPU, seed)
    begun = time.thread_time()
    for step in train_steps(model, dataset, Training(steps=TIMED_STEPS, batch_size=BATCH), seed):
        if step == 2:
            begun = time.thread_time()
    steps = max(1, round(budget_s * (TIMED_STEPS - 2) / (time.thread_time() - begun)))
    rarely = {"validate_every": steps, "sample_every": steps, "checkpoint_every": steps}
    training = {**rarely, "steps": steps, "batch_size": BATCH, "seed": seed, "num_samples": 16}
    return RunSpec(family=family, config=CONFIGS[family], data="idx", data_config=data_config, training=training)


def _train(cache: DatasetCache, spec: RunSpec, folder: Path) -> float:
    """Train a run to its end, or what is missing of it; returns the seconds of processor time of this call."""
    begun = time.thread_time()
    if (folder / "run.json").exists():
        with RunFolder.open(folder) as run:
            if run.record.status == "finished":
                return 0.0
        job = resume_run(str(folder), Continuation(), cache, CPU, lambda _: None)
    else:
        job = start_training(plan_run(cache, spec, CPU), str(folder), CPU, lambda _: None)
    while job.running:
        job.advance()
    return round(time.thread_time() - begun, 1)


def _idx_folder(source: Path, made: Path) -> Path:
    """Folder of IDX files: the source, or copies beside training images that were in ``train.npz``.

    Raises:
        ValueError: when there is neither.
    """
    raw = source / "raw" if (source / "raw").is_dir() else source
    if list(raw.glob("train-images-idx3-ubyte*")):
        return raw
    packed = raw / "train.npz"
    if not packed.exists():
        raise ValueError(f"{raw} has neither train-images-idx3-ubyte nor train.npz; name another --data-dir.")
    made.mkdir(parents=True, exist_ok=True)
    with np.load(packed) as arrays:
        _write_idx(made / "train-images-idx3-ubyte.gz", arrays["x"].reshape(-1, 28, 28))
        _write_idx(made / "train-labels-idx1-ubyte.gz", arrays["y"])
    for path in raw.glob("t10k-*"):
        (made / path.name).write_bytes(path.read_bytes())
    return made


def _write_idx(path: Path, array: NDArray[np.generic]) -> None:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header + array.astype(np.uint8).tobytes())
