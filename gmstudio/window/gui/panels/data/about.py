"""What is known of an imported data set: its files, its hash, what was guessed, and what was left out."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from gmstudio.protocol.data_import import DataSetDetails, DataSetInfo
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.statistics import text_label
from gmstudio.window.gui.progress_text import memory_text
from gmstudio.window.gui.theme import GRID
from gmstudio.window.state.data.state import DataState

LISTED = 20
"""Files that are listed by name."""


class AboutView(QScrollArea):
    """Facts on the data set that is open.

    Args:
        state: state of the panel.
        panel: panel that names the controls.
    """

    def __init__(self, state: DataState, panel: Panel) -> None:
        super().__init__()
        self._state = state
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        self._layout = QVBoxLayout(inner)
        self._layout.setContentsMargins(GRID, GRID, GRID, GRID)
        self._layout.setSpacing(GRID // 2)
        self._sections: list[tuple[QLabel, QLabel]] = []
        for number in range(7):
            heading, text = QLabel(inner), text_label(inner)
            heading.setProperty("role", "heading")
            heading.setContentsMargins(0, 0 if number == 0 else GRID, 0, 0)
            panel.name_widget(text, f"about_{number}", "Facts on the data set", "")
            self._layout.addWidget(heading)
            self._layout.addWidget(text)
            self._sections.append((heading, text))
        self._layout.addStretch(1)
        self.setWidget(inner)
        state.opened.stats_changed.connect(self._show)
        state.opened.opened.connect(self._show)
        state.lists_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        info, details = self._state.info, self._state.opened.details
        facts = self._shipped() if info is None else _imported(info, details)
        for number, (heading, text) in enumerate(self._sections):
            title, words = facts[number] if number < len(facts) else ("", "")
            heading.setText(title)
            text.setText(words)
            for label in (heading, text):
                label.setVisible(bool(words))

    def _shipped(self) -> list[tuple[str, str]]:
        entry = next((entry for entry in self._state.shipped if entry.name == self._state.opened.data), None)
        return [("About", entry.summary)] if entry is not None else []


def _imported(info: DataSetInfo, details: DataSetDetails | None) -> list[tuple[str, str]]:
    facts = [
        ("Imported from", info.source),
        ("Kept in", f"{info.folder}\n{memory_text(info.bytes)} · {info.date.replace('T', ' ')[:16]} UTC"),
    ]
    if details is None:
        return facts
    facts.append(("SHA-256 of images, labels and splits", _in_groups(details.sha256)))
    facts.append(("What was guessed", "\n".join(details.guesses)))
    facts.append(("Remarks", "\n".join(details.remarks)))
    if details.num_bad:
        listed = [f"{name}: {reason}" for name, reason in details.bad[:LISTED]]
        more = details.num_bad - len(listed)
        facts.append(
            (f"{_files(details.num_bad)} left out", "\n".join(listed + ([f"and {more:,} more"] if more else [])))
        )
    if details.num_duplicates:
        listed = [f"{name} = {other}" for name, other in details.duplicates[:LISTED]]
        dropped = f", {details.num_dropped:,} of them dropped" if details.num_dropped else ""
        facts.append((f"{details.num_duplicates:,} identical images{dropped}", "\n".join(listed)))
    return [(title, words) for title, words in facts if words]


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _in_groups(digits: str) -> str:
    """Hexadecimal digits in groups, so that they can wrap."""
    return " ".join(digits[start : start + 8] for start in range(0, len(digits), 8))
