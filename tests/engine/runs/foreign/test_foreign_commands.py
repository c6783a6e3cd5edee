"""Commands about weights of other programs, on a real engine: a preview, a correction, a run."""

from pathlib import Path

import pytest
import torch
from engine_process import EngineProcess

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import OpenRun, RunOpened
from gmstudio.protocol.runs_foreign import ImportWeights, PreviewWeights, WeightsImported, WeightsPreviewed

SPEC = RunSpec(family="nade", config={"num_hidden": 3}, data="digits", data_config={"levels": 2})


@pytest.mark.slow
def test_a_file_is_previewed_accepted_mapped_and_imported(tmp_path: Path) -> None:
    from gmstudio.families import FAMILIES

    family = FAMILIES["nade"]
    weights = family(family.Config(num_hidden=3), ImageSpec(1, 8, 8, 2)).state_dict()
    path = tmp_path / "theirs.pt"
    torch.save({f"net.{name}": value for name, value in weights.items()}, path)
    with EngineProcess(tmp_path / "home") as engine:
        warned = engine.ask(PreviewWeights(path=str(path), spec=SPEC), WeightsPreviewed)
        assert "weights_only=True" in warned.unaccepted and not warned.theirs
        found = engine.ask(PreviewWeights(path=str(path), spec=SPEC, accepted=True), WeightsPreviewed)
        assert len(found.theirs) == len(found.ours) == len(weights) and found.differences == () and not found.problem
        cut = "\n".join(found.mapping.splitlines()[:-1])
        again = PreviewWeights(path=str(path), spec=SPEC, accepted=True, mapping=cut)
        assert [line.split()[0] for line in engine.ask(again, WeightsPreviewed).differences] == ["missing:", "left"]
        torn = PreviewWeights(path=str(path), spec=SPEC, accepted=True, mapping="[weights")
        assert "not TOML" in engine.ask(torn, WeightsPreviewed).problem
        refused = engine.ask(ImportWeights(path=str(path), spec=SPEC, mapping=found.mapping), CommandFailed)
        assert "weights_only=True" in refused.message
        wanted = ImportWeights(path=str(path), spec=SPEC, accepted=True, mapping=found.mapping)
        made = engine.ask(wanted, WeightsImported)
        assert made.info.status == "stopped" and made.info.checkpoint_steps == (0,)
        assert engine.ask(OpenRun(run=made.info.run), RunOpened).info.title.startswith("theirs")
        relative = ImportWeights(path="theirs.pt", spec=SPEC, mapping=found.mapping)
        assert "whole path" in engine.ask(relative, CommandFailed).message
