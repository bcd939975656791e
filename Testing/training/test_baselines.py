"""The trivial colourings and what they learn: from the training alone, region by region."""

import dataclasses

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from skimage.color import lab2rgb, rgb2lab

import phantoms
from MRIColorizeLib.tissue import PALETTE_LAB, Tissue
from training.data.prepared import ManifestEntry, PreparedVolume
from training.measure.cases.learned import (
    BINS,
    ColorStatistics,
    Region,
    RegionColors,
    learn_statistics,
    region_of,
)
from training.measure.colorings.baselines import (
    BASELINES,
    Subject,
    constant_color,
    contrast_table,
    grey_copy,
    intensity_table,
    optimal_transport,
    reinhard,
)
from training.measure.metrics import measures


@pytest.fixture(scope="module")
def mri():
    return np.random.default_rng(0).random((2, 24, 28)).astype(np.float32)


@pytest.fixture(scope="module")
def body(mri):
    mask = np.zeros(mri.shape, dtype=bool)
    mask[:, 3:21, 4:25] = True
    return mask


@pytest.fixture(scope="module")
def subject(mri, body):
    return Subject.of(mri, body, "T2", Region.HEAD)


def _ramp(low, high):
    return np.stack([np.linspace(low, high, BINS), np.full(BINS, 5.0), np.full(BINS, 9.0)], -1)


@pytest.fixture(scope="module")
def statistics():
    tables = {"T1": _ramp(10, 80), "T2": _ramp(80, 10)}
    head = RegionColors(
        np.array([50.0, 10, 20]), np.array([12.0, 5, 6]), _ramp(30, 70), tables, 0, 1
    )
    return ColorStatistics({Region.HEAD: head}, _ramp(10, 80), 1)


def _lab(picture, mask):
    return rgb2lab(picture.astype(np.float32) / 255)[mask]


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_is_black_outside_the_body(name, mri, body, subject, statistics):
    picture = BASELINES[name](mri, body, subject, statistics)
    assert picture.dtype == np.uint8
    assert picture.shape == (*mri.shape, 3)
    assert picture[~body].max() == 0


def test_a_grey_copy_has_all_structure_and_no_colour(mri, body, subject, statistics):
    picture = grey_copy(mri, body, subject, statistics).astype(np.float32) / 255
    assert measures.colorfulness(picture).max() == 0
    assert measures.ssim_whole(measures.grey(picture), np.where(body, mri, 0)).min() > 0.999


def test_a_constant_colour_has_colour_and_no_structure(mri, body, subject, statistics):
    picture = constant_color(mri, body, subject, statistics)
    np.testing.assert_allclose(_lab(picture, body), [[50, 10, 20]] * body.sum(), atol=0.6)
    light = measures.lightness(picture.astype(np.float32) / 255)
    assert measures.squared_ncc(light, mri, body).max() == 0


def test_reinhard_gives_the_body_the_mean_and_spread_of_the_cryosections(
    mri, body, subject, statistics
):
    lab = _lab(reinhard(mri, body, subject, statistics), body)
    np.testing.assert_allclose(lab.mean(axis=0), [50, 10, 20], atol=0.5)
    assert lab[:, 0].std() == pytest.approx(12, abs=0.3)


def test_optimal_transport_gives_the_body_the_cryosections_distribution(
    mri, body, subject, statistics
):
    lightness = _lab(optimal_transport(mri, body, subject, statistics), body)[:, 0]
    # The target's lightness is spread evenly from 30 to 70, whatever the source's is.
    np.testing.assert_allclose(np.quantile(lightness, (0.1, 0.5, 0.9)), (34, 50, 66), atol=0.8)


def test_optimal_transport_is_the_cheapest_plan():
    """Against the assignment of the same greys to the same colours that scipy finds."""
    rng = np.random.default_rng(3)
    greys = np.linspace(0, 1, BINS, dtype=np.float32)
    colors = np.column_stack((np.linspace(25, 75, BINS), rng.uniform(-8, 8, (BINS, 2))))
    source = rgb2lab(np.repeat(greys[:, None], 3, axis=1))
    cost = ((source[:, None] - colors[None]) ** 2).sum(-1)
    _, assigned = linear_sum_assignment(cost)
    region = RegionColors(np.zeros(3), np.ones(3), colors, {}, 0, 1)
    known = ColorStatistics({Region.BODY: region}, _ramp(0, 100), 1)
    picture = greys[None, None]
    mask = np.ones(picture.shape, dtype=bool)
    subject = Subject.of(picture, mask, "T1", Region.BODY)
    found = _lab(optimal_transport(picture, mask, subject, known), mask)
    np.testing.assert_allclose(found, colors[assigned], atol=0.6)  # eight bits


