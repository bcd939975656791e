"""Slices through the network: from the MRI of one plane to the arrays of the result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import color
from ..network.card import ModelCard
from ..network.generator import DualDecoderGenerator, PaintedLab, mix_palette
from ..options import ColorizeOptions
from .canvas import KEPT, KEPT_TO_JOIN, Canvas, Finish, finish, to_bytes
from .certainty import Certainty
from .devices import resolve_precision
from .schedule import Batch
from .slicing import Layout, Patch

# Scores of planes are averaged as logarithms of probabilities, of which the least is this: a plane
# that is sure may not outvote two others.
LEAST_LOG = -4.0


@dataclass(frozen=True)
class PaintedSlices:
    """Some slices of a Canvas, (n, H, W, ...); None for what is not known of them yet."""

    color: np.ndarray | None = None
    tissue: np.ndarray | None = None
    confidence: np.ndarray | None = None
    lab: np.ndarray | None = None
    tissues: np.ndarray | None = None
    weights: np.ndarray | None = None

    @classmethod
    def fetched(cls, **tensors: Tensor) -> PaintedSlices:
        """From tensors on any device."""
        return cls(**dict(zip(tensors, download(list(tensors.values())), strict=True)))

    def write(self, canvas: Canvas, patch: Patch) -> None:
        """Put the body's voxels into the result."""
        for field in fields(self):
            values, target = getattr(self, field.name), getattr(canvas, field.name)
            if values is not None and target is not None:
                patch.write(target, values)


