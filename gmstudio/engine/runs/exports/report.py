"""Report of a run as HTML or PDF."""

from abc import abstractmethod
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import ClassVar

from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.engine.runs.report.collecting import NUM_IMAGES, ReportSource, collect_report
from gmstudio.engine.runs.report.content import Report
from gmstudio.engine.runtime.beside import beside
from gmstudio.protocol.runs_exports import ExportForm

CONTENTS = "Curves, test value with its error, samples, settings, versions, and the command that repeats the run."
WRITING = 0.98


class _ReportExport(Export):
    """Base of both forms.

    Args:
        num_images: most test images that are scored; 0: all.
        report: content that was collected for another form; None: it is collected here.

    Attributes:
        report: the content, after ``pieces``.
    """

    def __init__(self, num_images: int = NUM_IMAGES, report: Report | None = None) -> None:
        self._num_images = num_images
        self.report = report

    def reuse(self, other: Export) -> bool:
        """Take the content of another form, so that both have the same samples and figures."""
        if not isinstance(other, _ReportExport):
            return False
        self.report = other.report
        return True

    @abstractmethod
    def write(self, report: Report) -> bytes:
        """Return the content of the file."""

    def pieces(self, source: ExportSource, target: Path) -> Iterator[float]:
        """Collect the report and write it; what is written takes no model, so that it is done in a thread."""
        report = self.report or (yield from self._collected(source))
        self.report = report
        for _ in beside(lambda: target.write_bytes(self.write(report))):
            yield WRITING
        yield 1.0

    def _collected(self, source: ExportSource) -> Generator[float, None, Report]:
        work = collect_report(ReportSource(source.run, source.load, self._num_images))
        while True:
            try:
                yield WRITING * next(work)
            except StopIteration as end:
                report: Report = end.value
                return report

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on what the report lacks."""
        return tuple(self.report.remarks) if self.report is not None else ()


class HtmlReport(_ReportExport):
    """One HTML file with its pictures inside."""

    form: ClassVar[ExportForm] = ExportForm(name="report", title="Report (HTML)", help=CONTENTS, suffix=".html")
    order: ClassVar[int] = 2

    def write(self, report: Report) -> bytes:
        """Return the page, UTF-8."""
        from gmstudio.engine.runs.report.html import html_of

        return html_of(report).encode()


class PdfReport(_ReportExport):
    """The same as PDF."""

    form: ClassVar[ExportForm] = ExportForm(name="report_pdf", title="Report (PDF)", help=CONTENTS, suffix=".pdf")
    order: ClassVar[int] = 3

    def write(self, report: Report) -> bytes:
        """Return the document."""
        from gmstudio.engine.runs.report.pdf import pdf_of

        return pdf_of(report)
