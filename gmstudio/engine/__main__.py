"""``python -m gmstudio.engine``: serve one window over standard input and output."""

import contextlib
import gc
import os
import sys


def main() -> int:
    """Serve until the window closes its end.

    The real standard output is reserved for frames; everything that is printed goes to standard error. The process
    lowers its priority, so that the window paints first where both share the processor, and images that are waited for
    come before training.

    Returns:
        The exit code, 0 after an orderly end.
    """
    frames_out = os.dup(1)
    os.dup2(2, 1)
    from gmstudio.engine.concurrent_answers import ConcurrentAnswers  # after the redirection: importing may print
    from gmstudio.system.heap import share_one_heap

    share_one_heap()
    answers = ConcurrentAnswers()
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(5)
    from gmstudio.engine.server import Server
    from gmstudio.engine.wire import Wire

    gc.freeze()  # the modules have two hundred thousand objects, among which no garbage is to be looked for
    return Server(Wire(sys.stdin.fileno(), frames_out, answers.offer), answers).serve()


if __name__ == "__main__":
    sys.exit(main())
