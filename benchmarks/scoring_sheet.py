"""Milliseconds a page of the contact sheet over 60,000 images, with pictures that arrive, and while it scrolls."""

import statistics
import time
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.contact_sheet import ContactSheet

IMAGES, SIDE, LEVELS = 60_000, 28, 256
WIDTH, HEIGHT = 1000, 600


def measure_contact_sheet(images: int = IMAGES, pages: int = 200, notches: int = 200) -> dict[str, Any]:
    """Leaf through a sorted sheet by Page Down, then turn the wheel, and time each until it is painted.

    Args:
        images: of the sheet, 28×28 of 256 levels.
        pages: pages that are leafed through, all with pictures that the sheet did not have.
        notches: of the wheel, over pictures that it has.

    Returns:
        ``page_ms`` and ``page_p95_ms``, from the key to the painted page with its new pictures; ``processor_ms``, the
        processor time of a page, whatever else runs; ``wheel_ms`` and ``wheel_p95_ms`` of a notch; ``order_ms``, a new
        order of all images; and what was measured.
    """
    application = QApplication.instance() or QApplication(["gmstudio"])
    assert isinstance(application, QApplication)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, LEVELS, (images, 1, SIDE, SIDE), dtype=np.uint8)
    scores = rng.normal(-100.0, 10.0, images)
    sheet = ContactSheet()
    theme().style_window(sheet)
    sheet.resize(WIDTH, HEIGHT)
    sheet.set_captions(lambda index: f"{scores[index]:.1f}")
    sheet.wanted.connect(lambda wanted: sheet.show_images(wanted, pictures[list(wanted)], LEVELS))
    sheet.show()
    begun = time.perf_counter()
    sheet.set_order(np.argsort(-scores))
    order_ms = 1000 * (time.perf_counter() - begun)
    application.processEvents()
    processor = time.process_time()
    page_times = [_timed_page(sheet) for _ in range(pages)]
    processor = time.process_time() - processor
    wheel_times = [_timed_notch(sheet, -120 if number // 20 % 2 else 120) for number in range(notches)]
    cells = sheet.columns * (HEIGHT // sheet.image_rect(0).height())
    sheet.close()
    sheet.deleteLater()
    application.sendPostedEvents(sheet, QEvent.Type.DeferredDelete)
    return {
        "benchmark": "contact_sheet",
        "images": images,
        "platform": QGuiApplication.platformName(),
        "cells": cells,
        "page_ms": round(statistics.fmean(page_times), 2),
        "page_p95_ms": round(float(np.percentile(page_times, 95)), 2),
        "processor_ms": round(1000 * processor / max(pages, 1), 2),
        "wheel_ms": round(statistics.fmean(wheel_times), 2),
        "wheel_p95_ms": round(float(np.percentile(wheel_times, 95)), 2),
        "order_ms": round(order_ms, 2),
    }


def _timed_page(sheet: ContactSheet) -> float:
    """Milliseconds of a page: its places, its pictures, its painting. The rest that scrolling waits for is left out."""
    begun = time.perf_counter()
    QTest.keyClick(sheet, Qt.Key.Key_PageDown)
    sheet.ask_now()
    sheet.viewport().repaint()
    return 1000 * (time.perf_counter() - begun)


def _timed_notch(sheet: ContactSheet, angle: int) -> float:
    place = QPointF(WIDTH / 2, HEIGHT / 2)
    none = Qt.KeyboardModifier.NoModifier
    phase = Qt.ScrollPhase.NoScrollPhase
    begun = time.perf_counter()
    event = QWheelEvent(place, place, QPoint(), QPoint(0, angle), Qt.MouseButton.NoButton, none, phase, False)
    QApplication.sendEvent(sheet.viewport(), event)
    sheet.viewport().repaint()
    return 1000 * (time.perf_counter() - begun)


if __name__ == "__main__":
    print(measure_contact_sheet())
