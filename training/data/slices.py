"""Labelled slices for training: drawn from prepared volumes, bent, cropped, given an MRI."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from MRIColorizeLib.color import lab_to_rgb, rgb_to_lab
from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.scale import MARGIN_MM
from MRIColorizeLib.tissue import CLASSES, PALETTE_LAB, Tissue
from training.config import SliceConfig, SynthesisConfig
from training.data.misregistration import displaced, displacement, margin_pixels
from training.data.prepared import PreparedVolume
from training.data.structures import CODES, Deep, tissue_of
from training.data.synthesis import (
    Random,
    SoftLabels,
    bias_field,
    scale_like_the_engine,
    smooth_field,
    synthesize,
)

THICK_MM = 2.5  # a volume is sliced only across axes whose in-plane spacing stays below this
# Sides of a field of view: the smallest that cuts the body, and the largest.
SMALLEST_MM, LARGEST_MM = 100.0, 480.0
SLAB_MM = 6.0  # thickest slice that is made of several thin ones
STEEPEST = math.radians(25)  # of the tilt of ordinary samples
# Organs that lie on one side: their mirror image is nobody's anatomy.
ONE_SIDED = (Tissue.LIVER, Tissue.SPLEEN, Tissue.HEART)
# Small organs: slices that show them are drawn more often, and so are volumes.
SMALL = (Tissue.HEART, Tissue.KIDNEY, Tissue.SPLEEN, Tissue.GLAND)
OFTEN = 2.0
# Bags of fluid lie in these, and have these radii.
ROOM_FOR_FLUID = (
    Tissue.FAT,
    Tissue.MUSCLE,
    Tissue.BOWEL,
    Tissue.OTHER,
    Tissue.LIVER,
    Tissue.KIDNEY,
)
SMALLEST_BAG_MM, LARGEST_BAG_MM = 3.0, 35.0
# Map codes, all tissues of a brain; what a brain without its skull keeps.
BRAIN = (Tissue.GREY_MATTER, Tissue.WHITE_MATTER, *(code for code in Deep if code != Deep.TENDON))
_TISSUES = torch.from_numpy(tissue_of(np.arange(CODES, dtype=np.uint8)).astype(np.int64))


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
    """Parallel slices of one volume in one plane, turned as the engine turns them.

    Rows run from anterior to posterior or from superior to inferior, columns from the right to the
    left or from anterior to posterior. labels: structures (N, h, w); image: (N, h, w[, 3]) uint8.
    """

    labels: np.ndarray
    image: np.ndarray
    mri: np.ndarray | None  # (N, h, w) uint8, scaled as at use; None: labels alone
    spacing: tuple[float, float]  # mm of rows, columns
    apart: float  # mm from slice to slice
    photograph: bool
    group: str  # photographs, heads or bodies
    mirrored: float  # share of the samples that may be mirrored
    around: np.ndarray  # codes that the volume shows
    weights: np.ndarray  # (N,) how often a slice is drawn
    worth: float  # how often the stack is drawn, among those of its group


@dataclass
class _Sample:
    """A bent crop: its labels, colours and real MRI (4, H, W) in [0, 1], and its mm a pixel."""

    labels: SoftLabels
    image: Tensor
    spacing_mm: float


class SliceSource:
    """Draws batches from prepared volumes: photographs, heads and bodies in the configured shares.

    A sample is a whole section or a field of view of it, at the size that the engine would show it
    to the network; what lies outside the field of view is background. A photograph gets the MRI
    that is registered to it, or else a synthetic one.
    """

    def __init__(self, volumes: Sequence[PreparedVolume], split: str, config: SliceConfig) -> None:
        self.config = config
        self.stacks = [stack for volume in volumes for stack in _stacks(volume, split)]
        if not self.stacks:
            raise ValueError(f"No prepared volume has slices of the split {split!r}.")
        self.weights = torch.tensor(_shares(self.stacks, config), dtype=torch.float32)

    def draw(self, pixels: int, synthesis: SynthesisConfig, strength: float, rng: Random) -> Batch:
        """One batch of about `pixels` pixels; `strength` (0 to 1) is the ramp of randomisation."""
        size = self.config.crops[rng.integer(len(self.config.crops))]
        height, width = self._shape(size, rng)
        count = max(2, pixels // (height * width))
        margin = margin_pixels(self.config)
        drawn = [self.stacks[int(i)] for i in rng.choice(self.weights, count)]
        shape = (height + 2 * margin, width + 2 * margin)
        samples = [self._bend(stack, shape, rng) for stack in drawn]
        photograph = torch.tensor([stack.photograph for stack in drawn])
        real = torch.tensor([stack.mri is not None for stack in drawn])
        for sample, stack in zip(samples, drawn, strict=True):
            self._edit_brain(sample, stack.photograph and stack.mri is None, rng)
            if stack.group == "bodies" and rng.chance(self.config.fluid):
                _add_fluid(sample, rng)
        batch = _finish(samples, photograph, real, synthesis, strength, rng)
        if not margin:
            return batch
        pixel_mm = torch.tensor([sample.spacing_mm for sample in samples])
        return _misregistered(batch, pixel_mm, margin, self.config, rng)

    def _shape(self, size: int, rng: Random) -> tuple[int, int]:
        """Rows and columns of a batch: a square, or as much area wide or tall."""
        if not rng.chance(self.config.stretched):
            return size, size
        long, short = (round(size * share / 8) * 8 for share in (1.2, 0.83))
        return (short, long) if rng.chance(0.5) else (long, short)

    def _bend(self, stack: _Stack, shape: tuple[int, int], rng: Random) -> _Sample:
        config = self.config
        index = int(rng.choice(torch.from_numpy(stack.weights), 1))
        slab = stack.labels[index : index + self._thickness(stack, rng)]
        body = slab[0] > 0
        center, extent = self._field_of_view(body, stack, rng)  # mm
        spacing = config.scale.spacing_mm(*extent)
        if stack.photograph:  # finer than its pixels a photograph shows nothing
            spacing = max(spacing, 0.6 * max(stack.spacing))
        spacing *= 1 + config.spacing_jitter * rng.number(-1, 1)
        rows, columns = np.nonzero(body)
        for attempt in range(3):
            place = self._place(extent, shape, spacing, rng)
            if attempt == 2:  # a crop of nothing teaches nothing, and its gradient has no bounds
                pick = rng.integer(len(rows))
                center = (rows[pick] * stack.spacing[0], columns[pick] * stack.spacing[1])
                place = (0.0, 0.0)
            inside, offsets = self._offsets(shape, spacing, place, extent, stack, rng)
            grid, box = _window(
                np.array(center) / stack.spacing, offsets, stack.spacing, body.shape
            )
            labels = _soft_labels(slab[(slice(None), *box)], grid, inside, stack.around)
            if float(labels.body.mean()) > 0.01:
                break
        colors = (_bent(stack.image[index][box], grid) * inside).expand(3, -1, -1)
        if stack.mri is None:
            mri = torch.zeros(1, *shape)
        elif stack.photograph:
            mri = _bent(stack.mri[index][box], grid) * inside
        else:
            mri = colors[:1]
        return _Sample(labels, torch.cat((colors, mri)), spacing)

    def _thickness(self, stack: _Stack, rng: Random) -> int:
        """Neighbours that become one slice, as a thick one averages them; labels alone can."""
        most = int(SLAB_MM / stack.apart)
        if stack.mri is not None or stack.photograph or most < 2 or not rng.chance(0.3):
            return 1
        return 2 + rng.integer(min(most, 4) - 1)

    def _field_of_view(
        self, body: np.ndarray, stack: _Stack, rng: Random
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Middle and size in mm, rows and columns: of the section, a part of it, or a cut."""
        if rng.chance(self.config.parts):
            coarse = body[::2, ::2]
            named, count = ndimage.label(coarse)
            if count > 1:
                sizes = np.bincount(named.ravel())[1:]
                large = np.flatnonzero(sizes > 0.15 * sizes.max()) + 1
                part = named == large[rng.integer(len(large))]
                body = np.repeat(np.repeat(part, 2, 0), 2, 1)[: body.shape[0], : body.shape[1]]
        low, high = [], []
        for axis, step in enumerate(stack.spacing):
            present = np.flatnonzero(body.any(axis=1 - axis))
            low.append(present[0] * step - MARGIN_MM)
            high.append((present[-1] + 1) * step + MARGIN_MM)
        extent = [high[0] - low[0], high[1] - low[1]]
        middle = [0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])]
        cut = rng.chance(self.config.cuts)
        for axis in range(2):
            whole = extent[axis]
            if whole > LARGEST_MM:  # no scanner shows more at once
                extent[axis] = LARGEST_MM * rng.number(0.6, 1.0)
            if cut and extent[axis] > SMALLEST_MM:
                extent[axis] *= (SMALLEST_MM / extent[axis]) ** rng.number()
            middle[axis] += 0.5 * (whole - extent[axis]) * rng.number(-1, 1)
        return (middle[0], middle[1]), (extent[0], extent[1])

    @staticmethod
    def _place(
        extent: tuple[float, float], shape: tuple[int, int], spacing: float, rng: Random
    ) -> tuple[float, float]:
        """Where in the field of view the crop's middle lies: mm from its middle.

        Anywhere in one that is larger than the crop; a smaller one lies near the crop's middle.
        """
        spare = [0.5 * (mm - side * spacing) for mm, side in zip(extent, shape, strict=True)]
        row, column = (rng.number(-1, 1) * (mm if mm > 0 else mm / 2) for mm in spare)
        return row, column

    def _offsets(
        self,
        shape: tuple[int, int],
        spacing: float,
        place: tuple[float, float],
        extent: tuple[float, float],
        stack: _Stack,
        rng: Random,
    ) -> tuple[Tensor, Tensor]:
        """Whether each pixel lies in the field of view, (H, W); its row and column mm, (2, H, W).

        From the middle of the field of view; turned, mirrored and bent about it.
        """
        angle = min(
            max(self.config.tilt_degrees * float(rng.normal(1)) * math.pi / 180, -STEEPEST),
            STEEPEST,
        )
        if rng.chance(self.config.any_rotation):
            angle = math.radians(60) * rng.number(-1, 1)
        row, column = torch.meshgrid(
            *(
                (torch.arange(n) - (n - 1) / 2) * spacing + at
                for n, at in zip(shape, place, strict=True)
            ),
            indexing="ij",
        )
        inside = ((row.abs() <= extent[0] / 2) & (column.abs() <= extent[1] / 2)).float()
        # Nobody has quite the proportions of the few bodies that there are.
        tall, broad = torch.exp(self.config.proportions * rng.normal(2).clamp(-2, 2))
        row, column = row * tall, column * broad
        if self.config.elastic_mm:
            # In proportion to the section: what bends a head by 3 mm bends a torso by more.
            amount = self.config.elastic_mm * max(spacing, 0.7) * rng.number() * 0.5
            row = row + amount * smooth_field(1, shape, 5, rng)[0, 0]
            column = column + amount * smooth_field(1, shape, 5, rng)[0, 0]
        cosine, sine = math.cos(angle), math.sin(angle)
        turned = torch.stack((cosine * row - sine * column, sine * row + cosine * column))
        if rng.chance(stack.mirrored):
            turned[1] = -turned[1]
        return inside, turned

    def _edit_brain(self, sample: _Sample, fluidless: bool, rng: Random) -> None:
        """Give cryosection brains the CSF that they lost, and strip some heads to the brain.

        fluidless: a photograph without an MRI: a registered one would not have the rim.
        """
        labels = sample.labels
        brain = labels.soft[torch.isin(labels.codes, torch.tensor(BRAIN))].sum(0)  # (H, W)
        if float(brain.mean()) < 0.02:
            return
        if fluidless and rng.chance(self.config.csf_rim):
            _add_csf_rim(labels, sample.image[:3], brain, 1 + rng.integer(2))
        if rng.chance(self.config.strip):
            fluid = labels.soft[labels.codes == Tissue.CSF].sum(0)
            keep = (brain + fluid) * (_dilate(brain[None], 3)[0] > 0.5)
            labels.soft *= keep
            labels.soft[0] += 1 - keep
            sample.image *= keep


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


