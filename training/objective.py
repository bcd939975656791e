"""What a training step minimises: the terms of the generators, and those of the discriminators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from MRIColorizeLib.network.generator import GeneratorOutput
from training.config import LossConfig
from training.data.slices import Batch
from training.losses import (
    body_weight,
    least_squares,
    one_painting,
    tissue_cross_entropy,
    weighted_l1,
)
from training.networks.discriminator import Critics
from training.structure import lightness_picture, ms_ssim_loss, ssim_loss

# Critics.forward
Judge = Callable[[Tensor | None, Tensor, Tensor, Tensor], tuple[Tensor, ...]]


@dataclass(frozen=True)
class Domains:
    """Both domains in one step, and what the generators made of them.

    mri, cryosection: the batches that real_A and real_B come from, the same one for registered
    pairs. fake_B: the colourised MRI. fake_A: (B, 1, H, W) the radiometric cryosection. rec_A,
    rec_B: (B, 1 or 3, H, W) once around the cycle. What no term needs is None.
    """

    mri: Batch
    cryosection: Batch
    fake_B: GeneratorOutput
    fake_A: Tensor | None = None
    rec_A: Tensor | None = None
    rec_B: Tensor | None = None

    @property
    def paintings(self) -> tuple[Tensor, Tensor]:
        """All that must pass for a cryosection, (n, 3, H, W) black outside the body; its labels."""
        pictures = [self.fake_B.color]
        if not one_painting(self.fake_B):
            pictures.append(self.fake_B.pseudo_cryosection)
        labels = self.mri.labels.repeat(len(pictures), 1, 1)
        return torch.cat([picture * self.mri.mask for picture in pictures]), labels


def registered_terms(
    output: GeneratorOutput, batch: Batch, config: LossConfig, segnet: nn.Module | None
) -> dict[str, Tensor]:
    """The pseudo-cryosection against the cryosection and its labels."""
    terms = {}
    pseudo = output.pseudo_cryosection
    if config.segmentation and segnet is not None:
        logits = segnet(pseudo * batch.mask).float()
        terms["segmentation"] = config.segmentation * tissue_cross_entropy(logits, batch.labels)
    if config.ssim_pseudo:
        loss = ssim_loss(pseudo, batch.real_B, batch.mask, config.windows)
        terms["ssim_pseudo"] = config.ssim_pseudo * loss
    if config.ms_ssim_pseudo:
        loss = ms_ssim_loss(pseudo, batch.real_B, batch.mask)
        terms["ms_ssim_pseudo"] = config.ms_ssim_pseudo * loss
    return terms


def domain_terms(domains: Domains, config: LossConfig, judge: Judge | None) -> dict[str, Tensor]:
    """Structure, cycle and adversarial terms of the generators; judge: the critics, held fixed."""
    terms = _structure_terms(domains, config)
    if domains.rec_A is not None and domains.rec_B is not None:
        grey = _cycle_l1(domains.rec_A, domains.mri.real_A, domains.mri, config)
        colour = _cycle_l1(domains.rec_B, domains.cryosection.real_B, domains.cryosection, config)
        terms["cycle"] = config.cycle * (grey + colour)
    if judge is not None:
        judged = judge(domains.fake_A, domains.cryosection.labels, *domains.paintings)
        losses = [least_squares(judgement, real=True) for judgement in judged]
        terms["adversarial"] = config.adversarial * torch.stack(losses).sum()
    return terms


def _structure_terms(domains: Domains, config: LossConfig) -> dict[str, Tensor]:
    """SSIM of colour and MRI, and of the radiometric cryosection and the cryosection's grey."""
    terms = {}
    mri, cryosection = domains.mri, domains.cryosection
    if config.ssim_color or config.ms_ssim_color:
        apart = config.reach == "lightness" and domains.fake_B.residual is not None
        color = lightness_picture(domains.fake_B) if apart else domains.fake_B.color
        grey = color.mean(1, keepdim=True)
        if config.ssim_color:
            loss = ssim_loss(grey, mri.real_A, mri.mask, config.windows)
            terms["ssim_color"] = config.ssim_color * loss
        if config.ms_ssim_color:
            terms["ms_ssim_color"] = config.ms_ssim_color * ms_ssim_loss(grey, mri.real_A, mri.mask)
    if domains.fake_A is not None:
        grey = cryosection.real_B.mean(1, keepdim=True)
        if config.ssim_radiometric:
            loss = ssim_loss(domains.fake_A, grey, cryosection.mask, config.windows)
            terms["ssim_radiometric"] = config.ssim_radiometric * loss
        if config.ms_ssim_radiometric:
            loss = ms_ssim_loss(domains.fake_A, grey, cryosection.mask)
            terms["ms_ssim_radiometric"] = config.ms_ssim_radiometric * loss
    return terms


def _cycle_l1(rec: Tensor, real: Tensor, batch: Batch, config: LossConfig) -> Tensor:
    return weighted_l1(rec, real, body_weight(batch.mask, config.background))


def critic_terms(domains: Domains, critics: Critics | nn.Module) -> dict[str, Tensor]:
    """LSGAN of each discriminator: real pictures to 1, the generators' to 0, detached."""
    paintings, labels = domains.paintings
    mri, cryosection = domains.mri, domains.cryosection
    made_mri = None if domains.fake_A is None else domains.fake_A.detach()
    real = critics(mri.real_A, mri.labels, cryosection.real_B, cryosection.labels)
    fake = critics(made_mri, cryosection.labels, paintings.detach(), labels)
    names = ("critic_A", "critic_B")[-len(real) :]  # without a way back there is no critic of MRI
    return {
        name: 0.5 * (least_squares(true, real=True) + least_squares(made, real=False))
        for name, true, made in zip(names, real, fake, strict=True)
    }
