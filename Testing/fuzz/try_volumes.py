"""A generated volume coloured by the engine, through files, or through the scene of Slicer."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

from fuzz.choices import Choices, Seeded
from fuzz.command import files_below, run_command
from fuzz.outcome import Outcome, refusal_of, require, sentence_of
from fuzz.volumes import VolumeCase, array_of, choose_volume, mask_of, matrix_of
from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.errors import MRIColorizeError
from MRIColorizeLib.files.kinds import LPS_RAS
from MRIColorizeLib.network.model import load_model
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.tissue import CLASSES
from MRIColorizeLib.volume import ColorVolume, Volume, slice_order

FORMATS = ("a.nii", "a.nii.gz", "a.nrrd", "a.nhdr", "a.mha", "a.mhd", "a.mgz")


@cache
def engine(model: Path) -> Colorizer:
    """The engine of a model's folder."""
    return Colorizer(load_model(model), "cpu")


def volume_trial(job: tuple[int, Path]) -> Outcome:
    """The trial of a seed with a model's folder: by the engine, or through files."""
    seed, model = job
    choices = Seeded(seed)
    if choices.integer(0, 9) < 7:
        return by_engine(choose_volume(choices, orthonormal=False), model)
    return through_files(choose_volume(choices, orthonormal=True), model, choices)


def by_engine(case: VolumeCase, model: Path) -> Outcome:
    """Colour arrays. Raises BrokenPromise."""
    array, matrix, mask = array_of(case), matrix_of(case), mask_of(case)
    volume = Volume(array.copy(), matrix.copy())
    refusal = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            color = engine(model).colorize(volume, _options(case, volume, mask))
        except MRIColorizeError as error:
            refusal = sentence_of(str(error))
        else:
            check_color(color, case, matrix)
    require(np.array_equal(volume.array, array, equal_nan=array.dtype.kind == "f"), "input changed")
    require(np.array_equal(volume.ijk_to_ras, matrix), "geometry of the input changed")
    return Outcome(f"engine: {case.content}", refusal)


def _options(case: VolumeCase, volume: Volume, mask: np.ndarray | None) -> ColorizeOptions:
    index = None
    if case.slice_share is not None and case.plane not in ("consensus", "auto"):
        count = case.shape[slice_order(volume, case.plane)[0]]
        index = round(case.slice_share * (count - 1))
    return ColorizeOptions(
        plane=case.plane,
        mode=case.mode,
        background=case.background,
        confidence=case.confidence,
        mask=mask,
        slice_index=index,
        editable=case.seed % 3 == 0,
    )


def check_color(color: ColorVolume, case: VolumeCase, matrix: np.ndarray) -> None:
    """Raise BrokenPromise unless the result is whole and on the input's grid."""
    require(color.array.dtype == np.uint8, f"colours are {color.array.dtype}")
    require(color.array.shape == (*case.shape, 3), f"colours are {color.array.shape}")
    require(np.array_equal(color.ijk_to_ras, matrix), "the result lies elsewhere")
    require(color.mask.dtype == bool and color.mask.shape == case.shape, "the mask is odd")
    require(color.mask.any(), "no body")
    if case.background == "black":
        require(not color.array[~color.mask].any(), "the background is not black")
    tissue = np.full(0, CLASSES) if color.tissue is None else color.tissue
    require(tissue.shape == case.shape, "no tissue map, or an odd one")
    require(int(tissue.max()) < CLASSES, "a tissue that is none")
    require((color.confidence is not None) == case.confidence, "confidence unasked or missing")