def _soft_labels(
    labels: np.ndarray, grid: Tensor, inside: Tensor, around: np.ndarray
) -> SoftLabels:
    """Structure codes (n, h, w) on a sampling grid, averaged over n slices."""
    codes = np.flatnonzero(np.bincount(labels.ravel(), minlength=CODES))
    if codes.size == 0 or codes[0] != Tissue.BACKGROUND:
        codes = np.concatenate(((Tissue.BACKGROUND,), codes))
    shares = np.stack([(labels == code).mean(axis=0, dtype=np.float32) for code in codes])
    soft = F.grid_sample(torch.from_numpy(shares)[None], grid, align_corners=False)[0] * inside
    soft[0] += (1 - soft.sum(0)).clamp_min(0)
    return SoftLabels(torch.from_numpy(codes), soft, torch.from_numpy(around))


def _bent(image: np.ndarray, grid: Tensor) -> Tensor:
    """A uint8 image (h, w) or (h, w, 3) on a sampling grid: (1 or 3, H, W) in [0, 1]."""
    picture = torch.from_numpy(np.ascontiguousarray(image)).float() / 255
    picture = picture.permute(2, 0, 1) if picture.ndim == 3 else picture[None]
    return F.grid_sample(picture[None], grid, align_corners=False)[0]


