"""Batches: what a training step is promised."""

import dataclasses

import numpy as np
import pytest
import torch

import phantoms
from MRIColorizeLib.tissue import CLASSES, Tissue
from training.config import SliceConfig, SynthesisConfig
from training.data.prepared import PreparedVolume
from training.data.slices import SliceSource
from training.data.synthesis import Random

ORDINARY = {"crops": (64,), "stretched": 0.0, "photographs": 0.5, "heads": 0.5}
STILL = {
    "proportions": 0.0,
    "fluid": 0.0,
    "spacing_jitter": 0,
    "elastic_mm": 0,
    "tilt_degrees": 0,
    "any_rotation": 0,
    "parts": 0,
    "cuts": 0,
    "strip": 0,
    "csf_rim": 0,
}


def _draw(volumes, seed=0, split="train", **settings):
    source = SliceSource(volumes, split, SliceConfig(**{**ORDINARY, **settings}))
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
    source = SliceSource([black], "train", SliceConfig(**{**ORDINARY, "photographs": 0}))
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
    without = _draw(volumes, **STILL)
    with_rim = _draw(volumes, **{**STILL, "csf_rim": 1})
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


def _torso(side=Tissue.LIVER):
    """A body of fat whose organ lies on the patient's right, at the back and above."""
    labels = np.full((20, 60, 80), Tissue.FAT, np.uint8)
    labels[10:, 30:, :40] = side  # from inferior to superior, anterior to posterior, right to left
    entry = dataclasses.replace(phantoms.mri().entry, name="torso", region="body")
    spacing = np.full(3, 2, np.float32)
    return PreparedVolume(entry, np.zeros(labels.shape, np.uint8), labels, spacing)


def test_slices_lie_as_the_engine_turns_them():
    """Right is left, the front and the top are up, the face looks left."""
    # A slice through the organ, and the corner that it fills: axial, coronal, sagittal.
    corners = ((5, (1, 0)), (45, (0, 0)), (20, (0, 1)))
    source = SliceSource([_torso()], "train", SliceConfig())
    assert len(source.stacks) == 3
    for stack, (index, (row, column)) in zip(source.stacks, corners, strict=True):
        quarters = np.array_split(stack.labels[index], 2, axis=0)
        halves = [np.array_split(part, 2, axis=1) for part in quarters]
        full = [[(half == Tissue.LIVER).all() for half in pair] for pair in halves]
        assert full[row][column], stack
        assert sum(map(sum, full)) == 1


def test_one_sided_anatomy_is_hardly_mirrored_and_never_front_to_back():
    for volume, share in ((_torso(), 0.1), (_torso(Tissue.MUSCLE), 0.5)):
        mirrored = [
            stack.mirrored for stack in SliceSource([volume], "train", SliceConfig()).stacks
        ]
        assert mirrored == [share, share, 0.0]


@pytest.mark.parametrize(("section", "pixel"), [(160, 1.075), (100, 1.72), (20, 2.0), (900, 0.7)])
def test_a_section_is_seen_at_the_size_that_the_engine_would_show_it(section, pixel):
    """160 mm and 6 mm of margin on both sides span the section's pixels, within the bounds."""
    torso, settings = _torso(), {"section": section, "crops": (256,), "photographs": 0, "heads": 0}
    batch = _draw([torso], seed=2, **{**STILL, **settings})
    width = (batch.mask.sum(dim=(1, 2, 3)) / batch.mask.amax(dim=3).sum(dim=(1, 2))).tolist()
    for measured in width:
        assert min(abs(measured - mm / pixel) for mm in (160, 120)) < 0.03 * measured + 2


def test_a_field_of_view_cuts_the_body_straight():
    """What lies outside is background; inside, the body fills the crop to the cut."""
    settings = {**STILL, "cuts": 1.0, "photographs": 0, "heads": 0, "crops": (192,)}
    batch = _draw([_torso(Tissue.MUSCLE)], seed=1, **settings)
    for mask in batch.mask[:, 0]:
        rows, columns = mask.any(dim=1), mask.any(dim=0)
        assert mask.sum() > 0.97 * rows.sum() * columns.sum()  # a rectangle


def test_a_part_that_lies_alone_is_seen_alone():
    leg = _torso(Tissue.MUSCLE)
    labels = np.concatenate([leg.labels, np.zeros((20, 60, 40), np.uint8), leg.labels], axis=2)
    legs = dataclasses.replace(leg, labels=labels, image=np.zeros(labels.shape, np.uint8))
    settings = {**STILL, "crops": (320,), "photographs": 0, "heads": 0, "section": 224}
    both = _draw([legs], seed=3, **settings).mask.sum(dim=(1, 2, 3))
    one = _draw([legs], seed=3, **{**settings, "parts": 1.0})
    assert float(one.mask.any(dim=2).float().mean()) > 0
    gaps = [(row.diff() == 1).sum() + row[0] for row in one.mask[:, 0].any(dim=1).float()]
    assert all(int(gap) == 1 for gap in gaps)
    assert one.mask.sum(dim=(1, 2, 3)).median() > 0.7 * both.median()  # and at a finer scale


def test_bodies_get_bags_of_fluid_where_there_is_room_and_heads_get_none():
    settings = {**STILL, "fluid": 1.0, "photographs": 0}
    fluid = _draw([_torso(Tissue.BOWEL)], heads=0, **settings).labels == Tissue.CSF
    assert 0.001 < float(fluid.float().mean()) < 0.5
    bone = dataclasses.replace(
        _torso(), labels=np.where(_torso().labels > 0, 4, 0).astype(np.uint8)
    )
    assert not (_draw([bone], heads=0, **settings).labels == Tissue.CSF).any()


def test_groups_are_drawn_in_the_configured_shares():
    volumes = [*phantoms.training_set(), _torso()]
    source = SliceSource(volumes, "train", SliceConfig(photographs=0.2, heads=0.3))
    shares = {}
    for stack, weight in zip(source.stacks, source.weights.tolist(), strict=True):
        shares[stack.group] = shares.get(stack.group, 0) + weight
    assert shares == pytest.approx({"photographs": 0.2, "heads": 0.3, "bodies": 0.5})