class Painter:
    """Paints slices with one network on one device, as one run's options say.

    planes: along how many planes the volume is seen. What they say of the tissues is averaged, and
    colours are painted with the last of them, once. Safe to use in several threads at once, on
    slices that differ. certainty: is told of every voxel once, when its tissue is known.
    """

    def __init__(
        self,
        network: DualDecoderGenerator,
        card: ModelCard,
        options: ColorizeOptions,
        planes: int,
        certainty: Certainty,
    ) -> None:
        self._network = network
        self._card = card
        self._options = options
        self._planes = planes
        self._certainty = certainty
        self._device: str = network.palette_lab.device.type

    @torch.inference_mode()
    def paint(self, layout: Layout, batch: Batch, canvas: Canvas, before: int) -> None:
        """Paint a batch into the result, after `before` whole planes.

        Nothing is written when memory runs out.
        """
        mri = upload(layout.mri(batch.slices), self._device)[:, None]  # (B, 1, H, W)
        mask = upload(layout.mask[batch.slices], self._device)[:, None]
        lab, prediction = self._network_lab(mri, mask, layout.size)
        results = []
        for part in batch.parts(1 if self._device == "cpu" else batch.slices.size):
            patch = self._patch(layout, batch.slices[part])
            tissues = None if prediction is None else prediction.part(part)
            if self._planes == 1:
                tensors = self._alone(lab[part], tissues, mri[part], patch, canvas)
            else:
                tensors = self._joined(lab[part], tissues, mri[part], patch, canvas, before)
            results.append((PaintedSlices.fetched(**tensors), patch))
        for slices, patch in results:
            slices.write(canvas, patch)
            if slices.confidence is not None and slices.tissue is not None:
                body = patch.bodies()
                self._certainty.add(slices.confidence[body], slices.tissue[body])

    def _patch(self, layout: Layout, indices: np.ndarray) -> Patch:
        """What is finished at once: on a CPU one slice, which then stays in its cache."""
        if self._device == "cpu":
            return Patch.around_body(layout, int(indices[0]))
        return Patch.whole(layout, indices)

    def _alone(
        self,
        lab: Tensor,
        prediction: PaintedLab | None,
        mri: Tensor,
        patch: Patch,
        canvas: Canvas,
    ) -> dict[str, Tensor]:
        """What one plane gives, from the network's grid to the input's."""
        native = _size(mri)
        lab, mri = (patch.cut(image) for image in (_resize(lab, native), mri))
        if prediction is None:
            return self._finished(lab, mri, canvas)
        codes = most_probable(prediction.probabilities)
        tissue = patch.cut(F.interpolate(codes, native, mode="nearest-exact"))[:, 0]
        largest = patch.cut(_resize(prediction.probabilities.amax(dim=1, keepdim=True), native))
        tensors = {"tissue": tissue, "confidence": to_bytes(largest)[:, 0]}
        if canvas.tissues is not None:
            probabilities = patch.cut(_resize(prediction.probabilities, native))
            tensors["tissues"], tensors["weights"] = keep_largest(to_bytes(probabilities), KEPT)
        return tensors | self._finished(lab, mri, canvas)

    def _joined(
        self,
        lab: Tensor,
        prediction: PaintedLab | None,
        mri: Tensor,
        patch: Patch,
        canvas: Canvas,
        before: int,
    ) -> dict[str, Tensor]:
        """Means of what this plane and those before it found; colours of them in the last plane."""
        native = _size(mri)

        def earlier(array: np.ndarray | None) -> Tensor:
            # Always there when planes are joined.
            return upload(patch.read(cast(np.ndarray, array)), self._device)

        # Without a palette there is nothing but colours to average.
        color_part = lab if prediction is None else prediction.residual
        color_part = patch.cut(_resize(color_part, native))
        if before:
            mean = earlier(canvas.lab).permute(0, 3, 1, 2).float()
            color_part = mean + (color_part - mean) / (before + 1)
        is_last = before + 1 == self._planes
        mri = patch.cut(mri)
        if prediction is None:
            if is_last:
                return self._finished(color_part, mri, canvas)
            return {"lab": _last_channel(color_part)}
        scores = to_scores(patch.cut(_resize(prediction.probabilities, native)))
        if before:
            mean = from_kept(earlier(canvas.tissues), earlier(canvas.weights), scores)
            scores = mean + (scores - mean) / (before + 1)
        if not is_last:
            tissues, weights = keep_largest(scores.round().to(torch.uint8), KEPT_TO_JOIN)
            return {"lab": _last_channel(color_part), "tissues": tissues, "weights": weights}
        probabilities = from_scores(scores)
        mixture = mix_palette(probabilities, self._palette())
        tissues, weights = keep_largest(to_bytes(probabilities), KEPT_TO_JOIN)
        tensors = {"tissue": tissues[..., 0], "confidence": weights[..., 0]}
        if self._options.editable:
            tensors |= {"tissues": tissues, "weights": weights}
        return tensors | self._finished(mixture + color_part, mri, canvas)

    def _finished(self, lab: Tensor, mri: Tensor, canvas: Canvas) -> dict[str, Tensor]:
        """From CIELAB to bytes, with the MRI's fine detail."""
        if self._options.mode == "natural":
            lab = color.add_detail(lab, mri, self._options.detail)
        rgb = to_bytes(finish(lab, mri, Finish.of(self._options)))
        tensors = {"color": rgb.permute(0, 2, 3, 1).contiguous()}
        if self._options.editable and canvas.lab is not None:
            tensors["lab"] = _last_channel(lab)
        return tensors

    def _network_lab(
        self, mri: Tensor, mask: Tensor, size: tuple[int, int]
    ) -> tuple[Tensor, PaintedLab | None]:
        """CIELAB (B, 3, h, w) at the model's spacing, and all that a palette head found."""
        x = _resize(mri, size).contiguous(memory_format=torch.channels_last)
        weights = _resize(mask.float(), size)
        temperature = self._card.temperature
        dtype = resolve_precision(self._options.precision, self._device)
        with torch.autocast(self._device, dtype, enabled=dtype != torch.float32):
            if self._network.config.head == "palette":
                prediction = self._network.paint(x, weights, temperature, self._palette())
                return prediction.lab, prediction
            rgb = self._network(x, weights, temperature).color
        return color.rgb_to_lab(rgb.float()), None

    def _palette(self) -> Tensor:
        """The palette that was asked for, or the network's own."""
        if self._options.palette is None:
            return self._network.palette_lab
        return torch.from_numpy(self._options.palette).to(self._device)


