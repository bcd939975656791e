"""The full Visible Human as training data: labelled by SegNet, apart from what tests look at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from MRIColorizeLib.tissue import Tissue
from training.data.cryosection import TEST_SLABS, VALIDATION_FRAMES
from training.data.cryosection_stack import STACK_FRAMES
from training.data.prepared import ManifestEntry, PreparedVolume, save_prepared
from training.data.visible_human import BODIES, CHECKSUMS, VisibleHumanError
from training.data.visible_human_read import PhotographStack, read_photographs

GAP_FRAMES = 1.5  # of the coarse stack, from a held-out one to the nearest training slice
HEAD = 0.13  # share of the body's length; the test slice of the female lies in it
NECK = 0.16
COLLECTION_ADDRESS = (
    "https://portal.imaging.datacommons.cancer.gov/collections/nlm_visible_human_project"
)
LICENCE = (
    "public domain (NLM Visible Human Project, no licence needed since 2019; credit: Courtesy of "
    "the U.S. National Library of Medicine)"
)


def prepare_visible_human(
    folder: Path,
    out: Path,
    network: Callable[[Tensor], Tensor],
    report: Callable[[str], None] = print,
) -> PreparedVolume:
    """Label the photographs that `visible-human` downloaded into `folder`, and save them to `out`.

    network: colours (B, 3, H, W) in [0, 1] to class logits, as SegNet does at 1 mm a pixel.
    Raises VisibleHumanError or CryosectionError.
    """
    checksums = folder / CHECKSUMS
    if not checksums.is_file():
        raise VisibleHumanError(
            f"{folder} holds no whole series; `python -m training visible-human` brings one."
        )
    stack = read_photographs(sorted(folder.glob("*.dcm")), report=report)
    labels = np.stack([label_slice(stack, k, network) for k in range(len(stack.rgb))])
    sexes = {patient: sex for sex, patient in BODIES.items()}
    if stack.patient not in sexes:
        raise VisibleHumanError(f"{folder} shows {stack.patient}, not the Visible Human.")
    name = f"visible_human_{sexes[stack.patient]}"
    entry = ManifestEntry(
        name=name,
        file=f"{name}.npz",
        kind="cryosection",
        split="train",
        source=COLLECTION_ADDRESS,
        source_sha256=hashlib.sha256(checksums.read_bytes()).hexdigest(),
        licence=LICENCE,
        recipe="Gel and scale removed; labels by SegNet, not looked at; source_sha256 is of the "
        "list of the files' checksums.",
        frames=split_body(stack.body, sexes[stack.patient]),
    )
    volume = PreparedVolume(entry, stack.rgb, labels, stack.spacing)
    save_prepared([volume], out)
    return volume


@torch.inference_mode()
def label_slice(
    stack: PhotographStack, index: int, network: Callable[[Tensor], Tensor]
) -> np.ndarray:
    """Tissue codes uint8 (H, W) of one photograph by a network's classes."""
    picture = torch.from_numpy(stack.rgb[index]).permute(2, 0, 1)[None].float() / 255
    codes = network(picture).argmax(1)[0].numpy().astype(np.uint8)
    body = stack.body[index]
    lost = body & (codes == Tissue.BACKGROUND)
    codes[lost] = np.where(stack.cavity[index], Tissue.AIR, Tissue.OTHER)[lost]
    codes[~body] = Tissue.BACKGROUND
    return codes


def split_body(body: np.ndarray, sex: str) -> dict[str, tuple[int, ...]]:
    """Indices of train, val and test along a stack (K, H, W) that runs from crown to toe.

    The male has the same held-out levels as the coarse stack of his photographs, which shows the
    same organs; of the female the head is for tests. Between the parts lie slices for none.
    """
    shown = np.flatnonzero(body.any(axis=(1, 2)))
    if not len(shown):
        raise VisibleHumanError("The photographs show no body.")
    length = max(int(shown[-1] - shown[0]), 1)
    depth = {int(k): (int(k) - int(shown[0])) / length for k in shown}  # 0 crown, 1 toe
    parts: dict[str, list[int]] = {"train": [], "val": [], "test": []}
    for k, place in depth.items():
        part = _male_part(place * (STACK_FRAMES - 1)) if sex == "male" else _female_part(place)
        if part is not None:
            parts[part].append(k)
    return {part: tuple(indices) for part, indices in parts.items() if indices}


def _male_part(frame: float) -> str | None:
    """Part of a level, given as a fraction of the coarse stack's frames."""
    test = [number for slab in TEST_SLABS for number in slab]
    for part, held in (("test", test), ("val", VALIDATION_FRAMES)):
        if min(abs(frame - number) for number in held) <= 0.5:
            return part
    away = min(abs(frame - number) for number in (*test, *VALIDATION_FRAMES))
    return "train" if away >= GAP_FRAMES else None


def _female_part(place: float) -> str | None:
    if place < HEAD:
        return "test"
    return "train" if place > NECK else None