def _dilate(mask: Tensor, radius: int) -> Tensor:
    """Grey dilation of (1, H, W) by a square of the given radius."""
    return F.max_pool2d(mask[None], 2 * radius + 1, stride=1, padding=radius)[0]


def _tissues(labels: SoftLabels) -> Tensor:
    """How much of each pixel is of which tissue, (CLASSES, H, W)."""
    shares = torch.zeros(CLASSES, *labels.soft.shape[1:])
    return shares.index_add_(0, _TISSUES[labels.codes], labels.soft)


def _palette_rgb(shares: Tensor) -> Tensor:
    """The palette painted on tissue shares: (B, CLASSES, H, W) to RGB (B, 3, H, W)."""
    palette = torch.from_numpy(PALETTE_LAB)
    return lab_to_rgb(F.conv2d(shares, palette.T[:, :, None, None].contiguous()))


def _add_csf_rim(labels: SoftLabels, image: Tensor, brain: Tensor, radius: int) -> None:
    """Turn a rim around the brain, as thick as `radius`, into CSF, in labels and in colours."""
    rim = (_dilate(brain[None], radius)[0] - brain).clamp(0, 1)
    # Sulci: grey matter next to what is not brain opens into CSF as well.
    rim = rim * labels.body
    labels.soft = torch.cat((labels.soft * (1 - rim), rim[None]))
    labels.codes = torch.cat((labels.codes, torch.tensor([int(Tissue.CSF)])))
    fluid = lab_to_rgb(torch.from_numpy(PALETTE_LAB[Tissue.CSF])[None, :, None, None])[0]
    image.copy_(image * (1 - rim) + fluid * rim)


