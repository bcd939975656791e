"""Scores on the validation part: tissue, colour and structure, and one that joins them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from MRIColorizeLib.color import rgb_to_lab
from MRIColorizeLib.network.generator import GeneratorOutput
from MRIColorizeLib.tissue import NAMES, PALETTE_LAB
from training.config import TrainConfig
from training.data.prepared import PreparedVolume
from training.data.slices import Batch, SliceSource
from training.data.synthesis import Random
from training.structure import squared_ncc

STRENGTH = 0.7  # of the synthesis, the same in every validation of every run


class Validator:
    """Scores a generator on the same draws each time."""

    def __init__(
        self,
        config: TrainConfig,
        volumes: Sequence[PreparedVolume],
        fabric: Fabric,
        segment: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        """segment: the SegNet, which reads the tissues of a generator that gives none."""
        self.config, self.fabric, self.segment = config, fabric, segment
        self.source = SliceSource(volumes, "val", config.slices.registered)

    @torch.inference_mode()
    def scores(self, network: nn.Module) -> tuple[dict[str, float], Batch, GeneratorOutput]:
        """The scores by name, and the first batch with its output, to be looked at.

        score: the joint one, 0 to 1, see `joint_score`. delta_e: CIE76 distance in the body to the
        photograph or painting, mean over slices, with its standard deviation; delta_e_constant:
        the same of one mean colour per batch. tissue: mean Dice of the tissues that occur;
        structure: see `joint_score`. dice_*: of each tissue, over all pixels.
        """
        rng = Random(self.config.seed + 1)
        away, constant, structure, shown = [], [], [], None
        counts = torch.zeros(3, len(NAMES))  # both, labels, output
        for _ in range(self.config.validation_batches):
            batch = self.source.draw(self.config.pixels, self.config.synthesis, STRENGTH, rng)
            batch = batch.to(self.fabric.device)
            with self.fabric.autocast():
                output = network(batch.real_A, batch.mask, self.config.temperature)
            shown = shown or (batch, output)
            color = rgb_to_lab(output.color.float())
            truth = rgb_to_lab(batch.real_B)
            one = (truth * batch.mask).sum((0, 2, 3)) / batch.mask.sum().clamp_min(1)
            away += _mean_distance(color, truth, batch.mask)
            constant += _mean_distance(one[None, :, None, None], truth, batch.mask)
            structure.append(_structure(color, truth, batch))
            counts += _overlaps(self._tissues(output), batch.labels).cpu()
        if shown is None:
            raise ValueError("Validation needs at least one batch.")
        distances, constants = torch.tensor(away), torch.tensor(constant)
        made, true = torch.tensor(structure).mean(0).tolist()
        dice = 2 * counts[0] / (counts[1] + counts[2]).clamp_min(1)
        occurs = counts[1] > 0
        occurs[0] = False
        scores = {
            "delta_e": float(distances.mean()),
            "delta_e_spread": float(distances.std()),
            "delta_e_constant": float(constants.mean()),
            "tissue": float(dice[occurs].mean()),
            "structure": min(1.0, made / max(true, 1e-6)),
        }
        scores |= {f"dice_{name}": float(dice[code]) for code, name in enumerate(NAMES) if code}
        return {"score": joint_score(scores), **scores}, *shown

    def _tissues(self, output: GeneratorOutput) -> Tensor:
        """Tissue codes (B, H, W): the semantic decoder's, SegNet's, or the nearest colour's."""
        if output.logits is not None:
            return output.logits.argmax(1)
        if self.segment is not None:
            return self.segment(output.pseudo_cryosection).argmax(1)
        palette = torch.from_numpy(PALETTE_LAB).to(output.color.device)
        lab = rgb_to_lab(output.pseudo_cryosection.float()).permute(0, 2, 3, 1)
        return torch.cdist(lab.flatten(1, 2), palette).argmin(2).view(lab.shape[:3])


def joint_score(scores: dict[str, float]) -> float:
    """Geometric mean of three truths, each 0 to 1: none can be bought with another.

    Tissue: mean Dice. Colour: 1 - delta_e over that of one constant colour. Structure: NCC^2 of
    lightness and MRI, as a share of what the true colours have: more than they have is no gain.
    """
    color = max(0.0, 1 - scores["delta_e"] / max(scores["delta_e_constant"], 1e-6))
    return float((scores["tissue"] * color * scores["structure"]) ** (1 / 3))


def _mean_distance(color: Tensor, truth: Tensor, mask: Tensor) -> list[float]:
    """CIE76 in the body of each slice that has one."""
    total = ((color - truth).norm(dim=1, keepdim=True) * mask).sum((1, 2, 3))
    area = mask.sum((1, 2, 3))
    return (total / area.clamp_min(1))[area > 0].tolist()


def _structure(color: Tensor, truth: Tensor, batch: Batch) -> tuple[float, float]:
    """NCC^2 with the MRI of the output's lightness, and of the truth's."""
    made, true = (
        float(squared_ncc(lab[:, :1] / 100, batch.real_A, batch.mask)) for lab in (color, truth)
    )
    return made, true


def _overlaps(codes: Tensor, labels: Tensor) -> Tensor:
    """(3, classes): pixels of each class in both, in the labels, in the output."""
    size = len(NAMES)
    return torch.stack(
        [
            torch.bincount(labels[codes == labels].flatten(), minlength=size),
            torch.bincount(labels.flatten(), minlength=size),
            torch.bincount(codes.flatten(), minlength=size),
        ]
    ).float()
