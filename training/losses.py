"""The losses of the generator, each a plain function of tensors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from MRIColorizeLib.color import lab_to_rgb
from MRIColorizeLib.generator import GeneratorOutput
from MRIColorizeLib.tissue import Tissue
from training.config import LossConfig
from training.data.slices import Batch

# Rare or thin tissues count more, the background and the catch-all less.
TISSUE_WEIGHTS = {
    Tissue.BACKGROUND: 0.3,
    Tissue.BONE: 1.5,
    Tissue.CSF: 1.5,
    Tissue.ORGAN: 0.7,
    Tissue.OTHER: 0.5,
}


def generator_losses(
    output: GeneratorOutput, batch: Batch, config: LossConfig
) -> dict[str, Tensor]:
    """Every weighted term by name; their sum is the loss."""
    weight = config.background + (1 - config.background) * batch.mask
    terms = {
        "color": config.color * weighted_l1(output.color, batch.real_B, weight),
        "gradient": config.gradient * gradient_l1(output.color, batch.real_B),
    }
    if output.pseudo_cryosection is not output.color:
        pseudo = weighted_l1(output.pseudo_cryosection, batch.real_B, weight)
        terms["pseudo"] = config.pseudo * pseudo
    if output.logits is not None:
        terms["tissue"] = config.tissue * tissue_cross_entropy(output.logits, batch.labels)
    if config.structure and output.palette_lab is not None and output.residual is not None:
        terms["structure"] = config.structure * lightness_structure(output, batch)
    return terms


def weighted_l1(fake: Tensor, real: Tensor, weight: Tensor) -> Tensor:
    """Mean |fake - real| with weights (B, 1, H, W)."""
    return ((fake - real).abs() * weight).sum() / (weight.sum() * fake.shape[1])


def gradient_l1(fake: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference of the pictures' first differences along rows and columns."""
    difference = fake - real
    rows = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    columns = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    return rows + columns


def tissue_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Class cross-entropy: logits (B, classes, H, W), labels (B, H, W)."""
    weights = torch.ones(logits.shape[1], device=logits.device)
    for tissue, weight in TISSUE_WEIGHTS.items():
        weights[tissue] = weight
    return F.cross_entropy(logits, labels, weights)


def lightness_structure(output: GeneratorOutput, batch: Batch) -> Tensor:
    """1 - NCC^2 of lightness and MRI, whose gradient reaches the lightness residual alone.

    Were it to reach tissue or chroma, the network would repaint tissues to please it.
    """
    if output.palette_lab is None or output.residual is None:
        raise ValueError("The structure term needs the palette head and two decoders.")
    residual = torch.cat((output.residual[:, :1], output.residual[:, 1:].detach()), dim=1)
    color = lab_to_rgb(output.palette_lab.detach() + residual)
    return 1 - squared_ncc(color.mean(1, keepdim=True), batch.real_A, batch.mask)


def squared_ncc(first: Tensor, second: Tensor, mask: Tensor) -> Tensor:
    """Squared local normalised cross-correlation (9x9 Gaussian, sigma 1.5), mean over the mask.

    first, second, mask: (B, 1, H, W). Blind to a reversal of contrast; 1 is the same structure.
    """
    offsets = torch.arange(-4, 5, device=first.device, dtype=first.dtype)
    line = torch.exp(-(offsets**2) / (2 * 1.5**2))
    line = line / line.sum()

    def smooth(image: Tensor) -> Tensor:
        image = F.pad(image, (4, 4, 4, 4), mode="replicate")
        return F.conv2d(F.conv2d(image, line.view(1, 1, 9, 1)), line.view(1, 1, 1, 9))

    mean_1, mean_2 = smooth(first), smooth(second)
    variance_1 = (smooth(first**2) - mean_1**2).clamp_min(0)
    variance_2 = (smooth(second**2) - mean_2**2).clamp_min(0)
    covariance = smooth(first * second) - mean_1 * mean_2
    ncc = (covariance**2 + 1e-6) / (variance_1 * variance_2 + 1e-6)
    return (ncc.clamp(max=1) * mask).sum() / mask.sum().clamp_min(1)
