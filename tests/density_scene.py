"""State of the Density panel without an engine: runs on small images, and scores as an engine sends them."""

from collections.abc import Callable, Iterable

import msgspec
import numpy as np
from fake_client import FakeClient
from numpy.typing import NDArray

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import DataEntry
from gmstudio.protocol.density import (
    AnomaliesDetected,
    DetectAnomalies,
    ListStatistics,
    MapSurprisal,
    OfferedStatistic,
    RocCurves,
    ScoreImages,
    ScoreProgress,
    ScoresComputed,
    StatisticCard,
    StatisticsListed,
    SurprisalMapped,
)
from gmstudio.protocol.engine import Catalog, CommandFailed, Reason
from gmstudio.protocol.image_sets import (
    DataImages,
    DescribeImages,
    FetchImages,
    ImagesDescribed,
    ImageSet,
    ImagesFetched,
)
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo, RunsListed
from gmstudio.window.state.density.state import DensityState
from gmstudio.window.state.runs.library import RunLibrary

IMAGE = ImageSpec(1, 8, 8, 16)
FLOW, CNN, VAE, GAN = "/flow", "/cnn", "/vae", "/gan"
COUNT, AGAINST = 200, 120
LIKELIHOOD = StatisticCard(
    name="log_prob",
    title="Log-likelihood",
    help="How likely the model finds an image.",
    latex=r"\log p(x)",
    unit="nats",
    direction="typical",
)
RATIO = StatisticCard(
    name="ratio",
    title="Likelihood ratio",
    help="What the background does not explain.",
    latex=r"\log p(x) - \log q(x)",
    unit="nats",
    direction="typical",
    needs="background",
)
ERROR = StatisticCard(
    name="reconstruction",
    title="Reconstruction error",
    help="How badly the model rebuilds an image.",
    latex=r"\|x - \hat{x}\|^2",
    unit="",
    direction="anomalous",
)
CARDS = {card.name: card for card in (LIKELIHOOD, RATIO, ERROR)}
NO_BACKGROUND = "No background model of this run was trained; train one first."
KINDS = {FLOW: "exact", CNN: "exact", VAE: "lower bound", GAN: "value"}
CAPABILITIES = {
    FLOW: ("log_prob", "sample"),
    CNN: ("log_prob", "sample", "pixel_session"),
    VAE: ("elbo", "sample", "decode"),
    GAN: ("sample", "discriminate"),
}
SOURCES = (
    DataEntry(
        name="digits",
        title="Digits",
        summary="Small digits.",
        config_schema={"properties": {"levels": {"type": "integer", "title": "Levels", "default": 16, "minimum": 2}}},
    ),
    DataEntry(name="images", title="Images", summary="", config_schema={"properties": {"folder": {"type": "string"}}}),
    DataEntry(
        name="files",
        title="Files",
        summary="",
        config_schema={
            "properties": {
                "folder": {"type": "string", "title": "Folder", "format": "folder", "default": ""},
                "binarize": {"enum": ["threshold", "stochastic"], "title": "Binarization", "default": "threshold"},
                "size": {"type": "integer", "title": "Resize to height", "unit": "pixels", "default": 0, "minimum": 0},
                "subset": {"type": "integer", "title": "Max. training images", "default": 0, "minimum": 0},
            }
        },
    ),
    DataEntry(name="points", title="Points", summary="", config_schema={"properties": {}}),
)


def run_info(run: str, *, example: bool = False, step: int = 40) -> RunInfo:
    return RunInfo(
        run=run,
        title=f"{run[1:].upper()} on digits",
        label=run[1:].upper(),
        data_label="Digits 8×8",
        spec=RunSpec(family=run[1:], data="digits", data_config={}),
        family_title=run[1:].upper(),
        image=IMAGE,
        status="finished",
        step=step,
        created="2026-01-01T00:00:00",
        capabilities=CAPABILITIES[run],
        checkpoint_steps=(step,),
        example=example,
    )


RUNS = tuple(run_info(run) for run in (FLOW, CNN, VAE, GAN))


def images_of(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 16, (count, 1, 8, 8), dtype=np.uint8)


def scores_of(run: str, images: ImageSet, statistic: str = "log_prob") -> NDArray[np.float64]:
    """Scores of a set: the anomalous ones are likelier than the typical ones, except by the ratio."""
    anomalous = isinstance(images, DataImages) and bool(images.labels)
    count = AGAINST if anomalous else COUNT
    mean = -100.0 + 5 * list(KINDS).index(run) + (20.0 if anomalous else 0.0) * (-1.0 if statistic == "ratio" else 1.0)
    return np.random.default_rng(int(anomalous)).normal(mean, 8.0, count)


def curves_of(typical: NDArray[np.float64], anomalous: NDArray[np.float64]) -> RocCurves:
    """Curves of anomaly scores by their definition."""
    thresholds = np.concatenate([[np.inf], np.unique(np.concatenate([typical, anomalous]))[::-1]])
    found = np.array([(anomalous >= t).sum() for t in thresholds])
    false = np.array([(typical >= t).sum() for t in thresholds])
    tpr, fpr = found / len(anomalous), false / len(typical)
    precision = np.where(found + false > 0, found / np.maximum(found + false, 1), 1.0)
    auroc = float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2))
    return RocCurves(
        thresholds=Array.of(thresholds),
        true_positive_rates=Array.of(tpr),
        false_positive_rates=Array.of(fpr),
        precisions=Array.of(precision),
        auroc=auroc,
        auroc_low=auroc - 0.02,
        auroc_high=auroc + 0.02,
        average_precision=float(np.sum(np.diff(tpr) * precision[1:])),
        fpr_at_95=float(fpr[np.argmax(tpr >= 0.95)]),
    )


