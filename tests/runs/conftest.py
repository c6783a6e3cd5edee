"""A record that every test about runs can use."""

import pytest

from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.record import RunRecord, new_record


@pytest.fixture
def record() -> RunRecord:
    spec = RunSpec(
        family="vae",
        config={"num_latents": 2, "beta": 0.5},
        data="digits",
        data_config={"levels": 16},
        training={"steps": 300, "seed": 7},
    )
    return new_record(spec, image=ImageSpec(channels=1, height=8, width=8, levels=16), device="cpu", title="Naïve β")
