"""The same field of view on 256, 128 and 64 pixels: fed as it is, and resampled by the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from MRIColorizeLib.engine.colorizer import Colorizer
from training.measure.cases.cases import MRI, SLAB
from training.measure.cases.learned import ColorStatistics
from training.measure.colorings.baselines import BASELINES, GREY, Subject
from training.measure.colorings.degradations import field_of_view, thin_case
from training.measure.colorings.scores import Measure, Scores, unit_rgb
from training.measure.colorings.selection import few_slices
from training.measure.colorings.stacks import MODES, NATURAL, ColoredStack, paint_case, silent
from training.measure.metrics import measures
from training.measure.metrics.multiscale import ms_ssim_whole
from training.measure.metrics.texture import TextureStatistics, compare_textures, describe_textures

SIDES = (256, 128, 64)
MOST = 4  # slices of a scanned MRI: twelve colourings of each


@dataclass(frozen=True)
class Size:
    """A way to give the network a field of view of side x side pixels."""

    side: int
    raw: bool

    @property
    def way(self) -> str:
        return "raw" if self.raw else "engine"

    def method(self, mode: str) -> str:
        """How tables and records name a mode in this size."""
        return f"{mode}, {self.side} px {self.way}"


SIZES = tuple(Size(side, raw) for raw in (False, True) for side in SIDES)
FULL = Size(256, raw=False)  # that of the seed's experiment 1


def size_scores(
    stack: ColoredStack, colorizer: Colorizer, statistics: ColorStatistics
) -> Iterator[Scores]:
    """Both modes of the model in every size, measured on that size's own pixels.

    Beside them a grey copy, and at 256 pixels, of which the published claims speak, every trivial
    colouring. The slabs and, of a scanned MRI, a few slices; nothing for synthetic contrasts of
    labelled MRI.
    """
    if stack.case.synthetic:
        return
    spacing = colorizer.model.card.scale.least_mm
    for size in SIZES:
        case = field_of_view(size.side, size.raw)(thin_case(few_slices(stack, MOST)), spacing)
        painted = paint_case(case, colorizer, progress=silent)
        textures = describe_textures(painted.mri)
        shown = tuple(MODES)
        if not size.raw:  # the same picture both ways
            names = tuple(BASELINES) if size == FULL else (GREY,)
            subject = Subject.of(painted.mri, painted.mask, case.weighting, case.region)
            for name in names:
                picture = BASELINES[name](painted.mri, painted.mask, subject, statistics)
                painted.pictures[name] = picture
            shown += names
        for mode in shown:
            values = _measure(painted, mode, textures, statistics)
            # The pictures have been measured: six sizes of every stack would fill the memory.
            yield Scores(replace(painted, pictures={}), size.method(mode), values, None)


def _measure(
    stack: ColoredStack,
    mode: str,
    of_mri: Sequence[TextureStatistics],
    statistics: ColorStatistics,
) -> dict[Measure, np.ndarray]:
    rgb = unit_rgb(stack.pictures[mode])
    grey, mri, mask = measures.grey(rgb), stack.mri, stack.mask
    textures = compare_textures(describe_textures(grey), of_mri, mask)
    values = {
        Measure.SSIM_SLICE: measures.ssim_whole(grey, mri),
        Measure.SSIM_BODY: measures.ssim_in_body(grey, mri, mask),
        Measure.MS_SSIM_SLICE: ms_ssim_whole(grey, mri),
        Measure.STSIM1_SLICE: textures.stsim1_slice,
        Measure.STSIM1_BODY: textures.stsim1_body,
        Measure.NCC2: measures.squared_ncc(measures.lightness(rgb), mri, mask),
        Measure.CF_SLICE: measures.colorfulness(rgb),
    }
    if stack.case.kind == MRI:
        region = statistics.regions[stack.case.region].colorfulness
        values[Measure.DCF_REGION] = np.abs(measures.colorfulness(rgb, mask) - region)
    if stack.truth is not None:
        truth = unit_rgb(stack.truth)
        values[Measure.CIEDE2000] = measures.color_distance(rgb, truth, mask).ciede2000
        if stack.case.kind == SLAB:
            fullness = measures.colorfulness(truth)
            values[Measure.DCF_SLICE] = np.abs(values[Measure.CF_SLICE] - fullness)
            inside = measures.colorfulness(rgb, mask) - measures.colorfulness(truth, mask)
            values[Measure.DCF_BODY] = np.abs(inside)
    if stack.labels is not None and stack.tissue is not None and mode == NATURAL:
        agreement = measures.tissue_agreement(stack.tissue, stack.labels, mask)
        values[Measure.TISSUE] = agreement.share
    return values
