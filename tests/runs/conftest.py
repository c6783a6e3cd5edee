"""A record that every test about runs can use."""

import pytest

from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.record import RunRecord, new_record


@pytest.fixture
def record() -> RunRecord:
    return new_record(
        family="vae",
        config={"num_latents": 2, "beta": 0.5},
        data="digits",
        data_config={"levels": 16},
        image=ImageSpec(channels=1, height=8, width=8, levels=16),
        training=Training(steps=300, seed=7),
        device="cpu",
        title="Naïve β",
    )
