"""Misregistered pairs: the target lies as far from the input as was asked, and nowhere else."""

import dataclasses

import pytest
import torch

import phantoms
from training.config import CONFIGS, SliceConfig, SynthesisConfig
from training.data.misregistration import displaced, displacement, margin_pixels
from training.data.slices import SliceSource
from training.data.synthesis import Random
from training.errors import ConfigError
from training.sampling import StepSource
from training.settings import load_config

STILL = SliceConfig(
    crops=(224,),
    stretched=0,
    least_mm=1.0,
    most_mm=1.0,
    spacing_jitter=0,
    elastic_mm=0,
    tilt_degrees=0,
    parts=0,
    cuts=0,
    strip=0,
    csf_rim=0,
)


def _draw(config, volumes=None):
    source = SliceSource(volumes or phantoms.training_set(), "train", config)
    return source.draw(4 * 224 * 224, SynthesisConfig(), 0.5, Random(3))


def _center(weights):
    """Centre of (B, H, W) in pixels, (B, 2)."""
    total = weights.sum(dim=(1, 2))
    places = torch.arange(weights.shape[-1], dtype=torch.float32)
    y = (weights.sum(2) * places).sum(1) / total
    x = (weights.sum(1) * places).sum(1) / total
    return torch.stack((x, y), dim=1)


@pytest.mark.parametrize("mm", [2.0, 5.0, 10.0])
@pytest.mark.parametrize("pixel", [1.0, 1.5])
def test_targets_are_shifted_by_the_asked_millimetres(mm, pixel):
    """On whole ellipses: their centre in colours and labels against that of the MRI's body."""
    config = dataclasses.replace(STILL, misregistration_mm=mm, least_mm=pixel, most_mm=pixel)
    batch = _draw(config, [phantoms.cryosection(shape=(2, 90, 80))])
    body = _center(batch.mask[:, 0])
    # Labels cannot be moved by parts of a pixel; colours can.
    for target, error in (((batch.labels > 0).float(), 0.75), (batch.real_B.sum(1), 0.25)):
        away = (_center(target) - body).norm(dim=1) * pixel
        assert away == pytest.approx(torch.full_like(away, mm), abs=error * pixel)


def test_the_shift_has_every_direction():
    config = SliceConfig(misregistration_mm=4.0)
    field = displacement((8, 8), torch.full((400,), 2.0), config, Random(0))
    assert field.norm(dim=1) == pytest.approx(torch.full((400, 8, 8), 2.0))
    assert field[:, :, 0, 0].mean(0).abs().max() < 0.25


def test_the_elastic_field_has_the_asked_length_and_is_smooth():
    config = SliceConfig(misregistration_elastic_mm=3.0)
    field = displacement((64, 64), torch.tensor([1.0, 1.5]), config, Random(0))
    length = (field**2).sum(1).mean(dim=(1, 2)).sqrt()
    assert length == pytest.approx(torch.tensor([3.0, 2.0]), rel=1e-4)
    assert field.diff(dim=-1).abs().max() < 1
    assert field.std(dim=(2, 3)).min() > 0.3  # it is no shift


def test_what_moves_in_is_real_and_not_the_border(monkeypatch):
    """A picture wider than the crop: no row or column of the target is repeated at its edge."""
    config = dataclasses.replace(STILL, crops=(32,), misregistration_mm=10.0)
    source = SliceSource([phantoms.cryosection()], "train", config)
    batch = source.draw(16 * 32 * 32, SynthesisConfig(), 0.5, Random(1))
    assert batch.real_A.shape[-2:] == batch.real_B.shape[-2:] == batch.labels.shape[-2:] == (32, 32)
    body = batch.real_B.sum(1)
    for line, beside in ((body[:, 0], body[:, 1]), (body[:, :, -1], body[:, :, -2])):
        full = (line > 0).all(dim=1)
        assert full.any()
        assert (line != beside)[full].any(dim=1).all()


def test_registered_pairs_are_what_they_were():
    plain, none = (_draw(c) for c in (STILL, dataclasses.replace(STILL, misregistration_mm=0.0)))
    assert margin_pixels(STILL) == 0
    for name in ("real_A", "real_B", "labels", "mask"):
        assert torch.equal(getattr(plain, name), getattr(none, name))


def test_only_training_pairs_are_misregistered():
    config = load_config(
        CONFIGS / "tiny.toml",
        ["slices.misregistration_mm=5", "unpaired=0.5", "losses.cycle=1"],
    )
    source = StepSource(phantoms.training_set(), "train", config)
    assert source.registered.config.misregistration_mm == 5
    assert source.mri.config.misregistration_mm == source.cryosection.config.misregistration_mm == 0


def test_a_negative_displacement_is_refused():
    with pytest.raises(ConfigError, match="not negative"):
        load_config(CONFIGS / "tiny.toml", ["slices.misregistration_mm=-1"])


def test_a_field_of_zero_changes_nothing():
    image = torch.rand(2, 3, 9, 11)
    assert torch.allclose(displaced(image, torch.zeros(2, 2, 9, 11)), image, atol=1e-6)