def test_a_colour_map_depends_on_the_intensity_alone(mri, body, subject, statistics):
    lab = _lab(intensity_table(mri, body, subject, statistics), body)
    expected = np.interp(mri[body], (1 / 128, 127 / 128), (10, 80))
    np.testing.assert_allclose(lab[:, 0], expected, atol=0.5)


def test_the_table_per_contrast_knows_the_contrast(mri, body, subject, statistics):
    lab = _lab(contrast_table(mri, body, subject, statistics), body)
    expected = np.interp(mri[body], (1 / 128, 127 / 128), (80, 10))  # T2's, reversed
    np.testing.assert_allclose(lab[:, 0], expected, atol=0.5)
    unknown = Subject(subject.intensities, "?", Region.HEAD)
    np.testing.assert_array_equal(
        contrast_table(mri, body, unknown, statistics),
        intensity_table(mri, body, unknown, statistics),  # here both hold T1's
    )


def _volume(name, kind, image, labels, split="train"):
    entry = ManifestEntry(name, f"{name}.npz", kind, split, "made", "0", "made", "made", {})
    return PreparedVolume(entry, image, labels, np.ones(3, np.float32))


def _made_set(color=(0.5, 0.4, 0.3), split="train"):
    """A cryosection of one colour, and an MRI: its bright half is white matter, the dark CSF."""
    labels = np.zeros((2, 16, 16), dtype=np.uint8)
    labels[:, 2:14, 2:8] = Tissue.CSF
    labels[:, 2:14, 8:14] = Tissue.WHITE_MATTER
    photograph = (np.array(color) * 255).round().astype(np.uint8) * (labels > 0)[..., None]
    ramp = np.linspace(0, 0.2, labels.size).reshape(labels.shape)
    image = np.where(labels == Tissue.CSF, 10 + ramp, np.where(labels > 0, 90 + ramp, 0))
    return [
        _volume(f"photo_{split}", "cryosection", photograph.astype(np.uint8), labels, split),
        _volume(f"mri_{split}", "mri", image.astype(np.float32), labels, split),
    ]


def test_the_baselines_learn_the_training_data():
    learned = learn_statistics(_made_set())
    colors = learned.regions[Region.BRAIN]
    assert (colors.frames, learned.volumes) == (2, 1)
    np.testing.assert_allclose(lab2rgb(colors.mean_lab), [0.5, 0.4, 0.3], atol=0.005)
    np.testing.assert_allclose(colors.std_lab, 0, atol=0.05)
    np.testing.assert_allclose(learned.table[6], PALETTE_LAB[Tissue.CSF], atol=0.1)
    np.testing.assert_allclose(learned.table[-1], PALETTE_LAB[Tissue.WHITE_MATTER], atol=0.1)


def test_the_baselines_learn_nothing_from_validation_and_test():
    alone = learn_statistics(_made_set())
    more = learn_statistics(
        [*_made_set(), *_made_set((1, 0, 0), "val"), *_made_set((0, 1, 0), "test")]
    )
    for region in Region:
        first, second = alone.regions[region], more.regions[region]
        np.testing.assert_array_equal(first.mean_lab, second.mean_lab)
        np.testing.assert_array_equal(first.tables["T2"], second.tables["T2"])
    np.testing.assert_array_equal(alone.table, more.table)
    with pytest.raises(ValueError, match="training cryosection"):
        learn_statistics(_made_set(split="val"))


def test_the_table_of_t1_learns_from_t1_scans_alone():
    alone = learn_statistics(_made_set())
    t2 = phantoms.mri("brain_anna_t2")
    without_scan = phantoms.mri("head_made")
    without_scan = dataclasses.replace(without_scan, image=np.zeros_like(without_scan.image))
    more = learn_statistics([*_made_set(), t2, without_scan])
    np.testing.assert_array_equal(alone.table, more.table)
    assert more.volumes == alone.volumes


def test_regions_are_told_by_their_tissues():
    head = phantoms.mri().labels
    assert region_of(head) == Region.HEAD
    brain = np.where(np.isin(head, (6, 7, 8)), head, 0).astype(np.uint8)
    assert region_of(brain) == Region.BRAIN
    assert region_of(np.full((1, 4, 4), Tissue.MUSCLE, np.uint8)) == Region.BODY
