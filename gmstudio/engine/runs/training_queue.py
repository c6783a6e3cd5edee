"""The engine's work on the queue: one entry after another is started or resumed, and what became of it is noted."""

import time
import traceback
import uuid
from collections.abc import Callable, Iterator

import msgspec

from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.errors import error_sentence
from gmstudio.engine.runtime.job import Job
from gmstudio.engine.training.handlers import begin_training
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.runs_queue import QUEUE_ENDED, ArrangeQueue, QueueEntry, QueueListed, WorkQueue
from gmstudio.protocol.training import TrainingChanged
from gmstudio.runs.description import Description, write_description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.names import folder_of
from gmstudio.runs.queue import QueueContent, QueueFile
from gmstudio.runs.record import RunError, RunMissingError, read_record

INTERRUPTED = "Interrupted at step {step:,}: it goes on from its last checkpoint when the queue does."
NOT_BEGUN = "Interrupted before it began: it starts when the queue goes on."
PUT_BACK = "Waits at step {step:,}, with a checkpoint."
ELSEWHERE = "The engine of another window trains the queue. Pause it there first."
ENDED = ("stopped", "finished", "failed")


class TrainingQueue:
    """Trains the entries of the queue while it ``works``.

    Args:
        context: trains the runs.

    Attributes:
        working: entries are begun one after another.
        current: key of the entry that is started or in training; empty: none.
        note: one sentence on why the queue waits.
    """

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self.file = QueueFile()
        self.working = False
        self.current = ""
        self.note = ""
        self._has_waiting = False
        self._put_back = ""
        """Key of the entry that is stopped to wait, or was taken back."""
        self._ending = False
        self._began, self._run = 0.0, ""
        """Time at which the entry in training began, and its run."""
        self._recover()

    # ---- what there is -------------------------------------------------------------------------------------------

    def listed(self, request: int = 0) -> QueueListed:
        """Return the queue as it is now.

        Raises:
            RunError: when it cannot be read.
        """
        if not (self.working or self.current):
            self._recover()
        content = self.file.read()
        self._note(content)
        return QueueListed(
            request=request,
            entries=content.entries,
            working=self.working,
            elsewhere=not self.current and any(entry.status == "running" for entry in content.entries),
            current=self.current,
            note=self.note,
            stop_at_failure=content.stop_at_failure,
        )

    @property
    def waits(self) -> bool:
        """Entries wait that were added before this engine started, or its queue cannot be read."""
        return bool(self.note) or self._has_waiting

    @property
    def due(self) -> bool:
        """The next entry is to be begun now."""
        return self.working and self._has_waiting and not self.current and self._context.training is None

    # ---- changes -------------------------------------------------------------------------------------------------

    def add(self, entries: tuple[QueueEntry, ...]) -> tuple[str, ...]:
        """Add entries at the end; returns their keys, which are made here."""
        named = tuple(msgspec.structs.replace(entry, key=uuid.uuid4().hex[:12]) for entry in entries)
        with self.file.changing() as content:
            content.entries += named
        self.announce()
        return tuple(entry.key for entry in named)

    def arrange(self, command: ArrangeQueue) -> None:
        """Remove, bring back and order entries."""
        with self.file.changing() as content:
            gone = {entry.key for entry in content.entries if entry.status != "running"} & set(command.removed)
            entries = [entry for entry in content.entries if entry.key not in gone]
            known = {entry.key for entry in entries}
            entries += [one for one in command.restored if one.key not in known and one.status != "running"]
            place = {key: number for number, key in enumerate(command.order)}
            entries.sort(key=lambda entry: place.get(entry.key, len(place)))
            content.entries = tuple(entries)

    def set_rule(self, stop_at_failure: bool) -> None:
        """Choose whether a failed run pauses the queue."""
        with self.file.changing() as content:
            content.stop_at_failure = stop_at_failure

    def work(self, command: WorkQueue) -> None:
        """Begin the entries one after another.

        Raises:
            RunMissingError: when the entry that is to come first is in the queue no more.
            ValueError: when another process trains the entries, or a run that is not of the queue is in training.
        """
        live = self._context.training
        if command.now and live is not None and not self.current:
            raise ValueError(f"{live.name} is in training and not of the queue. Stop it first, or let the queue wait.")
        if not self.file.take_work():
            raise ValueError(ELSEWHERE)
        if command.first:
            with self.file.changing() as content:
                content.entries = _with_first(content.entries, command.first)
        self.working, self.note = True, ""
        self._note(self.file.read())
        if command.now and live is not None and command.first != self.current:
            self._put_back = self.current
            live.stop()

    def pause(self) -> None:
        """Begin no further entry."""
        self.working = False
        self._leave()

    def end(self) -> None:
        """Let the entry in training wait where the engine ends, to be resumed."""
        self.working, self._put_back, self._ending = False, self.current, True

    def announce(self) -> None:
        """Send the queue unasked; a file that cannot be read is the note."""
        try:
            self._context.send(self.listed())
        except RunError as error:
            self.note = str(error)

    # ---- work ----------------------------------------------------------------------------------------------------

    def begin_next(self) -> tuple[Command, Iterator[Event | None]] | None:
        """Begin the next entry; returns a command and its job, or None where nothing can be begun."""
        try:
            with self.file.changing() as content:
                entry = next((one for one in content.entries if one.status == "waiting"), None)
                if entry is not None:
                    _replace(content, entry.key, status="running", message="")
        except ValueError as error:
            self._stop_working(str(error))
            return None
        if entry is None:
            self.pause()
            self.announce()
            return None
        self.current = entry.key
        self.announce()
        return WorkQueue(), self._start(entry)

    def _start(self, entry: QueueEntry) -> Iterator[Event | None]:
        """Load the data and begin the training; a failure is noted, and the queue goes on."""
        context, spec = self._context, entry.spec
        try:
            record = read_record(folder_of(entry.run)) if entry.run else None
            if record is not None and record.step >= record.training.steps and record.status == "finished":
                self._ended("finished", record.step, "")
                return
            if record is None:
                loading = context.when_data(0, spec.data, spec.data_config, lambda: self._begin(entry))
            else:
                loading = context.when_data_of(record, 0, lambda: self._begin(entry))
            yield None
            if loading is not None:
                yield from loading
        except Exception as error:
            if not isinstance(error, ValueError | OSError):
                traceback.print_exc()
            self._ended("failed", entry.step, error_sentence(error))

    def _begin(self, entry: QueueEntry) -> Job | None:
        context = self._context
        if self._put_back == entry.key or context.training is not None:  # it was taken back while data were loaded
            self._ended("stopped", entry.step, "")
            return None
        job = self._job(entry)
        self._began, self._run = time.monotonic(), job.name
        curves = begin_training(context, job, 0)
        try:
            with self.file.changing() as content:
                _replace(content, entry.key, run=job.name)
        except ValueError as error:  # the run trains all the same, and its end is noted with its name
            self.note = str(error)
        self.announce()
        return curves

    def _job(self, entry: QueueEntry) -> TrainingJob:
        context = self._context
        if entry.run:
            return resume_run(entry.run, Continuation(), context.data, context.device, self._sender(entry.key))
        plan = plan_run(context.data, entry.spec, context.device)
        job = start_training(plan, "", context.device, self._sender(entry.key))
        if entry.tags:
            write_description(job.trainer.run.path, Description(tags=entry.tags))
        return job

    def _sender(self, key: str) -> Callable[[Event], None]:
        """Return what takes the events of an entry's training: the window, and the queue for its end."""

        def send(event: Event) -> None:
            self._context.send(event)
            if isinstance(event, TrainingChanged) and event.status in ENDED and key == self.current:
                self._ended(event.status, event.step, event.message)

        return send

    def _ended(self, status: str, step: int, message: str) -> None:
        """Note what became of the entry."""
        key, self.current = self.current, ""
        back, self._put_back = self._put_back == key, ""
        seconds = time.monotonic() - self._began if self._began else 0.0
        run, self._began, self._run = self._run, 0.0, ""
        waits = back and status == "stopped"
        try:
            with self.file.changing() as content:
                entry = _find(content.entries, key)
                outcome = PUT_BACK.format(step=step) if waits and step else message
                _replace(
                    content,
                    key,
                    status="waiting" if waits else status,
                    run=run or entry.run,
                    step=step,
                    message=outcome,
                    seconds=entry.seconds + seconds,
                )
                if waits and not self._ending:
                    content.entries = _behind_next(content.entries, key)
                fails = status == "failed" and content.stop_at_failure
            self._note(content)
        except ValueError as error:
            self._stop_working(str(error))
            return
        if status == "stopped" and not back:
            self._stop_working(f"The queue waits, since {entry.label or 'its run'} was stopped.")
        elif fails:
            self._stop_working(f"The queue waits, since {entry.label or 'its run'} failed.")
        else:
            self.working = self.working and self._has_waiting
            self._leave()
            self.announce()

    def _stop_working(self, note: str) -> None:
        self.working, self.note = False, note
        self._leave()
        self.announce()

    def _leave(self) -> None:
        if not self.working and not self.current:
            self.file.leave_work()

    # ---- after an interruption -----------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Let entries wait whose process has ended in the midst of them."""
        try:
            content = self.file.read()
            self._note(content)
            if not any(entry.status == "running" for entry in content.entries):
                return
            if not self.file.take_work():
                return
            try:
                with self.file.changing() as content:
                    content.entries = tuple(map(_recovered, content.entries))
            finally:
                self._leave()
            self.note = "The queue was interrupted and waits: nothing is lost. Start it to go on."
        except RunError as error:
            self.note = str(error)

    def _note(self, content: QueueContent) -> None:
        self._has_waiting = any(entry.status == "waiting" for entry in content.entries)


