"""Losses: each does what its sentence says."""

import numpy as np
import pytest
import torch
from pytorch_msssim import ssim as reference_ssim
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from MRIColorizeLib.network.generator import DualDecoderGenerator, GeneratorConfig
from training.config import LossConfig
from training.data.slices import Batch
from training.losses import (
    TISSUE_WEIGHTS,
    least_squares,
    soft_dice_loss,
    supervised_losses,
    tissue_cross_entropy,
)
from training.structure import (
    SIGMA,
    gaussian_blur,
    lightness_structure,
    ms_ssim_loss,
    squared_ncc,
    ssim_loss,
    ssim_map,
)

WINDOWS = (11, 9, 7, 5, 3)


def _batch(size=32):
    rng = torch.Generator().manual_seed(0)
    return Batch(
        torch.rand(2, 1, size, size, generator=rng),
        torch.ones(2, 1, size, size),
        torch.randint(0, 13, (2, size, size), generator=rng),
        torch.rand(2, 3, size, size, generator=rng),
        torch.tensor([True, False]),
    )


def _output(batch, **settings):
    torch.manual_seed(0)
    config = GeneratorConfig(width=8, branch_width=4, blocks=1, **settings)
    return DualDecoderGenerator(config)(batch.real_A, batch.mask)


def _images(size=64):
    """Two smooth pictures that have something in common."""
    rng = torch.Generator().manual_seed(0)
    coarse = torch.rand(3, 1, 1, size // 4, size // 4, generator=rng)
    common, *own = (torch.nn.functional.interpolate(image, size) for image in coarse)
    return [0.6 * common + 0.4 * image for image in own]


def test_a_weight_of_0_leaves_the_term_out():
    batch = _batch()
    none = dict.fromkeys(("color", "pseudo", "gradient", "tissue", "structure"), 0.0)
    assert supervised_losses(_output(batch), batch, LossConfig(**none)) == {}


def test_a_single_decoder_is_not_asked_for_its_picture_twice():
    batch = _batch()
    terms = supervised_losses(_output(batch, decoders="single"), batch, LossConfig())
    assert set(terms) == {"color", "gradient", "tissue"}


@pytest.mark.parametrize("shape", [(2, 1, 40, 40), (1, 3, 33, 57), (1, 1, 5, 3)])
def test_gaussian_blur_is_that_of_scipy(shape):
    image = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    expected = gaussian_filter(image.numpy(), (0, 0, 1.5, 1.5), mode="nearest", radius=4)
    np.testing.assert_allclose(gaussian_blur(image, 9, 1.5).numpy(), expected, atol=1e-6)


def test_training_may_use_the_window_that_validation_was_the_first_to_need():
    image = torch.rand(1, 1, 37, 41)  # of a size that no other test has
    with torch.inference_mode():
        gaussian_blur(image, 7, 1.1)
    image.requires_grad_()
    gaussian_blur(image, 7, 1.1).sum().backward()
    assert torch.isfinite(image.grad).all()


def test_ncc_squared_is_1_for_the_reversed_image_and_low_for_another():
    first = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    other = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(1, 1, 40, 40)
    assert squared_ncc(first, 0.2 - 3 * first, mask) > 0.999
    assert squared_ncc(first, other, mask) < 0.2


def test_the_structure_term_reaches_the_lightness_residual_alone():
    batch = _batch()
    output = _output(batch)
    for part in (output.logits, output.palette_lab, output.residual):
        part.retain_grad()
    lightness_structure(output, batch).backward()
    assert output.residual.grad[:, 0].abs().max() > 0
    assert output.residual.grad[:, 1:].abs().max() == 0
    assert output.palette_lab.grad is None
    assert output.logits.grad is None


def test_a_perfect_picture_costs_nothing_in_colour():
    batch = _batch()
    perfect = _output(batch)._replace(color=batch.real_B, pseudo_cryosection=batch.real_B.clone())
    terms = supervised_losses(perfect, batch, LossConfig())
    assert terms["color"] == terms["gradient"] == terms["pseudo"] == 0
    assert terms["tissue"] > 0


@pytest.mark.parametrize("window", WINDOWS)
def test_ssim_is_that_of_pytorch_msssim_away_from_the_border(window):
    first, second = _images()
    reach = window // 2
    inner = ssim_map(first, second, window)[..., reach:-reach, reach:-reach].mean()
    expected = reference_ssim(
        first, second, data_range=1.0, win_size=window, win_sigma=SIGMA * window
    )
    assert float(inner) == pytest.approx(float(expected), abs=1e-5)


def test_ssim_of_the_common_window_is_that_of_scikit_image():
    first, second = _images()
    _, expected = structural_similarity(
        first[0, 0].numpy(),
        second[0, 0].numpy(),
        data_range=1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    ours = ssim_map(first, second, 11)[0, 0].numpy()
    np.testing.assert_allclose(ours[8:-8, 8:-8], expected[8:-8, 8:-8], atol=1e-4)


@pytest.mark.parametrize("loss", [lambda x, y, mask: ssim_loss(x, y, mask, WINDOWS), ms_ssim_loss])
def test_a_wide_background_does_not_hide_a_bad_body(loss):
    first, second = _images()
    whole = loss(first, second, torch.ones_like(first))
    padded = [torch.nn.functional.pad(image, (64, 64, 64, 64)) for image in (first, second)]
    mask = torch.nn.functional.pad(torch.ones_like(first), (64, 64, 64, 64))
    assert loss(*padded, mask) > 0.6 * whole
    assert loss(first, first, mask[..., 64:128, 64:128]) == pytest.approx(0, abs=1e-5)


def test_multi_scale_ssim_bears_reversed_contrast_and_refuses_tiny_crops():
    first = _images()[0].requires_grad_(True)
    ms_ssim_loss(first, 1 - first.detach(), torch.ones_like(first)).backward()
    assert torch.isfinite(first.grad).all()
    with pytest.raises(ValueError, match="32 pixels"):
        ms_ssim_loss(*[torch.rand(1, 1, 32, 32)] * 2, torch.ones(1, 1, 32, 32))


def test_cross_entropy_is_torchs_weighted_mean_of_the_network_s_own_classes():
    batch = _batch()
    for classes in (13, 20):
        logits = torch.randn(len(batch.labels), classes, *batch.labels.shape[1:])
        weights = torch.ones(20)
        for tissue, weight in TISSUE_WEIGHTS.items():
            weights[tissue] = weight
        expected = torch.nn.functional.cross_entropy(logits, batch.labels, weights[:classes])
        assert torch.allclose(tissue_cross_entropy(logits, batch.labels), expected)


def test_the_dice_loss_is_0_for_the_truth_and_counts_every_tissue_alike():
    labels = torch.zeros(1, 40, 40, dtype=torch.long)
    labels[:, :30], labels[:, 38:, :4] = 3, 15  # much muscle, a little kidney

    def loss(told):
        logits = 40.0 * torch.nn.functional.one_hot(told, 20).permute(0, 3, 1, 2)
        return float(soft_dice_loss(logits, labels))

    assert loss(labels) < 0.01
    missed = labels.clone()
    missed[labels == 15] = 3
    assert loss(missed) == pytest.approx(0.5, abs=0.06)  # half of the two tissues
    empty = soft_dice_loss(torch.zeros(1, 20, 40, 40, requires_grad=True), labels * 0)
    assert float(empty) == 0


def test_least_squares_is_0_where_the_judge_says_what_is_wished():
    assert least_squares(torch.ones(2, 1, 3, 3), real=True) == 0
    assert least_squares(torch.zeros(2, 1, 3, 3), real=False) == 0
    assert least_squares(torch.full((2, 1, 3, 3), 0.5), real=True) == 0.25
