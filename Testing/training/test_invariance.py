"""The invariances: nothing for what sees pixels alone, something for what pools over a slice."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.files.reading import read_volume
from MRIColorizeLib.network.model import load_model
from MRIColorizeLib.scale import Scale
from MRIColorizeLib.volume import Volume, slice_order
from training.measure.metrics.engine_invariance import engine_changes, turn_slices
from training.measure.metrics.invariance import network_changes

HEAD = Path(__file__).resolve().parents[1] / "data" / "head_t1_tiny.nii.gz"


def _model(color):
    """A stand-in for a loaded model whose network is a function of MRI and mask."""

    def generator(mri, mask, temperature):
        return SimpleNamespace(color=color(mri, mask).expand(-1, 3, -1, -1) * mask)

    return SimpleNamespace(
        generator=generator, card=SimpleNamespace(scale=Scale.fixed(1.0), temperature=1)
    )


@pytest.fixture(scope="module")
def slices():
    """Two smooth slices with a round body."""
    y, x = np.mgrid[-1:1:80j, -1:1:72j]
    mask = np.tile(np.hypot(y, x) < 0.8, (2, 1, 1))
    mri = np.stack([0.5 + 0.3 * np.sin(3 * x + y), 0.5 + 0.3 * np.cos(2 * y)])
    return (mri * mask).astype(np.float32), mask


def _changes(color, slices):
    found = network_changes(_model(color), *slices, (1.0, 1.0))
    return {change.name: float(change.ciede2000.max()) for change in found}


def test_a_colour_map_changes_with_gain_alone(slices):
    found = _changes(lambda mri, mask: mri, slices)
    assert found["64 px of padding"] == 0
    assert found["cropping"] == 0
    assert found["turning by 10 degrees"] < 1  # interpolation
    assert found["gain 0.85"] > 3


def test_pooling_over_the_field_of_view_is_found_out(slices):
    found = _changes(lambda mri, mask: torch.zeros_like(mri) + 3 * mri.mean((2, 3), True), slices)
    assert found["64 px of padding"] > 5


def test_what_depends_on_the_direction_is_found_out(slices):
    ramp = torch.linspace(0, 1, 72)[None, None]
    found = _changes(lambda mri, mask: mask * F.interpolate(ramp, mri.shape[-1]), slices)
    assert found["turning by 10 degrees"] > 1


def test_the_model_that_ships_keeps_its_colours_as_its_card_says():
    """On three slices of a real head; the evaluation has 1.9 and 1.2 on whole volumes."""
    volume = read_volume(HEAD)
    scaled, body = normalize(volume.array)
    order = slice_order(volume, "axial")
    mri, mask = (array.transpose(order)[[24, 32, 40]] for array in (scaled, body))
    spacing = volume.spacing[::-1]
    found = network_changes(load_model(), mri, mask, (spacing[order[1]], spacing[order[2]]))
    means = {change.name: float(change.ciede2000.mean()) for change in found}
    assert means["64 px of padding"] < 2
    assert means["gain 0.85"] < 2


class _Engine:
    """Colours by the volume's own greatest value, and remembers the sizes it was given."""

    def __init__(self):
        self.given = []

    def colorize(self, volume, options):
        self.given.append((volume.array.shape, volume.spacing))
        scaled = volume.array / volume.array.max() * options.mask * 255
        picture = np.repeat(np.rint(scaled)[..., None], 3, axis=-1).astype(np.uint8)
        return SimpleNamespace(array=picture)


def test_the_engine_is_asked_in_five_ways_in_which_no_tissue_changes(slices):
    mri, mask = slices
    engine = _Engine()
    volume = Volume(mri, np.diag([2.0, 1.0, 5.0, 1.0]))
    changes = engine_changes(engine, volume, mask, "axial")
    assert [change.name for change in changes] == [
        "64 px of padding",
        "cropping",
        "gain 0.85",
        "turning by 10 degrees",
        "twice the pixels",
    ]
    for change in changes:
        assert change.ciede2000.shape == (2,)
        assert change.ciede2000.max() < 1
    shapes = [shape for shape, _ in engine.given]
    asked = [(80, 72), (208, 200), (60, 54), (80, 72), (80, 72), (160, 144)]
    assert shapes == [(2, rows, columns) for rows, columns in asked]
    assert engine.given[-1][1] == pytest.approx((1.0, 0.5, 5.0))


def test_an_engine_that_depends_on_the_field_of_view_or_the_direction_is_found_out(slices):
    mri, mask = slices
    volume = Volume(mri, np.diag([1.0, 1.0, 5.0, 1.0]))

    def changes(colors):
        engine = SimpleNamespace(
            colorize=lambda given, options: SimpleNamespace(array=colors(given, options.mask))
        )
        found = engine_changes(engine, volume, mask, "axial")
        return {change.name: float(change.ciede2000.max()) for change in found}

    def by_place(given, inside):
        ramp = np.linspace(0, 255, given.array.shape[2])
        return np.broadcast_to(ramp[None, None, :, None], (*given.array.shape, 3)).astype(np.uint8)

    def by_share(given, inside):
        return np.full((*given.array.shape, 3), round(255 * inside.mean()), np.uint8)

    assert changes(by_place)["turning by 10 degrees"] > 1
    assert changes(by_place)["cropping"] > 2
    assert changes(by_share)["64 px of padding"] > 5
    assert changes(by_share)["gain 0.85"] == changes(by_share)["twice the pixels"] == 0


def test_turning_is_one_of_millimetres():
    # A bar along the rows of pixels that are 1 mm by 2 mm, turned by 90 degrees.
    bar = np.zeros((1, 61, 41), np.float32)
    bar[0, 30, 10:31] = 1
    turned = turn_slices(bar, 90, (1.0, 2.0), 0)[0]
    assert turned.sum(axis=0).argmax() == 20
    assert turned[:, 20].sum() == pytest.approx(42, abs=0.01)  # 21 pixels of 2 mm are 42 of 1 mm


def test_turning_back_brings_every_pixel_to_its_place():
    y, x = np.mgrid[0:60, 0:50]
    smooth = 0.5 + 0.4 * np.stack([np.sin(x / 4), np.cos(y / 5 - x / 7)])
    steps = (1.0, 1.5)
    back = turn_slices(turn_slices(smooth, 7, steps, 0), -7, steps, 0)
    inside = (slice(None), slice(10, -10), slice(10, -10))  # nothing comes in from outside
    np.testing.assert_allclose(back[inside], smooth[inside], atol=0.02)  # interpolated twice
