"""Contrasts from physics: the order of the tissues that every radiologist knows, and the range."""

import pytest
import torch

from MRIColorizeLib.tissue import Tissue
from training.config import SEQUENCE_COUNT, SynthesisConfig
from training.data.contrast import SEQUENCES, draw_signals
from training.data.structures import CODES, Deep
from training.data.synthesis import Random

GREY, WHITE, CSF = Tissue.GREY_MATTER, Tissue.WHITE_MATTER, Tissue.CSF
FAT, MUSCLE, BONE, AIR = Tissue.FAT, Tissue.MUSCLE, Tissue.BONE, Tissue.AIR
LIVER, SPLEEN, KIDNEY, BLOOD = Tissue.LIVER, Tissue.SPLEEN, Tissue.KIDNEY, Tissue.BLOOD
PLAIN = {"fat_suppressed": 0.0, "dixon": 0.0, "inflow": 0.0, "outflow": 0.0, "agent": 0.0}


def _signals(name, count=200, spread=0.0, **settings):
    which = torch.full((count,), list(SEQUENCES).index(name))
    config = SynthesisConfig(properties=spread, **{**PLAIN, **settings})
    return draw_signals(which, config, 1.0, Random(0))


def _drawn(name, count=200, spread=0.0, **settings):
    return _signals(name, count, spread, **settings).whole


@pytest.mark.parametrize(
    ("sequence", "order"),
    [
        ("T1 spin echo", (AIR, CSF, GREY, WHITE, FAT)),
        ("T1 spin echo", (CSF, SPLEEN, LIVER, FAT)),
        ("T1 inversion recovery", (AIR, CSF, GREY, Deep.PUTAMEN, Deep.THALAMUS, WHITE, FAT)),
        ("T1 gradient echo", (AIR, CSF, GREY, WHITE, FAT)),
        ("T2", (BONE, MUSCLE, WHITE, GREY, CSF)),
        ("T2", (Deep.TENDON, MUSCLE, LIVER, SPLEEN, CSF)),
        ("T2", (Deep.IRON_RICH, Deep.PUTAMEN, GREY)),
        ("PD", (BONE, MUSCLE, WHITE, GREY)),
        ("FLAIR", (CSF, WHITE, GREY)),
        ("balanced", (BONE, MUSCLE, WHITE, CSF)),
        ("balanced", (Tissue.HEART, BLOOD)),
        ("STIR", (FAT, MUSCLE, CSF)),
    ],
)
def test_the_mean_brightness_of_the_tissues_is_in_the_textbooks_order(sequence, order):
    means = _drawn(sequence).mean(0)[list(order)]
    assert (means.diff() > 0).all(), dict(zip(order, means.tolist(), strict=True))


def test_spin_echo_follows_its_signal_equation():
    from training.data.contrast import spin_echo

    values = (torch.tensor(value) for value in (0.7, 700.0, 80.0, 1e9, 80.0))
    torch.testing.assert_close(
        spin_echo(*values), torch.tensor(0.7) * torch.exp(torch.tensor(-1.0))
    )


def test_every_contrast_is_black_in_the_background_and_one_in_its_brightest_tissue():
    for name in SEQUENCES:
        drawn = _drawn(name, 50, spread=0.15)
        assert drawn.shape == (50, CODES)
        assert (drawn[:, Tissue.BACKGROUND] == 0).all()
        assert torch.isfinite(drawn).all()
        assert (drawn >= 0).all()
        torch.testing.assert_close(drawn.amax(dim=1), torch.ones(50))


def test_fat_is_suppressed_in_the_asked_share_and_bright_in_the_others():
    fat = _drawn("T1 spin echo", 1000, fat_suppressed=0.2)[:, FAT]
    assert 0.12 < float((fat < 0.95).float().mean()) < 0.28
    assert float(fat.median()) > 0.9


def test_dixon_gives_water_fat_and_opposed_phase_images():
    signals = _signals("T1 gradient echo", 900, dixon=1.0)
    fat, muscle = signals.whole[:, FAT], signals.whole[:, MUSCLE]
    opposed, marrow = signals.opposed, Tissue.MARROW
    of_fat, of_water = (fat > 5 * muscle) & ~opposed, (muscle > 1.5 * fat) & ~opposed
    for share in (of_fat, of_water, opposed):
        assert 0.25 < float(share.float().mean()) < 0.42
    # Where fat and water share a voxel, opposed phases leave less than either image alone.
    apart = signals.whole[opposed][:, marrow]
    assert (apart < signals.water[opposed][:, marrow] + signals.fat[opposed][:, marrow]).all()
    assert (signals.whole[of_water][:, LIVER] > signals.whole[of_water][:, FAT]).all()


def test_the_same_seed_draws_the_same_contrasts():
    assert torch.equal(_drawn("T2", 20, 0.1), _drawn("T2", 20, 0.1))


def test_there_is_a_share_for_every_sequence():
    assert len(SEQUENCES) == SEQUENCE_COUNT == len(SynthesisConfig().shares)


def test_fresh_blood_outshines_muscle_in_gradient_echoes_and_leavesspin_echoes():
    blood, muscle = _drawn("T1 gradient echo", inflow=1.0)[:, [BLOOD, MUSCLE]].T
    assert (blood > 1.15 * muscle).all()
    blood, muscle = _drawn("T2", outflow=1.0)[:, [BLOOD, MUSCLE]].T
    assert (blood < _drawn("T2")[:, BLOOD]).all()


def test_a_contrast_agent_brightens_vessels_and_kidneys_in_t1_alone():
    bare, given = (_drawn("T1 gradient echo", agent=share) for share in (0.0, 1.0))
    for tissue in (BLOOD, KIDNEY, SPLEEN):
        over = (tissues[:, tissue] / tissues[:, MUSCLE] for tissues in (given, bare))
        assert float(next(over).mean()) > 1.2 * float(next(over).mean())
    assert torch.equal(_drawn("T2", agent=0.0), _drawn("T2", agent=1.0))
