"""The command: some parts one after the other, then the page of all that is there."""

from pathlib import Path

from benchmarks.gpu.machine import describe_machine, usable_device
from benchmarks.gpu.measurements import Effort
from benchmarks.gpu.page import write_page
from benchmarks.gpu.parts import PARTS, run_part
from benchmarks.gpu.results import Results
from gmstudio.families import FAMILIES

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks-gpu.md"


def measure(
    parts: list[str],
    device: str,
    families: list[str],
    *,
    quick: bool = False,
    again: bool = False,
    out: str = "",
    page: str = "",
) -> bool:
    """Run parts and write the page.

    Args:
        parts: keys in ``PARTS``; empty: all.
        device: name that ``choose_device`` accepts.
        families: keys in ``FAMILIES``; empty: all.
        quick: small models for a moment.
        again: measure what is there already, too.
        out: folder of the results; empty: in ``build``, by the kind of device.
        page: file to write; empty: the document on CUDA, else a file beside the results.

    Returns:
        Whether all of these parts were measured and nothing failed.

    Raises:
        NoDeviceError: when this machine has no such device; nothing is written then.
        ValueError: when there is no such part or family, or a file of results is damaged.
    """
    for kind, wanted, known in (("part", parts, PARTS), ("family", families, FAMILIES)):
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise ValueError(f"--{kind} {unknown[0]}: there is no such {kind}; choose from {', '.join(known)}.")
    where = usable_device(device)
    folder = Path(out) if out else ROOT / "build" / f"gpu-{where.type}"
    results = Results(folder, describe_machine(where), quick)
    effort = Effort(str(where), tuple(families or FAMILIES), quick)
    complete = True
    for part in parts or PARTS:
        if again:
            results.forget(part)
        ended = run_part(part, effort, results, print)
        print(ended.sentence())
        complete = complete and ended.complete
    place = Path(page) if page else PAGE if where.type == "cuda" and not quick else folder / PAGE.name
    write_page(place, results)
    print(f"Written: {place}")
    return complete
