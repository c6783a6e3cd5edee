"""A report as PDF: selectable text, curves as vector graphics, pictures embedded."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import ziafont
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from gmstudio.engine.runs.report.content import Chart, Facts, Picture, Report
from gmstudio.engine.runs.report.curves import extent
from gmstudio.engine.runs.report.words import bits_line, headline, measured_line
from gmstudio.media.plot_pictures import ticks

FONT, SIZE = "DejaVu", 9.0
MARGIN = 16.0
"""Of the page, mm."""
INK, QUIET, RULE = (27, 31, 36), (89, 99, 110), (200, 206, 212)
COLOURS = ((37, 99, 201), (194, 65, 12))
CHART_HEIGHT = 52.0
NAME_WIDTH = 44.0


def pdf_of(report: Report) -> bytes:
    """Write a report as PDF; the same report gives the same bytes."""
    page = _Page(report)
    page.head()
    page.figure()
    page.charts()
    for picture in report.pictures:
        page.picture(picture)
    page.command()
    page.heading("Facts and settings")
    page.text("Marked ● is what differs from the default, which stands behind it.", colour=QUIET)
    for table in report.tables:
        page.facts(table)
    page.rows("Checkpoints", (("step", 22.0), ("size", 26.0), ("written (UTC)", 36.0), ("", 0.0)), report.checkpoints)
    page.rows("Events", (("step", 22.0), ("time (UTC)", 36.0), ("", 0.0)), report.events)
    return page.content()


class _Page:
    """The document, and the way of writing each part.

    Args:
        report: that is written.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._pdf = FPDF(format="A4")
        self._pdf.set_margin(MARGIN)
        self._pdf.c_margin = 0.0
        self._pdf.set_auto_page_break(True, MARGIN)
        font = Path(ziafont.__file__).with_name("fonts") / "DejaVuSans.ttf"
        self._pdf.add_font(FONT, fname=str(font))
        self._pdf.set_title(report.title)
        self._pdf.set_creator(report.provenance["Software"])
        self._pdf.set_subject(json.dumps(report.provenance, ensure_ascii=False))
        self._pdf.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))
        self._pdf.add_page()

    def content(self) -> bytes:
        return bytes(self._pdf.output())

    def text(self, text: str, size: float = SIZE, colour: tuple[int, int, int] = INK) -> None:
        """Write a paragraph."""
        self._pdf.set_font(FONT, size=size)
        self._pdf.set_text_color(*colour)
        self._pdf.multi_cell(0, 0.5 * size, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._pdf.ln(0.12 * size)

    def heading(self, text: str, needed: float = 24.0) -> None:
        """Begin a section, on a new page where less than ``needed`` mm are left."""
        self._room(needed)
        self._pdf.ln(4)
        self.text(text, 12.5)
        self._pdf.set_draw_color(*RULE)
        self._pdf.set_line_width(0.2)
        self._pdf.line(MARGIN, self._pdf.get_y(), self._pdf.w - MARGIN, self._pdf.get_y())
        self._pdf.ln(2)

    def head(self) -> None:
        report = self._report
        self.text(report.title, 19)
        self.text(f"{report.subtitle} · run {report.run}", colour=QUIET)
        for text in (report.summary, report.note, *report.remarks):
            if text:
                self.text(text)

    def figure(self) -> None:
        figure = self._report.figure
        if figure is None:
            return
        self.heading("Test value")
        self.text(headline(figure), 15)
        if bits_line(figure):
            self.text(bits_line(figure), 15)
        self.text(figure.kind)
        self.text(measured_line(figure), colour=QUIET)
        for warning in figure.warnings:
            self.text(warning)

    def charts(self) -> None:
        """Draw the charts, two side by side."""
        if not self._report.charts:
            return
        self.heading("Training", CHART_HEIGHT + 30)
        gap = 8.0
        width = (self._pdf.epw - gap) / 2
        for first in range(0, len(self._report.charts), 2):
            self._room(CHART_HEIGHT + 14)
            top = self._pdf.get_y()
            for place, chart in enumerate(self._report.charts[first : first + 2]):
                self._chart(chart, MARGIN + place * (width + gap), top, width)
            self._pdf.set_xy(MARGIN, top + CHART_HEIGHT + 12)

    def _chart(self, chart: Chart, left: float, top: float, width: float) -> None:
        pdf, (x_low, x_high, y_low, y_high) = self._pdf, extent(chart)
        title = f"{chart.title} ({chart.unit})" if chart.unit else chart.title
        self._label(left, top + 3, title, 9, INK)
        inner, upper, lower = left + 14, top + 6, top + CHART_HEIGHT - 2

        def place(x: float, y: float) -> tuple[float, float]:
            across = inner + (x - x_low) / (x_high - x_low) * (left + width - inner)
            return across, upper + (y_high - min(y, y_high)) / (y_high - y_low) * (lower - upper)

        pdf.set_line_width(0.1)
        pdf.set_draw_color(*RULE)
        for value in ticks(y_low, y_high):
            y = place(x_low, value)[1]
            pdf.line(inner, y, left + width, y)
            self._label(inner - 1, y + 0.9, f"{value:g}", 6.5, QUIET, right=True)
        for value in ticks(x_low, x_high):
            self._label(place(value, y_low)[0], lower + 3.5, f"{value:,.0f}", 6.5, QUIET, centre=True)
        key = inner
        for number, line in enumerate(chart.lines):
            colour = COLOURS[number % 2]
            pdf.set_draw_color(*colour)
            pdf.set_line_width(0.2 if line.faint else 0.35)
            points = [place(x, y) for x, y in zip(line.x.tolist(), line.y.tolist(), strict=True)]
            pdf.polyline(points)
            pdf.line(key, lower + 7, key + 5, lower + 7)
            self._label(key + 6.5, lower + 7.9, line.name, 6.5, QUIET)
            key += 12 + pdf.get_string_width(line.name)

    def _label(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: tuple[int, int, int],
        *,
        right: bool = False,
        centre: bool = False,
    ) -> None:
        """Write text whose base line begins (or ends, or has its centre) at a place."""
        self._pdf.set_font(FONT, size=size)
        self._pdf.set_text_color(*colour)
        width = self._pdf.get_string_width(text)
        self._pdf.text(x - (width if right else width / 2 if centre else 0.0), y, text)

    def picture(self, picture: Picture) -> None:
        """Place a picture over the width of the text, no larger than its pixels at 150 for each inch."""
        width = min(self._pdf.epw, picture.width / 150 * 25.4)
        height = width * picture.height / picture.width
        self.heading(picture.title, min(height + 30, self._pdf.eph))
        height = min(height, self._pdf.h - MARGIN - self._pdf.get_y() - 10)
        width = height * picture.width / picture.height
        self._pdf.image(io.BytesIO(picture.png), x=MARGIN, w=width, h=height, alt_text=picture.caption)
        self._pdf.ln(2)
        self.text(picture.caption, colour=QUIET)

    def command(self) -> None:
        if not self._report.command:
            return
        self.heading("Repeat it")
        self.text(self._report.command, 8.5)
        for remark in self._report.command_remarks:
            self.text(remark, colour=QUIET)

    def facts(self, table: Facts) -> None:
        """Write a table of names and values; values break over lines."""
        self._room(16)
        self._pdf.ln(2)
        self.text(table.title, 10)
        for row in table.rows:
            value = f"{row.value} (default {row.default})" if row.default else row.value
            self._cells([(f"{'● ' if row.default else ''}{row.name}", NAME_WIDTH), (value, 0.0)])

    def rows(
        self,
        title: str,
        columns: tuple[tuple[str, float], ...],
        rows: "list[tuple[str, str, str]] | list[tuple[str, str, str, str]]",
    ) -> None:
        """Write a table with a heading; a width of 0 is the rest of the line."""
        if not rows:
            return
        self.heading(title)
        self._cells(list(columns), QUIET)
        for row in rows:
            self._cells([(cell, width) for cell, (_name, width) in zip(row, columns, strict=True)])

    def _cells(self, cells: list[tuple[str, float]], last_colour: tuple[int, int, int] = INK) -> None:
        self._pdf.set_font(FONT, size=8)
        self._room(5)
        for text, width in cells[:-1]:
            self._pdf.set_text_color(*QUIET)
            self._pdf.cell(width, 4.2, _fitted(self._pdf, text, width - 2), new_x=XPos.RIGHT, new_y=YPos.TOP)
        self._pdf.set_text_color(*last_colour)
        self._pdf.multi_cell(0, 4.2, cells[-1][0], align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _room(self, needed: float) -> None:
        if self._pdf.get_y() + needed > self._pdf.h - MARGIN:
            self._pdf.add_page()


def _fitted(pdf: FPDF, text: str, width: float) -> str:
    """Shorten a text that is wider than its column."""
    while len(text) > 1 and pdf.get_string_width(text) > width:
        text = text[:-2] + "…"
    return text
