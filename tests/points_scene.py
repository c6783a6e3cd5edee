"""Points in the Data panel over a client whose replies a test writes, with real points."""

from typing import Any

from data_scene import Scene

from gmstudio.data import load
from gmstudio.engine.data.points import describe_points
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.points import DescribePoints


class PointsScene(Scene):
    """The state of the Data panel with points open; questions on points are answered as the engine does."""

    def open_points(self) -> None:
        self.start()
        self.state.open_source("points")
        self.describe()

    def close(self) -> None:
        """Open nothing, so that nothing waits to be loaded."""
        self.state.opened.show("", {})

    @property
    def asked(self) -> dict[str, Any]:
        """Settings of the newest question."""
        return self.client.last(DescribePoints).data_config

    def describe(self) -> None:
        """Answer the newest question."""
        command = self.client.last(DescribePoints)
        self.reply(DescribePoints, describe_points(load(command.data, command.data_config), command))

    def refuse(self, message: str) -> None:
        """Answer the newest question with a refusal."""
        self.reply(DescribePoints, CommandFailed(command="DescribePoints", reason=Reason.BAD_SETTING, message=message))

    def change(self, **values: Any) -> None:
        """Change settings and answer."""
        self.state.points.set_values(**values)
        self.describe()

    def choose_drawing(self) -> None:
        """Choose the empty drawing, which the engine refuses."""
        self.state.points.set_values(shape="drawn")
        self.refuse("Nothing is drawn.")

    def draw(self, *places: tuple[float, float]) -> None:
        """Draw a stroke, and answer all questions on it."""
        points = self.state.points
        points.begin_stroke(*places[0])
        for place in places[1:]:
            points.extend_stroke(*place)
        points.end_stroke()
        self.settle()

    def settle(self) -> None:
        """Answer until the present settings are described."""
        while self.asked != self.state.opened.config:
            self.describe()
        self.describe()
