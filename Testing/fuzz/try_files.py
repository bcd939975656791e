"""A damaged file given to the command, as the MRI or as its mask."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from cli.made import write_nifti
from fuzz.choices import Seeded
from fuzz.command import files_below, run_command
from fuzz.damage import WEIGHTED, damaged
from fuzz.outcome import Outcome, refusal_of, require
from fuzz.samples import KINDS, write_sample


def file_trial(job: tuple[int, Path]) -> Outcome:
    """The trial of a seed with a model's folder. Raises BrokenPromise."""
    seed, model = job
    choices = Seeded(seed)
    kind, how = choices.pick(tuple(KINDS)), choices.pick(WEIGHTED)
    as_mask = choices.integer(0, 9) == 0
    root = Path(tempfile.mkdtemp(prefix="fuzz-file-"))
    try:
        folder = root / "in"
        folder.mkdir()
        given = damaged(kind, how, write_sample(kind, folder), choices)
        words: list[object] = [given, "--model", model, "--quiet", "-o", root / "out"]
        if as_mask:
            words = [write_nifti(root / "head.nii.gz"), "--mask", *words]
        before = files_below(root)
        refusal = refusal_of(run_command(words))
        made = {path.name for path in files_below(root) - before}
        if refusal is None:
            require(made in ({"head_color.nrrd", "head_color.png"}, _names(given)), f"made {made}")
        else:
            require(not made, f"refused, and left {made}")
            require(how != "none", f"a good {kind} was refused: {refusal}")
            require("not enough memory" not in refusal, "memory ran out")
    finally:
        shutil.rmtree(root)
    return Outcome(f"{kind}: {how}", refusal)


def _names(given: Path) -> set[str]:
    from MRIColorizeLib.files.kinds import stem

    return {f"{stem(given)}_color.nrrd", f"{stem(given)}_color.png"}