def _add_fluid(sample: _Sample, rng: Random) -> None:
    """Put some bags of clear fluid into a body: bladders, cysts, joints. Label maps have few."""
    labels, shape = sample.labels, sample.labels.soft.shape[1:]
    room = labels.soft[torch.isin(labels.codes, torch.tensor(ROOM_FOR_FLUID))].sum(0) > 0.5
    places = torch.nonzero(F.max_pool2d(room.float()[None], 2)[0] > 0)
    if not len(places):
        return
    rows, columns = torch.meshgrid(*(torch.arange(side) for side in shape), indexing="ij")
    bags = torch.zeros(shape)
    for _ in range(1 + rng.integer(3)):
        row, column = (2 * int(at) for at in places[rng.integer(len(places))])
        radius = SMALLEST_BAG_MM * (LARGEST_BAG_MM / SMALLEST_BAG_MM) ** rng.number()
        tall = radius * math.exp(rng.number(-0.7, 0.7)) / sample.spacing_mm
        broad = radius**2 / sample.spacing_mm**2 / tall
        away = torch.hypot((rows - row) / tall, (columns - column) / broad)
        away = away + 0.12 * smooth_field(1, (int(shape[0]), int(shape[1])), 12, rng)[0, 0]
        bags = torch.maximum(bags, ((1 - away) * min(tall, broad) + 0.5).clamp(0, 1))
    bags = bags * labels.body
    labels.soft = torch.cat((labels.soft * (1 - bags), bags[None]))
    labels.codes = torch.cat((labels.codes, torch.tensor([int(Tissue.CSF)])))


