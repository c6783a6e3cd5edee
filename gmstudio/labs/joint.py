r"""Joint distribution of up to four binary variables: conditionals, chain rule, Bayes' rule, independence, parameters.

The table is edited by hand; all else is computed from it. ``gmstudio/labs/joint_tables.py`` has the formulas.

Source: the notes; MacKay 2003, chapters 2 and 8; Koller & Friedman 2009, chapters 2 and 3.
"""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, get_args

from msgspec import Struct

from gmstudio.labs import joint_scene as drawn
from gmstudio.labs.base import Lab, LabBench, Numbers
from gmstudio.labs.joint_tables import EXAMPLES, Joint, example_joint, kl_between
from gmstudio.labs.simplex import normalized
from gmstudio.protocol.config import field
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.scenes import Block, Scene, Sentence

Role = Literal["asked", "given", "summed"]
_ROLES = {"asked": "asked for", "given": "conditioned on", "summed": "summed out"}
_NUMBERS = {str(i + 1): f"variable {i + 1}" for i in range(4)}
# fmt: off
Order = Literal[
    "1234", "1243", "1324", "1342", "1423", "1432",
    "2134", "2143", "2314", "2341", "2413", "2431",
    "3124", "3142", "3214", "3241", "3412", "3421",
    "4123", "4132", "4213", "4231", "4312", "4321",
]
# fmt: on


def _role(number: int) -> Any:
    text = "Side of the conditional on which this variable stands. No effect where there are fewer variables."
    return field(f"Variable {number}", text, labels=_ROLES, when={"part": "conditional"})


