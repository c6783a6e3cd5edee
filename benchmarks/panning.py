"""Frames a second of planes that are panned and zoomed: a map of 256×256, 2,000 points and contour lines."""

import statistics
import time
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Dots, Heat, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plane.plane_canvas import PlaneCanvas, link_views

SIDE, POINTS, CONTOURS = 256, 2000, 6
AXIS_END = 4.0


def measure(canvases: int = 1, size: int = 600, frames: int = 240) -> dict[str, Any]:
    """Drag and turn the wheel over linked planes, by events, and time each frame of all of them.

    Args:
        canvases: planes side by side, all moved together.
        size: width and height of each, pixels.
        frames: moves; every fifth one zooms.

    Returns:
        ``fps`` (frames a second), ``p95_ms`` of a frame, ``processor_ms`` (processor time of a frame, whatever else
        runs), ``new_layers_ms`` (a new map, points and contours, painted), and what was measured.
    """
    application = QApplication.instance() or QApplication(["gmstudio"])
    assert isinstance(application, QApplication)
    stage = QWidget()
    theme().style_window(stage)
    grid = QGridLayout(stage)
    planes = [PlaneCanvas() for _ in range(canvases)]
    for number, plane in enumerate(planes):
        plane.set_axes(PointAxis("x₁", -AXIS_END, AXIS_END), PointAxis("x₂", -AXIS_END, AXIS_END))
        plane.set_layers(_layers(number))
        plane.setFixedSize(size, size)
        grid.addWidget(plane, number // 2, number % 2)
    link_views(planes)
    stage.show()
    application.processEvents()
    processor = time.process_time()
    times = [_timed(application, planes, number) for number in range(frames)]
    processor = time.process_time() - processor
    news = []
    for number in range(10):
        start = time.perf_counter()
        planes[0].set_layers(_layers(100 + number))
        planes[0].repaint()
        news.append(1000 * (time.perf_counter() - start))
    stage.close()
    return {
        "benchmark": "panning",
        "canvases": canvases,
        "size": size,
        "platform": QGuiApplication.platformName(),
        "fps": round(1000 / statistics.fmean(times), 1),
        "p95_ms": round(float(np.percentile(times, 95)), 2),
        "processor_ms": round(1000 * processor / frames, 2),
        "new_layers_ms": round(statistics.median(news), 2),
    }


def _timed(application: QApplication, planes: list[PlaneCanvas], number: int) -> float:
    """Milliseconds from a move of the pointer to the painted planes."""
    start = time.perf_counter()
    if number % 5 == 4:
        _turn_wheel(planes[0], 1 if number // 5 % 2 else -1)
    else:
        _drag(planes[0], 3 if number // 60 % 2 else -3)
    for plane in planes:
        plane.repaint()
    application.processEvents()
    return 1000 * (time.perf_counter() - start)


def _drag(plane: PlaneCanvas, pixels: int) -> None:
    """Move the pressed pointer by some pixels."""
    centre = plane.area.center()
    for kind, x in (
        (QMouseEvent.Type.MouseButtonPress, 0),
        (QMouseEvent.Type.MouseMove, 6),
        (QMouseEvent.Type.MouseMove, 6 + pixels),
        (QMouseEvent.Type.MouseButtonRelease, 6 + pixels),
    ):
        place = centre + QPointF(x, x / 2)
        left = Qt.MouseButton.LeftButton
        event = QMouseEvent(kind, place, plane.mapToGlobal(place), left, left, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(plane, event)


def _turn_wheel(plane: PlaneCanvas, steps: int) -> None:
    place = plane.area.center()
    none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(place, plane.mapToGlobal(place), QPoint(), QPoint(0, 120 * steps), *none, False)
    QApplication.sendEvent(plane, event)


def _layers(seed: int) -> tuple[PlaneLayer, ...]:
    random = np.random.default_rng(seed)
    edges = np.linspace(-AXIS_END, AXIS_END, SIDE + 1)
    x, y = np.meshgrid(*2 * [(edges[1:] + edges[:-1]) / 2])
    density = np.exp(-((np.hypot(x, y) - 2 - 0.1 * random.normal()) ** 2) / 0.2).astype(np.float32)
    angles = random.uniform(0, 2 * np.pi, POINTS)
    points = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + random.normal(0, 0.25, (POINTS, 2))
    extent = (-AXIS_END, AXIS_END, -AXIS_END, AXIS_END)
    return (
        Heat(name="p(x)", values=Array.of(density / density.sum()), extent=extent, contours=CONTOURS),
        Dots(name="data", points=Array.of(points)),
    )