def _finish(
    samples: Sequence[_Sample],
    photograph: Tensor,
    real: Tensor,
    synthesis: SynthesisConfig,
    strength: float,
    rng: Random,
) -> Batch:
    """Make the MRI of each sample, real or synthetic, and its colours.

    An MRI registered to a photograph is always taken where `real` (B,) says that there is one;
    labelled MRI partly get a synthetic contrast.
    """
    image = torch.stack([sample.image for sample in samples])  # (B, 4, H, W): colours, then MRI
    image, scan = image[:, :3], image[:, 3:]
    shares = torch.stack([_tissues(sample.labels) for sample in samples])  # (B, CLASSES, H, W)
    mask = (shares[:, :1] < 0.5).float()
    detail = torch.where(
        photograph[:, None, None, None], rgb_to_lab(image)[:, :1] / 100, image[:, :1]
    )
    detail = detail - F.avg_pool2d(detail, 9, 1, 4, count_include_pad=False)
    # Label maps have no fine structure of their own: they get that of any other sample.
    bare = (image.flatten(1).amax(1) <= 0)[:, None, None, None]
    other = torch.tensor([rng.integer(len(samples)) for _ in samples])
    detail = torch.where(bare, detail[other], detail)
    labels = [sample.labels for sample in samples]
    made, brightest = synthesize(labels, detail, synthesis, strength, rng)
    replaced = ~photograph & (rng.uniform(len(photograph)) < synthesis.synthetic)
    synthetic = ~real | replaced
    body = torch.stack([sample.labels.body for sample in samples])[:, None]
    uneven = bias_field(body, synthesis, strength, rng)
    scan = scan * torch.where(rng.uniform(len(samples), 1, 1, 1) < 0.5, uneven, 1.0)
    mri = torch.where(synthetic[:, None, None, None], made, scan)
    brightest = torch.where(synthetic, brightest, 1.0)  # a real image is scaled as a volume already
    real_A = scale_like_the_engine(mri, mask, brightest, synthesis, strength, rng)
    painted = torch.where(photograph[:, None, None, None], image, _palette_rgb(shares))
    codes = shares.max(1).indices  # several times as fast as argmax on the CPU
    return Batch(real_A, mask, codes, painted * mask, photograph)


def _misregistered(
    batch: Batch, pixel_mm: Tensor, margin: int, config: SliceConfig, rng: Random
) -> Batch:
    """The batch without its margin, colours and labels displaced against MRI and body."""
    field = displacement(batch.labels.shape[-2:], pixel_mm, config, rng)
    labels = displaced(batch.labels[:, None].float(), field, "nearest")[:, 0].long()
    colors = displaced(batch.real_B, field)
    inner = (..., slice(margin, -margin), slice(margin, -margin))
    return Batch(
        batch.real_A[inner], batch.mask[inner], labels[inner], colors[inner], batch.photograph
    )


