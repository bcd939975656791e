"""Our tensor operations beside TorchIO, which does the same one volume at a time."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchio as tio

import phantoms
from MRIColorizeLib.intensity import normalize
from MRIColorizeLib.tissue import CLASSES, Tissue
from training.config import SliceConfig, SynthesisConfig
from training.data.slices import SliceSource, _window
from training.data.synthesis import Random, scale_like_the_engine, smooth_field, synthesize

PLAIN = SynthesisConfig(
    properties=0, class_jitter=0, random_contrast=0, texture=0, bias=0, noise=0, blur=1
)


class Fixed(Random):
    """Gives one number wherever one is drawn between 0 and 1, and never a flip."""

    def __init__(self, number):
        super().__init__(0)
        self.number = number

    def uniform(self, *shape, low=0.0, high=1.0):
        return torch.full(shape, self.number) * (high - low) + low

    def chance(self, probability):
        return False


def affine_of(spacing, center, angle_degrees=0.0):
    """World matrix of a (row, column, 1) grid around its middle voxel `center`."""
    angle = np.deg2rad(angle_degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.eye(4)
    matrix[:2, :2] = turn * spacing
    matrix[:2, 3] = -matrix[:2, :2] @ center
    return matrix


@pytest.mark.parametrize("number", [0.5, 0.9])
def test_a_bent_slice_is_the_slice_resampled_onto_the_turned_grid(number):
    """Without elastic bending: 0.9 turns by 20 degrees. Soft labels are one-hot, interpolated."""
    volume = phantoms.cryosection(shape=(1, 90, 80))
    labels = torch.from_numpy(volume.labels[0]).long()
    one_hot = F.one_hot(labels, CLASSES).permute(2, 0, 1).float()  # (classes, 90, 80)
    source = SliceSource([volume], "train", SliceConfig(elastic_mm=0))
    size, spacing, native, center = 48, 1.3, (1.0, 1.25), np.array((44.0, 41.0))
    offsets = source._offsets(size, spacing, Fixed(number))
    grid, box = _window(center, offsets, native, (90, 80))
    ours = F.grid_sample(one_hot[None][:, :, box[0], box[1]], grid, align_corners=False)[0]
    image = tio.ScalarImage(tensor=one_hot[..., None], affine=affine_of(native, center))
    middle = np.full(2, (size - 1) / 2)
    turned = affine_of(spacing, middle, 25 * (2 * number - 1))
    target = tio.ScalarImage(tensor=torch.zeros(1, size, size, 1), affine=turned)
    theirs = tio.Resample(target, image_interpolation="linear")(image).data[..., 0]
    assert ours.sum() > 0.9 * size**2
    torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=0)


def test_scaling_to_a_percentile_is_torchio_s_rescaling_under_a_mask():
    image = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0)) * 700
    mask = torch.zeros_like(image)
    mask[..., 5:35, 8:] = 1
    image[..., 6, 9] = 0  # the lowest value in the mask, from which TorchIO counts
    plain = SynthesisConfig(gain=0, gamma=0)
    ours = scale_like_the_engine(image, mask, torch.zeros(1), plain, 1.0, Random(0))[0]
    rescale = tio.RescaleIntensity(
        (0, 1), percentiles=(0, 99), masking_method=lambda _: mask[0, ..., None] > 0
    )
    theirs = rescale(tio.ScalarImage(tensor=image[0, ..., None])).data[..., 0] * mask[0]
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_the_engine_s_normalisation_takes_the_volume_s_contrast_from_torchio_s_standardised_one():
    """Standardised to mean 0 and deviation 1 first, a volume gives the same picture."""
    volume = phantoms.mri(shape=(12, 30, 26))
    body = volume.labels > 0
    standardize = tio.ZNormalization(masking_method=lambda _: torch.from_numpy(body)[None])
    z = standardize(tio.ScalarImage(tensor=torch.from_numpy(volume.image)[None])).data[0].numpy()
    plain, standardized = (normalize(array, body)[0] for array in (volume.image, z))
    np.testing.assert_allclose(plain, standardized, atol=2e-4)


def test_background_noise_is_the_magnitude_of_torchio_s_gaussian_noise_on_two_channels():
    """Rician noise without signal: mean and deviation stand in the ratio of Rayleigh's, 1.913."""
    empty = torch.zeros(1, CLASSES, 128, 128)
    empty[:, 0] = 1
    noisy, _ = synthesize(empty, None, SynthesisConfig(noise=0.1), 1.0, Random(1))
    torch.manual_seed(0)
    channels = tio.RandomNoise(std=(0.1, 0.1))(tio.ScalarImage(tensor=torch.zeros(2, 128, 128, 1)))
    magnitude = channels.data.square().sum(0).sqrt()
    ours, theirs = (float(image.mean() / image.std()) for image in (noisy, magnitude))
    assert ours == pytest.approx(theirs, rel=0.03)


def test_our_bias_field_multiplies_and_is_as_smooth_as_torchio_s():
    """Slope against spread of the logarithm, the mean over draws of both."""
    torch.manual_seed(0)
    flat = tio.ScalarImage(tensor=torch.ones(1, 96, 96, 2))
    fields = [tio.RandomBiasField(0.5, order=3)(flat).data[0, ..., 0].log() for _ in range(12)]
    ours = smooth_field(12, (96, 96), 4, Random(0))[:, 0]

    def roughness(field):
        return float(field.diff(dim=0).square().mean().sqrt() / field.std())

    rough = [np.mean([roughness(field) for field in some]) for some in (ours, fields)]
    assert 0.5 < rough[0] / rough[1] < 2
    tissue = torch.zeros(1, CLASSES, 64, 64)
    tissue[:, Tissue.FAT] = 1
    lit, _ = synthesize(tissue, None, SynthesisConfig(**{**vars(PLAIN), "bias": 0.5}), 1, Random(4))
    even, _ = synthesize(tissue, None, PLAIN, 1, Random(4))
    ratio = (lit / even).log()[0, 0]
    assert ratio.std() > 0.02
    assert roughness(ratio) < 2 * rough[1] * 96 / 64
