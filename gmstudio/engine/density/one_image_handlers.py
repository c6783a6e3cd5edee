"""Handler of the command that shows one image through a model."""

from collections.abc import Generator

from gmstudio.data.dataset import Dataset
from gmstudio.engine.density.image_sets import open_images
from gmstudio.engine.density.one_image import STAGES, OneImage, alone, needs_data, part_of
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.density.subjects import subject_of
from gmstudio.engine.runtime.errors import error_sentence
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.meter import Meter
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.density_one_image import MAX_NEIGHBOURS, ImagePart, ImageShown, Missing, SeenImage, ShowImage


class OneImageFeature(Feature):
    """Show one image through a model, part by part."""

    def _on_show_image(self, command: ShowImage) -> Job:
        if not 1 <= command.neighbours <= MAX_NEIGHBOURS:
            raise ValueError(f"{command.neighbours} neighbours are asked for; ask for 1 to {MAX_NEIGHBOURS}.")
        yield from self.context.read_model(command.run)
        subject = subject_of(self.context, command.run)

        def event(part: ImagePart | None, stage: str, *, done: bool = False) -> ImageShown:
            return ImageShown(
                request=command.request,
                run=command.run,
                part=part,
                image=subject.model.image,
                weights_step=subject.step,
                stage=stage,
                done=done,
            )

        opened = yield from open_images(
            self.context, command.images, subject.model.image, request=command.request, fresh=False
        )
        one = alone(opened, command.index)
        seen = SeenImage(
            levels=Array.of(one.images[0]),
            title=one.names[0] if one.names else opened.title,
            label="" if one.labels is None else _label(int(one.labels[0]), one.label_names),
            conversion=one.conversion,
        )
        yield event(seen, "data")
        meter = Meter()
        held: list[Dataset | Exception] = []
        if needs_data(subject.model, command.parts):
            held.append((yield from self._loaded(subject, command)))
        shown = OneImage(self.context, subject, one, command.seed, lambda: _held(held))
        for name in command.parts:
            stage = STAGES.get(name, name)
            yield event(None, stage)
            try:
                for part in part_of(shown, name, command.neighbours):
                    if isinstance(part, str):
                        yield event(None, f"{stage}: {part}") if meter.due() else None
                    else:
                        yield None if part is None else event(part, stage)
            except (ValueError, OSError) as error:
                yield event(Missing(part=name, reason=error_sentence(error), failed=True), stage)
        yield event(None, "", done=True)

    def _loaded(
        self, subject: Subject, command: ShowImage
    ) -> Generator[Event | None, None, Dataset | ValueError | OSError]:
        """Load the run's data and hold them; what is wrong with them is the reason of the parts that need them."""
        try:
            yield from self.context.when_data_of(subject.record, command.request, lambda: None) or ()
            return subject.dataset()
        except (ValueError, OSError) as error:
            return error


def _held(held: list[Dataset | Exception]) -> Dataset:
    (found,) = held
    if isinstance(found, Exception):
        raise found
    return found


def _label(label: int, names: tuple[str, ...]) -> str:
    return names[label] if 0 <= label < len(names) else str(label)
