"""A run killed at any moment leaves a whole set or nothing, and the next run clears up."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import nrrd
from PIL import Image

from cli.made import write_nifti
from fuzz.choices import Seeded
from fuzz.command import run_command
from fuzz.outcome import Outcome, require
from MRIColorizeLib.staging import PREFIX

SET = {"head_color.nrrd", "head_color.png", "head_tissue.seg.nrrd", "head_confidence.nrrd"}


def kill_trial(job: tuple[int, Path]) -> Outcome:
    """Kill a run after a time that follows from the seed, then run again. Raises BrokenPromise."""
    seed, model = job
    root = Path(tempfile.mkdtemp(prefix="fuzz-kill-"))
    try:
        head, out = write_nifti(root / "head.nii.gz"), root / "out"
        words = [head, "--model", model, "--tissue", "--confidence", "--quiet", "-o", out]
        child = os.fork()
        if child == 0:
            run_command(words)
            os._exit(0)
        time.sleep(Seeded(seed).real(0.0, 1.0))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        names = {path.name for path in out.iterdir()} if out.exists() else set()
        done = {name for name in names if not name.startswith(PREFIX)}
        require(done <= SET, f"left {done}")
        require(
            "head_color.nrrd" not in done or done == SET, f"the volume came before {SET - done}"
        )
        _check_whole(out, done)
        require(run_command(words).code == 0, "the next run failed")
        require({path.name for path in out.iterdir()} == SET, "the next run did not clear up")
        _check_whole(out, SET)
    finally:
        shutil.rmtree(root)
    when = "while writing" if names - done else "after the last" if done else "before the first"
    return Outcome(f"killed {when} output", None)


def _check_whole(folder: Path, names: set[str]) -> None:
    """Read each file to its end."""
    for name in names:
        if name.endswith(".png"):
            with Image.open(folder / name) as picture:
                picture.load()
        else:
            nrrd.read(str(folder / name))
