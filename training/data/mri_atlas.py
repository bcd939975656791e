"""A labelled brain laid over another scan: registration of the atlas, and what it then says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MRIColorizeLib.tissue import Tissue
from training.data.mri_read import Scan
from training.data.structures import Deep, tissue_of

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])
_SEED = 20251
_FIT_SPACING_MM = 2.0
# A brain's top lies about this far under the top of the head.
_SCALP_AND_SKULL_MM = 12.0


@dataclass(frozen=True)
class Atlas:
    """A stripped brain on one grid: image Scan, structures Scan (uint8 codes)."""

    image: Scan
    structures: Scan


def lay_over(atlas: Atlas, target: Scan, stripped: bool) -> np.ndarray:
    """Structures of the atlas, warped onto the target's grid: uint8 (K, J, I).

    target: a T1 scan; stripped: whether it is a brain alone (then centres of mass start the
    registration) or a whole head (then the top of the head does, and only what the atlas brain
    covers is compared). Mutual information; an affine, then a coarse B-spline.
    """
    brain = _thinned(_to_itk(atlas.image, np.float32))
    fixed = _thinned(_to_itk(target, np.float32))
    codes = _to_itk(atlas.structures, np.uint8)
    grid = _to_itk(target, np.uint8)
    inside = sitk.BinaryDilate(sitk.Resample(codes > 0, brain, sitk.Transform()), [2, 2, 2])
    affine = _affine(brain, inside, fixed, _start(atlas, target, stripped))
    onto_atlas = affine.GetInverse()
    near = sitk.Resample(inside, fixed, onto_atlas, sitk.sitkNearestNeighbor, 0)
    spline = _spline(fixed, near, brain, onto_atlas)
    both = sitk.CompositeTransform([onto_atlas, spline])
    warped = sitk.Resample(codes, grid, both, sitk.sitkNearestNeighbor, 0)
    return sitk.GetArrayFromImage(warped)


def tissue_prior(
    warped: np.ndarray, spacing: np.ndarray, order: tuple[Tissue, ...], sigma_mm: float = 2.5
) -> np.ndarray:
    """log probability of each tissue of `order` near the atlas's: float32 (len(order), K, J, I).

    Blurred, since the folds of two brains do not match, and floored at 0.1, so that the image
    has the last word except deep inside what the atlas knows (thalamus, cerebellum).
    """
    sigma = [sigma_mm / float(s) for s in spacing]
    tissues = tissue_of(warped)
    shares = [ndimage.gaussian_filter((tissues == t).astype(np.float32), sigma) for t in order]
    total = np.sum(shares, axis=0) + np.float32(1e-3)
    return np.log(np.stack([np.maximum(share / total, np.float32(0.1)) for share in shares]))


def with_deep_nuclei(tissues: np.ndarray, warped: np.ndarray) -> np.ndarray:
    """Tissues (K, J, I) of a brain, the atlas's deep nuclei laid over grey and white matter.

    By brightness alone a T1's thalamus passes for white matter. warped: from `lay_over`.
    """
    solid = (tissues == Tissue.GREY_MATTER) | (tissues == Tissue.WHITE_MATTER)
    nuclei = (warped >= Deep.THALAMUS) & (warped <= Deep.PALLIDUM)
    return np.where(solid & nuclei, warped, tissues)


def _start(atlas: Atlas, target: Scan, stripped: bool) -> sitk.Transform:
    """Translation from atlas to target points, in LPS mm."""
    brain = _landmarks(atlas.image, 0.0, None)
    depth = None if stripped else float(brain[3])
    goal = _landmarks(target, 0.0 if stripped else _SCALP_AND_SKULL_MM, depth)
    return sitk.TranslationTransform(3, (_RAS_TO_LPS @ (goal[:3] - brain[:3])).tolist())


def _landmarks(scan: Scan, below_top_mm: float, depth_mm: float | None) -> np.ndarray:
    """Middle of the tissue left-right and front-back, its middle height, its height: RAS mm (4,).

    With a depth, only that much below the top (less `below_top_mm`) is looked at.
    """
    voxels = np.argwhere(scan.array > 0.25 * np.percentile(scan.array, 98))
    points = voxels @ scan.kji_to_ras[:3, :3].T + scan.kji_to_ras[:3, 3]
    top = float(np.percentile(points[:, 2], 99.9)) - below_top_mm
    bottom = top - depth_mm if depth_mm is not None else float(np.percentile(points[:, 2], 0.1))
    upper = points[points[:, 2] > 0.5 * (top + bottom)]
    centre = 0.5 * (
        np.percentile(upper[:, :2], 1, axis=0) + np.percentile(upper[:, :2], 99, axis=0)
    )
    return np.array([*centre, 0.5 * (top + bottom), top - bottom])


def _affine(
    brain: sitk.Image, inside: sitk.Image, target: sitk.Image, start: sitk.Transform
) -> sitk.AffineTransform:
    """Affine from atlas points to target points; only points inside the atlas brain count."""
    middle = [size / 2 for size in brain.GetSize()]
    first = sitk.AffineTransform(3)
    first.SetCenter(brain.TransformContinuousIndexToPhysicalPoint(middle))
    first.SetTranslation(start.GetParameters())
    method = _method(0.2)
    method.SetMetricFixedMask(inside)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.02, 120)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([3, 2])
    method.SetSmoothingSigmasPerLevel([4.0, 2.0])
    method.SetInitialTransform(first, inPlace=True)
    method.Execute(brain, target)
    return first


def _spline(
    target: sitk.Image, near: sitk.Image, brain: sitk.Image, onto_atlas: sitk.Transform
) -> sitk.BSplineTransform:
    """Coarse B-spline in the target's space, applied before the affine."""
    mesh = [
        max(2, round(n * s / 25))
        for n, s in zip(target.GetSize(), target.GetSpacing(), strict=True)
    ]
    spline = sitk.BSplineTransformInitializer(target, mesh)
    method = _method(0.3)
    method.SetMetricFixedMask(near)
    method.SetMovingInitialTransform(onto_atlas)
    method.SetInitialTransform(spline, inPlace=True)
    method.SetOptimizerAsLBFGSB(numberOfIterations=25, maximumNumberOfFunctionEvaluations=40)
    method.SetShrinkFactorsPerLevel([2])
    method.SetSmoothingSigmasPerLevel([2.0])
    method.Execute(target, brain)
    return spline


def _thinned(image: sitk.Image) -> sitk.Image:
    """The image at about 2 mm: what a registration this coarse needs."""
    factors = [max(1, round(_FIT_SPACING_MM / s)) for s in image.GetSpacing()]
    return sitk.Shrink(sitk.DiscreteGaussian(image, 0.5), factors)


def _method(share: float) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(share, _SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetNumberOfThreads(1)
    return method


def _to_itk(scan: Scan, kind: type[np.generic]) -> sitk.Image:
    image = sitk.GetImageFromArray(scan.array.astype(kind))
    columns = _RAS_TO_LPS @ scan.kji_to_ras[:3, [2, 1, 0]]
    lengths = np.linalg.norm(columns, axis=0)
    image.SetSpacing(lengths.tolist())
    image.SetDirection((columns / lengths).ravel().tolist())
    image.SetOrigin((_RAS_TO_LPS @ scan.kji_to_ras[:3, 3]).tolist())
    return image
