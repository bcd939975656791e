"""The engine: a volume in, a colour volume out, slice by slice in batches on one device."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import color
from .devices import resolve_device, resolve_precision, slices_per_batch
from .errors import Cancelled, InputError
from .folding import fold_batch_norm
from .generator import GeneratorOutput
from .intensity import normalize
from .model import Model
from .options import ColorizeOptions
from .volume import (
    ColorVolume,
    Provenance,
    Volume,
    bounding_box,
    check_volume,
    choose_plane,
    slice_order,
)

# Black border kept around the body, so that the network sees its outline.
MARGIN_MM = 6.0
Progress = Callable[[int, int], "bool | None"]
Steps = Generator[tuple[int, int], None, ColorVolume]


@dataclass(frozen=True)
class _Slices:
    """A volume laid out for the network: (slice, row, column) views, cropped to the body."""

    mri: np.ndarray  # (S, H, W) float32 in [0, 1]
    mask: np.ndarray  # (S, H, W) bool
    size: tuple[int, int]  # rows, columns at the model's millimetres per pixel
    first: int  # index in the volume of the first slice
    color: np.ndarray  # (S, H, W, 3) uint8, a view of the result
    tissue: np.ndarray  # (S, H, W) uint8, a view of the result


class Colorizer:
    """Colours volumes with one model on one device: load once, colour many.

    model: from `load_model`. device: "auto", "cuda", "mps" or "cpu"; raises DeviceError.
    """

    def __init__(self, model: Model, device: str = "auto") -> None:
        self.model = model
        self.device = resolve_device(device)
        self._network = self._prepare(self.device)

    def colorize(
        self,
        volume: Volume,
        options: ColorizeOptions | None = None,
        progress: Progress | None = None,
    ) -> ColorVolume:
        """Colour a volume; the result lies on the same grid.

        progress(done, total) is called after every batch of slices; when it returns False the run
        ends with Cancelled. Raises InputError for a volume that cannot be used.
        """
        steps = self.start(volume, options)
        while True:
            try:
                done, total = next(steps)
            except StopIteration as finished:
                return finished.value
            if progress is not None and progress(done, total) is False:
                steps.close()
                raise Cancelled

    def start(self, volume: Volume, options: ColorizeOptions | None = None) -> Steps:
        """The same, stepwise: yields (done, total) slices and returns the ColorVolume.

        The result is `StopIteration.value`; drop or close the generator to cancel.
        """
        options = options or ColorizeOptions()
        began = time.perf_counter()
        volume = check_volume(volume)
        plane = choose_plane(volume, options.plane)
        result, mask, tissue, slices = self._lay_out(volume, plane, options.mask)
        present = _slices_to_color(slices, options, plane)
        pixels = slices.size[0] * slices.size[1]
        batch = options.batch_size or slices_per_batch(self.device, pixels)
        done, total = 0, int(present.size)
        yield 0, total
        while done < total:
            chosen = present[done : done + batch]
            try:
                self._color_batch(slices, chosen, options)
            except torch.OutOfMemoryError:
                batch = self._retreat(batch)
                continue
            done += chosen.size
            yield done, total
        precision = str(resolve_precision(options.precision, self.device)).removeprefix("torch.")
        card = self.model.card
        provenance = Provenance(
            model_name=card.name,
            model_version=card.version,
            device=self.device,
            precision=precision,
            plane=plane,
            mode=options.mode,
            slices=total,
            seconds=time.perf_counter() - began,
        )
        has_tissue = self._network.config.head == "palette"
        return ColorVolume(
            result, mask, tissue if has_tissue else None, volume.ijk_to_ras.copy(), provenance
        )

    def _lay_out(
        self, volume: Volume, plane: str, mask: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, _Slices]:
        """Normalise, find the body, turn to the plane, crop; and make room for the result."""
        if mask is not None:
            if mask.shape != volume.array.shape:
                raise InputError("The mask and the volume differ in size; resample the mask first.")
            if not mask.any():
                raise InputError("The mask is empty; draw or choose one that covers tissue.")
            mask = mask.astype(bool)
        scaled, body = normalize(volume.array, mask)
        order = slice_order(volume, plane)
        spacing = [volume.spacing[::-1][axis] for axis in order]
        margin = (0, *(int(np.ceil(MARGIN_MM / step)) for step in spacing[1:]))
        box = bounding_box(body.transpose(order), margin)
        result = np.zeros((*volume.array.shape, 3), dtype=np.uint8)
        tissue = np.zeros(volume.array.shape, dtype=np.uint8)
        mri = scaled.transpose(order)[box]
        rows, columns = (
            max(4, round(n * step / self.model.card.spacing_mm))
            for n, step in zip(mri.shape[1:], spacing[1:], strict=True)
        )
        slices = _Slices(
            mri,
            body.transpose(order)[box],
            (rows, columns),
            box[0].start,
            result.transpose(*order, 3)[box],
            tissue.transpose(order)[box],
        )
        return result, body, tissue, slices

    @torch.inference_mode()
    def _color_batch(self, slices: _Slices, chosen: np.ndarray, options: ColorizeOptions) -> None:
        """Colour the chosen slices and write them into the result."""
        mri = torch.from_numpy(np.ascontiguousarray(slices.mri[chosen])).to(self.device)[:, None]
        mask = torch.from_numpy(np.ascontiguousarray(slices.mask[chosen])).to(self.device)[:, None]
        parts = range(len(chosen)) if self.device == "cpu" else [slice(None)]
        # On the CPU the slices run one by one: the same bytes whatever the batch size.
        for part in parts:
            rows = slice(part, part + 1) if isinstance(part, int) else part
            rgb, tissue = self._color_slices(mri[rows], mask[rows], slices.size, options)
            where = chosen[rows]
            slices.color[where] = rgb.cpu().numpy()
            slices.tissue[where] = tissue.cpu().numpy()

    def _color_slices(
        self, mri: Tensor, mask: Tensor, size: tuple[int, int], options: ColorizeOptions
    ) -> tuple[Tensor, Tensor]:
        """mri, mask (B, 1, H, W) to RGB uint8 (B, H, W, 3) and tissue codes uint8 (B, H, W)."""
        network_mri = _resize(mri, size)
        network_mask = _resize(mask.float(), size)
        output = self._infer(network_mri, network_mask, options)
        native = (int(mri.shape[-2]), int(mri.shape[-1]))
        if output.palette_lab is None:
            lab = color.rgb_to_lab(_resize(output.color.float(), native))
        else:
            lab = output.palette_lab
            if output.residual is not None:
                lab = lab + output.residual
            lab = _resize(lab, native)
        if options.mode == "natural":
            lab = color.add_detail(lab, mri, options.detail)
        rgb = color.lab_to_rgb(color.saturate(lab, options.saturation))
        if options.mode == "structure":
            rgb = color.lock_lightness(rgb, mri)
        rgb = (rgb * mask).mul(255).round().to(torch.uint8)
        return rgb.permute(0, 2, 3, 1), _tissue(output, native) * mask[:, 0]

    def _infer(self, mri: Tensor, mask: Tensor, options: ColorizeOptions) -> GeneratorOutput:
        dtype = resolve_precision(options.precision, self.device)
        with torch.autocast(self.device, dtype, enabled=dtype != torch.float32):
            return self._network(
                mri.contiguous(memory_format=torch.channels_last),
                mask,
                self.model.card.temperature,
            )

    def _prepare(self, device: str) -> torch.nn.Module:
        network = fold_batch_norm(self.model.generator)
        return network.to(device=device, memory_format=torch.channels_last)

    def _retreat(self, batch: int) -> int:
        """After running out of memory: half the batch, and from one slice down to the CPU."""
        if self.device == "cuda":
            torch.cuda.empty_cache()
        if batch > 1:
            warnings.warn(
                f"Out of memory on {self.device} with {batch} slices at once; trying {batch // 2}.",
                stacklevel=3,
            )
            return batch // 2
        if self.device == "cpu":
            raise InputError(
                "One slice does not fit into memory; crop the volume or close other programs."
            )
        warnings.warn(f"Out of memory on {self.device}; going on with the CPU.", stacklevel=3)
        self.device = "cpu"
        self._network = self._prepare("cpu")
        return 8


def _slices_to_color(slices: _Slices, options: ColorizeOptions, plane: str) -> np.ndarray:
    """Indices of the slices that show the body, or of the one that was asked for."""
    present = np.flatnonzero(slices.mask.any(axis=(1, 2)))
    wanted = options.slice_index
    if wanted is None:
        return present
    present = present[present + slices.first == wanted]
    if present.size == 0:
        raise InputError(f"Slice {wanted} of the {plane} plane shows no body; choose another.")
    return present


def _resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, averaging when it gets smaller."""
    if tuple(image.shape[-2:]) == size:
        return image
    return F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)


def _tissue(output: GeneratorOutput, size: tuple[int, int]) -> Tensor:
    """Most probable tissue on a grid of `size`, uint8 (B, H, W)."""
    if output.logits is None:
        return torch.zeros((output.color.shape[0], *size), dtype=torch.uint8).to(
            output.color.device
        )
    codes = output.logits.argmax(dim=1, keepdim=True).to(torch.uint8)
    return F.interpolate(codes, size, mode="nearest-exact")[:, 0]
