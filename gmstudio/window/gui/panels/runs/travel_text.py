"""Sentences of the Time travel page: which step is shown, of which step the samples are, and which model it is."""

from gmstudio.window.state.runs.travel import TravelState


def distance(of: int, at: int) -> str:
    """Return how far a step is from the one that is shown: ``, 23 steps before``; empty at the same step."""
    if of == at:
        return ""
    count = abs(of - at)
    return f", {count:,} {'step' if count == 1 else 'steps'} {'before' if of < at else 'after'}"


def model_text(state: TravelState) -> str:
    """Return a sentence on the step, the nearest checkpoint, and what panels explore."""
    if not state.run:
        return "Choose a run."
    checkpoint = state.checkpoint
    words = [f"Step {state.at:,} of {state.last:,}"]
    if checkpoint is None:
        words.append("no checkpoint is on the disk")
    else:
        words.append(f"model: checkpoint of step {checkpoint:,}{distance(checkpoint, state.at)}")
    explored = state.explored
    words.append(f"panels explore step {explored:,}" if explored is not None else "panels explore the newest weights")
    changes = state.opened.changes if state.opened is not None else ()
    here = next((change for change in reversed(changes) if change.step == state.at), None)
    return " · ".join([*words, here.text] if here is not None else words)


def samples_title(state: TravelState) -> str:
    """Return the title of the samples, with their step."""
    if state.samples is None:
        return "Saved samples"
    kind = state.samples.kind.capitalize()
    return f"{kind} of step {state.samples.step:,}{distance(state.samples.step, state.at)}"


def map_title(state: TravelState) -> str:
    """Return the title of the map, with the step that its axes were fitted to."""
    codes = state.shown.codes if state.shown is not None else None
    if codes is None or state.shown is None:
        return "Latent map"
    fitted = "" if codes.fitted_at is None else f"; axes: principal components at step {codes.fitted_at:,}"
    return f"Latent map of step {state.shown.step:,}, {len(codes.places.numpy()):,} images{fitted}"
