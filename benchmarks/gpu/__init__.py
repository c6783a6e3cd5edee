"""All that is to be known of a GPU, in parts: tests, training, sampling, stepping, slider, several GPUs; one page.

Each part takes less than eight minutes; what was measured is kept, so that a part that was ended goes on. Any other
device stands in for a GPU (``--device cpu --quick``), and goes through the same code.
"""
