"""Progress of long work in words: time spans, rates, amounts of memory, and what is loaded."""

from gmstudio.protocol.data import DataLoading


def memory_text(count: int) -> str:
    """Format a number of bytes: ``14 kB``, ``412 MB``, ``1.3 GB`` (powers of 1000)."""
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1e6 or count == 0 else f"{count / 1e3:.0f} kB"


def duration_text(seconds: float) -> str:
    """Format a time span: ``12 s``, ``3 min 20 s``, ``1 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def rate_words(rate: float, unit: str, seconds_left: float) -> str:
    """Format rate and time left: ``820 images/s · 12 s left``; what is unknown is left out.

    Args:
        rate: units per second; 0: unknown.
        unit: what is counted, for example ``images``.
        seconds_left: negative: unknown.
    """
    parts = []
    if rate > 0:
        number = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
        parts.append(f"{number} {unit}/s")
    if seconds_left >= 0:
        parts.append(f"{duration_text(seconds_left)} left")
    return " · ".join(parts)


def progress_words(stage: str, done: int, total: int, unit: str = "") -> str:
    """Describe a stage of work: ``Decoding images · 12,000 of 60,000``; what is unknown is left out."""
    counted = f"{done:,} of {total:,}" if total else f"{done:,}" if done else ""
    return f"{stage} · {counted} {unit}".rstrip() if counted else f"{stage} …"


def loading_text(loading: DataLoading) -> str:
    """Describe a loading: ``MNIST: loading images · 12,000 of 60,000``."""
    stage = loading.stage or "Loading"
    return f"{loading.title}: {progress_words(stage[:1].lower() + stage[1:], loading.done, loading.total)}"
