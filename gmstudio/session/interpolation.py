"""Codes between two codes: straight, or along the sphere."""

from typing import Literal

import numpy as np

from gmstudio.session.latent_code import Code

Path = Literal["linear", "spherical"]
PATHS: tuple[Path, ...] = ("linear", "spherical")
NEARLY_PARALLEL = 1e-4
"""Sine of the angle below which two codes span no plane to turn in."""


def interpolate(a: Code, b: Code, position: float, path: Path) -> Code:
    """A code between two codes.

    ``linear`` is (1 - t) a + t b. ``spherical`` turns from a to b in their plane by the share t of their angle ω,
    sin((1 - t) ω) / sin ω · a + sin(t ω) / sin ω · b, so that codes in between are about as long as the ends, as
    draws from a Gaussian prior in many dimensions are; codes on one line through 0 have no such plane and go straight.

    Args:
        a: (Z,) where the path begins.
        b: (Z,) where it ends.
        position: t, 0 … 1.
        path: which way.

    Returns:
        (Z,) float32.

    Source: Shoemake, SIGGRAPH 1985; for latent codes White, Sampling Generative Networks, 2016, arXiv:1609.04468.
    """
    share_a, share_b = 1.0 - position, position
    if path == "spherical":
        lengths = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
        cosine = float(np.dot(a, b)) / lengths if lengths > 0 else 1.0
        angle = float(np.arccos(np.clip(cosine, -1.0, 1.0)))
        if np.sin(angle) > NEARLY_PARALLEL:
            share_a = float(np.sin((1.0 - position) * angle) / np.sin(angle))
            share_b = float(np.sin(position * angle) / np.sin(angle))
    code: Code = np.asarray(share_a * a + share_b * b, dtype=np.float32)
    return code
