"""Features are imported with their first command, or one by one, and not before."""

import subprocess
import sys

SCRIPT = """
import sys
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.feature import Feature, Features
from gmstudio.protocol.density_bytes import CompressImages
from gmstudio.protocol.image_sets import FetchImages

class First(Feature):
    pass

def loaded():
    return {name for name in sys.modules if name.startswith("gmstudio.engine.") and name.endswith("handlers")}

features = Features(First(EngineContext(lambda event: None)))
assert not loaded() and not features.complete, loaded()
assert features.handler(CompressImages).__name__ == "_on_compress_images"
assert "gmstudio.engine.density.handlers" in loaded() and "gmstudio.engine.features.handlers" not in loaded()
before = len(loaded())
assert callable(features.handler(FetchImages)) and len(loaded()) == before, "of the feature that is there"
while not features.complete:
    features.load_next()
assert {"gmstudio.engine.features.handlers", "gmstudio.engine.training.handlers"} <= loaded()
features.load_next()
try:
    features.handler(int)
except KeyError:
    print("done")
"""


def test_features_are_imported_when_they_are_needed() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and done.stdout.strip() == "done", done.stderr
