"""Slices through the network: from the MRI of one plane to the arrays of the result."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import color
from .canvas import Canvas
from .devices import resolve_precision
from .finishing import Finish, finish, to_bytes
from .generator import DualDecoderGenerator, PaintedLab
from .layout import Layout
from .mixing import average, keep_most_probable
from .model import ModelCard
from .options import ColorizeOptions


@dataclass(frozen=True)
class PaintedSlices:
    """Some slices of a Canvas, (n, H, W, ...); None for what is not known of them yet."""

    color: np.ndarray | None = None
    tissue: np.ndarray | None = None
    confidence: np.ndarray | None = None
    lab: np.ndarray | None = None
    tissues: np.ndarray | None = None
    weights: np.ndarray | None = None

    def write(self, canvas: Canvas, layout: Layout, chosen: np.ndarray) -> None:
        """Put the body's voxels of slices `chosen` into the result."""
        for field in fields(self):
            values, target = getattr(self, field.name), getattr(canvas, field.name)
            if values is None or target is None:
                continue
            seen = layout.view(target)
            for place, index in enumerate(chosen):
                inside = layout.mask[index]
                inside = inside[..., None] if seen.ndim == 4 else inside
                np.copyto(seen[index], values[place], where=inside)


class Painter:
    """Paints slices with one network on one device, as one run's options say.

    several: whether the colours of several planes are averaged; then only the averages so far are
    written, and `consensus.finish_consensus` does the rest.
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

    def paint(self, layout: Layout, chosen: np.ndarray, canvas: Canvas, planes: int) -> None:
        """Paint slices `chosen` into the result, after `planes` whole planes before this one.

        Nothing is written when memory runs out.
        """
        # On the CPU the slices run one by one: the same bytes whatever the batch size.
        single = self._device() == "cpu"
        parts = [chosen[i : i + 1] for i in range(chosen.size)] if single else [chosen]
        painted = [self._paint(layout, part, canvas, planes) for part in parts]
        for part, slices in zip(parts, painted, strict=True):
            slices.write(canvas, layout, part)

    @torch.inference_mode()
    def _paint(
        self, layout: Layout, chosen: np.ndarray, canvas: Canvas, planes: int
    ) -> PaintedSlices:
        mri = self._tensor(layout.mri(chosen))[:, None]  # (B, 1, H, W)
        mask = self._tensor(layout.mask[chosen])[:, None]
        lab, found = self._lab(mri, mask, layout.size)
        if self._several:
            return self._averaged(lab, found, layout, chosen, canvas, planes)
        rgb = to_bytes(finish(lab, mri, Finish.of(self._options))).permute(0, 2, 3, 1)
        if found is None:
            return PaintedSlices(color=_array(rgb))
        native = (int(mri.shape[-2]), int(mri.shape[-1]))
        codes = found.logits.argmax(dim=1, keepdim=True).to(torch.uint8)
        tissue = F.interpolate(codes, native, mode="nearest-exact")[:, 0]
        painted = PaintedSlices(color=_array(rgb), tissue=_array(tissue))
        if canvas.confidence is not None:
            largest = _resize(found.probabilities.amax(dim=1, keepdim=True), native)
            painted = replace(painted, confidence=_array(to_bytes(largest)[:, 0]))
        if canvas.tissues is not None:
            tissues, weights = keep_most_probable(_resize(found.probabilities, native))
            painted = replace(
                painted,
                lab=_array(lab.permute(0, 2, 3, 1).to(torch.float16)),
                tissues=_array(tissues),
                weights=_array(weights),
            )
        return painted

    def _averaged(
        self,
        lab: Tensor,
        found: PaintedLab | None,
        layout: Layout,
        chosen: np.ndarray,
        canvas: Canvas,
        planes: int,
    ) -> PaintedSlices:
        """Means of these slices' colours and tissues and of what the planes before found there."""

        def before(array: np.ndarray | None) -> Tensor:
            # Always there when planes are averaged.
            return self._tensor(layout.view(cast(np.ndarray, array))[chosen])

        last = lab.permute(0, 2, 3, 1)
        mean = before(canvas.lab).float()
        mean = _array((mean + (last - mean) / (planes + 1)).to(torch.float16))
        if found is None:
            return PaintedSlices(lab=mean)
        native = (int(lab.shape[-2]), int(lab.shape[-1]))
        probabilities = average(
            _resize(found.probabilities, native),
            before(canvas.tissues),
            before(canvas.weights),
            planes,
        )
        tissues, weights = (_array(part) for part in keep_most_probable(probabilities))
        return PaintedSlices(lab=mean, tissues=tissues, weights=weights)

    def _lab(
        self, mri: Tensor, mask: Tensor, size: tuple[int, int]
    ) -> tuple[Tensor, PaintedLab | None]:
        """CIELAB (B, 3, H, W) on the input's grid, and what a palette head found on its own."""
        native = (int(mri.shape[-2]), int(mri.shape[-1]))
        x = _resize(mri, size).contiguous(memory_format=torch.channels_last)
        weights = _resize(mask.float(), size)
        temperature = self._card.temperature
        dtype = resolve_precision(self._options.precision, self._device())
        found = None
        with torch.autocast(self._device(), dtype, enabled=dtype != torch.float32):
            if self._network.config.head == "palette":
                found = self._network.paint(x, weights, temperature, self._palette())
            else:
                rgb = self._network(x, weights, temperature).color
        if found is None:
            lab = color.rgb_to_lab(_resize(rgb.float(), native))
        else:
            lab = _resize(found.lab, native)
        if self._options.mode == "natural":
            lab = color.add_detail(lab, mri, self._options.detail)
        return lab, found

    def _palette(self) -> Tensor | None:
        """The palette that was asked for instead of the network's own."""
        if self._options.palette is None:
            return None
        return torch.from_numpy(self._options.palette).float().to(self._device())

    def _device(self) -> str:
        return self._network.palette_lab.device.type

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device())


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()


def _resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, averaging when it gets smaller."""
    if tuple(image.shape[-2:]) == size:
        return image
    return F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)
