"""Classes of other packages: taken up, or left out with a sentence that names the entry point."""

import sys
import types
from importlib.metadata import EntryPoint

import pytest

from gmstudio.system.third_party import add_classes


class Tool:
    label = "tool"


class Hammer(Tool):
    label = "hammer"


@pytest.mark.parametrize(("thing", "said"), [(Hammer, ""), (int, "not a subclass"), (Tool, "named 'tool' already")])
def test_a_class_is_taken_or_explained(monkeypatch: pytest.MonkeyPatch, thing: type, said: str) -> None:
    module = types.ModuleType("their_tools")
    module.thing = thing  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "their_tools", module)
    registry: dict[str, type[Tool]] = {"tool": Tool}
    point = EntryPoint("theirs", "their_tools:thing", "tools")
    errors = add_classes(registry, [point], Tool, ("label",), lambda kind: kind.label)
    assert list(registry) == (["tool", "hammer"] if not said else ["tool"])
    assert (said in errors["theirs"] and "The tool 'theirs'" in errors["theirs"]) if said else errors == {}
