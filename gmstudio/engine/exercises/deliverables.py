"""Files that an exercise asks for, written from a run: training curve, test value, samples, density over the grid."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from gmstudio.data.dataset import Dataset
from gmstudio.engine.exercises.test_value import test_value
from gmstudio.engine.plane.drawing import draw_samples
from gmstudio.engine.plane.grid import PlaneGrid, grid_of_data, is_points
from gmstudio.engine.plane.rules import surface_pieces
from gmstudio.engine.plane.surface import Surface
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.sampling.grids import draw_grid
from gmstudio.families.base import Sampler
from gmstudio.media import Provenance, comment_lines, metadata_of
from gmstudio.media.plot_pictures import Axis, PlotCurve, curves_picture, density_picture, points_picture, save_plot
from gmstudio.media.png import write_grid
from gmstudio.media.writing import put_in_place
from gmstudio.protocol.exercises import DELIVERABLES, Deliverable, TestValue
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.names import name_of

NUM_IMAGES, NUM_POINTS = 64, 1000
SCALE = 4
PLAIN = str.maketrans("₀₁₂₃", "0123")
"""Letters that the font of the pictures lacks."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """State of the work.

    Args:
        stage: present work.
        files: those that are there.
        test: value on the test split, once it is computed.
    """

    stage: str
    files: tuple[str, ...] = ()
    test: TestValue | None = None


def write_deliverables(
    loaded: Loaded, dataset: Dataset, run: Path, wanted: Sequence[Deliverable], folder: Path
) -> Iterator[Written | None]:
    """Write the files: yields None after each small piece and ``Written`` when something new is there.

    Args:
        loaded: model of the run.
        dataset: that it was trained on.
        run: folder of the run.
        wanted: which files.
        folder: to write into; made where it is missing.

    Raises:
        ValueError: when a density is asked for and the images are no points, or the family has none.
        OSError: when a file cannot be written.
    """
    work = _Work(loaded, dataset, run, folder)
    folder.mkdir(parents=True, exist_ok=True)
    yield from work.pieces([name for name in DELIVERABLES if name in wanted])


class _Work:
    def __init__(self, loaded: Loaded, dataset: Dataset, run: Path, folder: Path) -> None:
        self._loaded, self._model, self._dataset = loaded, loaded.model, dataset
        self._run, self._folder = run, folder
        self._files: list[str] = []
        self._test: TestValue | None = None
        self._surface: Surface | None = None
        self._seed = loaded.record.training.seed
        self._title = loaded.model.card.title
        self._grid: PlaneGrid | None = grid_of_data(loaded.model, dataset) if is_points(loaded.model.image) else None

    def pieces(self, wanted: Sequence[Deliverable]) -> Iterator[Written | None]:
        if "density" in wanted and self._grid is None:
            raise ValueError(f"The images of this run are no points ({self._model.image}); leave the density out.")
        if "curve" in wanted:
            self._write_curve()
            yield self._state("Training curve written")
        if self._grid is not None:
            yield self._state("Computing p(x) over the grid")
            yield from self._draw_surface(self._grid)
        if "density" in wanted:
            self._write_density()
            yield self._state("p(x) written")
        if "samples" in wanted:
            yield self._state("Drawing samples")
            yield from self._write_samples()
        if "test" in wanted:
            yield self._state(f"Scoring {len(self._dataset.test):,} test images")
            self._test = yield from test_value(self._model, self._dataset, self._surface)
            self._write_test(self._test)
        yield self._state("Written")

    def _state(self, stage: str) -> Written:
        return Written(stage=stage, files=tuple(self._files), test=self._test)

    # ---- curve -------------------------------------------------------------------------------------------------

    def _write_curve(self) -> None:
        with RunFolder.open(self._run) as run:
            curves = run.history.read_scalars()
        objective = self._model.card.objective(self._loaded.record.config)
        units = {term.name: term.unit for term in objective.terms}
        rows = [
            (split, name, int(step), repr(float(value)))
            for (split, name), curve in curves.items()
            for step, value in zip(curve[0].tolist(), curve[1].tolist(), strict=True)
        ]
        self._write_table("curve.csv", ("split", "curve", "step", "value"), rows, "training curve")
        titles = {"train": "training", "valid": "validation"}
        lines = [
            PlotCurve(f"{titles.get(split, split)}: {name}", curve[0].astype(np.float64), curve[1])
            for (split, name), curve in curves.items()
            if name in units
        ]
        unit = next((unit for unit in units.values() if unit), "")
        picture = curves_picture(lines, f"{self._title}: training", "step", f"loss ({unit})" if unit else "loss")
        self._save(picture, "curve.png", "training curve")

    # ---- density -----------------------------------------------------------------------------------------------

    def _draw_surface(self, grid: PlaneGrid) -> Iterator[None]:
        for surface in surface_pieces(self._model, grid, self._seed, self._dataset.train.labels):
            self._surface = surface or self._surface
            yield None

    def _write_density(self) -> None:
        grid, surface = self._grid, self._surface
        assert grid is not None, "a density without points was refused before"
        if surface is None:
            raise ValueError(f"{self._title} has neither a density nor samples; leave the density out.")
        centres = [grid.centres(axis) for axis in range(grid.dims)]
        rows = [
            (*(repr(float(centres[axis][place])) for axis, place in enumerate((column, row)[: grid.dims])), repr(p))
            for row, line in enumerate(surface.values.tolist())
            for column, p in enumerate(line)
        ]
        names = [axis.title for axis in self._axes(grid)]
        self._write_table("density.csv", (*names, "p"), rows, f"p(x) by {surface.method}")
        picture = density_picture(surface.values, f"{self._title}: p(x), {surface.method}", self._axes(grid))
        self._save(picture, "density.png", "p(x)")

    # ---- samples -----------------------------------------------------------------------------------------------

    def _write_samples(self) -> Iterator[None]:
        if self._grid is None:
            for images in draw_grid(self._model, NUM_IMAGES, self._seed):
                if images is not None:
                    write_grid(images, self._add("samples.png"), SCALE, self._texts("samples"))
                yield None
            return
        if not isinstance(self._model, Sampler):
            raise ValueError(f"{self._title} draws no samples; leave them out.")
        images = np.zeros((0, 1, 1, self._grid.dims), np.uint8)
        for drawn in draw_samples(self._model, NUM_POINTS, self._seed, self._dataset.train.labels):
            images = images if drawn is None else drawn
            yield None
        grid, axes = self._grid, self._axes(self._grid)
        points = grid.within_cells(images, self._seed).astype(np.float64)
        rows = [tuple(repr(value) for value in point) for point in points.tolist()]
        self._write_table("samples.csv", [axis.title for axis in axes], rows, "samples")
        if grid.dims == 2:
            picture = points_picture(points, f"{self._title}: {NUM_POINTS:,} samples", axes)
        else:
            counts = np.bincount(grid.cells(images), minlength=grid.num_cells) / NUM_POINTS
            picture = density_picture(counts[np.newaxis], f"{self._title}: share of {NUM_POINTS:,} samples", axes)
        self._save(picture, "samples.png", "samples")

    # ---- test value ----------------------------------------------------------------------------------------------

    def _write_test(self, test: TestValue) -> None:
        record = self._loaded.record
        document = {
            "value": test.value,
            "error": None if math.isnan(test.error) else test.error,
            "unit": test.unit,
            "kind": test.kind,
            "test_images": test.images,
            "step": self._loaded.step,
            "run": name_of(self._run),
            "spec": msgspec.to_builtins(record.spec),
            **{keyword.lower(): text for keyword, text in self._texts("test value").items() if keyword == "Software"},
        }
        text = msgspec.json.format(msgspec.json.encode(document), indent=2)
        self._write_bytes("test.json", text)

    # ---- files ---------------------------------------------------------------------------------------------------

    def _axes(self, grid: PlaneGrid) -> list[Axis]:
        return [Axis(axis.title.translate(PLAIN), axis.low, axis.high) for axis in grid.axes]

    def _texts(self, shows: str) -> dict[str, str]:
        record = self._loaded.record
        origin = Provenance(
            family=record.family,
            run=record.title or self._run.name,
            folder=name_of(self._run),
            created=record.created,
            step=self._loaded.step,
            seed=self._seed,
            shows=shows,
        )
        return metadata_of(origin)

    def _add(self, name: str) -> Path:
        path = self._folder / name
        self._files.append(str(path))
        return path

    def _save(self, picture: "object", name: str, shows: str) -> None:
        save_plot(picture, self._add(name), self._texts(shows))  # type: ignore[arg-type]

    def _write_table(self, name: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]], shows: str) -> None:
        text = io.StringIO()
        text.write(comment_lines(self._texts(shows)))
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
        self._write_bytes(name, text.getvalue().encode())

    def _write_bytes(self, name: str, content: bytes) -> None:
        with put_in_place(self._add(name), overwrite=True) as partial:
            partial.write_bytes(content)