def _recovered(entry: QueueEntry) -> QueueEntry:
    if entry.status != "running":
        return entry
    step, run = entry.step, entry.run
    if run:
        try:
            with RunFolder.open(run) as folder:
                steps = [info.step for info in folder.checkpoints.list() if not info.problem]
                step = max(steps, default=0)
                if folder.record.status in QUEUE_ENDED and folder.record.status != "stopped":
                    return msgspec.structs.replace(
                        entry, status=folder.record.status, step=folder.record.step, message=folder.record.message
                    )
        except RunMissingError:
            run = ""
    words = INTERRUPTED.format(step=step) if run else NOT_BEGUN
    return msgspec.structs.replace(entry, status="waiting", run=run, step=step, message=words)


def _find(entries: tuple[QueueEntry, ...], key: str) -> QueueEntry:
    """Return an entry by its key.

    Raises:
        RunMissingError: when it is in the queue no more.
    """
    for entry in entries:
        if entry.key == key:
            return entry
    raise RunMissingError("This entry is in the queue no more. Look at the queue again.")


def _replace(content: QueueContent, key: str, **fields: object) -> None:
    found = _find(content.entries, key)
    changed = msgspec.structs.replace(found, **fields)
    content.entries = tuple(changed if entry.key == key else entry for entry in content.entries)


def _behind_next(entries: tuple[QueueEntry, ...], key: str) -> tuple[QueueEntry, ...]:
    """Return the entries with one behind the first other one that waits."""
    moved = _find(entries, key)
    others = [entry for entry in entries if entry.key != key]
    place = next((number + 1 for number, entry in enumerate(others) if entry.status == "waiting"), len(others))
    return (*others[:place], moved, *others[place:])


def _with_first(entries: tuple[QueueEntry, ...], key: str) -> tuple[QueueEntry, ...]:
    """Return the entries with one before all that wait; one that failed or was stopped waits again."""
    first = _find(entries, key)
    if first.status == "running":
        return entries
    if first.status == "finished":
        raise ValueError(f"{first.label or 'This run'} is finished. Duplicate or prolong it in the library.")
    others = [entry for entry in entries if entry.key != key]
    place = next((number for number, entry in enumerate(others) if entry.status == "waiting"), len(others))
    return (*others[:place], msgspec.structs.replace(first, status="waiting", message=""), *others[place:])
