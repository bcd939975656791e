"""The table of public MRI volumes with the label recipe of each, and their preparation."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data.mri_atlas import Atlas
from training.data.mri_picture import write_montage
from training.data.mri_read import MriReadError, box_around, read_scan
from training.data.mri_recipes import (
    Recipe,
    another_contrast,
    charm_head,
    flair_head,
    freesurfer_brain,
    labelled,
    stripped_brain,
    t1_head,
)
from training.data.mri_scalp import HeadContrast
from training.data.mri_strip import structures_from_freesurfer
from training.data.prepared import ManifestEntry, PreparedVolume, save_prepared
from training.data.structures import is_fine, tissue_of

_MARGIN_VOXELS = 4
BODY = "body"  # folder of the scans of bodies
_ATLAS = ("mri/brain_t1_norm.mgz", "labels/brain_t1_norm_aparc_aseg.mgz")
_MIXTURE = (
    "CSF, grey and white matter by a three-Gaussian mixture with bias field inside the stripped "
    "brain, with FreeSurfer's labels of another brain, registered to it, as blurred prior"
)
_HEAD = (
    "Brain found by a registered atlas and its brightness, its tissues by mixture with the atlas "
    "as prior; the rest by brightness, depth under the skin and distance from the brain"
)


@dataclass(frozen=True)
class MriSource:
    """One scan of the source folder: its file, its label map if any, its part and its recipe.

    A source without image is a label map alone: its prepared image is black, and training gives
    it synthetic contrasts only.
    """

    name: str
    file: str
    split: str
    recipe: Recipe
    sentence: str
    label_file: str | None = None
    has_image: bool = True
    region: str = "head"


def _contrasts_of(patient: str, split: str) -> tuple[MriSource, ...]:
    """T1, T2 and FLAIR of one person on one grid, labelled once, by the T1."""
    t1 = f"mri/brain_{patient}_t1.nii.gz"
    recipe = stripped_brain(close_mm=2.0)
    sentence = f"{_MIXTURE}, on the T1 of the same person."
    return (
        MriSource(f"brain_{patient}_t1", t1, split, recipe, f"{_MIXTURE}."),
        *(
            MriSource(
                f"brain_{patient}_{name}",
                f"mri/brain_{patient}_{name}.nii.gz",
                split,
                another_contrast(recipe),
                sentence,
                t1,
            )
            for name in ("t2", "flair")
        ),
    )


def _charm_head(number: str, split: str) -> MriSource:
    return MriSource(
        f"head_charm_{number}",
        f"labels/head_charm_{number}.nii.gz",
        split,
        charm_head(),
        "CHARM codes turned to tissues; soft tissue is fat under the skin, over the vault and "
        "around the eyes, else muscle; there is no scan.",
        has_image=False,
    )


SOURCES: tuple[MriSource, ...] = (
    MriSource(
        "brain_t1_spm152",
        "mri/brain_t1_spm152.nii.gz",
        "train",
        stripped_brain(close_mm=1.0, grey_odds=2.0),
        f"{_MIXTURE}; CSF also from the segmentation that comes with the template.",
        "labels/brain_t1_spm152_pveseg.nii.gz",
    ),
    MriSource(
        "brain_t1_norm",
        "mri/brain_t1_norm.mgz",
        "train",
        freesurfer_brain(),
        "FreeSurfer codes turned to tissues; sulcal CSF by brightness.",
        "labels/brain_t1_norm_aparc_aseg.mgz",
    ),
    MriSource(
        "brain_t1_brainmask",
        "mri/brain_t1_brainmask.mgz",
        "train",
        stripped_brain(close_mm=2.0, vessel=1.25),
        f"{_MIXTURE}; voxels far brighter than white matter are blood.",
    ),
    MriSource(
        "brain_t1_colin27",
        "mri/brain_t1_colin27_ch256.nii.gz",
        "train",
        stripped_brain(close_mm=3.0, grey_odds=1.5),
        f"{_MIXTURE}, closed by 3 mm.",
    ),
    MriSource(
        "brain_t1_mni152_2009",
        "mri/brain_t1_mni152_2009.nii.gz",
        "val",
        stripped_brain(close_mm=3.0, grey_odds=4.0),
        f"{_MIXTURE}, closed by 3 mm.",
    ),
    MriSource(
        "brain_t1_cit168",
        "mri/brain_t1_cit168.nii.gz",
        "val",
        stripped_brain(close_mm=2.0),
        f"{_MIXTURE}, closed by 2 mm.",
    ),
    MriSource(
        "brain_t1_eun",
        "mri/brain_t1_eun.nii.gz",
        "val",
        stripped_brain(close_mm=2.0, vessel=1.25),
        f"{_MIXTURE}; voxels far brighter than white matter are blood.",
    ),
    MriSource(
        "head_t1_otsu",
        "mri/head_t1_otsu.nii.gz",
        "train",
        t1_head(HeadContrast(air=0.0, dark=0.23, fat=0.75, reach_mm=10.0)),
        f"{_HEAD}.",
    ),
    MriSource(
        "head_t1_ext2",
        "mri/head_t1_ext2.nii.gz",
        "train",
        t1_head(HeadContrast(air=0.05, dark=0.22, fat=0.62, fat_is_bright=False, blood=1.25)),
        f"{_HEAD}; its fat is suppressed.",
    ),
    MriSource(
        "head_t2_fernando_thick",
        "mri/head_t2_fernando_thick.nii.gz",
        "train",
        flair_head(HeadContrast(air=0.05, dark=0.19, fat=0.38, blood=0.9, diploe=0.4)),
        "Brain from the GIF parcellation of the same visit, brought over by position; the rest by "
        "brightness, depth under the skin and distance from the brain; its CSF is dark: a FLAIR.",
        "labels/head_fernando_seg_gif.nii.gz",
    ),
    *_contrasts_of("ms07", "train"),
    *_contrasts_of("ms19", "train"),
    *_contrasts_of("ms26", "val"),
    *(_charm_head(f"{number:02}", "train") for number in range(1, 20)),
    _charm_head("20", "val"),
    *(
        MriSource(
            f"knee_{name}",
            f"body/mri_knee_{name}.nii.gz",
            "val",
            labelled(),
            "Labels that come with the scan.",
            "body/labels_knee_fine.nii.gz",
            region="body",
        )
        for name in ("pd_te6", "pdt2_te25", "t2_te50")
    ),
)


def prepare_mri(
    source_dir: Path,
    out_dir: Path,
    picture_dir: Path | None = None,
    sources: Sequence[MriSource] = SOURCES,
) -> list[PreparedVolume]:
    """Label the MRI of `source_dir` (with its sources.toml) and save them into `out_dir`.

    Each scan keeps its own spacing and is cropped to its body. With `picture_dir`, a montage of
    each is written there: cuts through faces, not for publishing. Raises MriReadError,
    BrainLabelError or RecipeError.
    """
    facts = _source_facts(source_dir)
    atlas = read_atlas(source_dir)
    done = []
    if not has_bodies(source_dir):
        sources = [source for source in sources if not source.file.startswith(f"{BODY}/")]
    for source in sources:
        if source.file not in facts:
            raise MriReadError(f"{source_dir / 'sources.toml'} does not list {source.file}.")
        volume = prepare_one(source, source_dir, facts[source.file], atlas)
        save_prepared([volume], out_dir)
        if picture_dir is not None:
            picture = picture_dir / f"{source.name}.png"
            write_montage(picture, volume.image, volume.labels, volume.spacing)
        done.append(volume)
    return done


def has_bodies(source_dir: Path) -> bool:
    """Whether the data holds scans of bodies, which `fetch` does not bring: validation alone."""
    return (source_dir / BODY / "sources.toml").is_file()


def read_atlas(source_dir: Path) -> Atlas:
    """The brain with FreeSurfer's labels, cropped to what it holds."""
    scan, codes = (read_scan(source_dir / name) for name in _ATLAS)
    structures = structures_from_freesurfer(scan.array, codes.array)
    box = box_around(structures > 0, 2 * _MARGIN_VOXELS)
    return Atlas(scan.crop(box), scan.with_array(structures).crop(box))


