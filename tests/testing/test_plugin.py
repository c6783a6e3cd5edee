"""The pytest plugin: a family of another package is held to its laws without a test being written."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from independent_pixels import IndependentPixels

from gmstudio.testing import laws  # torch is to be loaded before a run inside this process, which would load it again

TESTS = Path(__file__).parent.parent
PLUGIN = ("-p", "no:gmstudio", "-p", "gmstudio.testing.plugin", "-p", "no:cacheprovider")
"""Loads the plugin once, whether or not the installed package has it as an entry point."""

BROKEN = """
from independent_pixels import IndependentPixels

class Broken(IndependentPixels):
    def log_prob_per_dim(self, x_BCHW, order_D3, labels_B=None):
        return 0.9 * super().log_prob_per_dim(x_BCHW, order_D3, labels_B)
"""


@pytest.fixture
def package(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a family's module and a test of its own."""
    shutil.copy(TESTS / "independent_pixels.py", pytester.path)
    pytester.makepyfile(broken=BROKEN, test_own="def test_own():\n    pass\n")
    pytester.syspathinsert()
    return pytester


def test_the_laws_become_tests(package: pytest.Pytester) -> None:
    family = "independent_pixels:IndependentPixels"
    result = package.runpytest_subprocess(*PLUGIN, "-v", "--gmstudio-family", family)
    result.stdout.fnmatch_lines(["*test_own*PASSED*", f"*{family}::probabilities_sum_to_one-1x3x3x2 PASSED*"])
    outcomes = result.parseoutcomes()
    assert outcomes == {"passed": 1 + len(laws.laws_of(IndependentPixels))}


def test_a_broken_law_is_reported_in_its_sentence(package: pytest.Pytester) -> None:
    result = package.runpytest_inprocess(*PLUGIN, "--gmstudio-family", "broken:Broken", "-k", "sum_to_one-1x2x2x4")
    result.assert_outcomes(failed=2, deselected=result.parseoutcomes()["deselected"])
    result.stdout.fnmatch_lines(["The probabilities of all images of 2×2 grey, 4 levels sum to*", "The law:*"])


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("no_such_module:Family", "No module named 'no_such_module'"),
        ("broken:Missing", "has no attribute 'Missing'"),
        ("broken", "Write it as my_package.my_module:MyFamily"),
        ("pathlib:Path", "Path is not a subclass of gmstudio.families.base.Family"),
    ],
)
def test_what_is_no_family_is_refused_in_words(package: pytest.Pytester, place: str, said: str) -> None:
    result = package.runpytest_inprocess(*PLUGIN, "--gmstudio-family", place)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{said}*"])


def test_without_the_option_nothing_is_imported(package: pytest.Pytester) -> None:
    script = "print('loaded:', [m for m in ('torch', 'numpy') if m in sys.modules])"
    package.makeconftest(f"import sys\n\ndef pytest_unconfigure():\n    {script}\n")
    package.runpytest_subprocess(*PLUGIN, "-s").stdout.fnmatch_lines(["*loaded: []*"])


def test_the_plugin_is_an_entry_point_that_is_quick_to_import() -> None:
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"gmstudio": "gmstudio.testing.plugin"}
    script = (
        "import gmstudio.testing.plugin, sys; print([m for m in ('torch', 'numpy', 'msgspec') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
