"""The limit of threads in a forked process, where the thread that sets it is not there."""

import os
import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
    import os, signal
    from gmstudio.nn import matrix_threads
    from gmstudio.nn.matrix_threads import one_matrix_thread

    with one_matrix_thread(scipy=False):
        child = os.fork()
        if not child:
            signal.alarm(20)
    with one_matrix_thread(scipy=False):
        if not child:
            os._exit(7 if matrix_threads._holders == 1 else 8)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_sets_a_limit_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "7", done.stderr