def _resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, averaging when it gets smaller."""
    if tuple(image.shape[-2:]) == size:
        return image
    return F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)


def _size(image: Tensor) -> tuple[int, int]:
    """Rows and columns."""
    return int(image.shape[-2]), int(image.shape[-1])


def _last_channel(lab: Tensor) -> Tensor:
    """(B, 3, H, W) as it is kept: (B, H, W, 3) of 16 bits."""
    return lab.permute(0, 2, 3, 1).to(torch.float16)


def most_probable(probabilities: Tensor) -> Tensor:
    """Codes uint8 (B, 1, H, W) of the most probable tissues, of (B, classes, H, W)."""
    classes = probabilities.shape[1]
    codes = torch.arange(classes, dtype=torch.int32, device=probabilities.device)
    # The largest of whole numbers that end in the tissue: on a CPU six times faster than argmax.
    # Where two are alike to a millionth, the lower code wins.
    ranked = (probabilities * 1e6).to(torch.int32).mul_(32).add_((31 - codes)[:, None, None])
    return 31 - ranked.amax(dim=1, keepdim=True).bitwise_and_(31).to(torch.uint8)


def keep_largest(levels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Tissues of the `count` highest of uint8 levels (B, classes, H, W), highest first, and these.

    Both are uint8 (B, H, W, count). Of two alike the lower code comes first. As whole numbers that
    end in the tissue, on a CPU three times faster than topk.
    """
    codes = torch.arange(levels.shape[1], dtype=torch.int16, device=levels.device)
    ranks = levels.to(torch.int16).mul_(32).add_((31 - codes)[:, None, None])
    kept = []
    for _ in range(count):
        kept.append(ranks.amax(dim=1))
        ranks.masked_fill_(ranks == kept[-1][:, None], -1)
    highest = torch.stack(kept, dim=-1)
    return (31 - (highest & 31)).to(torch.uint8), (highest >> 5).to(torch.uint8)


def to_scores(probabilities: Tensor) -> Tensor:
    """Logarithms of probabilities on a scale from 0, for LEAST_LOG and less, to 255, for 1."""
    return probabilities.clamp_min(math.exp(LEAST_LOG)).log_().mul_(-255 / LEAST_LOG).add_(255)


def from_scores(scores: Tensor) -> Tensor:
    """The probabilities (B, classes, H, W) of mean scores; they sum to 1, and of 0 comes 0."""
    down = 1 - scores / 255
    # What a score of 0 stands for is taken off, and ever less of what is above: no step remains.
    probabilities = torch.exp(LEAST_LOG * down) - math.exp(LEAST_LOG) * down * down
    return probabilities / probabilities.sum(dim=1, keepdim=True)


def from_kept(tissues: Tensor, weights: Tensor, like: Tensor) -> Tensor:
    """Scores (B, classes, H, W), shaped as `like`, of the tissues kept, and 0 of the others."""
    scores = torch.zeros_like(like)
    return scores.scatter_(
        1, tissues.permute(0, 3, 1, 2).long(), weights.permute(0, 3, 1, 2).float()
    )


def upload(array: np.ndarray, device: str) -> Tensor:
    """An array as a tensor on the device, copied on the current stream."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device != "cuda":
        return tensor.to(device)
    # Only from page-locked memory does a card copy by itself.
    return tensor.pin_memory().to(device, non_blocking=True)


def download(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """Tensors as arrays, once the current stream has made them."""
    if not tensors or tensors[0].device.type != "cuda":
        return [tensor.cpu().numpy() for tensor in tensors]
    copies = []
    for tensor in tensors:
        copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        copies.append(copy.copy_(tensor, non_blocking=True))
    torch.cuda.current_stream().synchronize()
    return [copy.numpy() for copy in copies]
