"""The state of the Data panel over a client whose replies a test writes."""

from typing import Any

import msgspec
import numpy as np
from fake_client import FakeClient
from fake_engine import catalog

from gmstudio.data import catalog as data_catalog
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import BrowseData, DataBrowsed, DataMeasured, SplitStats
from gmstudio.protocol.data_import import (
    DataSetDetails,
    DataSetInfo,
    DataSetsListed,
    ImportPreviewed,
    ListDataSets,
    PreviewedImage,
)
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.state.data.state import DataState
from gmstudio.window.state.runs.library import RunLibrary

SPEC = ImageSpec(1, 4, 3, 256)
INFO = DataSetInfo(folder="/data/birds", name="birds", size=100, image=SPEC, num_classes=2, date="2026-01-02")
OLDER = msgspec.structs.replace(INFO, folder="/data/old", name="old", date="2025-01-01")
DETAILS = DataSetDetails(sha256="ab" * 32, settings={})


class Scene:
    """The state of the Data panel over a client whose replies a test writes."""

    def __init__(self) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = DataState(self.client, self.library)

    def start(self) -> None:
        self.client.deliver(msgspec.structs.replace(catalog(), data=data_catalog()))

    def reply(self, kind: type[Any], event: Any) -> None:
        """Answer the newest command of a kind."""
        number = len(self.client.sent) - self.client.sent[::-1].index(self.client.last(kind))
        self.client.deliver(msgspec.structs.replace(event, request=self.client.sent[number - 1].request))

    def list(self, *sets: DataSetInfo) -> None:
        self.reply(ListDataSets, DataSetsListed(home="/data", sets=sets))

    def browsed(self, **changes: Any) -> DataBrowsed:
        asked = self.client.last(BrowseData)
        event = DataBrowsed(
            data=asked.data,
            image=SPEC,
            split=asked.split,
            start=asked.start,
            sizes={"train": 100, "valid": 10, "test": 10},
            images=Array.of(np.zeros((asked.count, 1, 4, 3), np.uint8)),
            labels=None,
            label_names=(),
            total=100,
        )
        return msgspec.structs.replace(event, **changes)


def preview(**changes: Any) -> ImportPreviewed:
    event = ImportPreviewed(
        path="/pictures",
        title="pictures",
        content="images",
        size=30,
        page=0,
        pages=3,
        image=SPEC,
        shown=(PreviewedImage(name="a.png"),),
        images=Array.of(np.zeros((1, 1, 4, 3), np.uint8)),
    )
    return msgspec.structs.replace(event, **changes)


def measured(done: int = 120, **changes: Any) -> DataMeasured:
    """Statistics of the data set that ``Scene.browsed`` shows, with two classes and a duplicate between splits."""
    event = DataMeasured(
        data="images",
        image=SPEC,
        done=done,
        total=120,
        splits={
            "train": SplitStats(size=100, labels={0: 60, 1: 40}, repeated=3),
            "valid": SplitStats(size=10, labels={0: 10}),
            "test": SplitStats(size=10, labels={1: 10}, shared={"train": 2}),
        },
        histogram=Array.of(np.full((1, 256), 7, np.int64)),
        mean=Array.of(np.zeros(SPEC.shape, np.float32)),
        label_names=("owl", "wren"),
    )
    return msgspec.structs.replace(event, **changes)
