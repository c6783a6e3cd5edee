"""Commands about files of runs that travel: runs that are imported, and exports that the window fetches."""

from collections.abc import Iterator
from functools import partial

from gmstudio.engine.runs.describe import current_info
from gmstudio.engine.runs.exports import export_named
from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.engine.runs.exports.writing import export_pieces
from gmstudio.engine.runs.in_thread import shares_in_thread
from gmstudio.engine.runs.transfers import Transfers
from gmstudio.engine.runtime.context import ANY_FAMILY, EngineContext
from gmstudio.engine.runtime.feature import Feature
from gmstudio.protocol.base import Event
from gmstudio.protocol.runs_files import (
    DropRunFile,
    ExportPrepared,
    FetchPrepared,
    FileProgressed,
    ImportSentRun,
    PreparedPiece,
    PrepareExport,
    RunFileReceived,
    RunImported,
    SendRunFile,
)
from gmstudio.runs.archive_reading import RunUnpacker
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import runs_home
from gmstudio.runs.record import RunError


class RunFiles(Feature):
    """Receive packed runs and unpack them into the library; prepare exports, and hand them out in pieces."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._transfers = Transfers()
        self._newest: tuple[str, str, Export] | None = None
        """Run, token and export that was prepared last, which another form may use again."""

    def _on_send_run_file(self, command: SendRunFile) -> None:
        received = self._transfers.receive(command.upload, command.name, command.size, command.offset, command.data)
        self.context.send(RunFileReceived(request=command.request, upload=command.upload, received=received))

    def _on_import_sent_run(self, command: ImportSentRun) -> Iterator[Event | None]:
        path, name = self._transfers.received(command.upload)
        unpacker = RunUnpacker(path, runs_home(), name)
        try:
            for share in shares_in_thread(unpacker.pieces):
                yield FileProgressed(request=command.request, share=share)
        finally:
            self._transfers.drop(command.upload)
        with RunFolder.open(unpacker.place) as run:
            info = current_info(self.context, run.name)
        yield RunImported(request=command.request, info=info, remarks=unpacker.remarks)

    def _on_drop_run_file(self, command: DropRunFile) -> None:
        self._transfers.drop(command.file)
        self.done(command)

    def _on_prepare_export(self, command: PrepareExport) -> Iterator[Event | None]:
        export = export_named(command.form)()
        if not export.form.suffix:
            raise RunError(f"{export.form.title} is a folder; name one on the engine's machine.")
        if self._newest is not None and self._newest[:2] == (command.run, command.like):
            export.reuse(self._newest[2])
        self._newest = None
        token, path = self._transfers.new()
        with RunFolder.open(command.run) as run:
            if export.needs_model:
                yield from self.context.read_model(command.run)
            source = ExportSource(run, partial(self.context.model, command.run, ANY_FAMILY))
            for share in export_pieces(export, source, path, overwrite=False):
                yield FileProgressed(request=command.request, share=share)
            name = f"{run.path.name}{export.form.suffix}"
        self._newest = command.run, token, export
        yield ExportPrepared(
            request=command.request,
            run=command.run,
            form=command.form,
            export=token,
            size=path.stat().st_size,
            name=name,
            remarks=export.remarks,
        )

    def _on_fetch_prepared(self, command: FetchPrepared) -> None:
        data = self._transfers.read(command.export, command.offset)
        self.context.send(
            PreparedPiece(request=command.request, export=command.export, offset=command.offset, data=data)
        )
