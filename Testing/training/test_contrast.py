"""Contrasts from physics: the order of the tissues that every radiologist knows, and the range."""

import pytest
import torch

from MRIColorizeLib.tissue import CLASSES, Tissue
from training.config import SEQUENCE_COUNT, SynthesisConfig
from training.data.contrast import SEQUENCES, draw_intensities
from training.data.synthesis import Random

GREY, WHITE, CSF = Tissue.GREY_MATTER, Tissue.WHITE_MATTER, Tissue.CSF
FAT, MUSCLE, BONE, AIR = Tissue.FAT, Tissue.MUSCLE, Tissue.BONE, Tissue.AIR


def _drawn(name, count=200, spread=0.0, **settings):
    which = torch.full((count,), list(SEQUENCES).index(name))
    config = SynthesisConfig(properties=spread, **settings)
    return draw_intensities(which, config, 1.0, Random(0))


@pytest.mark.parametrize(
    ("sequence", "order"),
    [
        ("T1 spin echo", (AIR, CSF, GREY, WHITE, FAT)),
        ("T1 inversion recovery", (AIR, CSF, GREY, WHITE, FAT)),
        ("T1 gradient echo", (AIR, CSF, GREY, WHITE, FAT)),
        ("T2", (BONE, MUSCLE, WHITE, GREY, CSF)),
        ("PD", (BONE, MUSCLE, WHITE, GREY)),
        ("FLAIR", (CSF, WHITE, GREY)),
        ("balanced", (BONE, MUSCLE, WHITE, CSF)),
    ],
)
def test_the_mean_brightness_of_the_tissues_is_in_the_textbooks_order(sequence, order):
    means = _drawn(sequence).mean(0)[list(order)]
    assert (means.diff() > 0).all(), dict(zip(order, means.tolist(), strict=True))


def test_spin_echo_follows_its_signal_equation():
    long_repetition, long_echo = 1e9, 80.0
    from training.data.contrast import _spin_echo

    signal = _spin_echo(
        torch.tensor(0.7),
        torch.tensor(700.0),
        torch.tensor(80.0),
        torch.tensor(long_repetition),
        torch.tensor(long_echo),
    )
    torch.testing.assert_close(signal, torch.tensor(0.7) * torch.exp(torch.tensor(-1.0)))


def test_every_contrast_is_black_in_the_background_and_one_in_its_brightest_tissue():
    for name in SEQUENCES:
        drawn = _drawn(name, 50, spread=0.15)
        assert drawn.shape == (50, CLASSES)
        assert (drawn[:, Tissue.BACKGROUND] == 0).all()
        assert torch.isfinite(drawn).all()
        assert (drawn >= 0).all()
        torch.testing.assert_close(drawn.amax(dim=1), torch.ones(50))


def test_fat_is_suppressed_in_some_images_and_bright_in_the_others():
    fat = _drawn("T1 spin echo", 1000)[:, FAT]
    assert 0.05 < float((fat < 0.5).float().mean()) < 0.25
    assert float(fat.median()) > 0.9


def test_the_same_seed_draws_the_same_contrasts():
    assert torch.equal(_drawn("T2", 20, 0.1), _drawn("T2", 20, 0.1))


def test_there_is_a_share_for_every_sequence():
    assert len(SEQUENCES) == SEQUENCE_COUNT == len(SynthesisConfig().shares)


def test_blood_that_flows_in_outshines_muscle_in_gradient_echoes():
    blood, muscle = _drawn("T1 gradient echo", inflow=1.0)[:, [Tissue.ORGAN, MUSCLE]].T
    assert (blood > 1.15 * muscle).all()
    some = _drawn("T1 gradient echo", 1000, inflow=0.3)[:, [Tissue.ORGAN, MUSCLE]].T
    assert 0.2 < float((some[0] > 1.15 * some[1]).float().mean()) < 0.5


def test_every_image_can_have_its_fat_suppressed():
    assert float(_drawn("T1 spin echo", fat_suppressed=0.0)[:, FAT].min()) > 0.9
    assert (_drawn("T1 spin echo", fat_suppressed=1.0)[:, FAT] < 1).all()
