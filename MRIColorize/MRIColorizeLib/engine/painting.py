"""Slices through the network: from the MRI of one plane to the arrays of the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import color
from ..network.card import ModelCard
from ..network.generator import DualDecoderGenerator, PaintedLab
from ..options import ColorizeOptions
from .canvas import KEPT, Canvas, Finish, finish, to_bytes
from .devices import resolve_precision
from .schedule import Batch
from .slicing import Layout, Patch


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

    several: whether the colours of several planes are averaged; then only the averages so far are
    written, and `finish_consensus` does the rest. Safe to use in several threads at once,
    on slices that differ.
    """

    def __init__(
        self,
        network: DualDecoderGenerator,
        card: ModelCard,
        options: ColorizeOptions,
        several: bool,
    ) -> None:
        self._network = network
        self._card = card
        self._options = options
        self._several = several
        self._device: str = network.palette_lab.device.type

    @torch.inference_mode()
    def paint(self, layout: Layout, batch: Batch, canvas: Canvas, planes: int) -> None:
        """Paint a batch into the result, after `planes` whole planes before this one.

        Nothing is written when memory runs out.
        """
        mri = upload(layout.mri(batch.slices), self._device)[:, None]  # (B, 1, H, W)
        mask = upload(layout.mask[batch.slices], self._device)[:, None]
        lab, prediction = self._network_lab(mri, mask, layout.size)
        results = []
        for part in batch.parts(1 if self._device == "cpu" else batch.slices.size):
            patch = self._patch(layout, batch.slices[part])
            tissues = (
                None if prediction is None else PaintedLab(*(each[part] for each in prediction))
            )
            slices = self._finished(lab[part], tissues, mri[part], patch, canvas, planes)
            results.append((slices, patch))
        for slices, patch in results:
            slices.write(canvas, patch)

    def _patch(self, layout: Layout, indices: np.ndarray) -> Patch:
        """What is finished at once: on a CPU one slice, which then stays in its cache."""
        if self._device == "cpu":
            return Patch.around_body(layout, int(indices[0]))
        return Patch.whole(layout, indices)

    def _finished(
        self,
        lab: Tensor,
        prediction: PaintedLab | None,
        mri: Tensor,
        patch: Patch,
        canvas: Canvas,
        planes: int,
    ) -> PaintedSlices:
        """From the network's grid to the input's, and from CIELAB to bytes."""
        native = (int(mri.shape[-2]), int(mri.shape[-1]))
        lab, mri = (patch.cut(image) for image in (_resize(lab, native), mri))
        if self._options.mode == "natural":
            lab = color.add_detail(lab, mri, self._options.detail)
        if self._several:
            return self._averaged(lab, prediction, native, patch, canvas, planes)
        rgb = to_bytes(finish(lab, mri, Finish.of(self._options))).permute(0, 2, 3, 1)
        if prediction is None:
            return PaintedSlices.fetched(color=rgb.contiguous())
        codes = most_probable(prediction.probabilities)
        tissue = patch.cut(F.interpolate(codes, native, mode="nearest-exact"))[:, 0]
        arrays = {"color": rgb.contiguous(), "tissue": tissue}
        if canvas.confidence is not None:
            largest = _resize(prediction.probabilities.amax(dim=1, keepdim=True), native)
            arrays["confidence"] = to_bytes(patch.cut(largest))[:, 0]
        if canvas.tissues is not None:
            probabilities = patch.cut(_resize(prediction.probabilities, native))
            tissues, weights = keep_most_probable(probabilities)
            arrays["lab"] = lab.permute(0, 2, 3, 1).to(torch.float16)
            arrays |= {"tissues": tissues, "weights": weights}
        return PaintedSlices.fetched(**arrays)

    def _averaged(
        self,
        lab: Tensor,
        prediction: PaintedLab | None,
        native: tuple[int, int],
        patch: Patch,
        canvas: Canvas,
        planes: int,
    ) -> PaintedSlices:
        """Means of these slices' colours and tissues and of what the planes before found there."""

        def before(array: np.ndarray | None) -> Tensor:
            # Always there when planes are averaged.
            return upload(patch.read(cast(np.ndarray, array)), self._device)

        last = lab.permute(0, 2, 3, 1)
        mean = before(canvas.lab).float()
        mean = (mean + (last - mean) / (planes + 1)).to(torch.float16)
        if prediction is None:
            return PaintedSlices.fetched(lab=mean)
        probabilities = average(
            patch.cut(_resize(prediction.probabilities, native)),
            before(canvas.tissues),
            before(canvas.weights),
            planes,
        )
        tissues, weights = keep_most_probable(probabilities)
        return PaintedSlices.fetched(lab=mean, tissues=tissues, weights=weights)

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

    def _palette(self) -> Tensor | None:
        """The palette that was asked for instead of the network's own."""
        if self._options.palette is None:
            return None
        return torch.from_numpy(self._options.palette).to(self._device)


def _resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, averaging when it gets smaller."""
    if tuple(image.shape[-2:]) == size:
        return image
    return F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)


@torch.inference_mode()
def finish_consensus(canvas: Canvas, layout: Layout, how: Finish) -> None:
    """Fill colours, tissue map and confidence from the mean colours and tissues of all planes.

    layout: any of the planes'; its slices are finished one after the other.
    """
    means = layout.view(cast(np.ndarray, canvas.lab))  # always there when planes are averaged
    for index in layout.present():
        indices = np.array([index])
        mri = torch.from_numpy(layout.mri(indices))[:, None]
        lab = torch.from_numpy(means[indices]).permute(0, 3, 1, 2).float()
        rgb = to_bytes(finish(lab, mri, how)).permute(0, 2, 3, 1).numpy()
        tissue = confidence = None
        if canvas.tissues is not None and canvas.weights is not None:
            tissue = layout.view(canvas.tissues)[indices][..., 0]
            confidence = layout.view(canvas.weights)[indices][..., 0]
        PaintedSlices(rgb, tissue, confidence).write(canvas, Patch.whole(layout, indices))


def most_probable(probabilities: Tensor) -> Tensor:
    """Codes uint8 (B, 1, H, W) of the most probable tissues, of (B, classes, H, W)."""
    classes = probabilities.shape[1]
    codes = torch.arange(classes, dtype=torch.int32, device=probabilities.device)
    # The largest of whole numbers that end in the tissue: on a CPU six times faster than argmax.
    # Where two are alike to a millionth, the lower code wins.
    ranked = (probabilities * 1e6).to(torch.int32).mul_(32).add_((31 - codes)[:, None, None])
    return 31 - ranked.amax(dim=1, keepdim=True).bitwise_and_(31).to(torch.uint8)


def keep_most_probable(probabilities: Tensor) -> tuple[Tensor, Tensor]:
    """(B, classes, H, W) to tissues and weights uint8 (B, H, W, KEPT), the largest first."""
    weights, tissues = probabilities.topk(KEPT, dim=1)
    return (
        tissues.to(torch.uint8).permute(0, 2, 3, 1),
        weights.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1),
    )


def average(probabilities: Tensor, tissues: Tensor, weights: Tensor, planes: int) -> Tensor:
    """Mean (B, classes, H, W) of these probabilities and the ones kept from `planes` planes."""
    before = torch.zeros_like(probabilities).scatter_add_(
        1, tissues.permute(0, 3, 1, 2).long(), weights.permute(0, 3, 1, 2).float() / 255
    )
    return before + (probabilities - before) / (planes + 1)


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
