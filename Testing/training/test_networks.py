"""The networks that only the training has: shapes, sizes, and what they are built of."""

import dataclasses

import pytest
import torch

from MRIColorizeLib.network.generator import DualDecoderGenerator, GeneratorConfig
from MRIColorizeLib.tissue import CLASSES
from training.config import CriticConfig
from training.networks.back import BackGenerator
from training.networks.discriminator import Critics, Discriminator
from training.networks.segnet import SegNet

SMALL = GeneratorConfig(width=4, branch_width=4, blocks=1)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (37, 51)])
def test_any_size_goes_through_segnet_and_back_generator(height, width):
    picture = torch.rand(2, 3, height, width)
    assert SegNet(4, 3)(picture).shape == (2, CLASSES, height, width)
    mask = torch.ones(2, 1, height, width)
    mask[..., :5] = 0
    grey = BackGenerator(SMALL)(picture, mask)
    assert grey.shape == (2, 1, height, width)
    assert grey.min() >= 0
    assert grey.max() <= 1
    assert grey[..., :5].abs().max() == 0


def test_the_back_generator_can_be_narrower_than_the_generator():
    narrow, same = BackGenerator(SMALL, 2), BackGenerator(SMALL)
    assert narrow.config.width == 2
    assert same.config.width == SMALL.width


def test_the_published_discriminator_gives_one_number_and_has_its_layers():
    published = Discriminator(CriticConfig("published"), 3)
    assert published(torch.rand(2, 3, 64, 64), torch.zeros(2, 64, 64)).shape == (2, 1, 1, 1)
    shapes = [tuple(p.shape[:2]) for p in published.parameters() if p.ndim == 4]
    assert shapes == [(64, 3), (128, 64), (128, 128), (128, 128), (1, 128)]


def test_a_patch_discriminator_judges_patches_with_a_bounded_slope():
    torch.manual_seed(0)
    patches = Discriminator(CriticConfig("patch", 8), 1)
    labels = torch.zeros(1, 64, 64)
    for _ in range(20):  # the power iteration settles
        patches(torch.rand(1, 1, 64, 64), labels)
    first = torch.rand(1, 1, 64, 64)
    second = first + 0.05 * torch.randn_like(first)
    judged = patches(first, labels), patches(second, labels)
    assert judged[0].shape[-1] > 1
    for layer in patches.layers:
        if hasattr(layer, "weight"):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 1.1
    # A 4x4 kernel reads a pixel at most 16 times: five layers of norm 1, each stride 2 or 1.
    assert (judged[0] - judged[1]).norm() < 16**2.5 * (first - second).norm()


def test_a_conditioned_discriminator_sees_the_labels():
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 32, 32)
    labels = [torch.full((1, 32, 32), code) for code in (0, 3)]
    seeing = Discriminator(CriticConfig(width=4, conditioned=True), 3).eval()
    blind = Discriminator(CriticConfig(width=4), 3).eval()
    assert not torch.equal(*(seeing(picture, label) for label in labels))
    assert torch.equal(*(blind(picture, label) for label in labels))


def test_the_two_discriminators_and_the_two_decoders_share_nothing():
    critics = Critics(CriticConfig(width=4))
    generator = DualDecoderGenerator(dataclasses.replace(SMALL, head="rgb"))
    pairs = (critics.mri, critics.cryosection), (generator.semantic, generator.color)
    for first, second in pairs:
        places = {parameter.data_ptr() for parameter in first.parameters()}
        assert not places & {parameter.data_ptr() for parameter in second.parameters()}
