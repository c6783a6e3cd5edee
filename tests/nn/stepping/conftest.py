"""The kernel that the tests of compiled steps share."""

from pathlib import Path

import pytest
from filelock import FileLock

from gmstudio.nn.stepping.compiling import Kernel, StepKernel


@pytest.fixture(scope="session")
def step_kernel(pytestconfig: pytest.Config) -> Kernel:
    """The kernel, compiled once on each machine."""
    kernel = StepKernel()
    assert pytestconfig.cache is not None
    folder = Path(pytestconfig.cache.mkdir("step-kernel"))
    with FileLock(folder / "lock"):  # of several workers one compiles
        kernel.load(folder)
    assert kernel.kernel is not None, kernel.failure
    return kernel.kernel
