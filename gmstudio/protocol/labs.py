"""Messages of the laboratories: one lab is open at a time in the window, and several are kept in the engine.

A lab's state is its config, its inputs (handles, guides, tables, clicks: name → numbers) and what its actions have
computed since. Every reply has all that the window needs to open it again in another engine, but for the last.
"""

from typing import Any, ClassVar

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.scenes import Scene


class LabCard(msgspec.Struct, frozen=True, kw_only=True):
    """Description of a lab.

    Args:
        name: its key.
        title: two to five words.
        question: the question that it answers, one sentence.
        latex: its main formula.
        notes: places in the course notes, for example ``notes 4, lines 21–35``; empty: none.
        book: place in a book or paper, with its section.
        families: names of the families of which it uses a run's model where there is one; else it trains its own.
        examples: ready model of each of ``families`` that is used while no run is chosen; empty: the family's own.
    """

    name: str
    title: str
    question: str
    latex: str
    notes: str
    book: str
    families: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


class LabAction(msgspec.Struct, frozen=True, kw_only=True):
    """Action of a lab: a button.

    Args:
        name: its key.
        title: text of the button, an imperative.
        help: one sentence.
    """

    name: str
    title: str
    help: str


class LabEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A lab in the engine's catalog.

    Args:
        card: words.
        config_schema: JSON Schema of its Config, see ``schema_of``.
        actions: in the order of their buttons.
    """

    card: LabCard
    config_schema: dict[str, Any]
    actions: tuple[LabAction, ...]


# ---- commands ----------------------------------------------------------------------------------------------------


class OpenLab(Command, frozen=True, kw_only=True):
    """Open a lab, new or as it was left; answered with ``LabShown``, several times where it is prepared at length.

    A lab that the engine still has is shown as it is, unless ``fresh``.

    Args:
        name: key of the lab.
        config: its settings as plain values; those that are missing have their defaults.
        inputs: input → numbers; those that are missing have their defaults.
        models: family → name of a run whose model is used.
        seed: seed of all noise.
        fresh: begin anew.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    name: str
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    inputs: dict[str, Array] = msgspec.field(default_factory=dict)
    models: dict[str, str] = msgspec.field(default_factory=dict)
    seed: int = 0
    fresh: bool = False


class ConfigureLab(Command, frozen=True, kw_only=True):
    """Change the settings of an open lab; answered with ``LabShown``.

    An action that is under way ends as superseded; what it has computed so far is kept as far as the settings allow.

    Args:
        name: key of the lab.
        config: all settings as plain values.
    """

    interactive: ClassVar[bool] = True

    name: str
    config: dict[str, Any]


class EditLab(Command, frozen=True, kw_only=True):
    """Change an input of an open lab; answered with ``LabShown``.

    An action that is under way ends as superseded and what it has computed is kept, unless the lab names the input as
    one that may change meanwhile.

    Args:
        name: key of the lab.
        input: name of the input.
        values: its numbers.
    """

    interactive: ClassVar[bool] = True

    name: str
    input: str
    values: Array


class RunLabAction(Command, frozen=True, kw_only=True):
    """Carry out an action of an open lab; answered with ``LabShown``, many times where it takes long.

    Args:
        name: key of the lab.
        action: name of the action.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("name",)

    name: str
    action: str


# ---- events ------------------------------------------------------------------------------------------------------


class LabShown(Event, frozen=True, kw_only=True):
    """State of a lab.

    Args:
        name: key of the lab.
        scene: what is drawn.
        config: all its settings as plain values.
        inputs: input → numbers, as they are used.
        note: one sentence on what was changed in the given values, for example normalized; empty: nothing.
        seed: seed of all noise.
        begun: number that a lab gets when it begins anew; another one than before: what actions had computed is gone.
        done: this is the last reply.
    """

    name: str
    scene: Scene
    config: dict[str, Any]
    inputs: dict[str, Array]
    note: str = ""
    seed: int = 0
    begun: int = 0
    done: bool = True

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.done
