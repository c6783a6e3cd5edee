"""A report as one HTML file: pictures embedded, curves as vector graphics, readable in light and dark, and on paper."""

import base64
import json
from typing import Any

import jinja2
from markupsafe import Markup

from gmstudio.engine.runs.report.content import Chart, Report
from gmstudio.engine.runs.report.curves import extent
from gmstudio.engine.runs.report.words import bits_line, headline, measured_line
from gmstudio.media.plot_pictures import ticks
from gmstudio.system.resources import resource_path

WIDTH, HEIGHT = 520, 260
LEFT, RIGHT, TOP, BELOW = 58, 10, 8, 22


def html_of(report: Report) -> str:
    """Write a report as HTML; texts are escaped, and nothing is fetched when it is shown."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    template = environment.from_string(resource_path("report.html").read_text(encoding="utf-8"))
    return template.render(
        report=report,
        provenance=json.dumps(report.provenance, ensure_ascii=False),
        figure=_figure(report),
        charts=[_chart(chart) for chart in report.charts],
        pictures=[
            {
                "title": picture.title,
                "caption": picture.caption,
                "smooth": picture.smooth,
                "width": picture.width,
                "data": base64.b64encode(picture.png).decode(),
            }
            for picture in report.pictures
        ],
    )


def _figure(report: Report) -> dict[str, Any] | None:
    figure = report.figure
    if figure is None:
        return None
    return {
        "headline": headline(figure),
        "bits": bits_line(figure),
        "kind": figure.kind,
        "measured": measured_line(figure),
        "warnings": figure.warnings,
    }


def _chart(chart: Chart) -> dict[str, Any]:
    keys = [{"number": number % 2, "name": line.name} for number, line in enumerate(chart.lines)]
    return {"title": chart.title, "unit": chart.unit, "svg": Markup(_svg(chart)), "legend": keys}


def _svg(chart: Chart) -> str:
    """Draw a chart; everything in it is a number that is formatted here."""
    x_low, x_high, y_low, y_high = extent(chart)

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)
        return across, TOP + (y_high - min(y, y_high)) / (y_high - y_low) * (HEIGHT - TOP - BELOW)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">']
    for value in ticks(y_low, y_high):
        _, y = place(x_low, value)
        parts.append(f'<path class="axis" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in ticks(x_low, x_high):
        x, _ = place(value, y_low)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{value:,.0f}</text>')
    for number, line in enumerate(chart.lines):
        points = " ".join(
            "{:.1f},{:.1f}".format(*place(x, y)) for x, y in zip(line.x.tolist(), line.y.tolist(), strict=True)
        )
        parts.append(f'<polyline class="series{number % 2}{" faint" if line.faint else ""}" points="{points}"/>')
    return "".join([*parts, "</svg>"])
