"""Memory that a training step frees is kept for the next one, instead of going back to the system in between.

The C library hands the upper end of the heap back as soon as a little more than its largest block is free there, and
each step then gets its gradients and activations as fresh pages, which the system clears one by one: 15 to 75 thousand
of them for flows and for convolutional networks, up to a fifth of the step.
"""

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""``M_TRIM_THRESHOLD`` and ``M_MMAP_THRESHOLD`` of glibc's ``mallopt``."""
