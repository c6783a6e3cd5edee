"""Parts of the sentences on the pages of the Features panel."""


def step_words(weights_step: int) -> str:
    """Training step of the weights, as the end of a description: ``, weights of step 3,000``; of a baseline nothing."""
    return f", weights of step {weights_step:,}" if weights_step >= 0 else ""
