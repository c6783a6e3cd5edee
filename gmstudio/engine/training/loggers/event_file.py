"""TensorBoard's event files: scalars, sample grids as images, events and settings as text, hyper-parameters.

The package ``tensorboard`` has the messages (protocol buffers) and the framing of records; it is imported when the
first file is opened. A record is complete or, after the process was killed, cut short at the end of the file, where
every reader stops. Steps that are trained again are withdrawn by a session that starts at them.
"""

import importlib
import itertools
import re
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gmstudio.engine.training.loggers.logger import Plain, RunFacts, RunLogger
from gmstudio.engine.training.loggers.pictures import picture_of, png_of
from gmstudio.runs.clock import seconds_of
from gmstudio.runs.tail import Batch, TimedGrid, TimedPoint

PREFIX = "events.out.tfevents."
_NUMBER = re.compile(re.escape(PREFIX) + r"(\d{10,})\.")
_FLOAT32_MAX = 3.4028234663852886e38


class EventFileLogger(RunLogger):
    """Writer of one event file for each session of a run.

    Args:
        folder: of the run's event files; made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None
        self._facts: RunFacts | None = None

    def begin(self, facts: RunFacts, since: int) -> None:
        """Open a new event file, which comes after those in the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(found[1]) for path in self._folder.iterdir() if (found := _NUMBER.match(path.name))]
        number = max([int(time.time()), *(number + 1 for number in numbers)])
        path = self._folder / f"{PREFIX}{number:010d}.{socket.gethostname() or 'localhost'}.gmstudio"
        self._writer, self._facts = _part("summary.writer.record_writer").RecordWriter(path.open("xb")), facts
        self._put(time.time(), file_version="brain.Event:2")
        if numbers:
            self._put(time.time(), step=since + 1, session_start=True)
        self._put(facts.started_s, values=[_hyper_parameters(facts), _text("settings", _table(facts.settings))])

    def write(self, batch: Batch) -> None:
        """Add a batch: the scalars of a step are one record."""
        assert self._facts is not None
        for (step, time_s), points in itertools.groupby(batch.points, lambda point: (point.step, point.time_s)):
            self._put(time_s, step=step, values=_scalars(points))
        for one in batch.grids:
            self._put(one.time_s, step=one.grid.step, values=[_image(one, self._facts)])
        for event in batch.events:
            self._put(seconds_of(event.time), step=event.step, values=[_text(f"events/{event.kind}", event.text)])

    def flush(self) -> None:
        """Hand the records to the system."""
        self._writer.flush()

    def end(self, status: str) -> None:
        """Note the end of the session, and close the file."""
        if self._writer is None:
            return
        writer = self._writer
        try:
            if status != "running":
                self._put(time.time(), values=[_session_end(status)])
            writer.flush()
        finally:
            self._writer = None
            writer.close()

    def _put(
        self,
        time_s: float,
        *,
        step: int = 0,
        values: Iterable[Any] = (),
        file_version: str = "",
        session_start: bool = False,
    ) -> None:
        event_pb2 = _part("compat.proto.event_pb2")
        event = event_pb2.Event(wall_time=time_s, step=step)
        if file_version:
            event.file_version = file_version
        elif session_start:
            event.session_log.CopyFrom(event_pb2.SessionLog(status=event_pb2.SessionLog.START))
        else:
            event.summary.value.extend(values)
        self._writer.write(event.SerializeToString())


def _part(name: str) -> Any:
    """Module of TensorBoard; it has no type hints."""
    return importlib.import_module(f"tensorboard.{name}")


def _scalars(points: Iterable[TimedPoint]) -> list[Any]:
    value = _part("compat.proto.summary_pb2").Summary.Value
    return [value(tag=point.key, simple_value=_float32(point.value)) for point in points]


def _float32(value: float) -> float:
    """Nearest number that 32 bits hold; beyond their range infinity, as numpy rounds."""
    return value if abs(value) <= _FLOAT32_MAX or value != value else float("inf") * (1 if value > 0 else -1)


def _image(one: TimedGrid, facts: RunFacts) -> Any:
    summary = _part("compat.proto.summary_pb2").Summary
    height, width, channels = picture_of(one.grid).shape
    encoded = png_of(one.grid, facts.family, facts.name)
    image = summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=encoded)
    return summary.Value(tag=one.grid.kind, image=image)


def _text(tag: str, text: str) -> Any:
    tensor_pb2, types_pb2 = _part("compat.proto.tensor_pb2"), _part("compat.proto.types_pb2")
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[text.encode()])
    tensor.tensor_shape.dim.add(size=1)
    metadata = _part("plugins.text.metadata").create_summary_metadata(display_name=tag, description="")
    value = _part("compat.proto.summary_pb2").Summary.Value
    return value(tag=f"{tag}/text_summary", metadata=metadata, tensor=tensor)


def _table(settings: dict[str, Plain]) -> str:
    """Settings as a table of Markdown."""
    rows = [f"| {name} | {str(value).replace('|', chr(92) + '|')} |" for name, value in settings.items()]
    return "\n".join(["| setting | value |", "| --- | --- |", *rows])


def _hyper_parameters(facts: RunFacts) -> Any:
    """Settings for TensorBoard's table of hyper-parameters."""
    metadata, plugin_data_pb2 = _part("plugins.hparams.metadata"), _part("plugins.hparams.plugin_data_pb2")
    start = plugin_data_pb2.SessionStartInfo(group_name=facts.identity, start_time_secs=facts.started_s)
    for name, value in facts.settings.items():
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
        elif isinstance(value, str):
            start.hparams[name].string_value = value
        else:
            start.hparams[name].number_value = value
    data = plugin_data_pb2.HParamsPluginData(session_start_info=start, version=metadata.PLUGIN_DATA_VERSION)
    return _of_hyper_parameters(metadata.SESSION_START_INFO_TAG, data)


def _session_end(status: str) -> Any:
    api_pb2, metadata = _part("plugins.hparams.api_pb2"), _part("plugins.hparams.metadata")
    plugin_data_pb2 = _part("plugins.hparams.plugin_data_pb2")
    failed = api_pb2.STATUS_FAILURE if status == "failed" else api_pb2.STATUS_SUCCESS
    end = plugin_data_pb2.SessionEndInfo(status=failed, end_time_secs=time.time())
    data = plugin_data_pb2.HParamsPluginData(session_end_info=end, version=metadata.PLUGIN_DATA_VERSION)
    return _of_hyper_parameters(metadata.SESSION_END_INFO_TAG, data)


def _of_hyper_parameters(tag: str, data: Any) -> Any:
    metadata, summary_pb2 = _part("plugins.hparams.metadata"), _part("compat.proto.summary_pb2")
    plugin = summary_pb2.SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=data.SerializeToString())
    described = summary_pb2.SummaryMetadata(plugin_data=plugin)
    return summary_pb2.Summary.Value(tag=tag, metadata=described, tensor=metadata.NULL_TENSOR)
