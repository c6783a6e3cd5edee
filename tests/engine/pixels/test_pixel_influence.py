"""Changes of single earlier sub-pixels move the conditional as an edited generation's do, or not at all."""

import numpy as np
import pytest
from pixel_navigators import advance, open_one, rewind, small_model
from tiny_autoregressive import TinyAutoregressive

from gmstudio.engine.pixels.explorer import PixelExplorer
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import EditPixel, InfluenceMeasured, MeasureInfluence, PixelsMoved

GREY = ImageSpec(channels=1, height=4, width=5, levels=4)
STEP = 12


def measure(explorer: PixelExplorer, session: int, *changed: int) -> InfluenceMeasured:
    (measured,) = explorer.influence(None, MeasureInfluence(request=4, session=session, changed=changed))
    assert isinstance(measured, InfluenceMeasured) and (measured.request, measured.step) == (4, STEP)
    return measured


@pytest.mark.parametrize("name", ["nade", "made", "pixelcnn", "tiny"])
def test_the_change_is_that_of_an_edited_generation(name: str) -> None:
    model = TinyAutoregressive(GREY) if name == "tiny" else small_model(name, GREY)
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    advance(explorer, session, STEP)
    before = rewind(explorer, session, STEP)
    measured = measure(explorer, session, 11, 3)
    for index, step in enumerate((11, 3)):
        assert measured.before[index] == before.image.numpy().reshape(-1)[step] != measured.after[index]
        value, keep = measured.after[index], {"keep": True}
        (moved,) = explorer.edit(EditPixel(request=9, session=session, step=step, value=value, **keep))
        assert isinstance(moved, PixelsMoved) and moved.step == STEP
        p, q = before.conditional.numpy(), moved.conditional.numpy()
        assert measured.largest.numpy()[index] == pytest.approx(np.abs(p - q).max(), abs=1e-5)
        assert measured.kl.numpy()[index] == pytest.approx(float((p * np.log(p / q)).sum()), abs=1e-4)
        explorer.edit(EditPixel(request=9, session=session, step=step, value=measured.before[index], **keep))


def test_outside_the_receptive_field_nothing_changes_to_the_last_digit() -> None:
    pixelcnn = FAMILIES["pixelcnn"]
    model = pixelcnn(pixelcnn.Config(num_blocks=1, num_channels=4, num_head_channels=4, input_kernel_size=3), GREY)
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    moved = advance(explorer, session, STEP)
    field = moved.context.numpy().reshape(-1)[:STEP]
    outside = tuple(np.flatnonzero(~field).tolist())
    assert outside and (measure(explorer, session, *outside).largest.numpy() == 0.0).all()
    assert (measure(explorer, session, *np.flatnonzero(field).tolist()).largest.numpy() > 0.0).all()


def test_what_cannot_be_changed_is_refused() -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, TinyAutoregressive(GREY))[0].session
    advance(explorer, session, STEP)
    with pytest.raises(ValueError, match="Sub-pixel 12 is not before sub-pixel 12"):
        measure(explorer, session, STEP)
    with pytest.raises(ValueError, match="0 sub-pixels are to be changed; choose 1 to 64"):
        measure(explorer, session)