def prepare_one(
    source: MriSource, source_dir: Path, facts: dict[str, str], atlas: Atlas
) -> PreparedVolume:
    """Read, label and crop one scan. `facts` has sha256 and licence of its file."""
    scan = read_scan(source_dir / source.file)
    label_scan = read_scan(source_dir / source.label_file) if source.label_file else None
    structures = source.recipe(scan, label_scan, atlas)
    box = box_around(structures > 0, _MARGIN_VOXELS)
    structures = np.ascontiguousarray(structures[box])
    entry = ManifestEntry(
        name=source.name,
        file=f"{source.name}.npz",
        kind="mri",
        split=source.split,
        source=source.file,
        source_sha256=facts["sha256"],
        licence=facts["licence"],
        recipe=source.sentence,
        region=source.region,
    )
    image = np.ascontiguousarray(scan.array[box])
    if not source.has_image:
        image = np.zeros(image.shape, np.uint8)
    fine = structures if is_fine(structures) else None
    return PreparedVolume(entry, image, tissue_of(structures), scan.spacing, structures=fine)


def _source_facts(source_dir: Path) -> dict[str, dict[str, str]]:
    path = source_dir / "sources.toml"
    try:
        facts = {}
        lists = [path, source_dir / BODY / "sources.toml"]
        for listed in lists if has_bodies(source_dir) else lists[:1]:
            folder = listed.parent.relative_to(source_dir)
            for entry in tomllib.loads(listed.read_text(encoding="utf-8"))["file"]:
                facts[(folder / str(entry["name"])).as_posix()] = entry
        return facts
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise MriReadError(
            f"{path} is no list of sources; `python -m training fetch --out {source_dir}` brings "
            "it with the data."
        ) from error
