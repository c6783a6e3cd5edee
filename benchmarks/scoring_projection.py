"""The map of images: frames a second of 60,000 points that are panned and zoomed, and seconds of each projection."""

import resource
import statistics
import time
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from gmstudio.engine.features.projection_methods import REDUCED_DIMS
from gmstudio.engine.features.projection_process import ProjectionProcess
from gmstudio.protocol.features_projection import ProjectionMethod, ProjectionSettings
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.projection.image_map import ImageMap
from gmstudio.window.gui.widgets.projection.map_colours import class_codes
from gmstudio.window.gui.widgets.projection.point_raster import PointRaster

SIZE = (900, 600)
CLASSES = 10
METHODS: tuple[ProjectionMethod, ...] = ("pca", "tsne", "umap")


def measure_frames(points: int = 60_000, frames: int = 300) -> dict[str, Any]:
    """Drag and turn the wheel over a map, by events, and time each frame.

    Args:
        points: on the map.
        frames: moves; every fifth one zooms.

    Returns:
        ``fps`` (frames a second), ``p95_ms`` of a frame, ``processor_ms`` (processor time of a frame, whatever else
        runs), ``raster_ms`` (drawing all points into the picture alone), ``hit_ms`` (finding the point under the
        pointer), ``platform`` of Qt.
    """
    application = QApplication.instance() or QApplication(["gmstudio"])
    assert isinstance(application, QApplication)
    shown = ImageMap()
    theme().style_window(shown)
    shown.resize(*SIZE)
    places, labels = _clusters(points, 2)
    shown.show()
    shown.set_places(places)
    shown.set_colours(class_codes(labels, points))
    application.processEvents()
    processor = time.process_time()
    times = [_timed(application, shown, number) for number in range(frames)]
    processor = time.process_time() - processor
    shown.fit()
    raster, codes, pixels = PointRaster(), class_codes(labels, points).codes, shown.pixels()
    drawn = [_milliseconds(lambda: raster.draw(pixels, codes, *SIZE, 3)) for _ in range(50)]
    hits = [_milliseconds(lambda: shown.point_at(QPointF(450, 300))) for _ in range(50)]
    shown.close()
    return {
        "points": points,
        "size": list(SIZE),
        "platform": QGuiApplication.platformName(),
        "fps": round(1000 / statistics.fmean(times), 1),
        "p95_ms": round(float(np.percentile(times, 95)), 2),
        "processor_ms": round(1000 * processor / frames, 2),
        "raster_ms": round(statistics.median(drawn), 2),
        "hit_ms": round(statistics.median(hits), 2),
    }


def measure_methods(
    count: int, num_dims: int = REDUCED_DIMS, seed: int = 0, methods: tuple[ProjectionMethod, ...] = METHODS
) -> dict[str, Any]:
    """Time each projection of made features in the process that computes them, its start and imports included.

    Args:
        count: number of images.
        num_dims: features of each.
        seed: of the features and the projections.
        methods: that are timed.

    Returns:
        Seconds by method, ``count``, and the memory of the largest process in MB.
    """
    rows, _ = _clusters(count, num_dims, seed)
    seconds = {}
    for method in methods:
        process = ProjectionProcess()
        began = time.monotonic()
        for _ in process.project(method, ProjectionSettings(seed=seed), rows):
            pass
        seconds[f"{method}_s"] = round(time.monotonic() - began, 2)
        process.close()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    return {"count": count, "num_dims": num_dims, **seconds, "peak_mb": round(peak)}


def measure(counts: tuple[int, ...] = (), points: int = 60_000) -> dict[str, Any]:
    """Measure the map, and projections of sets of the given sizes."""
    return {
        "benchmark": "projection",
        **measure_frames(points),
        "methods": [measure_methods(count) for count in counts],
    }


def _timed(application: QApplication, shown: ImageMap, number: int) -> float:
    """Milliseconds from a move of the pointer to the painted map."""
    return _milliseconds(lambda: _moved(application, shown, number))


def _moved(application: QApplication, shown: ImageMap, number: int) -> None:
    place = QPointF(shown.width() / 2, shown.height() / 2)
    if number % 5 == 4:
        none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
        turn = QPoint(0, 60 if number // 5 % 2 else -60)
        QApplication.sendEvent(shown, QWheelEvent(place, shown.mapToGlobal(place), QPoint(), turn, *none, False))
    else:
        step = 3 if number // 60 % 2 else -3
        for kind, x in (
            (QMouseEvent.Type.MouseButtonPress, 0),
            (QMouseEvent.Type.MouseMove, 6),
            (QMouseEvent.Type.MouseMove, 6 + step),
            (QMouseEvent.Type.MouseButtonRelease, 6 + step),
        ):
            at, left = place + QPointF(x, x / 2), Qt.MouseButton.LeftButton
            event = QMouseEvent(kind, at, shown.mapToGlobal(at), left, left, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(shown, event)
    shown.repaint()
    application.processEvents()


def _milliseconds(work: Any) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _clusters(count: int, num_dims: int, seed: int = 0) -> tuple[Any, Any]:
    """Points (count, num_dims) float32 in ``CLASSES`` clusters, in any order, and their clusters."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, count)
    centres = random.normal(0, 3, (CLASSES, num_dims))
    return (centres[labels] + random.normal(size=(count, num_dims))).astype(np.float32), labels
