"""Batches: what a training step is promised."""

import dataclasses

import numpy as np
import pytest
import torch

import phantoms
from MRIColorizeLib.tissue import CLASSES, Tissue
from training.config import SliceConfig, SynthesisConfig
from training.data.slices import SliceSource
from training.data.synthesis import Random


def _draw(volumes, seed=0, split="train", **settings):
    source = SliceSource(volumes, split, SliceConfig(crops=(64,), **settings))
    return source.draw(8 * 64 * 64, SynthesisConfig(), 0.5, Random(seed))


def test_a_batch_keeps_its_contract():
    batch = _draw(phantoms.training_set(), seed=1)
    assert batch.real_A.shape == (8, 1, 64, 64)
    assert batch.real_B.shape == (8, 3, 64, 64)
    assert batch.labels.shape == (8, 64, 64)
    for image in (batch.real_A, batch.real_B):
        assert image.min() >= 0
        assert image.max() <= 1
    assert batch.labels.max() < CLASSES
    assert batch.real_A[batch.mask == 0].abs().max() == 0
    assert (batch.real_B * (1 - batch.mask)).abs().max() == 0
    assert batch.photograph.any()
    assert not batch.photograph.all()


def test_batches_are_seeded():
    first, again = _draw(phantoms.training_set(), 5), _draw(phantoms.training_set(), 5)
    assert torch.equal(first.real_A, again.real_A)
    assert torch.equal(first.real_B, again.real_B)


def test_a_label_map_without_image_gets_a_synthetic_one():
    volume = next(one for one in phantoms.training_set() if one.entry.kind == "mri")
    black = dataclasses.replace(volume, image=np.zeros_like(volume.image))
    source = SliceSource([black], "train", SliceConfig(crops=(64,), photographs=0))
    never = SynthesisConfig(synthetic=0)
    batch = source.draw(4 * 64 * 64, never, 0.5, Random(0))
    assert batch.real_A.amax() > 0.3


def test_splits_do_not_mix():
    source = SliceSource(phantoms.training_set(), "val", SliceConfig())
    photographs = [stack for stack in source.stacks if stack.photograph]
    assert [len(stack.labels) for stack in photographs] == [1]
    with pytest.raises(ValueError, match="test"):
        SliceSource(phantoms.training_set(), "test", SliceConfig())


def test_cryosection_brains_get_a_rim_of_csf():
    volumes = [phantoms.cryosection()]
    settings = {"strip": 0, "spacing_jitter": 0, "elastic_mm": 0}
    without = _draw(volumes, csf_rim=0, **settings)
    with_rim = _draw(volumes, csf_rim=1, **settings)
    share = [(batch.labels == Tissue.CSF).float().mean() for batch in (without, with_rim)]
    assert share[1] > 1.5 * share[0]


def test_stripped_brains_keep_nothing_but_brain_and_csf():
    batch = _draw([phantoms.cryosection()], strip=1.0)
    kept = set(batch.labels.unique().tolist())
    allowed = {Tissue.BACKGROUND, Tissue.GREY_MATTER, Tissue.WHITE_MATTER, Tissue.CSF}
    assert Tissue.GREY_MATTER in kept
    assert kept <= allowed


def test_no_crop_is_of_the_gap_between_two_legs():
    leg = phantoms.cryosection(shape=(1, 90, 80))
    apart = ((0, 0), (0, 0), (0, 500))  # the middle of both lies 200 mm from either
    labels, image = np.pad(leg.labels, apart), np.pad(leg.image, (*apart, (0, 0)))
    labels[..., -80:], image[..., -80:, :] = labels[..., :80], image[..., :80, :]
    legs = dataclasses.replace(leg, labels=labels, image=image)
    batches = [_draw([legs], seed) for seed in range(4)]
    assert min(batch.mask.mean(dim=(1, 2, 3)).min() for batch in batches) > 0