def through_files(case: VolumeCase, model: Path, choices: Choices) -> Outcome:
    """Write a file, call the command, read its results. Raises BrokenPromise."""
    name, ending = choices.pick(FORMATS), choices.pick((".nrrd", ".nii.gz"))
    folder = Path(tempfile.mkdtemp(prefix="fuzz-volume-"))
    try:
        source = folder / name
        _write(source, array_of(case), matrix_of(case))
        words: list[object] = [source, "--model", model, "--quiet", "-o", folder / "out"]
        words += ["--plane", case.plane, "--mode", case.mode, "--background", case.background]
        words += [
            "--format",
            ending[1:],
            *(["--tissue", "--confidence"] if case.confidence else []),
        ]
        if case.mask != "none":
            words += ["--mask", _write_mask(folder / "mask.nii.gz", case)]
        before = {path: path.read_bytes() for path in files_below(folder)}
        refusal = refusal_of(run_command(words))
        made = files_below(folder) - before.keys()
        require(all(path.read_bytes() == raw for path, raw in before.items()), "input changed")
        if refusal is None:
            expected = {f"a_color{ending}", "a_color.png"}
            expected |= {"a_tissue.seg.nrrd", "a_confidence.nrrd"} if case.confidence else set()
            require({path.name for path in made} == expected, f"files are {made}")
            _check_file(folder / "out" / f"a_color{ending}", source, case)
        else:
            require(not made, f"refused, and left {made}")
    finally:
        shutil.rmtree(folder)
    return Outcome(f"{name[2:]} file: {case.content}", refusal)


def _write(path: Path, array: np.ndarray, matrix: np.ndarray) -> None:
    """Write a volume in the number format nearest to its own that the file's format has."""
    if path.suffix in (".nii", ".gz"):
        kept = array.astype(np.float32) if array.dtype == np.float16 else array
        image = nibabel.Nifti1Image(kept.T, matrix, dtype=kept.dtype)
        image.set_qform(matrix, 1)
        image.set_sform(matrix, 1)
        nibabel.save(image, path)
    elif path.suffix == ".mgz":
        kept = array if array.dtype.name in ("uint8", "int16", "int32") else array.astype("f4")
        nibabel.save(nibabel.MGHImage(kept.T, matrix), path)
    else:
        kept = array.astype(np.float32) if array.dtype == np.float16 else array
        image = sitk.GetImageFromArray(kept)
        lps = LPS_RAS @ matrix
        spacing = np.linalg.norm(lps[:3, :3], axis=0)
        image.SetSpacing(spacing)
        image.SetDirection((lps[:3, :3] / spacing).ravel())
        image.SetOrigin(lps[:3, 3])
        sitk.WriteImage(image, str(path), useCompression=bool(array.size % 2))


def _write_mask(path: Path, case: VolumeCase) -> Path:
    mask, matrix = mask_of(case), matrix_of(case)
    if mask is None:  # a coarser, turned grid around the same middle
        mask = np.ones((3, 4, 5), dtype=np.uint8)
        size = np.array(case.shape[::-1])
        middle = matrix @ (*((size - 1) / 2), 1)
        matrix = matrix[:, [1, 0, 2, 3]] @ np.diag((*(size / (6.0, 5.0, 4.0) + 0.1), 1))
        matrix[:3, 3] += middle[:3] - (matrix @ (2, 1.5, 1, 1))[:3]
    _write(path, mask, matrix)
    return path


def _check_file(path: Path, source: Path, case: VolumeCase) -> None:
    """Raise BrokenPromise unless ITK reads colour on the source's grid."""
    color = sitk.ReadImage(str(path))
    require(color.GetNumberOfComponentsPerPixel() == 3, "not colour")
    require(color.GetSize() == case.shape[::-1], f"size {color.GetSize()}, not {case.shape[::-1]}")
    wanted = LPS_RAS @ matrix_of(case)
    found = np.eye(4)
    found[:3, :3] = np.array(color.GetDirection()).reshape(3, 3) * color.GetSpacing()
    found[:3, 3] = color.GetOrigin()
    corner = np.array((*(n - 1 for n in case.shape[::-1]), 1.0))
    # NIfTI keeps its geometry in 32 bits.
    near = 1e-4 * (np.linalg.norm(wanted[:3, :3] * corner[:3]) + np.abs(wanted[:3, 3]).max() + 1)
    for point in (corner, (0, 0, 0, 1)):
        away = np.linalg.norm(found @ point - wanted @ point)
        require(away < near, f"{away:g} mm away from its place ({source.name})")
