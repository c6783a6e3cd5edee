"""Notices that ask for a decision on a run: missing or changed data, a learning rate that would jump, a failure."""

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from gmstudio.protocol.training import ContinuedSchedule
from gmstudio.window.gui.shell.banner import Banner, Notice
from gmstudio.window.state.data.settings_split import IMAGES
from gmstudio.window.state.studio import ScheduledCommand, Studio

DATA = "data"
REMOTE = " The folder is looked for on the machine of the engine, not on that of the window."
REMEDY = "remedy"
SCHEDULE = "schedule"
SCHEDULES: tuple[tuple[str, ContinuedSchedule], ...] = (
    ("Stretch decay", "stretch"),
    ("Restart decay", "restart"),
    ("Hold rate", "hold"),
)
"""Label of a button, and the schedule that it chooses."""


class DecisionNotices(QObject):
    """Updates the notices with the problems of runs.

    Args:
        studio: its states know the problems and take the decisions.
        banner: banner of the notices.
        window: window over which the folder is chosen.
    """

    def __init__(self, studio: Studio, banner: Banner, window: QWidget) -> None:
        super().__init__(window)
        self._studio = studio
        self._banner = banner
        self._window = window
        self._dismissed: set[tuple[str, str]] = set()
        studio.run_data.changed.connect(self._show_data)
        studio.run_data.resolved.connect(self._on_resolved)
        studio.library.schedule_asked.connect(self._ask_schedule)
        studio.remedies.changed.connect(self._offer_remedy)

    def _show_data(self) -> None:
        data = self._studio.run_data
        if not data.run:
            self._banner.withdraw(DATA)
        elif (data.run, data.problem) not in self._dismissed:
            local = self._studio.client.is_local
            actions = [("Choose folder…", self._choose_folder) if local else ("Enter folder…", self._enter_folder)]
            if local and self._may_be_a_file(data.run):
                actions.append(("Choose file…", self._choose_file))
            if data.acceptable:
                actions.append(("Use changed data", data.accept))
            text = f"{self._title(data.run)}: {data.problem}{'' if local else REMOTE}"
            self._banner.show_notice(Notice(DATA, text, "warning", "", tuple(actions), self._dismiss_data))

    def _dismiss_data(self) -> None:
        """Close the notice for good: a panel may ask for the same data again and again."""
        data = self._studio.run_data
        self._dismissed.add((data.run, data.problem))
        data.forget()

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self._window, f"Folder of the data of {self._title(self._studio.run_data.run)}")
        dialog.setObjectName("data_folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self._studio.run_data.locate)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _may_be_a_file(self, run: str) -> bool:
        """The data of a run are images that an archive or a file of arrays can hold."""
        info = self._studio.library.info(run)
        return info is not None and info.spec.data == IMAGES

    def _choose_file(self) -> None:
        dialog = QFileDialog(self._window, f"File of the data of {self._title(self._studio.run_data.run)}")
        dialog.setObjectName("data_file")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._studio.run_data.locate)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _enter_folder(self) -> None:
        """Enter a folder of the engine's machine, whose files a dialog of this one does not show."""
        dialog = QInputDialog(self._window)
        dialog.setObjectName("data_folder_entered")
        dialog.setWindowTitle(f"Folder of the data of {self._title(self._studio.run_data.run)}")
        dialog.setLabelText(f"Path on the machine of the engine ({' '.join(self._studio.client.command)}):")
        dialog.textValueSelected.connect(self._locate)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _locate(self, folder: str) -> None:
        if folder.strip():
            self._studio.run_data.locate(folder.strip())

    def _on_resolved(self, run: str) -> None:
        self._dismissed = {(path, text) for path, text in self._dismissed if path != run}
        text = f"{self._title(run)}: the data can be used. Choose Resume to continue its training."
        self._banner.show_notice(Notice(f"{DATA} found", text))

    def _ask_schedule(self, command: ScheduledCommand, question: str) -> None:
        def choose(schedule: ContinuedSchedule) -> None:
            self._banner.withdraw(SCHEDULE)
            self._studio.resume_with(command, schedule)

        actions = tuple((label, partial(choose, schedule)) for label, schedule in SCHEDULES)
        self._banner.show_notice(Notice(SCHEDULE, f"{self._title(command.run)}: {question}", actions=actions))

    def _offer_remedy(self) -> None:
        """Say why a training failed, and offer to go on from its checkpoint with other settings."""
        remedies = self._studio.remedies
        failure = remedies.failure
        if failure is None or failure.remedy is None:
            self._banner.withdraw(REMEDY)
            return
        text = f"The training of {self._title(failure.run)} failed. {failure.message}"
        actions = ((f"Go on from step {failure.remedy.step:,} with {failure.remedy.words}", remedies.apply),)
        self._banner.show_notice(Notice(REMEDY, text, "error", actions=actions, dismissed=remedies.forget))

    def _title(self, run: str) -> str:
        info = self._studio.library.info(run)
        return info.title if info is not None else run
