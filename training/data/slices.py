"""Training samples: slices drawn from the prepared volumes, bent, and given an MRI."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from MRIColorizeLib.color import lab_to_rgb, rgb_to_lab
from MRIColorizeLib.intensity import normalize
from MRIColorizeLib.tissue import CLASSES, PALETTE_LAB, Tissue
from training.config import SliceConfig, SynthesisConfig
from training.data.misregistration import displaced, displacement, margin_pixels
from training.data.prepared import PreparedVolume
from training.data.synthesis import Random, scale_like_the_engine, smooth_field, synthesize

BRAIN = (Tissue.GREY_MATTER, Tissue.WHITE_MATTER)
THICK_MM = 2.5  # a volume is sliced only across axes whose in-plane spacing stays below this


@dataclass(frozen=True)
class Batch:
    """What one training step sees.

    real_A: (B, 1, H, W) the MRI in [0, 1]; mask: (B, 1, H, W) the body, 0 or 1; labels: (B, H, W)
    tissue codes; real_B: (B, 3, H, W) the colours to reach, RGB in [0, 1]; photograph: (B,) bool,
    whether they come from a cryosection (else from the palette painted on the labels).
    """

    real_A: Tensor
    mask: Tensor
    labels: Tensor
    real_B: Tensor
    photograph: Tensor

    def to(self, device: torch.device | str) -> Batch:
        """The same on another device."""
        return Batch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class _Stack:
    """Parallel slices of one volume in one plane: labels (N, h, w), image (N, h, w[, 3]) uint8."""

    labels: np.ndarray
    image: np.ndarray
    mri: np.ndarray | None  # (N, h, w) uint8, scaled as at use; None: labels alone
    spacing: tuple[float, float]  # mm of rows, columns
    photograph: bool
    weights: np.ndarray  # (N,) how often a slice is drawn
    worth: float  # how often the stack is drawn, among those of its kind


class SliceSource:
    """Draws batches from prepared volumes: half from photographs, half from labelled MRI.

    A photograph gets the MRI that is registered to it, or else a synthetic one.
    """

    def __init__(self, volumes: Sequence[PreparedVolume], split: str, config: SliceConfig) -> None:
        self.config = config
        self.stacks = [stack for volume in volumes for stack in _stacks(volume, split)]
        if not self.stacks:
            raise ValueError(f"No prepared volume has slices of the split {split!r}.")
        self.weights = torch.tensor(
            [_share(stack, self.stacks, config.photographs) for stack in self.stacks],
            dtype=torch.float32,
        )

    def draw(self, pixels: int, synthesis: SynthesisConfig, strength: float, rng: Random) -> Batch:
        """One batch of about `pixels` pixels; `strength` (0 to 1) is the ramp of randomisation."""
        size = self.config.crops[rng.integer(len(self.config.crops))]
        count = max(2, pixels // size**2)
        margin = margin_pixels(self.config)
        drawn = [self.stacks[int(i)] for i in rng.choice(self.weights, count)]
        samples = [self._bend(stack, size + 2 * margin, rng) for stack in drawn]
        probabilities = torch.stack([sample[0] for sample in samples])  # (B, classes, H, W)
        image = torch.stack([sample[1] for sample in samples])  # (B, 4, H, W): colours, then MRI
        photograph = torch.tensor([stack.photograph for stack in drawn])
        real = torch.tensor([stack.mri is not None for stack in drawn])
        probabilities, image = self._edit_brains(probabilities, image, photograph & ~real, rng)
        batch = _finish(probabilities, image, photograph, real, synthesis, strength, rng)
        if not margin:
            return batch
        pixel_mm = torch.tensor([sample[2] for sample in samples])
        return _misregistered(batch, pixel_mm, margin, self.config, rng)

    def _bend(self, stack: _Stack, size: int, rng: Random) -> tuple[Tensor, Tensor, float]:
        """One bent crop: soft labels (classes, size, size), colours with the real MRI as a fourth
        channel (4, size, size) in [0, 1], the MRI black where there is none, and its mm a pixel.
        """
        config = self.config
        index = int(rng.choice(torch.from_numpy(stack.weights), 1))
        labels, image = stack.labels[index], stack.image[index]
        rows, columns = np.nonzero(labels)
        pick = rng.integer(len(rows))
        picked = np.array((rows[pick], columns[pick]), dtype=float)
        middle = 0.5 * (picked + np.array((rows.mean(), columns.mean())))
        # Half of the crops look at the middle of the body, unless it lies between two legs: a crop
        # of nothing teaches nothing, and through instance norm its gradient grows beyond bounds.
        centers = (middle, picked) if rng.chance(0.5) else (picked,)
        coarse = stack.photograph and min(stack.spacing) > 1.4
        spacing = config.spacing_mm
        if coarse:
            spacing = float(rng.uniform(1, low=spacing, high=config.body_spacing_mm))
        spacing *= 1 + config.spacing_jitter * (2 * float(rng.uniform(1)) - 1)
        offsets = self._offsets(size, spacing, rng)
        for center in centers:
            grid, box = _window(center, offsets, stack.spacing, labels.shape)
            soft = _soft_labels(labels[box], grid)
            if (soft[0] < 0.5).any():
                break
        colors = _bent(image[box], grid).expand(3, -1, -1)
        if stack.mri is None:
            mri = torch.zeros(1, size, size)
        else:
            mri = _bent(stack.mri[index][box], grid) if stack.photograph else colors[:1]
        return soft, torch.cat((colors, mri)), spacing

    def _offsets(self, size: int, spacing: float, rng: Random) -> Tensor:
        """A crop turned, mirrored and bent about its middle: (2, size, size), row and column mm."""
        angle = math.radians(25) * (2 * float(rng.uniform(1)) - 1)
        if rng.chance(self.config.any_rotation):
            angle = 2 * math.pi * float(rng.uniform(1))
        flip = torch.tensor([-1.0 if rng.chance(0.5) else 1.0, -1.0 if rng.chance(0.5) else 1.0])
        offset = (torch.arange(size) - (size - 1) / 2) * spacing  # mm
        row, column = torch.meshgrid(offset, offset, indexing="ij")
        if self.config.elastic_mm:
            amount = self.config.elastic_mm * float(rng.uniform(1)) * 0.5
            row = row + amount * smooth_field(1, (size, size), 5, rng)[0, 0]
            column = column + amount * smooth_field(1, (size, size), 5, rng)[0, 0]
        cosine, sine = math.cos(angle), math.sin(angle)
        turned = torch.stack((cosine * row - sine * column, sine * row + cosine * column))
        return turned * flip[:, None, None]

    def _edit_brains(
        self, probabilities: Tensor, image: Tensor, fluidless: Tensor, rng: Random
    ) -> tuple[Tensor, Tensor]:
        """Give cryosection brains the CSF that they lost, and strip some heads to the brain.

        fluidless: (B,) bool, photographs without an MRI: a registered one would not have the rim.
        """
        brains = probabilities[:, list(BRAIN)].sum(1)  # (B, H, W)
        for index in torch.nonzero(brains.mean(dim=(1, 2)) >= 0.02).flatten().tolist():
            brain = brains[index]
            if fluidless[index] and rng.chance(self.config.csf_rim):
                _add_csf_rim(probabilities[index], image[index, :3], brain, 1 + rng.integer(2))
            if rng.chance(self.config.strip):
                keep = brain + probabilities[index, Tissue.CSF]
                keep = keep * (_dilate(brain[None], 3)[0] > 0.5)
                probabilities[index] *= keep
                probabilities[index, 0] += 1 - keep
                image[index] *= keep
        return probabilities, image


def _window(
    center: np.ndarray, offsets: Tensor, native: tuple[float, float], shape: tuple[int, ...]
) -> tuple[Tensor, tuple[slice, slice]]:
    """Sampling grid (1, size, size, 2) for grid_sample, and the window that it reads from.

    center: row and column in a picture of that shape; native: its mm a pixel.
    """
    y = offsets[0] / native[0] + center[0]
    x = offsets[1] / native[1] + center[1]
    box = []
    for values, length in ((y, shape[0]), (x, shape[1])):
        low = min(max(int(values.min()) - 2, 0), length - 1)
        box.append(slice(low, max(min(int(values.max()) + 3, length), low + 1)))
    rows, columns = box[0].stop - box[0].start, box[1].stop - box[1].start
    grid = torch.stack(
        (2 * (x - box[1].start + 0.5) / columns - 1, 2 * (y - box[0].start + 0.5) / rows - 1),
        dim=-1,
    )
    return grid[None].float(), (box[0], box[1])


def _soft_labels(labels: np.ndarray, grid: Tensor) -> Tensor:
    """Tissue codes (h, w) on a sampling grid: (classes, H, W), background outside the picture."""
    codes = torch.from_numpy(np.ascontiguousarray(labels)).long()
    one_hot = F.one_hot(codes, CLASSES).permute(2, 0, 1)[None]
    soft = F.grid_sample(one_hot.float(), grid, align_corners=False)[0]
    soft[0] += (1 - soft.sum(0)).clamp_min(0)
    return soft


def _bent(image: np.ndarray, grid: Tensor) -> Tensor:
    """A uint8 image (h, w) or (h, w, 3) on a sampling grid: (1 or 3, H, W) in [0, 1]."""
    picture = torch.from_numpy(np.ascontiguousarray(image)).float() / 255
    picture = picture.permute(2, 0, 1) if picture.ndim == 3 else picture[None]
    return F.grid_sample(picture[None], grid, align_corners=False)[0]


def _dilate(mask: Tensor, radius: int) -> Tensor:
    """Grey dilation of (1, H, W) by a square of the given radius."""
    return F.max_pool2d(mask[None], 2 * radius + 1, stride=1, padding=radius)[0]


def _palette_rgb(probabilities: Tensor) -> Tensor:
    """The palette painted on soft labels: (B, classes, H, W) to RGB (B, 3, H, W)."""
    palette = torch.from_numpy(PALETTE_LAB).to(probabilities.device)
    return lab_to_rgb(torch.einsum("bkhw,kc->bchw", probabilities, palette))


def _add_csf_rim(probabilities: Tensor, image: Tensor, brain: Tensor, radius: int) -> None:
    """Turn a rim around the brain, as thick as `radius`, into CSF, in labels and in colours."""
    rim = (_dilate(brain[None], radius)[0] - brain).clamp(0, 1)
    # Sulci: grey matter next to what is not brain opens into CSF as well.
    rim = rim * (1 - probabilities[0])
    probabilities *= 1 - rim
    probabilities[Tissue.CSF] += rim
    csf = torch.zeros_like(probabilities)
    csf[Tissue.CSF] = 1
    image.copy_(image * (1 - rim) + _palette_rgb(csf[None])[0] * rim)


def _finish(
    probabilities: Tensor,
    image: Tensor,
    photograph: Tensor,
    real: Tensor,
    synthesis: SynthesisConfig,
    strength: float,
    rng: Random,
) -> Batch:
    """Make the MRI of each sample, real or synthetic, and its colours.

    image: (B, 4, H, W), colours and the real MRI, which counts where `real` (B,) says so. An MRI
    registered to a photograph is always taken; labelled MRI partly get a synthetic contrast.
    """
    image, scan = image[:, :3], image[:, 3:]
    body = 1 - probabilities[:, :1]
    mask = (body > 0.5).float()
    detail = torch.where(
        photograph[:, None, None, None], rgb_to_lab(image)[:, :1] / 100, image[:, :1]
    )
    detail = detail - F.avg_pool2d(detail, 9, 1, 4, count_include_pad=False)
    made, brightest = synthesize(probabilities, detail, synthesis, strength, rng)
    replaced = ~photograph & (rng.uniform(len(photograph)) < synthesis.synthetic)
    synthetic = ~real | replaced
    mri = torch.where(synthetic[:, None, None, None], made, scan)
    brightest = torch.where(synthetic, brightest, 1.0)  # a real image is scaled as a volume already
    real_A = scale_like_the_engine(mri, mask, brightest, synthesis, strength, rng)
    painted = torch.where(photograph[:, None, None, None], image, _palette_rgb(probabilities))
    labels = probabilities.max(1).indices  # several times as fast as argmax on the CPU
    return Batch(real_A, mask, labels, painted * mask, photograph)


def _misregistered(
    batch: Batch, pixel_mm: Tensor, margin: int, config: SliceConfig, rng: Random
) -> Batch:
    """The batch without its margin, colours and labels displaced against MRI and body."""
    field = displacement(batch.labels.shape[-1], pixel_mm, config, rng)
    labels = displaced(batch.labels[:, None].float(), field, "nearest")[:, 0].long()
    colors = displaced(batch.real_B, field)
    inner = (..., slice(margin, -margin), slice(margin, -margin))
    return Batch(
        batch.real_A[inner], batch.mask[inner], labels[inner], colors[inner], batch.photograph
    )


def _stacks(volume: PreparedVolume, split: str) -> list[_Stack]:
    """The planes in which a volume may be sliced.

    Whole heads are worth twice a brain: they are rare, and harder. A long coarse stack of
    photographs is worth three that stand alone.
    """
    chosen = list(volume.indices(split))
    if not chosen:
        return []
    if volume.entry.kind == "cryosection":
        labels, image = volume.labels[chosen], volume.image[chosen]
        worth = float(min(len(chosen), 3))
        registered = None if volume.mri is None else _as_at_use(volume.mri, volume.labels)[chosen]
        return [_stack(labels, image, registered, volume.spacing[1:], True, worth)]
    mri = _as_at_use(volume.image, volume.labels) if volume.image.any() else None
    worth = 2.0 if (volume.labels == Tissue.SKIN).any() else 1.0
    orders = [
        order
        for order in ((0, 1, 2), (1, 0, 2), (2, 0, 1))
        if volume.spacing[list(order[1:])].max() <= THICK_MM
    ]
    return [
        _stack(
            volume.labels.transpose(order),
            (volume.image if mri is None else mri).transpose(order),
            None if mri is None else mri.transpose(order),
            volume.spacing[list(order[1:])],
            False,
            worth / len(orders),
        )
        for order in orders
    ]


def _as_at_use(mri: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A whole MRI scaled as before the network, uint8."""
    scaled, _ = normalize(mri.astype(np.float32), labels > 0)
    return np.rint(scaled * 255).astype(np.uint8)


def _stack(
    labels: np.ndarray,
    image: np.ndarray,
    mri: np.ndarray | None,
    spacing: np.ndarray,
    photograph: bool,
    worth: float,
) -> _Stack:
    """A stack whose slices with little body are left out."""
    area = (labels > 0).sum(axis=(1, 2)).astype(np.float32)
    area[area < 0.05 * area.max()] = 0
    rows, columns = (float(step) for step in spacing)
    weights = (area > 0).astype(np.float32)
    return _Stack(labels, image, mri, (rows, columns), photograph, weights, worth)


def _share(stack: _Stack, stacks: list[_Stack], photographs: float) -> float:
    """How often a stack is drawn: kinds by the configured share, stacks by their worth."""
    same = sum(one.worth for one in stacks if one.photograph == stack.photograph)
    both = len({one.photograph for one in stacks}) == 2
    kind = (photographs if stack.photograph else 1 - photographs) if both else 1.0
    return kind * stack.worth / same
