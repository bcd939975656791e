"""Label maps of bodies that come with the code: no scan of their own, for synthesis alone.

What each is, how it was made and its licence stands in maps/sources.toml.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from MRIColorizeLib.tissue import Tissue
from training.data.mri_picture import write_montage
from training.data.mri_read import box_around, read_scan
from training.data.prepared import ManifestEntry, PreparedVolume, save_prepared
from training.data.structures import Deep, is_fine, tissue_of

MAPS = Path(__file__).with_name("maps")
STACK_LABELS = "vhm_stack_fine_labels.npz"
_MARGIN_VOXELS = 4


@dataclass(frozen=True)
class BodyMap:
    """One map: its file, its part, what it shows, and the file that tells structures apart."""

    name: str
    file: str
    split: str
    region: str = "body"
    structure_file: str | None = None


BODY_MAPS = (
    BodyMap("map_chest_abdomen", "fine_chest_abdomen_theo_ct.nii.gz", "train"),
    BodyMap("map_torso_arms", "fine_torso_arms_bp3d_hra.nii.gz", "train"),
    BodyMap("map_hips_legs_male", "fine_hips_legs_vhm.nii.gz", "train"),
    BodyMap("map_neck", "fine_neck_vhf_ct.nii.gz", "train"),
    BodyMap(
        "map_brain", "fine_brain_spl.nii.gz", "train", "head", "deepgrey_brain_spl_codes.nii.gz"
    ),
    BodyMap("map_abdomen_pelvis", "fine_abdomen_pelvis_totalseg_ct.nii.gz", "val"),
    BodyMap("map_hips_legs_female", "fine_hips_legs_vhf.nii.gz", "val"),
)

# What the codes of the brain atlas mean, where its tissue does not say it (maps/README.md).
_BRAIN_STRUCTURES: dict[Deep, tuple[int, ...]] = {
    Deep.THALAMUS: (3, 16),
    Deep.CAUDATE: (4, 8),
    Deep.PUTAMEN: (5,),
    Deep.PALLIDUM: (6, 7),
    Deep.IRON_RICH: (12, 13, 14, 18),
    Deep.BRAIN_STEM: (24, 25, 26),
}


def prepare_maps(out_dir: Path, picture_dir: Path | None = None) -> list[PreparedVolume]:
    """Write every map as a prepared volume without image; pictures as `prepare_mri` makes them."""
    facts = {
        str(entry["name"]): entry
        for entry in tomllib.loads((MAPS / "sources.toml").read_text(encoding="utf-8"))["file"]
    }
    done = []
    for body_map in BODY_MAPS:
        volume = _prepare(body_map, facts[body_map.file])
        save_prepared([volume], out_dir)
        if picture_dir is not None:
            picture = picture_dir / f"{body_map.name}.png"
            write_montage(picture, volume.image, volume.labels, volume.spacing)
        done.append(volume)
    return done


def read_stack_labels() -> np.ndarray:
    """Labels of the Visible Human Male's frames, uint8 (frames, H, W), organs told apart."""
    with np.load(MAPS / STACK_LABELS, allow_pickle=False) as stored:
        return stored["labels"]


def with_organs(codes: np.ndarray, organs: np.ndarray) -> np.ndarray:
    """Labels of a frame (H, W) with the organs of another labelling of it laid over the body."""
    told = (organs > Tissue.OTHER) | np.isin(organs, (Tissue.BLOOD, Tissue.CSF, Tissue.AIR))
    soft = ~np.isin(codes, (Tissue.BACKGROUND, Tissue.SKIN))
    # The first labelling calls the vessels of every organ blood; the second tells them apart.
    blood = (codes == Tissue.BLOOD) & (organs != Tissue.BACKGROUND)
    return np.where((told & soft) | blood, organs, codes).astype(np.uint8)


def _prepare(body_map: BodyMap, facts: dict[str, str]) -> PreparedVolume:
    scan = read_scan(MAPS / body_map.file)
    structures = scan.array.astype(np.uint8)
    if body_map.structure_file is not None:
        codes = read_scan(MAPS / body_map.structure_file).array
        for structure, members in _BRAIN_STRUCTURES.items():
            structures[np.isin(codes, members)] = structure
    box = box_around(structures > 0, _MARGIN_VOXELS)
    structures = np.ascontiguousarray(structures[box])
    entry = ManifestEntry(
        name=body_map.name,
        file=f"{body_map.name}.npz",
        kind="mri",
        split=body_map.split,
        source=f"training/data/maps/{body_map.file}",
        source_sha256=facts["sha256"],
        licence=facts["licence"],
        recipe="A label map; there is no scan.",
        region=body_map.region,
    )
    fine = structures if is_fine(structures) else None
    image = np.zeros(structures.shape, np.uint8)
    return PreparedVolume(entry, image, tissue_of(structures), scan.spacing, structures=fine)