class DensityScene:
    """The state, and the engine's side of it.

    Attributes:
        client: takes commands, delivers events.
        library: of four runs on the same images.
        state: state under test.
        refusals: (run, statistic) → sentence.
    """

    def __init__(self) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = DensityState(self.client, self.library)
        self.refusals = {(run, "ratio"): NO_BACKGROUND for run in KINDS}
        self.answered = 0

    def arrive(self, runs: Iterable[RunInfo] = RUNS) -> None:
        """Deliver the catalog and the runs."""
        self.client.deliver(
            Catalog(
                protocol=1,
                version="1",
                pid=1,
                families=(),
                data=SOURCES,
                devices=("auto",),
                device="cpu",
                training_schema={},
            )
        )
        self.list_runs(runs)

    def list_runs(self, runs: Iterable[RunInfo]) -> None:
        """Deliver the list of runs."""
        self.client.deliver(RunsListed(home="/runs", runs=tuple(runs), problems=()))

    def start(self) -> None:
        """Deliver all, put the panel on the screen, and answer what it asks."""
        self.arrive()
        self.state.set_active(True)
        self.serve()

    def serve(self, *, until: Callable[[Command], bool] = lambda _command: False) -> list[Command]:
        """Answer all commands that were not answered yet, up to one that is not to be; returns those of the panel."""
        served: list[Command] = []
        while self.answered < len(self.client.sent):
            command = self.client.sent[self.answered]
            if until(command):
                return served
            self.answered += 1
            if self.answer(command):
                served.append(command)
        return served

    def answer(self, command: Command) -> bool:
        """Answer one command as an engine; False: it is none of the panel."""
        match command:
            case DescribeImages():
                self.reply(command, described(command.images))
            case FetchImages():
                indices = command.indices.numpy()
                shown = Array.of(images_of(COUNT)[indices % COUNT])
                labels = Array.of(indices % 10)
                self.reply(command, ImagesFetched(indices=command.indices, images=shown, image=IMAGE, labels=labels))
            case ListStatistics():
                self.reply(command, self.offered(command.run))
            case ScoreImages():
                self.reply(command, self.scores(command))
            case MapSurprisal():
                bits = Array.of(np.ones((len(command.indices.numpy()), 8, 8), np.float32))
                event = SurprisalMapped(run=command.run, indices=command.indices, bits=bits, weights_step=40)
                self.reply(command, event)
            case DetectAnomalies():
                self.reply(command, self.detected(command))
            case _:
                return False
        return True

    def reply(self, command: Command, event: Event) -> None:
        """Deliver an event as a reply."""
        self.client.deliver(msgspec.structs.replace(event, request=command.request))

    def fail(self, command: Command, message: str, reason: Reason = Reason.NOT_POSSIBLE) -> None:
        """Refuse a command."""
        self.reply(command, CommandFailed(command=type(command).__name__, message=message, reason=reason))

    def offered(self, run: str) -> StatisticsListed:
        """Statistics of a run."""
        kinds = {"log_prob": KINDS[run]}
        offered = tuple(
            OfferedStatistic(card=card, kind=kinds.get(name, "value"), refusal=self.refusals.get((run, name), ""))
            for name, card in CARDS.items()
        )
        return StatisticsListed(run=run, statistics=offered)

    def scores(self, command: ScoreImages, done: int = -1) -> ScoresComputed:
        """Scores of a set, of the first ``done`` images; −1: all."""
        values = scores_of(command.run, command.images, command.statistic)
        count = len(values) if done < 0 else done
        values[count:] = np.nan
        exact = KINDS[command.run] == "exact"
        return ScoresComputed(
            run=command.run,
            statistic=CARDS[command.statistic],
            kind=KINDS[command.run],
            kind_text=f"{KINDS[command.run]}, as the test says",
            values=Array.of(values),
            errors=None if exact else Array.of(np.full(len(values), 0.25)),
            image=IMAGE,
            title="Digits",
            weights_step=40,
            progress=ScoreProgress(
                stage="scoring", done=count, total=len(values), kept=10, rate=1000.0, seconds_left=0.1
            ),
            done=count == len(values),
        )

    def detected(self, command: DetectAnomalies) -> AnomaliesDetected:
        """Two sets told apart."""
        card = CARDS[command.statistic]
        typical = scores_of(command.run, command.typical, command.statistic)
        anomalous = scores_of(command.run, command.anomalous, command.statistic)
        sign = -1 if card.direction == "typical" else 1
        return AnomaliesDetected(
            run=command.run,
            statistic=card,
            kind_text="exact",
            typical=Array.of(typical),
            anomalous=Array.of(anomalous),
            sign=sign,
            curves=curves_of(sign * typical, sign * anomalous),
            typical_title="Digits",
            anomalous_title="Digits, others",
            weights_step=40,
            progress=ScoreProgress(done=COUNT + AGAINST, total=COUNT + AGAINST),
            done=True,
        )


def described(images: ImageSet) -> ImagesDescribed:
    """Description of a set."""
    anomalous = isinstance(images, DataImages) and bool(images.labels)
    count = AGAINST if anomalous else COUNT
    return ImagesDescribed(
        title="Digits, others" if anomalous else "Digits, test",
        count=count,
        image=IMAGE,
        conversion="Scaled from 16×16." if anomalous else "",
        labels=Array.of(np.arange(count) % 10),
        label_names=tuple(f"digit {label}" for label in range(10)),
    )
