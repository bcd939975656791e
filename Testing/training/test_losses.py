"""Losses: each does what its sentence says."""

import torch

from MRIColorizeLib.generator import DualDecoderGenerator, GeneratorConfig
from training.config import LossConfig
from training.data.slices import Batch
from training.losses import generator_losses, lightness_structure, squared_ncc


def _batch(size=32):
    rng = torch.Generator().manual_seed(0)
    return Batch(
        torch.rand(2, 1, size, size, generator=rng),
        torch.ones(2, 1, size, size),
        torch.randint(0, 13, (2, size, size), generator=rng),
        torch.rand(2, 3, size, size, generator=rng),
        torch.tensor([True, False]),
    )


def test_ncc_squared_is_1_for_the_reversed_image_and_low_for_another():
    first = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    other = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(1, 1, 40, 40)
    assert squared_ncc(first, 0.2 - 3 * first, mask) > 0.999
    assert squared_ncc(first, other, mask) < 0.2


def test_the_structure_term_reaches_the_lightness_residual_alone():
    torch.manual_seed(0)
    generator = DualDecoderGenerator(GeneratorConfig(width=8, branch_width=4, blocks=1))
    batch = _batch()
    output = generator(batch.real_A, batch.mask)
    for part in (output.logits, output.palette_lab, output.residual):
        part.retain_grad()
    lightness_structure(output, batch).backward()
    assert output.residual.grad[:, 0].abs().max() > 0
    assert output.residual.grad[:, 1:].abs().max() == 0
    assert output.palette_lab.grad is None
    assert output.logits.grad is None


def test_a_perfect_picture_costs_nothing_in_colour():
    torch.manual_seed(0)
    generator = DualDecoderGenerator(GeneratorConfig(width=8, branch_width=4, blocks=1))
    batch = _batch()
    output = generator(batch.real_A, batch.mask)
    perfect = output._replace(color=batch.real_B, pseudo_cryosection=batch.real_B.clone())
    terms = generator_losses(perfect, batch, LossConfig())
    assert terms["color"] == terms["gradient"] == terms["pseudo"] == 0
    assert terms["tissue"] > 0
