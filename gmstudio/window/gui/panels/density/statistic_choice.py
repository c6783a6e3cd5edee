"""Choice of a statistic in the Density panel."""

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox

from gmstudio.protocol.density import StatisticCard
from gmstudio.window.gui.panel import Panel


class StatisticChoice(QComboBox):
    """Combo box of statistics; those that no chosen model has are disabled, with the reason.

    Args:
        panel: names the control.
        name: of the control.
    """

    def __init__(self, panel: Panel, name: str) -> None:
        super().__init__()
        tip = "What is computed of each image. Its formula and its purpose are below."
        panel.name_widget(self, name, "Statistic", tip)
        self.setMinimumContentsLength(16)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def fill(self, cards: dict[StatisticCard, str], chosen: str) -> None:
        """Show statistics.

        Args:
            cards: each with the reason why it cannot be computed, or "".
            chosen: key of the one that is chosen.
        """
        with QSignalBlocker(self):
            if [card.name for card in cards] != [self.itemData(index) for index in range(self.count())]:
                self.clear()
                for card in cards:
                    self.addItem(card.title, card.name)
            model = self.model()
            assert isinstance(model, QStandardItemModel)
            for index, (card, refusal) in enumerate(cards.items()):
                model.item(index).setEnabled(not refusal)
                self.setItemData(index, refusal or card.help, Qt.ItemDataRole.ToolTipRole)
            self.setCurrentIndex(self.findData(chosen))
