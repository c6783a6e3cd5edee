"""Features of the ready models with few labels, against pixels and principal components; fine-tuned against scratch.

The models are the runs of ``resources/examples`` that were trained on MNIST, with their default layers; nothing is
chosen with test labels. Each family's data have its own levels, so that the baselines are computed for each.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.engine.features.fine_tuning import FineTuning
from gmstudio.engine.features.layers import layer_of
from gmstudio.engine.features.probe import Probe
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.protocol.features import PCA, PIXELS, FeatureSpace, FeaturesProbed, ProbeFeatures
from gmstudio.protocol.features_fine_tuning import FineTune, FineTuned
from gmstudio.runs.examples import example_folders
from gmstudio.runs.record import RunRecord

DATA = "mnist"
TUNED = ("autoencoder", "gan", "rbm", "vae")
"""Families whose encoders are trained on, those that take seconds a choice of labels."""
TUNED_TEST = 1000
"""Test images at each place of their curves, at most."""
LABELS = 10


def measure(
    data_dir: str, seeds: int, test_images: int, steps: int, tuned_seeds: int, families: list[str] | None = None
) -> dict[str, Any]:
    """Probe every ready model of MNIST at 10 labels a class, and fine-tune some.

    Args:
        data_dir: folder of MNIST's files; empty: the shipped images.
        seeds: choices of the labelled images.
        test_images: that are classified; 0: all.
        steps: of the fine-tuning; 0: none.
        tuned_seeds: its choices of labelled images.
        families: keys of those that are measured; None: all.

    Returns:
        ``probes``: for each family the layer, number of features, accuracies (mean and deviation over choices) of the
        linear probe and of the neighbours, the linear probe's on ``pixels`` and ``pca``, and seconds. ``tuned``: final
        accuracies of the three classifiers.
    """
    torch.set_num_threads(1)
    context = EngineContext(lambda _event: None)
    context.device = torch.device("cpu")
    probes, tuned = [], []
    baselines: dict[str, dict[str, list[float]]] = {}
    for folder in example_folders():
        loaded = context.model(str(folder), "phases")
        name, data = loaded.model.card.name, loaded.record.data_config
        if loaded.record.data != DATA or (families and name not in families):
            continue
        dataset = _images(context, loaded.record, data_dir)
        own = layer_of(loaded.model, "")
        space = FeatureSpace(run=str(folder), layer=own.name)
        began = time.perf_counter()
        probed = _probed(context, dataset, space, folder, seeds, test_images)
        row: dict[str, Any] = {"family": name, "steps": loaded.step, "layer": own.name, "features": probed.num_dims}
        row |= {"levels": loaded.model.image.levels, "seconds": round(time.perf_counter() - began, 1)}
        row |= {"linear": _summary(probed.results[0].linear.numpy())}
        row |= {"neighbours": _summary(probed.results[0].neighbours.numpy())}
        kind = f"{data.get('levels')} {data.get('binarize')}"
        if kind not in baselines:
            baselines[kind] = {
                layer: _summary(
                    _probed(context, dataset, FeatureSpace(layer=layer), folder, seeds, test_images)
                    .results[0]
                    .linear.numpy()
                )
                for layer in (PIXELS, PCA)
            }
        probes.append(row | baselines[kind])
        print(probes[-1], flush=True)
        if steps and name in TUNED:
            most = min(test_images or TUNED_TEST, TUNED_TEST)
            tuned.append(_tuned(context, dataset, space, folder, steps, tuned_seeds, most))
            print(tuned[-1], flush=True)
    return {"labels_per_class": LABELS, "choices": seeds, "test_images": test_images, "probes": probes, "tuned": tuned}


def _images(context: EngineContext, record: RunRecord, data_dir: str) -> Dataset:
    """MNIST with the run's levels: of a folder, else the shipped images.

    Raises:
        FileNotFoundError: when there are no IDX files of MNIST in the folder.
    """
    if not data_dir:
        return load_run_data(context.data, record)
    for folder in (Path(data_dir) / "MNIST" / "raw", Path(data_dir) / "MNIST", Path(data_dir)):
        if any(folder.glob("train-images*")):
            settings = {name: record.data_config[name] for name in ("levels", "binarize")}
            return context.data.load("idx", {"folder": str(folder), **settings})
    raise FileNotFoundError(f"{data_dir} has no IDX files of MNIST (train-images…); name the folder that holds them.")


def _probed(
    context: EngineContext, dataset: Dataset, space: FeatureSpace, run: Path, seeds: int, test_images: int
) -> FeaturesProbed:
    command = ProbeFeatures(
        request=0, space=space, run=str(run), labels_per_class=(LABELS,), num_seeds=seeds, max_test=test_images
    )
    *_, last = Probe(context, dataset, command).run()
    assert last is not None
    return last


def _tuned(
    context: EngineContext, dataset: Dataset, space: FeatureSpace, run: Path, steps: int, seeds: int, test_images: int
) -> dict[str, Any]:
    began = time.perf_counter()
    command = FineTune(
        request=0,
        space=space,
        run=str(run),
        labels_per_class=LABELS,
        steps=steps,
        num_seeds=seeds,
        max_test=test_images,
    )
    *_, last = FineTuning(context, dataset, command).run()
    assert isinstance(last, FineTuned)
    finals = {curve.kind.replace("-", "_"): _summary(curve.accuracies.numpy()[:, -1]) for curve in last.curves}
    return {"title": last.title, "steps": steps, "seconds": round(time.perf_counter() - began, 1), **finals}


def _summary(accuracies: NDArray[np.float64]) -> list[float]:
    """Mean and deviation over choices, its divisor their number."""
    return [round(float(accuracies.mean()), 4), round(float(accuracies.std()), 4)]