def _stacks(volume: PreparedVolume, split: str) -> list[_Stack]:
    """The planes in which a volume may be sliced.

    Whole heads are worth twice a brain: they are rare, and harder; a head without its scan shows
    no real contrast. A long coarse stack of photographs is worth three that stand alone.
    """
    chosen = list(volume.indices(split))
    if not chosen:
        return []
    structures = volume.labels if volume.structures is None else volume.structures
    if volume.entry.kind == "cryosection":
        # Seen from above they run from the left to the right: turned to right to left.
        labels, image = structures[chosen][..., ::-1], volume.image[chosen][:, :, ::-1]
        worth = float(min(len(chosen), 3))
        registered = None
        if volume.mri is not None:
            registered = _as_at_use(volume.mri, volume.labels)[chosen][..., ::-1]
        return [_stack(labels, image, registered, volume.spacing, volume, "axial", worth)]
    mri = _as_at_use(volume.image, volume.labels) if volume.image.any() else None
    whole = 2.0 if (volume.labels == Tissue.SKIN).any() else 1.0
    # Of heads without their scans there are many.
    worth = 0.6 if mri is None and whole > 1 and volume.entry.region == "head" else whole
    planes = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
    orders = {
        name: order
        for name, order in planes.items()
        if volume.spacing[list(order[1:])].max() <= THICK_MM
    }
    # Stored from inferior to superior: turned to superior to inferior.
    down = structures[::-1]
    scan = None if mri is None else mri[::-1]
    return [
        _stack(
            down.transpose(order),
            (volume.image[::-1] if scan is None else scan).transpose(order),
            None if scan is None else scan.transpose(order),
            volume.spacing[list(order)],
            volume,
            name,
            worth / len(orders),
        )
        for name, order in orders.items()
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
    volume: PreparedVolume,
    plane: str,
    worth: float,
) -> _Stack:
    """A stack whose slices with little body are rare or left out; spacing: mm, slices first."""
    area = (labels > 0).sum(axis=(1, 2)).astype(np.float32)
    area /= max(float(area.max()), 1.0)
    area[area < 0.05] = 0
    shows = np.isin(labels, SMALL).mean(axis=(1, 2)) > 0.005
    counts = np.bincount(labels.ravel(), minlength=CODES)
    counts[Tissue.BACKGROUND] = 0
    around = np.flatnonzero(counts > 0.003 * counts.sum())
    one_sided = np.isin(around, ONE_SIDED).any()
    photograph = volume.entry.kind == "cryosection"
    apart, rows, columns = (float(step) for step in spacing)
    return _Stack(
        labels,
        image,
        mri,
        (rows, columns),
        apart,
        photograph,
        "photographs" if photograph else {"head": "heads", "body": "bodies"}[volume.entry.region],
        0.0 if plane == "sagittal" else 0.1 if one_sided else 0.5,
        around,
        np.sqrt(area) * np.where(shows, OFTEN, 1).astype(np.float32),
        worth * (OFTEN if shows.any() else 1),
    )


def _shares(stacks: Sequence[_Stack], config: SliceConfig) -> list[float]:
    """How often each stack is drawn: groups by the configured shares, stacks by their worth."""
    shares = {
        "photographs": config.photographs,
        "heads": config.heads,
        "bodies": 1 - config.photographs - config.heads,
    }
    worth = dict.fromkeys(shares, 0.0)
    for stack in stacks:
        worth[stack.group] += stack.worth
    present = {group: shares[group] for group in shares if worth[group]}
    if not any(present.values()):  # all that there is of a group that is not asked for
        present = dict.fromkeys(present, 1.0)
    return [present[one.group] * one.worth / worth[one.group] for one in stacks]