class JointDistribution(Lab):
    """Laboratory of joint distributions."""

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of the joint distribution and of what is computed from it."""

        example: Annotated[
            Literal["image", "test", "sprinkler", "chain", "cause", "xor", "independent"],
            field(
                "Example",
                "Variables and their probabilities at the start; the table can then be edited.",
                labels={name: example.title for name, example in EXAMPLES.items()},
            ),
        ] = "image"
        part: Annotated[
            Literal["conditional", "chain_rule", "bayes", "independence", "parameters"],
            field(
                "Computed",
                "Quantities that are computed from the table.",
                labels={
                    "conditional": "conditionals",
                    "chain_rule": "chain rule",
                    "bayes": "Bayes' rule",
                    "independence": "independence",
                    "parameters": "parameters",
                },
            ),
        ] = "chain_rule"
        state: Annotated[
            int,
            field(
                "State",
                "Number of the state that is followed through the chain rule, its bits the values of the variables.",
                ge=0,
                le=15,
            ),
        ] = 6
        order: Annotated[
            Order,
            field(
                "Order",
                "Order of the variables in the chain rule; numbers of variables that the example lacks are left out.",
                labels={order: ", ".join(order) for order in get_args(Order)},
            ),
        ] = "1234"
        role_1: Annotated[Role, _role(1)] = "asked"
        role_2: Annotated[Role, _role(2)] = "given"
        role_3: Annotated[Role, _role(3)] = "summed"
        role_4: Annotated[Role, _role(4)] = "summed"
        first: Annotated[
            Literal["1", "2", "3", "4"],
            field("Variable a", "First of the two variables in Bayes' rule and in a ⊥ b | z.", labels=_NUMBERS),
        ] = "1"
        second: Annotated[
            Literal["1", "2", "3", "4"],
            field("Variable b", "Second of the two variables in Bayes' rule and in a ⊥ b | z.", labels=_NUMBERS),
        ] = "2"
        condition: Annotated[
            Literal["none", "1", "2", "3", "4", "rest"],
            field(
                "Condition z",
                "Variables on which the independence of a and b is conditioned.",
                labels={"none": "none", **_NUMBERS, "rest": "all others"},
                when={"part": "independence"},
            ),
        ] = "none"
        num_pixels: Annotated[
            int,
            field(
                "Pixels n",
                "Binary pixels of the image whose models are counted.",
                ge=1,
                le=1000,
                unit="pixels",
                log=True,
                when={"part": "parameters"},
            ),
        ] = 784
        markov_order: Annotated[
            int,
            field(
                "Order k", "Earlier pixels that a pixel of AR-k depends on.", ge=1, le=16, when={"part": "parameters"}
            ),
        ] = 9
        num_hidden: Annotated[
            int,
            field("Hidden units H", "Of NADE.", ge=1, le=4096, unit="units", log=True, when={"part": "parameters"}),
        ] = 500

    card: ClassVar[LabCard] = LabCard(
        name="joint",
        title="Joint, chain rule, Bayes",
        question="How does a table of probabilities factor, and how many numbers does it take?",
        latex=r"p(x_1, \ldots, x_n) = \prod_{i=1}^{n} p(x_i \mid x_1, \ldots, x_{i-1})",
        notes="notes 4, lines 37–83; notes 1, lines 17–24; notes 2, line 36; notes 3, line 18; notes 5, line 5",
        book="MacKay 2003, chapters 2 and 8; Bishop 2006, PRML, sections 1.2 and 8.2",
        families=("fvbn", "nade"),
    )
    actions: ClassVar[tuple[LabAction, ...]] = (
        LabAction(
            name="impose",
            title="Impose a ⊥ b | z",
            help="Replace the table by the nearest one in which a and b are independent given z.",
        ),
        LabAction(
            name="impose_chain",
            title="Impose Markov chain",
            help="Replace the table by the nearest Markov chain in the chosen order: 2n - 1 parameters.",
        ),
        LabAction(
            name="impose_all",
            title="Make independent",
            help="Replace the table by the product of its marginals: n parameters.",
        ),
        LabAction(name="restore", title="Restore example", help="Restore the probabilities of the example."),
    )
    config: Config

    def __init__(self, bench: LabBench, config: Config) -> None:
        self.joint = example_joint(config.example)
        self._imposed = ""
        self._models: list[drawn.CountedModel] = []
        super().__init__(bench, config)

    def prepare(self) -> Iterator[Scene | None]:
        """Count the parameters of the runs' models."""
        for family in self.card.families:
            ready = yield from self.bench.ready(family)
            if ready is not None:
                image = ready.model.image
                pixels = image.num_dims if image.levels == 2 else None
                self._models.append(drawn.CountedModel(family, ready.title, pixels, ready.model.num_parameters()))

    # ---- settings and inputs ---------------------------------------------------------------------------------

    def default_inputs(self) -> dict[str, Numbers]:
        """The table, rows by the first half of the variables."""
        return {"table": drawn.flat(self.joint)}

    def configure(self, config: Config) -> None:
        """Take new settings; another example begins with its own table."""
        if config.example != self.config.example:
            self._take(example_joint(config.example))
        self.config = config

    def edit(self, name: str, values: Numbers) -> str:
        """Take a table; it is divided by its sum.

        Raises:
            ValueError: for an entry below 0, or a table of zeros.
        """
        p, note = normalized(values, "probability")
        self._take(Joint(p.reshape(self.joint.p.shape)))
        return note

    def _take(self, joint: Joint, imposed: str = "") -> None:
        self.joint, self._imposed = joint, imposed
        self.inputs = self.default_inputs()

    # ---- actions ---------------------------------------------------------------------------------------------

    def act(self, action: str) -> Iterator[Scene | None]:
        """Replace the table by its projection, or by that of the example.

        Raises:
            ValueError: when a, b and z are not different variables of the example.
        """
        before = self.joint
        match action:
            case "impose":
                a, b, given = self.independence()
                information = before.mutual_information(a, b, given)
                statement = drawn.statement(self.symbols, a, b, given)
                self._imposed_by(before.with_independence(a, b, given), statement)
                self._imposed += f" Before, the conditional mutual information was {information:.6f} nats: the same."
            case "impose_chain":
                self._imposed_by(before.as_chain(self.order), "the Markov assumption")
            case "impose_all":
                self._imposed_by(before.as_chain(self.order, parents=0), "independence of all variables")
            case _:
                self._take(example_joint(self.config.example))
        yield None

    def _imposed_by(self, after: Joint, what: str) -> None:
        nats = kl_between(self.joint, after)
        self._take(after, f"Imposed {what}: KL(before ‖ now) = {nats:.6f} nats.")

    @property
    def symbols(self) -> tuple[str, ...]:
        """LaTeX of the variables."""
        return EXAMPLES[self.config.example].symbols

    @property
    def order(self) -> tuple[int, ...]:
        """Numbers of the variables in the order of the chain rule."""
        return tuple(int(digit) - 1 for digit in self.config.order if int(digit) <= self.joint.num_variables)

    def pair(self) -> tuple[int, int]:
        """Numbers of a and b.

        Raises:
            ValueError: when they are the same, or not among the example's variables.
        """
        a, b = int(self.config.first) - 1, int(self.config.second) - 1
        there = self.joint.num_variables
        if max(a, b) >= there:
            raise ValueError(
                f"There is no variable {max(a, b) + 1}: the example has {there}; choose one from 1 to {there}."
            )
        if a == b:
            raise ValueError(f"Variables a and b are both variable {a + 1}; choose two different ones.")
        return a, b

    def independence(self) -> tuple[int, int, tuple[int, ...]]:
        """Numbers of a, b and of the variables in z.

        Raises:
            ValueError: when they are not different variables of the example.
        """
        a, b = self.pair()
        if self.config.condition == "none":
            return a, b, ()
        if self.config.condition == "rest":
            return a, b, tuple(i for i in range(self.joint.num_variables) if i not in (a, b))
        z = int(self.config.condition) - 1
        if z in (a, b):
            raise ValueError(f"The condition z is variable {z + 1}, which is a or b already; choose another one.")
        if z >= self.joint.num_variables:
            there = self.joint.num_variables
            raise ValueError(f"There is no variable {z + 1}: the example has {there}; choose one from 1 to {there}.")
        return a, b, (z,)

    # ---- scene -----------------------------------------------------------------------------------------------

    def scene(self) -> Scene:
        """The table with its states, and what is computed from it."""
        config = self.config
        number = config.state % 2**self.joint.num_variables
        state = self.joint.states()[number]
        rows: list[tuple[Block, ...]] = []
        if config.part != "parameters":
            rows.append(drawn.table_row(self.joint, self.symbols, number, as_images=config.example == "image"))
            text = self._imposed or EXAMPLES[config.example].meaning
            if number != config.state:
                text += f" There is no state {config.state}; state {number} is followed."
            rows.append((Sentence(text=text, finding=bool(self._imposed)),))
        try:
            rows += self._part(state)
        except ValueError as error:
            rows.append((Sentence(text=str(error)),))
        return Scene(rows=tuple(rows))

    def _part(self, state: tuple[int, ...]) -> list[tuple[Block, ...]]:
        config, joint, symbols = self.config, self.joint, self.symbols
        match config.part:
            case "conditional":
                roles = (config.role_1, config.role_2, config.role_3, config.role_4)[: joint.num_variables]
                asked = [i for i, role in enumerate(roles) if role == "asked"]
                given = [i for i, role in enumerate(roles) if role == "given"]
                return drawn.conditional(joint, symbols, asked, given, state)
            case "chain_rule":
                return drawn.chain_rule(joint, symbols, self.order, state)
            case "bayes":
                return drawn.bayes(joint, symbols, *self.pair())
            case "independence":
                return drawn.independence(joint, symbols, *self.independence())
            case _:
                return drawn.parameters(config.num_pixels, config.markov_order, config.num_hidden, self._models)
