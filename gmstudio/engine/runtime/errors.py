"""Errors as sentences for people."""

from gmstudio.engine.runtime.memory import is_out_of_memory


def error_sentence(error: BaseException) -> str:
    """One sentence for people."""
    if is_out_of_memory(error):
        return "There is not enough memory for this; make the batch, the images or the model smaller."
    if isinstance(error, ValueError | OSError):
        return str(error)
    return f"The engine failed here: {type(error).__name__}: {error}"
