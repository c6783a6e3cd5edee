"""Take the pictures in this folder again: the real window and engine, used as the documents tell.

``make pictures`` does it. The models are trained the first time and kept in ``build/pictures``, so that a single
picture is taken again in seconds: ``python -m docs.pictures.take latents chains``.
"""

import argparse
import time

from benchmarks.window import opened_window
from docs.pictures import chains, latents, pixels, train
from docs.pictures.models import missing, train_model
from docs.pictures.shots import opened_stage, save

PICTURES = {picture.name: picture for module in (train, pixels, latents, chains) for picture in module.PICTURES}


def main() -> None:
    """Train what is missing, and take the pictures that were asked for."""
    parser = argparse.ArgumentParser(description="Take pictures of the real window.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which, of: {', '.join(PICTURES)}; all by default")
    names = parser.parse_args().names or list(PICTURES)
    unknown = [name for name in names if name not in PICTURES]
    if unknown:
        parser.error(f"there is no picture {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    models = missing(dict.fromkeys(model for name in names for model in PICTURES[name].models))
    if models:
        with opened_window() as (_, studio):
            for model in models:
                print(f"training {model}", flush=True)
                train_model(studio, model)
    for name in names:
        begun = time.monotonic()
        with opened_stage(PICTURES[name]) as stage:
            path = save(PICTURES[name].take(stage), name)
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB, {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
