"""Commands about exporting runs."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from gmstudio.engine.runs.exports import export_named, exports_of
from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.engine.runs.exports.writing import export_pieces
from gmstudio.engine.runtime.building import settings_of_run
from gmstudio.engine.runtime.context import ANY_FAMILY
from gmstudio.engine.runtime.feature import Feature
from gmstudio.protocol.base import Event
from gmstudio.protocol.runs_exports import (
    ExportForm,
    ExportRun,
    ExportsListed,
    ListExports,
    RunExported,
)
from gmstudio.protocol.runs_files import FileProgressed
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunError


class RunExports(Feature):
    """List the forms in which a run can be exported, and export it."""

    def _on_list_exports(self, command: ListExports) -> Iterator[Event | None]:
        """Describe one form a piece; the first time, their modules are imported."""
        with RunFolder.open(command.run) as run:
            unknown, forms = _unknown_settings(run), list[ExportForm]()
            for kind in exports_of().values():
                reason = (unknown if kind.needs_model else "") or kind.reason(run)
                forms.append(msgspec.structs.replace(kind.form, reason=reason))
                yield None
        yield ExportsListed(request=command.request, run=command.run, forms=tuple(forms))

    def _on_export_run(self, command: ExportRun) -> Iterator[Event | None]:
        export = export_named(command.form)()
        with RunFolder.open(command.run) as run:
            if export.needs_model:
                yield from self.context.read_model(command.run)
            source = ExportSource(run, lambda: self.context.model(command.run, ANY_FAMILY))
            for share in export_pieces(export, source, Path(command.target).absolute(), overwrite=command.overwrite):
                yield FileProgressed(request=command.request, share=share)
        yield _exported(command, export)


def _unknown_settings(run: RunFolder) -> str:
    """Return why the model of a run cannot be built here, one sentence; empty: it can."""
    try:
        settings_of_run(run)
    except RunError as error:
        return str(error)
    return ""


def _exported(command: ExportRun, export: Export) -> RunExported:
    """Build the last reply to a command that was carried out."""
    target = Path(command.target).absolute()
    files = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    return RunExported(
        request=command.request,
        run=command.run,
        form=command.form,
        target=str(target),
        files=tuple(files),
        remarks=export.remarks,
    )
