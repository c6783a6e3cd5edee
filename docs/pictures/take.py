"""Take the pictures in this folder again: the real window and engine, used as the documents describe.

``make pictures`` does it. The models are trained the first time and kept in ``build/pictures``, so that a single
picture is taken again in seconds: ``python -m docs.pictures.take latents chains``.
"""

import argparse
import time
from pathlib import Path

from benchmarks.window import opened_window
from docs.pictures import (
    atlas,
    chains,
    density,
    density_uses,
    features,
    labs,
    latents,
    lessons,
    pixels,
    plane,
    runs,
    train,
)
from docs.pictures.film import FILMS, save_film
from docs.pictures.models import missing, train_model
from docs.pictures.shots import Film, Picture, opened_stage, save

MODULES = (atlas, labs, lessons, train, plane, pixels, latents, chains, density, density_uses, features, runs)
PICTURES = {picture.name: picture for module in MODULES for picture in module.PICTURES}
NAMED_FILMS = {film.name: film for film in FILMS}


def main() -> None:
    """Train what is missing, and take the pictures that were asked for."""
    known = [*PICTURES, *NAMED_FILMS]
    parser = argparse.ArgumentParser(description="Take pictures of the real window.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which, of: {', '.join(known)}; all by default")
    names = parser.parse_args().names or known
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"there is no picture {', '.join(unknown)}; there are {', '.join(known)}")
    models = missing(dict.fromkeys(model for name in names if name in PICTURES for model in PICTURES[name].models))
    if models:
        with opened_window() as (_, studio):
            for model in models:
                print(f"training {model}", flush=True)
                train_model(studio, model)
    for name in names:
        begun = time.monotonic()
        path = _take_film(NAMED_FILMS[name]) if name in NAMED_FILMS else _take_picture(PICTURES[name])
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB, {time.monotonic() - begun:.0f} s", flush=True)


def _take_picture(picture: Picture) -> Path:
    with opened_stage(picture.mode, picture.models, examples=picture.examples) as stage:
        return save(picture.take(stage), picture.name)


def _take_film(film: Film) -> Path:
    with opened_stage(film.mode, examples=True) as stage:
        return save_film(film.take(stage), film.name)


if __name__ == "__main__":
    main()
