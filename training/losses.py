"""The losses of registered pairs, and the plain ones that the objective is made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from MRIColorizeLib.color import rgb_to_lab
from MRIColorizeLib.network.generator import GeneratorOutput
from MRIColorizeLib.tissue import Tissue
from training.config import LossConfig
from training.data.slices import Batch
from training.networks.chroma import ChromaOutput
from training.parallel import world_mean
from training.structure import lightness_structure

# Rare or thin tissues count more, the background and the catch-all less.
TISSUE_WEIGHTS = {
    Tissue.BACKGROUND: 0.3,
    Tissue.SKIN: 1.5,
    Tissue.BONE: 2.0,
    Tissue.MARROW: 2.0,
    Tissue.CSF: 3.0,
    Tissue.BLOOD: 3.0,
    Tissue.HEART: 3.0,
    Tissue.LIVER: 1.5,
    Tissue.KIDNEY: 3.0,
    Tissue.SPLEEN: 4.0,
    Tissue.BOWEL: 1.5,
    Tissue.CARTILAGE: 3.0,
    Tissue.GLAND: 3.0,
}


def supervised_losses(
    output: GeneratorOutput | ChromaOutput, batch: Batch, config: LossConfig
) -> dict[str, Tensor]:
    """Every weighted supervised term by name; what the generator's head lacks is left out."""
    if isinstance(output, ChromaOutput):
        return _chroma_losses(output, batch, config)
    weight = body_weight(batch.mask, config.background)
    terms = {}
    if config.color:
        terms["color"] = config.color * weighted_l1(output.color, batch.real_B, weight)
    if config.gradient:
        terms["gradient"] = config.gradient * gradient_l1(output.color, batch.real_B)
    if config.pseudo and not one_painting(output):
        pseudo = weighted_l1(output.pseudo_cryosection, batch.real_B, weight)
        terms["pseudo"] = config.pseudo * pseudo
    if config.tissue and output.logits is not None:
        terms["tissue"] = config.tissue * tissue_cross_entropy(output.logits, batch.labels)
    if config.dice and output.logits is not None:
        terms["dice"] = config.dice * soft_dice_loss(output.logits, batch.labels)
    if config.structure and output.palette_lab is not None and output.residual is not None:
        terms["structure"] = config.structure * lightness_structure(output, batch)
    return terms


def _chroma_losses(output: ChromaOutput, batch: Batch, config: LossConfig) -> dict[str, Tensor]:
    """The terms of networks that predict a and b; lightness is the input's and not judged."""
    terms = {}
    if config.chroma:
        weight = body_weight(batch.mask, config.background)
        ab = rgb_to_lab(batch.real_B)[:, 1:]
        if config.chroma_squared:
            error = (output.ab - ab) ** 2
            chroma = weighted_l1(error, torch.zeros_like(error), weight)
        else:
            chroma = weighted_l1(output.ab, ab, weight)
        terms["chroma"] = config.chroma * chroma
    if config.classes and output.classes is not None:
        terms["classes"] = config.classes * share_divergence(output.classes, batch)
    if config.colorfulness:
        dull = 1 - mean_colorfulness(output.color, batch.mask)
        terms["colorfulness"] = config.colorfulness * dull
    return terms


def share_divergence(scores: Tensor, batch: Batch) -> Tensor:
    """Kullback-Leibler divergence of predicted shares from the tissues' shares of the body.

    scores: (B, classes), softmax to come.
    """
    present = F.one_hot(batch.labels, scores.shape[1]).float() * batch.mask[:, 0, :, :, None]
    shares = present.sum(dim=(1, 2)) / present.sum(dim=(1, 2, 3))[:, None].clamp_min(1)
    return F.kl_div(F.log_softmax(scores.float(), dim=1), shares, reduction="batchmean")


def mean_colorfulness(rgb: Tensor, mask: Tensor) -> Tensor:
    """Colourfulness (Hasler and Suesstrunk 2003) in the body, on [0, 1], mean over slices.

    rgb: (B, 3, H, W); mask: (B, 1, H, W).
    """
    red, green, blue = rgb.unbind(1)
    opponents = torch.stack((red - green, (red + green) / 2 - blue), dim=1)
    total = mask.sum(dim=(2, 3)).clamp_min(1)
    mean = (opponents * mask).sum(dim=(2, 3)) / total
    variance = (((opponents - mean[:, :, None, None]) ** 2) * mask).sum(dim=(2, 3)) / total
    # A root's slope at zero is endless: a grey picture would blow up the gradient.
    spread = (variance.sum(1) + 1e-8).sqrt()
    return (spread + 0.3 * ((mean**2).sum(1) + 1e-8).sqrt()).mean()


def one_painting(output: GeneratorOutput | ChromaOutput) -> bool:
    """Whether pseudo-cryosection and colours are the same picture, of the same decoder."""
    return output.pseudo_cryosection.data_ptr() == output.color.data_ptr()


def body_weight(mask: Tensor, background: float) -> Tensor:
    """1 in the body, `background` outside: weights (B, 1, H, W) of pixels."""
    return background + (1 - background) * mask


def weighted_l1(fake: Tensor, real: Tensor, weight: Tensor) -> Tensor:
    """Mean |fake - real| with weights (B, 1, H, W)."""
    total = ((fake - real).abs() * weight).sum()
    return total / (world_mean(weight.sum()) * fake.shape[1])


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
        if tissue < len(weights):
            weights[tissue] = weight
    total = F.cross_entropy(logits, labels, weights, reduction="sum")
    return total / world_mean(weights[labels].sum())


def soft_dice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - soft Dice, mean over the tissues that the batch shows (Milletari et al. 2016).

    logits: (B, classes, H, W), labels: (B, H, W). A small organ counts as much as a large one.
    """
    classes = logits.shape[1]
    probabilities = F.softmax(logits.float(), dim=1)
    truth = F.one_hot(labels, classes).permute(0, 3, 1, 2).to(probabilities.dtype)
    both = (probabilities * truth).sum(dim=(0, 2, 3))
    size = truth.sum(dim=(0, 2, 3))
    total = probabilities.sum(dim=(0, 2, 3)) + size
    present = size > 0
    present[Tissue.BACKGROUND] = False
    dice = (2 * both + 1) / (total + 1)
    return 1 - dice[present].mean() if bool(present.any()) else dice.sum() * 0


def least_squares(judged: Tensor, real: bool) -> Tensor:
    """LSGAN (Mao et al. 2017): mean squared distance of judgements to 1 (real) or 0 (made)."""
    return ((judged - float(real)) ** 2).mean()
