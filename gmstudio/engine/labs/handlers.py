"""Commands of the laboratories."""

from cachetools import LRUCache

from gmstudio.engine.jobs import SENTENCES
from gmstudio.engine.labs.bench import EngineLabBench
from gmstudio.engine.labs.session import LabSession
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.labs import LABS
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.labs import ConfigureLab, EditLab, OpenLab, RunLabAction

KEPT_LABS = 4


class LabsFeature(Feature):
    """Laboratories by name; of more than ``KEPT_LABS`` the least recently used one is dropped."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._kept: LRUCache[str, LabSession] = LRUCache(KEPT_LABS)

    def _on_open_lab(self, command: OpenLab) -> Job | None:
        if command.name not in LABS:
            raise ValueError(f"There is no laboratory {command.name!r}; there are: {', '.join(LABS) or 'none'}.")
        kept = self._kept.get(command.name)
        if kept is not None and kept.prepared and not command.fresh:
            self.context.send(kept.shown(command.request))
            return None
        bench = EngineLabBench(self.context, command.models, command.seed)
        session = LabSession(LABS[command.name], bench, command.config)
        if kept is not None:
            kept.end_action()
        return self._open(command, session)

    def _open(self, command: OpenLab, session: LabSession) -> Job:
        """Prepare a lab; it takes the place of an earlier one at the end, so that one that fails leaves that in use."""
        for scene in session.prepare():
            yield None if scene is None else session.shown(command.request, scene, done=False)
        note = session.take_kept(command.inputs)
        reply = session.shown(command.request, note=note)
        self._keep(command.name, session)
        yield reply

    def _keep(self, name: str, session: LabSession) -> None:
        if name not in self._kept and len(self._kept) >= KEPT_LABS:
            _dropped, oldest = self._kept.popitem()
            oldest.end_action()
        self._kept[name] = session

    def _on_configure_lab(self, command: ConfigureLab) -> None:
        session = self._session(command.name)
        session.configure(command.config)
        self.context.send(session.shown(command.request))

    def _on_edit_lab(self, command: EditLab) -> None:
        session = self._session(command.name)
        note = session.edit(command.input, command.values)
        self.context.send(session.shown(command.request, note=note))

    def _on_run_lab_action(self, command: RunLabAction) -> Job:
        session = self._session(command.name)
        there = [action.name for action in session.lab.actions]
        if command.action not in there:
            title = session.lab.card.title
            raise ValueError(f"{title} has no action {command.action!r}; there are: {', '.join(there) or 'none'}.")
        session.end_action()
        return self._act(command, session)

    def _act(self, command: RunLabAction, session: LabSession) -> Job:
        for scene in session.act(command.action):
            yield None if scene is None else session.shown(command.request, scene, done=False)
        if session.interrupted:
            kind, reason = type(command).__name__, Reason.SUPERSEDED
            yield CommandFailed(request=command.request, command=kind, message=SENTENCES[reason], reason=reason)
        else:
            yield session.shown(command.request)

    def _session(self, name: str) -> LabSession:
        """Return an open lab.

        Raises:
            ValueError: when it is not open.
        """
        session = self._kept.get(name)
        if session is None:
            raise ValueError(f"The laboratory {name!r} is not open, or is still being prepared; open it first.")
        return session
